"""Settings at the client: under every name, over a configuration, and what of the environment is believed."""

import json
import logging
import pickle
import socket
import subprocess
import sys
import traceback
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from codegen_ext import ClientConfig, CodegenClient, ConfigurationError, NetworkError, ValidationError
from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN, Flavour

Connect = Callable[..., Any]


@pytest.mark.parametrize("name", ["api_token", "token", "api_key"])
def test_the_credential_goes_by_any_of_its_names(sandbox: Sandbox, flavour: Flavour, name: str) -> None:
    with flavour.client(base_url=sandbox.base_url, timeout=7, **{name: TOKEN}) as client:
        assert client.get_current_user().id == 1
        assert (client.config.timeout, client.config.api_token) == (7, TOKEN)
    config = ClientConfig(base_url=sandbox.base_url, **{name: TOKEN})
    with flavour.client(config, max_retries=9) as client:
        assert client.get_current_user().id == 1
        assert (client.config.max_retries, config.max_retries) == (9, 3)


def test_names_that_contradict_or_do_not_exist_are_refused(flavour: Flavour) -> None:
    with pytest.raises(ConfigurationError, match="api_token and token"):
        ClientConfig(api_token="a", token="b")
    with pytest.raises(TypeError, match="did you mean timeout"):
        ClientConfig(timeuot=5)
    with pytest.raises(ConfigurationError, match="did you mean timeout"):
        flavour.client(api_token="abc", timeuot=5)
    with pytest.raises(AttributeError, match="did you mean timeout"):
        ClientConfig().timeuot = 5  # type: ignore[attr-defined]


def test_default_headers_and_the_suffix_of_the_user_agent_are_sent_with_every_request(
    connect: Connect, sandbox: Sandbox
) -> None:
    seen: list[httpx.Headers] = []
    inner = sandbox.transport()

    class Watching(httpx.BaseTransport, httpx.AsyncBaseTransport):
        def handle_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.headers)
            return inner.handle_request(request)

        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            seen.append(request.headers)
            return await inner.handle_async_request(request)

    client = connect(transport=Watching(), default_headers={"X-Team": "core"}, user_agent_suffix="mine/1.0")
    client.get_current_user(extra_headers={"X-Team": "other"})
    client.request("GET", "/v1/users/me")
    assert [headers["x-team"] for headers in seen] == ["other", "core"]
    assert all(headers["user-agent"].endswith(" mine/1.0") for headers in seen)
    with pytest.raises(ValidationError, match="default_headers"):
        connect(default_headers={"X-Team": "a\nb"})


def test_a_call_may_send_what_the_contract_does_not_know(connect: Connect) -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": 1, "organization_id": 323})

    client = connect(transport=httpx.MockTransport(answer))
    client.get_agent_run(323, 1, extra_query={"expand": ["a", "b"]})
    client.create_agent_run(323, "x", extra_body={"reasoning": "high"}, extra_query={"dry": True})
    assert seen[0].url.params.get_list("expand") == ["a", "b"]
    assert {"reasoning", "prompt", "metadata"} <= set(json.loads(seen[1].content))
    assert seen[1].url.params["dry"] == "true"


def test_any_setting_can_be_an_option(connect: Connect, sandbox: Sandbox, flavour: Flavour) -> None:
    client = connect()
    shared = client.with_options(timeout=5, exactly_once=False)
    assert shared.session is client.session
    other = client.with_options(user_agent_suffix="x", max_connections=3)
    assert other.session is not client.session
    assert other.get_current_user().id == 1
    other.close()
    assert client.get_current_user().id == 1
    with pytest.raises(ConfigurationError, match="did you mean max_retries"):
        client.with_options(max_retry=1)


@pytest.mark.parametrize("transport", [object(), httpx.Client, "http://host"])
def test_what_is_no_transport_is_refused_when_the_client_is_built(flavour: Flavour, transport: Any) -> None:
    with pytest.raises(ConfigurationError, match="transport must be an httpx"):
        flavour.client(api_token=TOKEN, transport=transport)


