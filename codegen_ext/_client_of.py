"""The client of an argument that may be a client or an agent."""

from typing import Any

from .errors import ConfigurationError
from .redact import shown


def client_of(value: object, *needed: str) -> Any:
    """Return a client, or the client of an agent.

    Raises:
        ConfigurationError: for anything that lacks one of the attributes `needed`.

    """
    client = getattr(value, "client", value)
    if isinstance(client, type) or not all(hasattr(client, name) for name in needed):
        raise ConfigurationError(f"expected a client or an agent, got {shown(value)}", config_key="client")
    return client
