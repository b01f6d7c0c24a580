"""Looks inside: the innermost transport of a client, who waits, and metadata without the id that every create adds."""

from typing import Any


def network_of(client: Any) -> Any:
    """Return the transport that holds the connections: a pair of pools, or for async clients such a pair per loop."""
    transport = client.session._transport
    while hasattr(transport, "_wrapped"):
        transport = transport._wrapped
    return transport


def waiting(client: Any) -> int:
    """Return how many threads wait for runs of a client."""
    return len(client._watcher._waiters)


def without_request_id(metadata: dict[str, Any]) -> dict[str, Any]:
    """Return a created run's metadata without its request id, which must be there."""
    reserved = dict(metadata["codegen_sdk"])
    assert len(reserved.pop("request_id")) == 32
    return (
        {**metadata, "codegen_sdk": reserved} if reserved else {k: v for k, v in metadata.items() if k != "codegen_sdk"}
    )
