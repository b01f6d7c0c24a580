from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class CheckSuiteSettingsRequest(_Model):
    """Check suite settings to change in a repository."""

    check_retry_count: int | None = None
    """How often a failed check is retried, from 0 to 10; null or absent gives no value."""
    ignored_checks: list[str] | None = None
    """Names of the checks to ignore; null or absent gives no value."""
    check_retry_counts: dict[str, int] | None = None
    """How often single failed checks are retried, by check name; null or absent gives no value."""
    custom_prompts: dict[str, Any] | None = None
    """Own prompts for single checks, by check name; null or absent gives no value."""
    high_priority_apps: list[str] | None = None
    """Names of the apps that have high priority; null or absent gives no value."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
