"""Count what answers took: tokens, requests, time, and money where the user has set prices."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import frozen

from ..errors import ConfigurationError


@frozen
class Price:
    """What a model costs: `input` and `output` per million tokens, `request` per request, in whatever money."""

    input: float = 0.0
    output: float = 0.0
    request: float = 0.0


Prices = Mapping[str, Price]
"""Prices by `provider/model`, by model, or by provider; the first that is set counts."""


def cost_of(prices: Prices, provider: str, models: Iterable[str | None], usage: Mapping[str, int]) -> float | None:
    """Return what an answer cost; None without a price, or where the price is for tokens and the service counted none.

    Args:
        prices: The user's prices.
        provider: The provider that answered.
        models: The model of the answer, which services name with a date, then the model that was asked for.
        usage: The tokens.

    """
    names = [name for name in models if name]
    keys = [*(f"{provider}/{name}" for name in names), *names, provider]
    price = next((prices[key] for key in keys if key in prices), None)
    if price is None or ((price.input or price.output) and not usage):
        return None
    tokens = usage.get("prompt_tokens", 0) * price.input + usage.get("completion_tokens", 0) * price.output
    return tokens / 1_000_000 + price.request


def check_prices(prices: Any) -> Prices:
    """Return the table; raises ConfigurationError when it is none."""
    if not isinstance(prices, Mapping) or not all(isinstance(price, Price) for price in prices.values()):
        raise ConfigurationError("prices must map models or providers to Price objects", config_key="prices")
    return prices


_SUMMED = (
    "request_count",
    "error_count",
    "task_count",
    "prompt_tokens",
    "completion_tokens",
    "total_tokens",
    "total_duration",
    "unpriced_count",
)


class Usage:
    """Counts since a provider was built; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, float] = dict.fromkeys(_SUMMED, 0)
        self._cost: float | None = None
        self._last: float | None = None

    def add(self, now: float, duration: float, *, is_error: bool) -> None:
        """Count a request that ended at `now` (epoch seconds) after `duration` seconds."""
        with self._lock:
            self._last = now
            self._counts["request_count"] += 1
            self._counts["error_count"] += is_error
            self._counts["total_duration"] += duration

    def add_task(self) -> None:
        """Count a run that was created."""
        with self._lock:
            self._counts["task_count"] += 1

    def add_answer(self, usage: Mapping[str, int], cost: float | None) -> None:
        """Count what an answer took."""
        with self._lock:
            for name, count in usage.items():
                self._counts[name] += count
            if cost is None:
                self._counts["unpriced_count"] += 1
            else:
                self._cost = (self._cost or 0.0) + cost

    def stats(self) -> dict[str, Any]:
        """Return the counts, as `get_enhanced_stats` shows them."""
        with self._lock:
            return _with_rates({**self._counts, "last_request_time": self._last, "cost": self._cost})


def total_of(parts: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """Return the sum of the statistics of several providers."""
    rows = list(parts)
    summed: dict[str, Any] = {name: sum(row[name] for row in rows) for name in _SUMMED}
    costs = [row["cost"] for row in rows if row["cost"] is not None]
    moments = [row["last_request_time"] for row in rows if row["last_request_time"] is not None]
    last, cost = max(moments, default=None), sum(costs) if costs else None
    return _with_rates({**summed, "last_request_time": last, "cost": cost})


def plain(stats: dict[str, Any], *others: str) -> dict[str, Any]:
    """Return what `get_stats` shows."""
    return {name: value for name, value in stats.items() if name not in (*_ENHANCED, *others)}


_ENHANCED = ("success_rate", "task_count", "average_response_time")


def _with_rates(counts: dict[str, Any]) -> dict[str, Any]:
    requests, errors = counts["request_count"], counts["error_count"]
    return {
        **counts,
        "error_rate": errors / requests if requests else 0.0,
        "success_rate": (requests - errors) / requests if requests else 1.0,
        "average_response_time": counts["total_duration"] / requests if requests else 0.0,
    }


def counts_of(usage: Any) -> dict[str, int]:
    """Return the tokens that a service counted."""
    names = ("prompt_tokens", "completion_tokens", "total_tokens")
    return {name: count for name in names if isinstance(count := getattr(usage, name, None), int)}
