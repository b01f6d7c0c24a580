"""The shared place in Redis: one script, one round trip for each question, on the clock of the Redis server."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from ..errors import ConfigurationError
from .plan import Bucket, Use, use_of
from .primary import Away, Reply

if TYPE_CHECKING:
    from redis import Redis
    from redis.commands.core import Script

T = TypeVar("T")

PREFIX = "codegen:limit:"
"""How the names of all keys begin."""
CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
_CHUNK = 1_000
_SCRIPT = Path(__file__).with_name("redis.lua")


class RedisPrimary:
    """Buckets in Redis. Every key expires; nobody ever holds a lock, so a process may be killed at any moment.

    Raises ConfigurationError when the package `redis` is missing or the address is wrong.
    """

    def __init__(self, address: str) -> None:
        self._redis = _connect(address)
        self._script: Script = self._redis.register_script(_SCRIPT.read_text("utf-8"))

    def take(
        self, ticket: str, buckets: Sequence[Bucket], budget: int | None, after: int, process: str, life: str
    ) -> Reply:
        """Book or confirm a place."""
        words = [ticket, "" if budget is None else budget, after, process, life]
        name, *answer = self._act("take", buckets[0].scope, buckets, words)
        if not answer:
            return Reply(name.decode())
        wait, booked, peers, totals = answer
        return Reply(name.decode(), wait, bool(booked), peers, tuple(totals))

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        """Give up a place."""
        self._act("release", buckets[0].scope, buckets, [ticket])

    def close_for(self, buckets: Sequence[Bucket], period: int) -> None:
        """Close the first bucket."""
        self._act("close", buckets[0].scope, buckets, [period])

    def replay(self, scope: str, went: Mapping[Bucket, Mapping[str, int]]) -> str:
        """Write down what went, some of it at a time, and return the place's name."""
        life = self._act("replay", scope, [], [os.urandom(8).hex()])
        for bucket, ages in went.items():
            pairs = list(ages.items())
            for start in range(0, len(pairs), _CHUNK):
                part = pairs[start : start + _CHUNK]
                words = [os.urandom(8).hex(), len(part), *(word for pair in part for word in pair)]
                life = self._act("replay", scope, [bucket], words)
        name: str = life.decode()
        return name

    def status(self, buckets: Sequence[Bucket]) -> list[Use]:
        """Return how each bucket is used."""
        answers = self._act("status", buckets[0].scope, buckets, [])
        return [
            use_of(bucket, used, oldest or None, free, closed, now)
            for bucket, (used, oldest, free, closed, now) in zip(buckets, answers, strict=True)
        ]

    def close(self) -> None:
        """Close the connections."""
        self._redis.connection_pool.disconnect()

    def _act(self, action: str, scope: str, buckets: Sequence[Bucket], words: list[Any]) -> Any:
        stem = f"{PREFIX}{{{scope}}}:"  # the braces keep a scope on one node of a cluster
        keys = [f"{stem}life", f"{stem}peers"]
        args: list[Any] = [action, len(buckets)]
        for bucket in buckets:
            name = stem + bucket.name.removeprefix(f"{scope}:")
            keys += (name, f"{name}:gate")
            args += (bucket.requests, bucket.window)
        return self._ask(lambda: self._script(keys=keys, args=[*args, *words]))

    def _ask(self, question: Callable[[], T]) -> T:
        from redis.exceptions import ConnectionError, RedisError

        try:
            try:
                return question()
            except ConnectionError:
                # A connection may have died of age. Every question can be asked twice.
                self._redis.connection_pool.disconnect(inuse_connections=False)
                return question()
        except (RedisError, OSError) as error:
            raise Away(error) from None  # its text may hold the address


def _connect(address: str) -> Redis:
    try:
        from redis import Redis
        from redis.backoff import NoBackoff
        from redis.retry import Retry
    except ImportError as error:
        raise ConfigurationError(
            "shared_state in Redis needs an extra: pip install 'codegen-sdk[redis]'", "shared_state"
        ) from error
    try:
        client = Redis.from_url(
            address,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        pool = client.connection_pool
        pool.connection_class(**pool.connection_kwargs)  # which finds unknown options, and connects to nothing
        return client
    except (TypeError, ValueError):
        # Without the cause, which may quote the address and the password in it.
        problem = "shared_state must be an address such as redis://host:6379/0"
        raise ConfigurationError(problem, "shared_state") from None
