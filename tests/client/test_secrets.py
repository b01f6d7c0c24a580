"""The token is nowhere but in the request: in no text, error, pickle, log record or object that users may print."""

import copy
import gc
import logging
import pickle
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from codegen_api import Client

from codegen_ext import ClientConfig, CodegenAPIError, CodegenConfig, ConfigurationError
from codegen_ext._auth import BearerAuth
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour, once
from ..support.loopback import HANG, Loopback, reply

PART = TOKEN[5:20]


def exposed(thing: object) -> bool:
    return PART in repr(thing) or PART in str(thing)


def test_settings_do_not_show_it() -> None:
    for kind in (ClientConfig, CodegenConfig):
        config = kind(api_token=TOKEN, org_id=323, shared_state=f"redis://user:{TOKEN}@host")
        assert "org_id='323'" in repr(config)
        assert not exposed(config)
        assert not exposed(copy.copy(config))


@pytest.mark.parametrize("bad", [f"{TOKEN} with spaces", f"{TOKEN}\n", f"ü{TOKEN}"])
def test_a_refused_token_is_not_repeated(flavour: Flavour, bad: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        flavour.client(ClientConfig(api_token=bad))
    assert not exposed(caught.value)
    assert PART not in "".join(traceback.format_exception(caught.value))


def test_clients_agents_and_tasks_do_not_show_it(client: Any, agent: Any, flavour: Flavour, sandbox: Sandbox) -> None:
    task = agent.run("hello")
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        shown = [client, client.with_options(timeout=1), client.with_raw_response, chat, agent, task, task.run]
        for thing in [*shown, client.metrics, client.get_stats(), client.health_check(), task.get_monitoring_info()]:
            assert not exposed(thing)
    assert agent.token == TOKEN


def test_the_http_client_underneath_does_not_show_it(client: Any) -> None:
    session = client.session
    client.get_current_user()
    for thing in (session, session.auth, session.headers, session.cookies, session._transport, vars(session)):
        assert not exposed(thing)
    assert not exposed(dict(session.headers))


def test_the_credential_object_does_not_show_it() -> None:
    auth = BearerAuth(TOKEN, "http://here")
    assert repr(auth) == "BearerAuth()"
    assert not exposed(auth)


def test_the_session_takes_it_to_no_other_host(
    serve: Callable[..., Loopback], connect: Callable[..., Any], flavour: Flavour
) -> None:
    ours, other = serve(reply({})), serve(reply({}))
    session = connect(f"{ours.base_url}/v1").session
    for address in ("/v1/x", f"{ours.base_url}/elsewhere", f"{other.base_url}/v1/x"):
        flavour.settle(session.get(address))
    assert [request.headers["authorization"] for request in ours.requests] == [f"Bearer {TOKEN}"] * 2
    assert "authorization" not in other.requests[0].headers


def test_the_generated_client_does_not_show_it() -> None:
    client = Client("http://here", TOKEN)
    assert not exposed(client)


def test_the_response_does_not_carry_it(client: Any) -> None:
    whole = client.with_raw_response.get_current_user()
    assert not exposed(whole)
    assert PART not in str(dict(whole.headers))


FAULTS = {
    "reset": Fault.reset_before(),
    "truncated": Fault.truncate(3),
    "refused": Fault.status(401, {"message": "no"}),
    "invalid": Fault.status(422, {"detail": [{"loc": ["body", "a"], "msg": "no", "type": "x"}]}),
    "limited": Fault.status(429, {"message": "no"}, retry_after=5),
    "broken": Fault.status(503, b"<html>"),
    "redirect": Fault.status(302, b"", {"location": "http://elsewhere"}),
    "nonsense": Fault.invalid_body(b"nonsense"),
    "shape": Fault.invalid_body(b"[]"),
    "type": Fault.invalid_body(b"x", "text/html"),
    "gzip": Fault.status(200, b"no gzip", {"content-encoding": "gzip"}),
}


def chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def check_error(error: BaseException) -> None:
    for link in chain(error):
        assert not exposed(link)
        assert not exposed(link.args)
        assert not exposed(vars(link))
        request = getattr(link, "_request", None)
        if request is not None:
            assert "authorization" not in request.headers
            assert PART.encode() not in str(request.headers.raw).encode()
    assert PART not in "".join(traceback.format_exception(error))
    assert PART.encode() not in pickle.dumps(error)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_no_error_shows_it_in_text_chain_or_pickle(client: Any, agent: Any, sandbox: Sandbox, fault: Fault) -> None:
    sandbox.inject("*", fault)
    calls = [
        client.get_current_user,
        client.with_raw_response.get_current_user,
        lambda: client.create_agent_run(323, "x"),
        lambda: list(client.stream_logs(323, 1, follow=False)),
        lambda: agent.run("x"),
    ]
    if fault is not FAULTS["shape"]:
        calls.append(lambda: client.request("GET", "/v1/users/me"))
    for call in calls:
        with pytest.raises(CodegenAPIError) as caught:
            call()
        check_error(caught.value)


def test_no_timeout_or_refusal_shows_it(
    client: Any, serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    hanging = connect(serve(HANG).base_url, timeout=0.03)
    for call in (
        hanging.get_current_user,
        lambda: client.get_agent_run(323, "x"),
        lambda: client.request("GET", "a://b"),
    ):
        with pytest.raises(CodegenAPIError) as caught:
            call()
        check_error(caught.value)


def test_a_request_of_the_http_client_itself_does_not_keep_it(client: Any, flavour: Flavour, sandbox: Sandbox) -> None:
    answer = flavour.settle(client.session.get("/v1/users/me"))
    assert answer.is_success
    assert "authorization" not in answer.request.headers
    sandbox.inject("*", Fault.reset_before())
    with pytest.raises(httpx.TransportError) as caught:
        flavour.settle(client.session.get("/v1/users/me"))
    assert "authorization" not in caught.value.request.headers


def test_no_log_record_shows_it(
    client: Any, connect: Callable[..., Any], agent: Any, sandbox: Sandbox, caplog: pytest.LogCaptureFixture
) -> None:
    talkative = connect(log_level="DEBUG", log_responses=True)
    caplog.set_level(logging.DEBUG)
    talkative.get_current_user()
    talkative.request("GET", "/v1/users/me")
    task = agent.run("hello")
    task.wait_for_completion()
    sandbox.inject("*", Fault.reset_before(), times=1)
    with pytest.raises(CodegenAPIError):
        talkative.get_current_user()
    sandbox.inject("*", Fault.status(401, {"message": "no"}), times=1)
    with pytest.raises(CodegenAPIError):
        talkative.get_current_user()
    loggers = {record.name for record in caplog.records}
    assert {"codegen_ext", "httpcore.http11"} <= loggers
    for record in caplog.records:
        assert PART not in record.getMessage()
        assert not exposed(record.args)
        assert not exposed(vars(record))


@once
def test_no_finished_request_keeps_it(client: Any, sandbox: Sandbox) -> None:
    client.get_current_user()
    gc.collect()
    for thing in gc.get_objects():
        # Not isinstance, which asks lazy objects of other packages (Django's settings) what they are.
        if type(thing) is httpx.Request and str(thing.url).startswith(sandbox.base_url):
            assert "authorization" not in thing.headers


def test_the_callers_own_authorization_gives_way(client: Any) -> None:
    assert client.get_current_user(extra_headers={"Authorization": "Bearer wrong"}).id == 1
