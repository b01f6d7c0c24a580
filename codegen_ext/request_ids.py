"""Request ids: what a create carries in its metadata, so that its run can be found when the answer was lost."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from codegen_api import operations
from codegen_api.reserved import RESERVED_METADATA, only_reserved, with_reserved, without_reserved

from .errors import invalid_argument

if TYPE_CHECKING:
    from .clock import Clock

REQUEST_ID = "request_id"
"""The key of a request id within the reserved metadata."""


def new_request_id(clock: Clock) -> str:
    """Return a unique id; it begins with the time, so that a later search knows where to end."""
    return f"{int(clock.time() * 1000):012x}{os.urandom(10).hex()}"


def made_at(request_id: str) -> float | None:
    """Return the epoch second at which `new_request_id` made an id, None for an id of another form."""
    try:
        return int(request_id[:12], 16) / 1000 if len(request_id) == 32 else None
    except ValueError:
        return None


def with_request_id(
    arguments: Mapping[str, Any], clock: Clock, request_id: str | None = None
) -> tuple[str, dict[str, Any]]:
    """Return the request id of a create and its arguments with the id, given or new, in the metadata."""
    metadata = arguments.get("metadata")
    refused = partial(invalid_argument, "metadata", operation=operations.CREATE_AGENT_RUN.id)
    if metadata is not None and not isinstance(metadata, Mapping):
        raise refused(f"expected an object, got {type(metadata).__name__}")
    if metadata is not None and not all(isinstance(key, str) for key in metadata):
        raise refused("expected strings as keys")
    metadata = None if metadata is None else dict(metadata)
    reserved = only_reserved(metadata) or {}
    if metadata and not isinstance(metadata.get(RESERVED_METADATA, reserved), dict):
        raise refused(f"the key {RESERVED_METADATA} is reserved")
    request_id = request_id or reserved.get(REQUEST_ID)
    if request_id is None:
        request_id = new_request_id(clock)
    if not isinstance(request_id, str) or not request_id.strip():
        raise refused(f"{RESERVED_METADATA}.{REQUEST_ID} must be a string that is not blank")
    whole = with_reserved(without_reserved(metadata), {**reserved, REQUEST_ID: request_id})
    return request_id, {**arguments, "metadata": whole}
