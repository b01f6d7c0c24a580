"""A sandbox on a fake clock behind one small client that checks every answer against the contract."""

from contextlib import ExitStack
from functools import cache
from urllib.parse import quote

import httpx
import jsonschema_rs
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing import Sandbox
from codegen_ext.testing.sandbox.schema import document, resolve


@cache
def validator(operation_id, status):
    """Return the validator of a documented answer."""
    operation = OPERATIONS[operation_id]
    documented = document()["paths"][operation.path][operation.method.lower()]["responses"]
    assert str(status) in documented, f"{operation_id} does not answer {status}"
    schema = resolve(documented[str(status)]).get("content", {}).get("application/json", {}).get("schema", {})
    return jsonschema_rs.validator_for({**schema, "components": document()["components"]})


class Api:
    """Calls operations by their ids and holds every answer against the contract."""

    def __init__(self, sandbox, clock, **options):
        self.sandbox = sandbox
        self.clock = clock
        headers = {"authorization": f"Bearer {sandbox.token}"}
        options = options or {"transport": sandbox.transport()}
        self.client = httpx.Client(base_url=sandbox.base_url, headers=headers, trust_env=False, **options)

    def url(self, operation_id, **values):
        path = OPERATIONS[operation_id].path
        return path.format(**{name: quote(str(text), "") for name, text in {"org_id": 323, **values}.items()})

    def call(self, operation_id, *, check=True, **given):
        """Call with those of the arguments that the operation has."""
        operation = OPERATIONS[operation_id]
        given = {"org_id": self.sandbox.org_id, **given}
        parts = {"path": {}, "query": {}}
        for argument in operation.arguments:
            part = parts.setdefault(argument.location, {})
            part |= {argument.name: given[argument.name]} if argument.name in given else {}
        url = self.url(operation_id, **parts["path"])
        response = self.client.request(operation.method, url, params=parts["query"], json=parts.get("body"))
        if check:
            assert response.headers["x-request-id"]
            schema = validator(operation_id, response.status_code)
            if response.headers["content-type"] == "application/json":
                schema.validate(response.json())
        return response

    def json(self, operation_id, **given):
        return self.call(operation_id, **given).json()

    def status(self, operation_id, **given):
        return self.call(operation_id, **given).status_code

    def create(self, prompt="Fix the bug", **fields):
        return self.json("create_agent_run", prompt=prompt, **fields)["id"]

    def run(self, run_id=1):
        return self.json("get_agent_run", agent_run_id=run_id)

    def logs(self, run_id=1, **arguments):
        return self.json("get_agent_run_logs", agent_run_id=run_id, **arguments)

    def ask(self, content, **fields):
        messages = [{"role": "user", "content": content}]
        return self.call("create_chat_completion", **{"model": "claude-3-haiku", "messages": messages, **fields})


@pytest.fixture
def serve(clock):
    """Make sandboxes, in process unless `over_http`, each with a client."""
    with ExitStack() as stack:

        def make(*, over_http=False, **settings):
            sandbox = Sandbox(**{"clock": clock, "rate_limits": False, **settings})
            if over_http:
                stack.enter_context(sandbox)
            # The certificates take 40 ms to read.
            api = Api(sandbox, clock, **({"verify": False} if over_http else {}))
            stack.enter_context(api.client)
            return api

        yield make


@pytest.fixture
def api(serve):
    """A sandbox in process, without rate limits."""
    return serve()


@pytest.fixture(params=["http", "in-process"])
def either(serve, request):
    """A sandbox without rate limits, over HTTP and in process: for what the two do with different code."""
    return serve(over_http=request.param == "http")
