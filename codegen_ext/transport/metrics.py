"""Counting and timing requests per operation: whole calls, and the attempts that they are made of."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

import httpx

from ..clock import SYSTEM_CLOCK, Clock
from .extensions import CACHED, OPERATION
from .histogram import Histogram

Level = Literal["call", "attempt"]


def operation_of(request: httpx.Request) -> str:
    """Return the name under which a request is counted; never its URL."""
    return request.extensions.get(OPERATION) or f"{request.method} other"


class OperationMetrics:
    """What was seen of one operation; times are seconds."""

    __slots__ = ("cache_hits", "errors", "latency", "retries", "statuses", "wait_seconds")

    def __init__(self) -> None:
        self.errors = 0
        self.statuses = Counter[int]()
        self.retries = 0
        self.wait_seconds = 0.0
        self.cache_hits = 0
        self.latency = Histogram()

    @property
    def requests(self) -> int:
        """How many requests were counted."""
        return self.latency.count

    def merge(self, other: OperationMetrics) -> None:
        """Count everything that was seen elsewhere."""
        self.errors += other.errors
        self.statuses += other.statuses
        self.retries += other.retries
        self.wait_seconds += other.wait_seconds
        self.cache_hits += other.cache_hits
        self.latency.merge(other.latency)

    def as_dict(self) -> dict[str, Any]:
        """Return the numbers by name."""
        return {
            "requests": self.requests,
            "errors": self.errors,
            "average_response_time": self.latency.mean,
            **_quantiles(self.latency),
            "status_codes": dict(sorted(self.statuses.items())),
            "retries": self.retries,
            "wait_seconds": self.wait_seconds,
            "cache_hits": self.cache_hits,
        }


def merged(seen: Iterable[OperationMetrics]) -> OperationMetrics:
    """Return what was seen altogether."""
    total = OperationMetrics()
    for one in seen:
        total.merge(one)
    return total


class MetricsCollector:
    """Counts requests, errors, statuses, retries, waits, cache hits and durations; may be used by several threads."""

    def __init__(self, clock: Clock = SYSTEM_CLOCK) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start counting anew."""
        with self._lock:
            self._seen: dict[Level, dict[str, OperationMetrics]] = {"call": {}, "attempt": {}}
            self._since = self._clock.monotonic()

    def record(
        self, operation: str, seconds: float, status: int | None, *, cached: bool = False, level: Level = "call"
    ) -> None:
        """Count one request; `status` is None when no answer came."""
        with self._lock:
            seen = self._operation(operation, level)
            seen.latency.add(seconds)
            if status is None:
                seen.errors += 1
            else:
                seen.statuses[status] += 1
                if status >= 400:
                    seen.errors += 1
            if cached:
                seen.cache_hits += 1

    def record_retry(self, operation: str) -> None:
        """Count one repetition of a request."""
        with self._lock:
            self._operation(operation, "call").retries += 1

    def record_wait(self, operation: str, seconds: float) -> None:
        """Count seconds for which a call waited for a rate limit."""
        with self._lock:
            self._operation(operation, "call").wait_seconds += seconds

    def _operation(self, operation: str, level: Level) -> OperationMetrics:
        table = self._seen[level]
        seen = table.get(operation)
        if seen is None:
            seen = table[operation] = OperationMetrics()
        return seen

    def record_request(
        self,
        method: str,
        endpoint: str,
        duration: float,
        status_code: int,
        request_id: str | None = None,  # noqa: ARG002 - existing callers pass it
        cached: bool = False,
    ) -> None:
        """Count one request by method and endpoint; `duration` is seconds, `request_id` is not kept."""
        self.record(f"{method} {endpoint}", duration, status_code, cached=cached)

    def snapshot(self, level: Level) -> dict[str, OperationMetrics]:
        """Return a copy of what was counted of each operation since the last reset."""
        with self._lock:
            return {name: merged([seen]) for name, seen in sorted(self._seen[level].items())}

    def get_stats(self) -> dict[str, Any]:
        """Return what was counted since the last reset; rates are fractions of 1, times are seconds.

        All but `attempts` and `total_attempts` is about whole calls, with their retries and waits.
        """
        calls, attempts = self.snapshot("call"), self.snapshot("attempt")
        total = merged(calls.values())
        requests, errors = total.requests, total.errors
        return {
            "uptime_seconds": self._clock.monotonic() - self._since,
            "total_requests": requests,
            "total_errors": errors,
            "error_rate": errors / requests if requests else 0.0,
            "success_rate": (requests - errors) / requests if requests else 1.0,
            "average_response_time": total.latency.mean,
            "avg_response_time": total.latency.mean,
            **_quantiles(total.latency),
            "cache_hit_rate": total.cache_hits / requests if requests else 0.0,
            "cache_hits": total.cache_hits,
            "retries": total.retries,
            "wait_seconds": total.wait_seconds,
            "status_code_distribution": dict(sorted(total.statuses.items())),
            "operations": {name: seen.as_dict() for name, seen in calls.items()},
            "total_attempts": sum(seen.requests for seen in attempts.values()),
            "attempts": {name: seen.as_dict() for name, seen in attempts.items()},
        }


def _quantiles(latency: Histogram) -> dict[str, float]:
    return dict(zip(("p50", "p95", "p99"), latency.quantiles((0.5, 0.95, 0.99)), strict=True))


class Stats(dict[str, dict[str, Any]]):
    """Statistics by key (`stats["metrics"]["error_rate"]`) and by attribute (`stats.error_rate`); ready for JSON."""

    def __getattr__(self, name: str) -> Any:
        for section in self.values():
            if name in section:
                return section[name]
        raise AttributeError(f"there is no statistic {name!r}")


class MetricsTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Times each request of the wrapped transport, to the end of the response's head, under its operation's id.

    Outside of cache and retry it counts calls, inside of them, with `level="attempt"`, what really travels.
    """

    def __init__(
        self, wrapped: Any, collector: MetricsCollector, clock: Clock = SYSTEM_CLOCK, level: Level = "call"
    ) -> None:
        self._wrapped = wrapped
        self._collector = collector
        self._clock = clock
        self._level: Level = level

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send and count."""
        start = self._clock.monotonic()
        response: httpx.Response | None = None
        try:
            response = self._wrapped.handle_request(request)
            return response
        finally:
            self._record(request, start, response)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send and count."""
        start = self._clock.monotonic()
        response: httpx.Response | None = None
        try:
            response = await self._wrapped.handle_async_request(request)
            return response
        finally:
            self._record(request, start, response)

    def _record(self, request: httpx.Request, start: float, response: httpx.Response | None) -> None:
        seconds, operation = self._clock.monotonic() - start, operation_of(request)
        if response is None:
            self._collector.record(operation, seconds, None, level=self._level)
        else:
            cached = CACHED in response.extensions
            self._collector.record(operation, seconds, response.status_code, cached=cached, level=self._level)

    def close(self) -> None:
        """Close the wrapped transport."""
        self._wrapped.close()

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._wrapped.aclose()
