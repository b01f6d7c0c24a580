"""Windows in Redis: one script and one round trip for each try, on the clock of the Redis server."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from importlib.resources import files

from ..storage import open_redis
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
        self._attempt = self._redis.script(files(__package__).joinpath("redis.lua").read_text(encoding="utf-8"))

    def attempt(self, scope: str, limits: Sequence[Limit], process: str, member: str, life: str) -> Reply:
        """Write a request down in all windows if they have room."""
        keys, numbers = _arguments(scope, limits)
        known, wait, peers, used = self._attempt(keys, [process, member, life, *numbers])
        return Reply(known.decode(), wait, peers, used)

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        """Write down, also again, what went at other times, and for how long limits are closed."""
        now = self._now()
        commands: list[Sequence[str | int]] = []
        for limits, member, age in sent:
            for limit in limits:
                commands.append(("ZADD", _key(scope, limit.name), now - age, member))
                commands.append(("PEXPIRE", _key(scope, limit.name), _milliseconds(limit.window)))
        for limit, period in closures.items():
            commands.append(("EVAL", _CLOSE, 1, _key(scope, limit.name, ":closed"), _milliseconds(period)))
        if commands:
            self._redis.commands(*commands)

    def read(self, scope: str, limits: Sequence[Limit]) -> tuple[int, list[Window]]:
        """Return the server's time and its windows."""
        now = self._now()
        commands: list[Sequence[str | int]] = []
        for limit in limits:
            since = now - limit.window + 1
            commands.append(("ZRANGEBYSCORE", _key(scope, limit.name), since, "+inf", "WITHSCORES"))
            commands.append(("PTTL", _key(scope, limit.name, ":closed")))
        replies = self._redis.commands(*commands)
        return now, [
            Window(limit, (min(int(float(score)), now) for score in entries[1::2]), now + closed_ms * 1_000)
            for limit, entries, closed_ms in zip(limits, replies[::2], replies[1::2], strict=True)
        ]

    def close(self) -> None:
        """Close the connections that are not in use."""
        self._redis.close()

    def _now(self) -> int:
        seconds, microseconds = self._redis.command("TIME")
        return int(seconds) * SECOND + int(microseconds)


def _milliseconds(microseconds: int) -> int:
    return math.ceil(microseconds / 1000)


def _key(scope: str, *parts: str) -> str:
    return f"{PREFIX}{{{scope}}}:{''.join(parts)}"  # the braces keep a scope on one node of a cluster


@lru_cache
def _arguments(scope: str, limits: Sequence[Limit]) -> tuple[list[str], list[str]]:
    keys = [_key(scope, "life"), _key(scope, "peers")]
    numbers: list[str] = []
    for name, requests, window in limits:
        keys += (_key(scope, name), _key(scope, name, ":closed"))
        numbers += (str(requests), str(window))
    return keys, numbers
