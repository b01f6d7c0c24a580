"""One change of the contract, and the names in Python of what it touches."""

from __future__ import annotations

from typing import Any

from attrs import asdict, define, field
from openapi_python_client import strings

import tools.generate  # noqa: F401 - it decides which names openapi-python-client takes for reserved

Data = dict[str, Any]

BREAKING, DANGEROUS, SAFE = "breaking", "dangerous", "safe"
SEVERITIES = (BREAKING, DANGEROUS, SAFE)
CLIENTS = {"codegen": "CodegenClient", "chatserver": "ChatServerClient"}


@define
class Change:
    """One difference between two contracts."""

    severity: str
    kind: str
    action: str
    where: str
    detail: str
    python: list[str] = field(factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        return asdict(self)


def python_name(name: str) -> str:
    """The name of a field or a parameter in Python."""
    return str(strings.PythonIdentifier(name, "field_"))


def member_name(word: str) -> str:
    """The name of an enum's member in Python."""
    return str(strings.PythonIdentifier(word, "value_")).upper()


def client(operation: Data) -> str:
    """The name of the client that has an operation."""
    service = str(operation["x-codegen"]["service"])
    return CLIENTS.get(service, service)


def method_names(operation: Data) -> list[str]:
    """The methods of both clients that are made from an operation."""
    names = [
        operation["operationId"],
        *([stream["method"]] if (stream := operation["x-codegen"].get("stream")) else []),
    ]
    return [f"{prefix}{client(operation)}.{name}" for name in names for prefix in ("", "Async")]


def body_schema(operation: Data) -> Data:
    """The schema of the JSON that an operation is sent, empty where it is sent none."""
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    schema: Data = body.get("schema", {})
    return schema
