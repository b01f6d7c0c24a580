"""Count and time requests per operation: whole calls, and the attempts that they are made of."""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Iterable
from typing import Any, Literal

from . import _fork
from ._attrdict import AttrDict
from .clock import SYSTEM_CLOCK, Clock

Level = Literal["call", "attempt"]


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
            **dict(zip(("p50", "p95", "p99"), self.latency.quantiles((0.5, 0.95, 0.99)), strict=True)),
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
        _fork.register(self)

    def after_fork(self) -> None:
        """Count from 0 in the child."""
        self._lock = threading.Lock()
        self.reset()

    def reset(self) -> None:
        """Start counting from 0."""
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
            seen.errors += status is None or status >= 400
            seen.cache_hits += cached
            if status is not None:
                seen.statuses[status] += 1

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
        return table[operation] if operation in table else table.setdefault(operation, OperationMetrics())

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

    def get_stats(self) -> AttrDict:
        """Return what was counted since the last reset; rates are fractions of 1, times are seconds.

        All but `attempts` and `total_attempts` is about whole calls, with their retries and waits.
        """
        calls, attempts = self.snapshot("call"), self.snapshot("attempt")
        total = merged(calls.values()).as_dict()
        requests, errors, statuses = (total.pop(name) for name in ("requests", "errors", "status_codes"))
        return AttrDict(
            uptime_seconds=self._clock.monotonic() - self._since,
            total_requests=requests,
            total_errors=errors,
            error_rate=errors / requests if requests else 0.0,
            success_rate=(requests - errors) / requests if requests else 1.0,
            avg_response_time=total["average_response_time"],
            cache_hit_rate=total["cache_hits"] / requests if requests else 0.0,
            status_code_distribution=statuses,
            operations={name: seen.as_dict() for name, seen in calls.items()},
            total_attempts=sum(seen.requests for seen in attempts.values()),
            attempts={name: seen.as_dict() for name, seen in attempts.items()},
            **total,
        )


class Stats(dict[str, dict[str, Any]]):
    """Statistics by key (`stats["metrics"]["error_rate"]`) and by attribute (`stats.error_rate`); ready for JSON."""

    def __getattr__(self, name: str) -> Any:
        for section in self.values():
            if name in section:
                return section[name]
        raise AttributeError(f"there is no statistic {name!r}")


_PER_E = 10
"""Buckets between a duration and e times as much: any value is within tanh(1 / 20), less than 5 %, of its bucket's."""
_MIDDLE = 2 / (math.exp(1 / _PER_E) + 1)
_LEAST, _MOST = 1e-9, 1e9


class Histogram:
    """Counts durations in buckets whose bounds grow by 10.5 %; holds at most 417 numbers. Seconds throughout."""

    __slots__ = ("_buckets", "count", "total")

    def __init__(self) -> None:
        self.count = 0
        self.total = 0.0
        self._buckets: dict[int, int] = {}

    def add(self, seconds: float) -> None:
        """Count a duration; below a nanosecond it is nothing, above 30 years it is 30 years."""
        self.count += 1
        self.total += seconds
        number = _FIRST if not seconds > _LEAST else math.ceil(_PER_E * math.log(min(seconds, _MOST)))
        self._buckets[number] = self._buckets.get(number, 0) + 1

    def merge(self, other: Histogram) -> None:
        """Count everything that another histogram has counted."""
        self.count += other.count
        self.total += other.total
        self._buckets = dict(Counter(self._buckets) + Counter(other._buckets))

    @property
    def mean(self) -> float:
        """The mean duration, 0 when nothing was counted."""
        return self.total / self.count if self.count else 0.0

    def quantiles(self, fractions: Iterable[float]) -> list[float]:
        """Return, for each ascending fraction q of n, the ⌈q n⌉th shortest duration, to within 5 %."""
        if not self.count:
            return [0.0 for _ in fractions]
        found: list[float] = []
        buckets = iter(sorted(self._buckets.items()))
        number, seen = _FIRST, 0
        for fraction in fractions:
            while seen < max(fraction * self.count, 1):
                number, counted = next(buckets)
                seen += counted
            found.append(0.0 if number == _FIRST else math.exp(number / _PER_E) * _MIDDLE)
        return found

    def counts_up_to(self, exponents: Iterable[int]) -> list[int]:
        """Return how many durations are at most e**exponent, for each exponent."""
        return [
            sum(counted for number, counted in self._buckets.items() if number <= exponent * _PER_E)
            for exponent in exponents
        ]


_FIRST = math.floor(_PER_E * math.log(_LEAST))
"""The bucket of what is next to nothing."""
