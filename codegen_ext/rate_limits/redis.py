"""Windows in Redis: one script and one round trip for each try, on the clock of the Redis server."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from ..storage import open_redis, redis_errors
from .store import Reply, Sent
from .window import Limit, Usage, Window

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
        stem = f"{PREFIX}{{{scope}}}:"  # the braces keep a scope on one node of a cluster
        keys, arguments = [f"{stem}life", f"{stem}peers"], [process, member, life]
        for name, requests, window in limits:
            keys += (f"{stem}{name}", f"{stem}{name}:closed")
            arguments += (str(requests), str(window))
        with redis_errors():
            known, wait, peers, used = self._attempt(keys, arguments)
        return Reply(known.decode(), wait, peers, used)

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        """Write down what went without the store, and for how long limits are closed."""
        with redis_errors():
            now = self._now()
            scores: dict[Limit, dict[str, int]] = {}
            for limits, member, age in sent:
                for limit in limits:
                    scores.setdefault(limit, {})[member] = now - age
            with self._redis.pipeline(transaction=False) as pipeline:
                for limit, members in scores.items():
                    pipeline.zadd(_key(scope, limit), members)
                    pipeline.pexpire(_key(scope, limit), math.ceil(limit.window / 1000))
                for limit, period in closures.items():
                    self._close([f"{_key(scope, limit)}:closed"], [math.ceil(period / 1000)], pipeline)
                pipeline.execute()

    def remove(self, scope: str, limits: Sequence[Limit], member: str) -> None:
        """Forget a request that did not go."""
        with redis_errors(), self._redis.pipeline(transaction=False) as pipeline:
            for limit in limits:
                pipeline.zrem(_key(scope, limit), member)
            pipeline.execute()

    def usage(self, scope: str, limits: Sequence[Limit]) -> list[Usage]:
        """Describe each window to users."""
        with redis_errors():
            now = self._now()
            with self._redis.pipeline(transaction=False) as pipeline:
                for limit in limits:
                    pipeline.zrangebyscore(_key(scope, limit), now - limit.window + 1, "+inf", withscores=True)
                    pipeline.pttl(f"{_key(scope, limit)}:closed")
                answers: list[Any] = pipeline.execute()
        usages = []
        for limit, entries, closed_ms in zip(limits, answers[::2], answers[1::2], strict=True):
            window = Window(limit, (min(int(score), now) for _, score in entries))
            window.closed = now + closed_ms * 1_000
            usages.append(window.usage(now, window.wait(now), window.closed))
        return usages

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._redis.connection_pool.disconnect(inuse_connections=False)

    def _now(self) -> int:
        seconds, microseconds = self._redis.time()
        return seconds * 1_000_000 + microseconds


def _key(scope: str, limit: Limit) -> str:
    return f"{PREFIX}{{{scope}}}:{limit.name}"
