"""A sandbox on a fake clock, over HTTP and in process, behind one small client that checks every answer."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
from codegen_api.operations import OPERATIONS, Operation

from codegen_ext.testing import FakeClock, Sandbox
from codegen_ext.testing.sandbox.contract import load_contract

DOCUMENT = load_contract()._document


class Api:
    """Calls operations by their ids and holds every answer against the contract."""

    def __init__(self, sandbox: Sandbox, clock: FakeClock, client: httpx.Client) -> None:
        self.sandbox = sandbox
        self.clock = clock
        self.client = client

    def url(self, operation_id: str, **values: Any) -> str:
        return OPERATIONS[operation_id].path.format(**{name: quote(str(text), "") for name, text in values.items()})

    def call(self, operation_id: str, body: Any = None, *, check: bool = True, **arguments: Any) -> httpx.Response:
        operation = OPERATIONS[operation_id]
        arguments.setdefault("org_id", self.sandbox.org_id)
        places = {argument.name: argument.location for argument in operation.arguments}
        path = {name: value for name, value in arguments.items() if places.get(name) == "path"}
        query = {name: value for name, value in arguments.items() if places.get(name) == "query"}
        options = {} if body is None else {"json": body}
        response = self.client.request(operation.method, self.url(operation_id, **path), params=query, **options)
        if check:
            self.check(operation, response)
        return response

    def check(self, operation: Operation[Any], response: httpx.Response) -> None:
        """Fail unless the contract documents this answer."""
        documented = DOCUMENT["paths"][operation.path][operation.method.lower()]["responses"]
        assert str(response.status_code) in documented, response.text
        assert response.headers["x-request-id"]
        if response.headers["content-type"] == "application/json":
            content = load_contract().resolve(documented[str(response.status_code)]).get("content", {})
            schema = content.get("application/json", {}).get("schema", {})
            jsonschema_rs.validator_for({**schema, "components": DOCUMENT["components"]}).validate(response.json())

    def create(self, prompt: str = "Fix the bug", **fields: Any) -> int:
        response = self.call("create_agent_run", {"prompt": prompt, **fields})
        assert response.status_code == 200, response.text
        return response.json()["id"]

    def run(self, run_id: int) -> dict[str, Any]:
        return self.call("get_agent_run", agent_run_id=run_id).json()

    def logs(self, run_id: int, **arguments: Any) -> dict[str, Any]:
        return self.call("get_agent_run_logs", agent_run_id=run_id, **arguments).json()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture(params=["http", "in-process"])
def serve(request: pytest.FixtureRequest, clock: FakeClock) -> Iterator[Callable[..., Api]]:
    """Make sandboxes that are served in one way, each with a client."""
    with ExitStack() as stack:

        def make(**settings: Any) -> Api:
            sandbox = Sandbox(**{"clock": clock, "rate_limits": False, **settings})
            transport = None
            if request.param == "http":
                stack.enter_context(sandbox)
            else:
                transport = sandbox.transport()
            headers = {"authorization": f"Bearer {sandbox.token}"}
            client = httpx.Client(base_url=sandbox.base_url, headers=headers, transport=transport, trust_env=False)
            return Api(sandbox, clock, stack.enter_context(client))

        yield make


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    """A sandbox without rate limits."""
    return serve()
