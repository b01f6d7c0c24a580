"""Keep what this package stores in a run's metadata apart from what users store there."""

from __future__ import annotations

from typing import Any

RESERVED_METADATA = "codegen_sdk"
"""The key of a run's metadata under which this package keeps what the API has no field for."""
_EMPTY = "empty"
"""The key beneath it that stands for an empty object of the user's."""


def divide(value: dict[str, Any]) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """Return what users put into a metadata object that has the reserved key, and what this package did."""
    reserved = value[RESERVED_METADATA]
    if not isinstance(reserved, dict):
        reserved = None
    if len(value) > 1:
        return {key: item for key, item in value.items() if key != RESERVED_METADATA}, reserved
    return {} if reserved and _EMPTY in reserved else None, reserved


def without_reserved(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what users put into a metadata object, None when only this package did."""
    return divide(value)[0] if value is not None and RESERVED_METADATA in value else value


def only_reserved(value: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return what this package put into a metadata object, None when that is nothing usable."""
    return divide(value)[1] if value is not None and RESERVED_METADATA in value else None


def with_reserved(value: dict[str, Any] | None, reserved: dict[str, Any] | None) -> dict[str, Any] | None:
    """Put both parts of a metadata object together again, so that `without_reserved` tells {} from None."""
    if reserved is None:
        return value
    reserved = {key: item for key, item in reserved.items() if key != _EMPTY}
    if value is not None and not value:
        reserved[_EMPTY] = True
    return {**(value or {}), RESERVED_METADATA: reserved}
