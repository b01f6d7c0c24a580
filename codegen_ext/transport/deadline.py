"""The end of a call, kept also while httpx reads: it knows time-outs for each step, and a slow answer has many."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..clock import Clock

SOON = 0.001
"""Seconds for a phase that begins when the time is over, so that it fails as one that takes too long does."""


class Timeouts(dict[str, float | None]):
    """The time-outs of an attempt, as httpcore reads them: each at most what is left when its phase begins.

    Cutting them once, before the attempt, would let connecting and reading take what is left one after the other.
    """

    def __init__(self, timeouts: Mapping[str, float | None], deadline: float, clock: Clock) -> None:
        self._deadline = deadline
        self._now = clock.monotonic
        self._reading: TimeLeft | None = None
        self.sent_at: float | None = None
        """The monotonic second at which there was a connection and the request began to be written."""
        left = self.left()
        super().__init__({phase: left if most is None or most > left else most for phase, most in timeouts.items()})

    def left(self) -> float:
        """Return the seconds until the end of the call, a thousandth when it is over."""
        left = self._deadline - self._now()
        return left if left > SOON else SOON

    def get(self, phase: str, default: Any = None) -> Any:
        """Return the seconds for a phase that begins now."""
        # httpcore asks five times for each request, so the usual case, in which nothing is cut, comes first.
        seconds = super().get(phase, default)
        if seconds is None:
            return None
        now = self._now()
        if phase == "write" and self.sent_at is None:
            self.sent_at = now
        left = self._deadline - now
        if seconds > left:
            seconds = left if left > SOON else SOON
        if phase != "read":
            return seconds
        if self._reading is None or self._reading > seconds:
            self._reading = TimeLeft(seconds)
            self._reading.whole = self
        return self._reading


class TimeLeft(float):
    """The seconds of a phase; each of its steps may take so long, but no longer than the call."""

    __slots__ = ("whole",)
    whole: Timeouts

    def now(self) -> float:
        """Return what a step that begins now may take, at least a thousandth."""
        left = self.whole.left()
        return left if left < self else self


def keep_deadlines(transport: Any) -> Any:
    """Let each read of a transport of httpx, sync or async, end with the call; return the transport."""
    pool = transport._pool
    is_async = hasattr(transport, "handle_async_request")
    pool._network_backend = (_AsyncBackend if is_async else _Backend)(pool._network_backend)
    return transport


class _Wrapper:
    """Does what the wrapped object of httpcore does, of which no class is imported: that would cost every import."""

    def __init__(self, wrapped: Any) -> None:
        self._wrapped = wrapped

    def __getattr__(self, name: str) -> Any:
        found = self.__dict__[name] = getattr(self._wrapped, name)  # the next time it is found without this
        return found


class _Stream(_Wrapper):
    def read(self, max_bytes: int, timeout: float | None = None) -> Any:
        if isinstance(timeout, TimeLeft):
            timeout = timeout.now()
            if timeout <= SOON:  # a read that finds something would succeed for ever
                from httpcore import ReadTimeout

                raise ReadTimeout("the response did not end in time")
        return self._wrapped.read(max_bytes, timeout=timeout)

    def start_tls(self, *args: Any, **options: Any) -> Any:
        return _Stream(self._wrapped.start_tls(*args, **options))


class _AsyncStream(_Stream):
    async def start_tls(self, *args: Any, **options: Any) -> Any:
        return _AsyncStream(await self._wrapped.start_tls(*args, **options))


class _Backend(_Wrapper):
    def connect_tcp(self, *args: Any, **options: Any) -> Any:
        return _Stream(self._wrapped.connect_tcp(*args, **options))


class _AsyncBackend(_Wrapper):
    async def connect_tcp(self, *args: Any, **options: Any) -> Any:
        return _AsyncStream(await self._wrapped.connect_tcp(*args, **options))
