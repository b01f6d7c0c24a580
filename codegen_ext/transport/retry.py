"""Repeating a request that failed in passing, inside one budget of time, and only where repeating does no harm."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from datetime import timedelta
from typing import Any, NamedTuple

import httpx
from codegen_api.operations import OPERATIONS

from ..clock import SYSTEM_CLOCK, Clock
from ..exchange import retry_after_of
from ..flow import Sleep
from .deadline import Timeouts
from .extensions import ATTEMPT, DEADLINE, MAX_RETRIES, OPERATION, STREAM
from .steps import Close, Read, Send, SteppedTransport, Steps


class RetryPolicy(NamedTuple):
    """How often and how soon; delays are seconds.

    `budget` is the number of seconds for a request that brings no deadline, None for as long as it takes.
    """

    max_retries: int = 3
    delay: float = 1.0
    factor: float = 2.0
    statuses: Collection[int] = (429, 500, 502, 503, 504)
    budget: float | None = None

    def pause(self, attempt: int, draw: Callable[[], float]) -> float:
        """Return the pause after an attempt, counted from 0: full jitter below an exponential bound."""
        try:
            return draw() * min(self.delay * self.factor**attempt, MAX_PAUSE)
        except OverflowError:  # after some hundreds of attempts
            return draw() * MAX_PAUSE


MAX_PAUSE = 60.0
OnRetry = Callable[[httpx.Request, httpx.Response | Exception, float], object]
"""Told before each repetition: the request, the closed response or the exception that failed, the seconds of pause."""


def never_arrived(error: BaseException | None) -> bool:
    """Whether a failure happened before the request can have reached the service."""
    return isinstance(error, httpx.ConnectError | httpx.ConnectTimeout | httpx.PoolTimeout | httpx.ProxyError)


class RetryTransport(SteppedTransport):
    """Repeats requests of the wrapped transport.

    A failure to connect and 429 are repeated always; a failure after the request may have arrived, and a status of
    5xx, only for an operation that the contract calls idempotent, or, for a request outside the contract, by method.
    """

    def __init__(
        self,
        wrapped: Any,
        policy: RetryPolicy | None = None,
        clock: Clock = SYSTEM_CLOCK,
        *,
        draw: Callable[[], float] = random.random,
        on_retry: OnRetry | None = None,
    ) -> None:
        super().__init__(wrapped, clock)
        self._policy = policy or RetryPolicy()
        self._draw = draw
        self._on_retry = on_retry

    def steps(self, request: httpx.Request) -> Steps:
        """Send until it works, until it is not worth it, or until the time is over."""
        extensions = request.extensions
        deadline: float | None = extensions.get(DEADLINE)
        if deadline is None and self._policy.budget is not None:
            deadline = self._clock.monotonic() + self._policy.budget
        retries: int = extensions.get(MAX_RETRIES, self._policy.max_retries)
        timeouts: dict[str, float | None] = dict(extensions.get("timeout", {}))
        attempt = 0
        failure: httpx.Response | Exception
        while True:
            start = self._clock.monotonic()
            extensions[ATTEMPT] = attempt + 1
            if deadline is not None:
                extensions["timeout"] = Timeouts(timeouts, deadline, self._clock)
            try:
                response: httpx.Response = yield Send(request)
                if extensions.get(STREAM):
                    extensions["timeout"] = timeouts  # what comes from now on may outlast the call
                else:
                    yield Read(response, request, deadline)
                    # httpx measures it while it reads the body, of which nothing is left for it.
                    response.elapsed = timedelta(seconds=self._clock.monotonic() - start)
            except (httpx.TransportError, httpx.DecodingError) as error:
                if attempt >= retries or not self._may_repeat(request, error):
                    raise
                pause = self._policy.pause(attempt, self._draw)
                if not self._fits(deadline, pause):
                    raise
                failure = error
            else:
                status = response.status_code
                if status not in self._policy.statuses or attempt >= retries:
                    return response
                if status != 429 and not is_idempotent(request):
                    return response
                pause = max(self._policy.pause(attempt, self._draw), retry_after_of(response) or 0.0)
                if not self._fits(deadline, pause):
                    return response
                yield Close(response)
                failure = response
            if self._on_retry is not None:
                self._on_retry(request, failure, pause)
            yield Sleep(pause)
            attempt += 1

    @staticmethod
    def _may_repeat(request: httpx.Request, error: Exception) -> bool:
        # A LocalProtocolError is about the request itself, which would not get any better.
        return never_arrived(error) or (is_idempotent(request) and not isinstance(error, httpx.LocalProtocolError))

    def _fits(self, deadline: float | None, pause: float) -> bool:
        return deadline is None or self._clock.monotonic() + pause < deadline


def is_idempotent(request: httpx.Request) -> bool:
    """Whether doing what a request asks for twice is the same as doing it once."""
    operation = OPERATIONS.get(request.extensions.get(OPERATION, ""))
    # RFC 9110, 9.2.2
    return operation.idempotent if operation else request.method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE")
