"""Rate limits: buckets of bookings, and the stores that keep them for a process, a machine or a fleet.

pyrate-limiter's buckets are not used: they take their time from the client's clock, need a file lock, know neither
closures nor other processes nor bookings, and cost 75 ms of import.
"""
