"""What users see of the limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .._attrdict import AttrDict
from .window import Usage


class GroupStatus(AttrDict):
    """One group: `remaining` of `limit` requests, `reset_time` seconds until there are more, `closed_for` seconds.

    `reset_time` is 0 while none was used. A group is closed after the service refused a request (429).
    """

    remaining: int
    limit: int
    reset_time: float
    closed_for: float


class RateLimitStatus(GroupStatus):
    """The group with the smallest part of its limit left; `groups` has all of them by name."""

    groups: Mapping[str, GroupStatus]


def status_of(usages: Mapping[str, Usage]) -> RateLimitStatus:
    """Build the status from the usage of each group."""
    groups = {name: GroupStatus(**usage._asdict()) for name, usage in usages.items()}
    tightest = min(usages.values(), key=lambda usage: (usage.remaining / usage.limit, -usage.reset_time))
    return RateLimitStatus(**tightest._asdict(), groups=groups)


def current_usage(remaining: int, limit: int, seconds: float) -> dict[str, Any]:
    """Return current_requests, max_requests, period_seconds and usage_percentage."""
    used = limit - remaining
    return {
        "current_requests": used,
        "max_requests": limit,
        "period_seconds": seconds,
        "usage_percentage": used / limit * 100,
    }
