"""Rate limits: exact sliding windows of a process, of a file, or of Redis, and a process's share of shared ones.

pyrate-limiter and `limits` are not used: neither combines a group's limit with a cap, closes a group after 429, keeps
waiters in order of arrival across threads and event loops, or keeps an exact window over several processes.
"""
