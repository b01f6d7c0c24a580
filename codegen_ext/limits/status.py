"""What users see of the limits: attributes and keys, for they know both."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from .store import Usage


class _Record(Mapping[str, Any]):
    """Attributes that are keys as well."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def __getitem__(self, key: str) -> Any:
        return self.__dict__[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __len__(self) -> int:
        return len(self.__dict__)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{key}={value!r}' for key, value in self.items())})"


class GroupStatus(_Record):
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
    """Build the status from what a store says of each group."""
    groups = {name: GroupStatus(**usage._asdict()) for name, usage in usages.items()}
    tightest = min(usages.values(), key=lambda usage: (usage.remaining / usage.limit, -usage.reset_time))
    return RateLimitStatus(**tightest._asdict(), groups=groups)
