"""Clients' statistics for Prometheus, read when they are scraped. Needs the extra `[prometheus]`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import exp
from typing import TYPE_CHECKING, Any

from codegen_api.operations import OPERATIONS

from .._client_of import client_of
from ..errors import needs_extra
from ..metrics import Level, MetricsCollector, OperationMetrics, merged

if TYPE_CHECKING:
    from prometheus_client import Metric

OTHER = "other"
"""The operation of every request that the contract does not know."""
_EXPONENTS = range(-6, 7)
"""Bounds of the duration's buckets, 2.5 ms to 403 s, as powers of e: there the histogram's own bounds are exact."""


class PrometheusCollector:
    """Collector of what clients have counted, to be registered in any registry.

    The one label besides the operation is the class of the status, so that no URL and no id makes a time series.
    Several clients share one collector, which adds up what they counted; a second collector in one registry is
    refused by the registry. `reset_stats` of a client starts its counters at 0, which Prometheus knows how to read.

    Raises:
        ConfigurationError: when the extra is missing, or `enable_metrics` of a client is false.

    """

    def __init__(self, *sources: Any) -> None:
        with needs_extra("prometheus", "Prometheus"):
            import prometheus_client  # noqa: F401 - only whether it is there
        self._collectors: list[MetricsCollector] = []
        for source in sources:
            self.add(source)

    def add(self, source: Any) -> None:
        """Show the counts of a client, an agent's client or a `MetricsCollector`; they stay when it is closed."""
        collector = source if isinstance(source, MetricsCollector) else client_of(source, "metrics").metrics
        # Clients made by `with_options` share theirs.
        if collector not in self._collectors:
            self._collectors.append(collector)

    def describe(self) -> Iterator[Metric]:
        """Yield the metrics without samples, by whose names a registry finds duplicates."""
        return _families({}, {})

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics as they are now."""
        return _families(self._merged("call"), self._merged("attempt"))

    def _merged(self, level: Level) -> dict[str, OperationMetrics]:
        parts: dict[str, list[OperationMetrics]] = {}
        for collector in list(self._collectors):
            for name, seen in collector.snapshot(level).items():
                parts.setdefault(name if name in OPERATIONS else OTHER, []).append(seen)
        return {name: merged(seen) for name, seen in parts.items()}


def _families(calls: Mapping[str, OperationMetrics], attempts: Mapping[str, OperationMetrics]) -> Iterator[Metric]:
    from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily

    for name, text, seen_by in (
        ("codegen_requests", "Calls, with their retries and waits", calls),
        ("codegen_attempts", "Requests that travelled, each attempt of a call by itself", attempts),
    ):
        by_status = CounterMetricFamily(name, text, labels=["operation", "status"])
        for operation, seen in seen_by.items():
            for status, count in _classes(seen).items():
                by_status.add_metric([operation, status], count)
        yield by_status
    for name, text, attribute in (
        ("codegen_request_errors", "Calls that ended with a status of 400 or more, or without an answer", "errors"),
        ("codegen_request_retries", "Repetitions of requests", "retries"),
        ("codegen_rate_limit_wait_seconds", "Time for which calls waited for a rate limit", "wait_seconds"),
        ("codegen_cache_hits", "Calls that were answered from the cache", "cache_hits"),
    ):
        counter = CounterMetricFamily(name, text, labels=["operation"])
        for operation, seen in calls.items():
            counter.add_metric([operation], getattr(seen, attribute))
        yield counter
    durations = HistogramMetricFamily(
        "codegen_request_duration_seconds", "Duration of calls, with their retries and waits", labels=["operation"]
    )
    for operation, seen in calls.items():
        counts = seen.latency.counts_up_to(_EXPONENTS)
        buckets = [(f"{exp(exponent):.6g}", float(count)) for exponent, count in zip(_EXPONENTS, counts, strict=True)]
        durations.add_metric([operation], [*buckets, ("+Inf", seen.latency.count)], seen.latency.total)
    yield durations


def _classes(seen: OperationMetrics) -> dict[str, int]:
    """Return how many requests ended with each class of status, and how many without an answer."""
    classes: dict[str, int] = {}
    for status, count in sorted(seen.statuses.items()):
        name = f"{status // 100}xx"
        classes[name] = classes.get(name, 0) + count
    if unanswered := seen.requests - sum(classes.values()):
        classes["error"] = unanswered
    return classes
