"""Count what answers took: tokens, requests, time, and money where the user has set prices."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from attrs import frozen

from ..errors import ConfigurationError


@frozen
class Price:
    """What a model costs: `input` and `output` per million tokens, `request` per request, in whatever money.

    Raises ConfigurationError for what is no number of at least 0.
    """

    input: float = 0.0
    output: float = 0.0
    request: float = 0.0

    def __attrs_post_init__(self) -> None:
        for name, value in (("input", self.input), ("output", self.output), ("request", self.request)):
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigurationError(f"prices: {name} must be a number of at least 0", config_key="prices")


Prices = Mapping[str, Price]
"""Prices by `provider/model`, by model, or by provider; the first that is set counts."""


def check_prices(prices: Any) -> Prices:
    """Return the table; raises ConfigurationError when it is none."""
    if not isinstance(prices, Mapping) or not all(isinstance(price, Price) for price in prices.values()):
        raise ConfigurationError("prices must map models or providers to Price objects", config_key="prices")
    return prices


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


_TOKENS = ("prompt_tokens", "completion_tokens", "total_tokens")
_SUMMED = ("request_count", "error_count", "task_count", *_TOKENS, "total_duration", "unpriced_count")


def tokens_of(usage: Any) -> dict[str, int]:
    """Return the tokens that a service, or a registered provider, counted; what is no count is left out."""
    said = usage if isinstance(usage, Mapping) else {name: getattr(usage, name, None) for name in _TOKENS}
    return {name: count for name in _TOKENS if isinstance(count := said.get(name), int) and 0 <= count < 2**63}


class Usage:
    """Counts since a provider was built; may be shared by threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[str, float] = dict.fromkeys(_SUMMED, 0)
        self._cost: float | None = None
        self._last: float | None = None

    def add(self, *, cost: float | None = None, at: float | None = None, **counts: float) -> None:
        """Count what is named; `at` is the epoch second at which a request ended."""
        with self._lock:
            for name, count in counts.items():
                self._counts[name] += count
            self._last = self._last if at is None else at
            if cost is not None:
                self._cost = (self._cost or 0.0) + cost

    def stats(self) -> dict[str, Any]:
        """Return the counts, as `get_enhanced_stats` shows them."""
        with self._lock:
            return total_of([{**self._counts, "last_request_time": self._last, "cost": self._cost}])


def total_of(rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the sum of the statistics of several providers."""
    total: dict[str, Any] = {name: sum(row[name] for row in rows) for name in _SUMMED}
    costs = [row["cost"] for row in rows if row["cost"] is not None]
    requests, errors = total["request_count"], total["error_count"]
    return {
        **total,
        "last_request_time": max(filter(None, (row["last_request_time"] for row in rows)), default=None),
        "cost": sum(costs) if costs else None,
        "error_rate": errors / requests if requests else 0.0,
        "success_rate": (requests - errors) / requests if requests else 1.0,
        "average_response_time": total["total_duration"] / requests if requests else 0.0,
    }
