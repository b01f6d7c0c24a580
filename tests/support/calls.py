"""Requests to a sandbox: arguments with which every operation of the contract succeeds, and how many have come."""

from typing import Any

import httpx
from codegen_api import operations
from codegen_api.operations import Operation

from codegen_ext.testing import Sandbox

ORG = 323
REPOSITORY = 107
SESSION_USER = "user-1"

_VALUES: dict[tuple[str, str], Any] = {
    ("org_id", "integer"): ORG,
    ("user_id", "integer"): 1,
    ("user_id", "string"): SESSION_USER,
    ("agent_run_id", "integer"): 1,
    ("repo_id", "integer"): REPOSITORY,
    ("pr_id", "integer"): 1,
    ("sandbox_id", "integer"): 1,
    ("session_id", "string"): "some-session",
    ("state", "string"): "closed",
    ("provider", "string"): "github",
    ("prompt", "string"): "Say hello.",
    ("model", "string"): "gpt-4o",
    ("messages", "array"): [{"role": "user", "content": "Hello there"}],
    ("workos_id", "string"): "user_2",
    ("email", "string"): "admin@example.com",
}


def required(operation: Operation[Any], **instead: Any) -> dict[str, Any]:
    """Return the required arguments of an operation, some of them with other values."""
    names = [(argument.python_name, argument.type) for argument in operation.arguments if argument.required]
    return {name: instead[name] if name in instead else _VALUES[name, kind] for name, kind in names} | instead


def attempts(sandbox: Sandbox, operation: str) -> int:
    """Return how many requests of an operation a sandbox has received."""
    return sum(record.operation == operation for record in sandbox.requests)


def fill(sandbox: Sandbox, count: int, prompt: str = "[[logs=0 seconds=0 pull_request=no]]") -> None:
    """Create runs without a client and a socket, by default such as have ended at once; they count as attempts."""
    address = sandbox.base_url + operations.CREATE_AGENT_RUN.path.format(org_id=sandbox.org_id)
    headers, transport = {"Authorization": f"Bearer {sandbox.token}"}, sandbox.transport()
    for _ in range(count):
        request = httpx.Request("POST", address, headers=headers, json={"prompt": prompt})
        assert transport.handle_request(request).status_code == 200
