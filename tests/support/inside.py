"""Clients without their blocking front, and metadata without the id of every create."""

from typing import Any


def real(client: Any) -> Any:
    """Return the client itself, without the blocking front of an async one."""
    return getattr(client, "_target", client)


def without_request_id(metadata: dict[str, Any] | None) -> dict[str, Any]:
    """Return a created run's metadata without its request id, which must be there."""
    assert metadata is not None
    reserved = dict(metadata["codegen_sdk"])
    assert len(reserved.pop("request_id")) == 32
    return (
        {**metadata, "codegen_sdk": reserved} if reserved else {k: v for k, v in metadata.items() if k != "codegen_sdk"}
    )
