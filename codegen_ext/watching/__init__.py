"""Waiting for many runs with few requests: what to ask next, and who is to be woken.

`plan` chooses requests, `budget` spaces them, `state` keeps who waits for what; none of them performs anything.
`threads` and `loops` drive a state, `changes` follows a whole organisation.
"""