@pytest.mark.parametrize("prompt", ["", "  ", "\n\t"])
def test_a_blank_prompt_is_refused_before_it_costs(connect: Connect, sandbox: Sandbox, prompt: str) -> None:
    client = connect()
    for call in (
        lambda: client.create_agent_run(323, prompt),
        lambda: client.resume_agent_run(323, agent_run_id=1, prompt=prompt),
    ):
        with pytest.raises(ValidationError, match="prompt: must not be blank"):
            call()
    assert sandbox.requests == []


@pytest.mark.parametrize("from_environment", [True, False])
def test_a_refused_connection_names_the_address_and_where_it_is_from(
    flavour: Flavour, monkeypatch: pytest.MonkeyPatch, clock: FakeClock, from_environment: bool
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as unused:
        address = f"http://127.0.0.1:{unused.getsockname()[1]}"
    if from_environment:
        monkeypatch.setenv("CODEGEN_BASE_URL", f"{address}/v1")
    settings = {} if from_environment else {"base_url": address}
    with flavour.client(api_token=TOKEN, max_retries=0, **settings) as client, pytest.raises(NetworkError) as caught:
        client.get_current_user()
    source = " (from CODEGEN_BASE_URL)" if from_environment else ""
    assert caught.value.message == f"cannot reach {address}{source}: connection refused"
    assert str(caught.value).count("get_current_user") == 1


def test_an_error_of_the_network_carries_no_secret(flavour: Flavour) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        try:
            raise OSError(5, f"while sending {request.headers['authorization']}")
        except OSError as error:
            raise httpx.RemoteProtocolError(f"illegal header: {error}", request=request) from error

    config = ClientConfig(
        api_token=TOKEN,
        base_url="http://me:hunter2@service.invalid",
        transport=httpx.MockTransport(answer),
        max_retries=0,
    )
    with flavour.client(config) as client, pytest.raises(NetworkError, match="illegal header") as caught:
        client.get_current_user()
    error: BaseException | None = caught.value
    told = "".join(traceback.format_exception(error)) + pickle.dumps(error).decode("latin-1")
    while error is not None:
        assert error.__context__ is None or error.__context__ is error.__cause__
        told += f"{error!r}{vars(error)}{pickle.dumps(error).decode('latin-1')}"
        error = error.__cause__
    assert TOKEN not in told
    assert "hunter2" not in told
    assert isinstance(caught.value.original_error, httpx.RemoteProtocolError)
    assert isinstance(caught.value.original_error.__cause__, OSError)


PROGRAM = """
import httpx
from codegen_ext import CodegenClient
transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"id": 1, "organization_id": 323}))
CodegenClient(api_token="token-123456", transport=transport).get_agent_run(323, 1)
"""


@pytest.mark.parametrize(
    ("variables", "fails", "shows"),
    [
        ({"LOG_LEVEL": "trace"}, False, False),
        ({"LOG_LEVEL": "off"}, False, False),
        ({"CODEGEN_LOG_LEVEL": "trace"}, True, True),
        ({"CODEGEN_LOG": "debug"}, False, True),
        ({"CODEGEN_LOG": "nonsense"}, False, False),
    ],
)
def test_variables_of_the_log(variables: dict[str, str], fails: bool, shows: bool) -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert bool(done.returncode) is fails
    assert ("get_agent_run" in done.stderr or "CODEGEN_LOG_LEVEL" in done.stderr or "log_level" in done.stderr) is shows


def test_a_level_that_the_application_has_set_stays(connect: Connect) -> None:
    logger = logging.getLogger("codegen_ext")
    logger.setLevel(logging.ERROR - 3)
    connect(log_level="DEBUG")
    assert logger.level == logging.ERROR - 3


def test_a_client_does_not_pickle_and_says_what_does() -> None:
    with CodegenClient(api_token=TOKEN) as client, pytest.raises(TypeError, match="pickle its config, or ids"):
        pickle.dumps(client)
