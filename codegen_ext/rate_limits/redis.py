"""Windows in Redis: one script and one round trip for each try, on the clock of the Redis server."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files
from typing import Any

from ..storage import open_redis, redis_errors
from .store import Reply, Sent
from .window import SECOND, Limit, Window

PREFIX = "codegen:limit:"
"""How all keys begin. They expire, and hold no credential."""
_CLOSE = """
if tonumber(ARGV[1]) > math.max(0, redis.call('PTTL', KEYS[1])) then redis.call('SET', KEYS[1], '', 'PX', ARGV[1]) end
"""


class RedisWindows:
    """Windows of any number of credentials in one Redis; holds no lock, so a process may be killed at any moment.

    Raises:
        ConfigurationError: when the extra `redis` is missing or the address is wrong.

    """

    def __init__(self, address: str) -> None:
        self._redis = open_redis(address)
        self._attempt = self._redis.register_script(files(__package__).joinpath("redis.lua").read_bytes())
        self._close = self._redis.register_script(_CLOSE)

    def attempt(self, scope: str, limits: Sequence[Limit], process: str, member: str, life: str) -> Reply:
        """Write a request down in all windows if they have room."""
        from redis.exceptions import NoScriptError

        keys, numbers = _arguments(scope, tuple(limits))
        arguments = [process, member, life, *numbers]
        found: Any
        with redis_errors():
            try:  # as the Script does, which itself costs a tenth of the round trip
                found = self._redis.evalsha(self._attempt.sha, len(keys), *keys, *arguments)
            except NoScriptError:
                found = self._attempt(keys, arguments)
        known, wait, peers, used = found
        return Reply(known.decode(), wait, peers, used)

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        """Write down, also again, what went at other times, and for how long limits are closed."""
        with redis_errors():
            now = self._now()
            scores: dict[Limit, dict[str, int]] = {}
            for limits, member, age in sent:
                for limit in limits:
                    scores.setdefault(limit, {})[member] = now - age
            with self._redis.pipeline(transaction=False) as pipeline:
                for limit, members in scores.items():
                    pipeline.zadd(_key(scope, limit.name), members)
                    pipeline.pexpire(_key(scope, limit.name), math.ceil(limit.window / 1000))
                for limit, period in closures.items():
                    self._close([_key(scope, limit.name, ":closed")], [math.ceil(period / 1000)], pipeline)
                pipeline.execute()

    def read(self, scope: str, limits: Sequence[Limit]) -> tuple[int, list[Window]]:
        """Return the server's time and its windows."""
        with redis_errors():
            now = self._now()
            with self._redis.pipeline(transaction=False) as pipeline:
                for limit in limits:
                    pipeline.zrangebyscore(_key(scope, limit.name), now - limit.window + 1, "+inf", withscores=True)
                    pipeline.pttl(_key(scope, limit.name, ":closed"))
                answers: list[Any] = pipeline.execute()
        return now, [
            Window(limit, (min(int(score), now) for _, score in entries), now + closed_ms * 1_000)
            for limit, entries, closed_ms in zip(limits, answers[::2], answers[1::2], strict=True)
        ]

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._redis.close()

    def _now(self) -> int:
        seconds, microseconds = self._redis.time()
        return seconds * SECOND + microseconds


def _key(scope: str, *parts: str) -> str:
    return f"{PREFIX}{{{scope}}}:{''.join(parts)}"  # the braces keep a scope on one node of a cluster


@lru_cache
def _arguments(scope: str, limits: tuple[Limit, ...]) -> tuple[list[str], list[str]]:
    keys = [_key(scope, "life"), _key(scope, "peers")]
    numbers: list[str] = []
    for name, requests, window in limits:
        keys += (_key(scope, name), _key(scope, name, ":closed"))
        numbers += (str(requests), str(window))
    return keys, numbers
