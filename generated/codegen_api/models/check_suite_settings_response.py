from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

from attrs import define, field

from ..decoding import (
    Model,
    as_object,
)
from ..errors import InvalidModel


@define
class CheckSuiteSettingsResponse(Model):
    """Check suite settings of a repository as they are now."""

    check_retry_count: int
    """How often a failed check is retried."""
    ignored_checks: list[str]
    """Names of the checks that are ignored."""
    check_retry_counts: dict[str, int]
    """Number of retries for single checks, keyed by the name of the check."""
    custom_prompts: dict[str, str]
    """Own prompts for single checks, keyed by the name of the check."""
    high_priority_apps: list[str]
    """Names of the apps that have high priority."""
    available_check_suite_names: list[str]
    """Names of the check suites to choose from in this repository."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("CheckSuiteSettingsResponse", src_dict)
        try:
            instance = cls(
                check_retry_count=d.pop("check_retry_count"),
                ignored_checks=d.pop("ignored_checks"),
                check_retry_counts=d.pop("check_retry_counts"),
                custom_prompts=d.pop("custom_prompts"),
                high_priority_apps=d.pop("high_priority_apps"),
                available_check_suite_names=d.pop("available_check_suite_names"),
            )
        except KeyError as missing:
            raise InvalidModel("CheckSuiteSettingsResponse", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("CheckSuiteSettingsResponse", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        d["check_retry_count"] = self.check_retry_count
        d["ignored_checks"] = self.ignored_checks
        d["check_retry_counts"] = self.check_retry_counts
        d["custom_prompts"] = self.custom_prompts
        d["high_priority_apps"] = self.high_priority_apps
        d["available_check_suite_names"] = self.available_check_suite_names
        return d
