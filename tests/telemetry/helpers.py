"""What the tests of this folder share."""

from typing import Any


def real(client: Any) -> Any:
    """Return the client itself, without the blocking front of an async one."""
    return getattr(client, "_target", client)
