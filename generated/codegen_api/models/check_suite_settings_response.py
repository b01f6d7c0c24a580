from __future__ import annotations

from typing import Any

from attrs import define as _define
from attrs import field as _field
from attrs.setters import NO_OP as _NO_OP

from ..codec import Model as _Model


@_define(on_setattr=_NO_OP)
class CheckSuiteSettingsResponse(_Model):
    """Check suite settings of a repository as they are now."""

    check_retry_count: int
    """How often a failed check is retried."""
    ignored_checks: list[str]
    """Names of the checks that are ignored."""
    check_retry_counts: dict[str, int]
    """Number of retries for single checks, keyed by the name of the check."""
    custom_prompts: dict[str, Any]
    """Own prompts for single checks, keyed by the name of the check."""
    high_priority_apps: list[str]
    """Names of the apps that have high priority."""
    available_check_suite_names: list[str]
    """Names of the check suites to choose from in this repository."""
    additional_properties: dict[str, Any] = _field(factory=dict, kw_only=True)
    """Fields that the contract does not know, as they came."""
