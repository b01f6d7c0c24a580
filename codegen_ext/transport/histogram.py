"""Quantiles of durations without keeping the durations."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable

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
