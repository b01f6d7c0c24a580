"""Comparing what two functions cost."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from codegen_api.operations import OPERATIONS
from codegen_api.table import RateLimit

WIDE = RateLimit(100_000, 0.006, "standard")
"""So wide that nothing waits; what went is forgotten after as many requests as the windows of the contract hold."""
Function = Callable[[], object]


def compare(baseline: Function, subject: Function, rounds: int = 25, calls: int = 100) -> tuple[float, float, float]:
    """Return the CPU seconds of one call of each, and the median ratio of subject to baseline.

    The two take turns, so that whatever else the machine does disturbs both.
    """
    for function in (baseline, subject):
        _cpu(function, calls)
    pairs = [(_cpu(baseline, calls), _cpu(subject, calls)) for _ in range(rounds)]
    ratio = statistics.median(second / first for first, second in pairs)
    return min(first for first, _ in pairs), min(second for _, second in pairs), ratio


def _cpu(function: Function, calls: int) -> float:
    start = time.process_time()
    for _ in range(calls):
        function()
    return (time.process_time() - start) / calls


def row(name: str, baseline: float, subject: float, ratio: float, limit: float | None) -> str:
    """Format one line of the report; times are microseconds."""
    bound = f"limit {limit:.2f}" if limit else ""
    return f"{name:44} {baseline * 1e6:9.1f} {subject * 1e6:9.1f} {ratio:7.2f}  {bound}"


@contextmanager
def wide_limits() -> Iterator[None]:
    """Let the limits of the contract count without ever making a request wait."""
    before = dict(OPERATIONS)
    OPERATIONS.update({name: operation._replace(rate_limit=WIDE) for name, operation in before.items()})
    try:
        yield
    finally:
        OPERATIONS.update(before)
