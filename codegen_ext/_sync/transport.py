# Generated from codegen_ext/_async/transport.py by make generate; edit there.
"""The transport under every httpx client of this package: log, metrics, cache, retry, limit, attempt, network."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Protocol

import httpx

from .. import _logging
from .._request import ATTEMPT, CACHED, Call, call_of
from .._response import ResponseTooLarge, retry_after_of
from ..retry import RetryPolicy
from .locks import sleep

if TYPE_CHECKING:
    from ..clock import Clock
    from ..config import ClientConfig
    from ..metrics import MetricsCollector
    from .cache import ResponseCache
    from .network import Connection, Network
    from .rate_limiter import RateLimiter

Ended = Callable[[httpx.Response], object]


class Tracing(Protocol):
    """What wraps a call and each of its attempts, such as spans; each is told the response, or sees the exception."""

    def call(self, request: httpx.Request) -> AbstractContextManager[Ended]:
        """Wrap a whole call."""
        ...

    def attempt(self, request: httpx.Request) -> AbstractContextManager[Ended]:
        """Wrap one attempt; may add headers."""
        ...


class ClientTransport(httpx.BaseTransport):
    """Sends requests that carry a `Call`: one loop for everything that is to happen on the way to the network.

    Without limiter, cache or metrics their part is left out.
    """

    tracing: Tracing | None = None

    def __init__(
        self,
        config: ClientConfig,
        clock: Clock,
        network: Network,
        limiter: RateLimiter | None,
        cache: ResponseCache | None,
        metrics: MetricsCollector | None,
    ) -> None:
        self._config = config
        self._policy = RetryPolicy(config.retry_delay, config.retry_backoff_factor, frozenset(config.retry_on_status))
        self._clock = clock
        self._network = network
        self._limiter = limiter
        self._cache = cache
        self._metrics = metrics

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Log and count a call, and answer it from the cache or by sending the request."""
        call = call_of(request)
        is_logged = self._config.log_requests and _logging.is_verbose()
        if is_logged:
            _logging.log_request(request, call)
        start = self._clock.monotonic()
        response: httpx.Response
        status, cached = None, False
        try:
            with self.tracing.call(request) if self.tracing else _UNTRACED as ended:
                if self._cache is None:
                    response = self._send(request)
                else:
                    response = self._cache.handle(request, call, self._send)
                    cached = CACHED in response.extensions
                ended(response)
            status = response.status_code
        except Exception as error:
            if is_logged:
                _logging.log_failure(request, call, error, self._clock.monotonic() - start)
            raise
        finally:
            if self._metrics is not None:
                self._metrics.record(_counted_as(request, call), self._clock.monotonic() - start, status, cached=cached)
        if is_logged:
            seconds = self._clock.monotonic() - start
            _logging.log_response(request, call, response, seconds, with_body=self._config.log_responses)
        return response

    def _send(self, request: httpx.Request) -> httpx.Response:
        """Send a request, again while that is worth it and the deadline allows."""
        call = call_of(request)
        attempt = 1
        while True:
            request.extensions[ATTEMPT] = attempt
            outcome: httpx.Response | Exception
            try:
                outcome = self._attempt(request, call)
            except (httpx.TransportError, httpx.DecodingError) as error:
                outcome = error
            pause = None
            if isinstance(outcome, Exception) or outcome.status_code >= 400:
                pause = self._policy.pause_after(request, call, attempt, outcome)
            if pause is None:
                if isinstance(outcome, Exception):
                    raise outcome
                return outcome
            if isinstance(outcome, httpx.Response):
                outcome.close()
            if self._metrics is not None:
                self._metrics.record_retry(_counted_as(request, call))
            _logging.log_retry(request, call, outcome, pause)
            sleep(self._clock, pause, call.cancel)
            attempt += 1

    def _attempt(self, request: httpx.Request, call: Call) -> httpx.Response:
        """Send a request once and read the response, or only its head where the caller reads the body."""
        connection, slot = self._admit(request, call)
        start, status = self._clock.monotonic(), None
        try:
            with self.tracing.attempt(request) if self.tracing else _UNTRACED as ended:
                try:
                    response = connection.send(request, call.deadline)
                finally:
                    sent_at = connection.timing.sent_at
                    if self._limiter is not None and slot is not None and sent_at is not None:
                        self._limiter.sent(slot, sent_at)
                if call.stream and response.is_success:
                    connection.timing.end()
                else:
                    self._read(response, call)
                    response.elapsed = timedelta(seconds=self._clock.monotonic() - start)
                ended(response)
            status = response.status_code
        finally:
            if self._metrics is not None:
                seconds = self._clock.monotonic() - start
                self._metrics.record(_counted_as(request, call), seconds, status, level="attempt")
        if status == 429 and self._limiter is not None:
            self._limiter.refused(call, retry_after_of(response))
        return response

    def _admit(self, request: httpx.Request, call: Call) -> tuple[Connection, Any]:
        """Return a connection, and the slot within the limits at which the request may go."""
        if self._limiter is None:
            return self._network.admit(request, call), None
        if not self._limiter.is_shared:
            connection = self._network.admit(request, call)
            slot = self._limiter.try_acquire(call)
            if slot is not None:
                return connection, slot
            # What waits for one limit must not keep a connection from what another limit allows to go.
            connection.release(reusable=True)
        slot = self._limiter.acquire(call)
        return self._network.admit(request, call), slot

    def _read(self, response: httpx.Response, call: Call) -> None:
        """Read the body of a response into memory, within its limits, and close it."""
        is_encoded = "content-encoding" in response.headers
        body: Any = response.stream
        parts, size, most = [], 0, self._config.max_response_bytes
        try:
            # httpx's decoding costs more than reading, also where nothing is to be decoded.
            for part in response.iter_bytes() if is_encoded else body:
                size += len(part)
                if size > most:
                    raise ResponseTooLarge(f"the response has more than {most} bytes (max_response_bytes)")
                if call.deadline.expired:
                    raise httpx.ReadTimeout("the response did not end in time")
                parts.append(part)
            if is_encoded and _is_cut(response):
                raise httpx.DecodingError("the compressed response ended early")
        finally:
            body.close()
        response.is_closed = response.is_stream_consumed = True
        response._content = b"".join(parts)

    def close(self) -> None:
        """Close the network, the limiter and the cache."""
        try:
            self._network.close()
        finally:
            for part in (self._limiter, self._cache):
                if part is not None:
                    part.close()


_UNTRACED: AbstractContextManager[Ended] = nullcontext(id)


def _counted_as(request: httpx.Request, call: Call) -> str:
    """Return the name under which a request is counted; never its URL."""
    return call.operation.id if call.operation else f"{request.method} other"


def _is_cut(response: httpx.Response) -> bool:
    """Whether a compressed body ended before its end, which httpx does not notice."""
    decompressor = getattr(getattr(response, "_decoder", None), "decompressor", None)
    return response.num_bytes_downloaded > 0 and getattr(decompressor, "eof", True) is False
