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
class CheckSuiteSettingsRequest(Model):
    """Check suite settings to change in a repository."""

    check_retry_count: int | None = None
    """How often a failed check is retried, from 0 to 10; null or absent gives no value."""
    ignored_checks: list[str] | None = None
    """Names of the checks to ignore; null or absent gives no value."""
    check_retry_counts: dict[str, int] | None = None
    """How often single failed checks are retried, by check name; null or absent gives no value."""
    custom_prompts: dict[str, str] | None = None
    """Own prompts for single checks, by check name; null or absent gives no value."""
    high_priority_apps: list[str] | None = None
    """Names of the apps that have high priority; null or absent gives no value."""
    additional_properties: dict[str, Any] = field(init=False, factory=dict)
    """Fields that the contract does not know, as they came."""

    @classmethod
    def from_dict(cls, src_dict: Mapping[str, Any]) -> Self:
        """Build the model from a decoded JSON object; raises InvalidModel when the object does not fit."""
        d = as_object("CheckSuiteSettingsRequest", src_dict)
        try:
            instance = cls(
                check_retry_count=d.pop("check_retry_count", None),
                ignored_checks=d.pop("ignored_checks", None),
                check_retry_counts=d.pop("check_retry_counts", None),
                custom_prompts=d.pop("custom_prompts", None),
                high_priority_apps=d.pop("high_priority_apps", None),
            )
        except KeyError as missing:
            raise InvalidModel("CheckSuiteSettingsRequest", f"the required field {missing} is missing") from None
        except (AttributeError, TypeError, ValueError) as error:
            raise InvalidModel("CheckSuiteSettingsRequest", str(error)) from error
        instance.additional_properties = d
        return instance

    def to_dict(self) -> dict[str, Any]:
        """Return the model as it travels: optional fields that are None left out, unknown fields kept."""
        d: dict[str, Any] = {**self.additional_properties}
        if self.check_retry_count is not None:
            d["check_retry_count"] = self.check_retry_count
        if self.ignored_checks is not None:
            d["ignored_checks"] = self.ignored_checks
        if self.check_retry_counts is not None:
            d["check_retry_counts"] = self.check_retry_counts
        if self.custom_prompts is not None:
            d["custom_prompts"] = self.custom_prompts
        if self.high_priority_apps is not None:
            d["high_priority_apps"] = self.high_priority_apps
        return d
