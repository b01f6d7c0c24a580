"""One client of each kind with everything turned on, calls of every outcome: the token is nowhere afterwards.

Nowhere means that no eight characters of it in a row stand in anything that leaves the process or may be printed.
"""

import contextlib
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
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import CollectorRegistry, generate_latest

from codegen_ext import (
    AuthenticationError,
    ClientConfig,
    CodegenAPIError,
    CodegenClient,
    CodegenConfig,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    RateLimitError,
    ServerError,
    TimeoutError,
    ValidationError,
)
from codegen_ext.integrations.opentelemetry import instrument
from codegen_ext.integrations.prometheus import PrometheusCollector
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import Flavour
from ..support.inside import real
from ..support.loopback import CLOSE, HANG, Loopback, reply

SECRET = "sk-Zq8Rv2Lw7Xk4Np9Tj6Hb3Gd5"
PIECES = [SECRET[at : at + 8] for at in range(len(SECRET) - 7)]
ECHO = {"message": f"no: Bearer {SECRET}", "detail": {"authorization": SECRET, SECRET[3:]: [SECRET[2:14]]}}


def found_in(text: str | bytes) -> list[str]:
    text = text.decode("latin-1") if isinstance(text, bytes) else text
    return [piece for piece in PIECES if piece in text]


def around(text: str | bytes) -> str:
    at = str(text).find(found_in(text)[0])
    return str(text)[max(0, at - 150) : at + 50]


class Watch:
    """Everything that came out of a client, as text."""

    def __init__(self) -> None:
        self.texts: list[tuple[str, str | bytes]] = []

    def see(self, name: str, *things: object) -> None:
        for thing in map(real, things):
            self.texts += [(f"repr of {name}", repr(thing)), (f"str of {name}", str(thing))]
            with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
                self.texts.append((f"pickle of {name}", pickle.dumps(thing)))
            with contextlib.suppress(TypeError):
                self.texts.append((f"copy of {name}", repr(copy.copy(thing))))

    def see_error(self, error: BaseException | None) -> None:
        assert error is not None
        self.texts.append(("traceback", "".join(traceback.format_exception(error))))
        while error is not None:
            self.see(type(error).__name__, error, error.args, vars(error))
            request = getattr(error, "_request", None)
            if request is not None:
                self.see("request", request, request.headers, request.url, request.extensions)
            error = error.__cause__ or error.__context__

    def see_record(self, record: logging.LogRecord) -> None:
        # Numbers of threads and moments are not the matter.
        own = {key: value for key, value in vars(record).items() if key.startswith("codegen_")}
        self.see("record", record.getMessage(), record.args, own, vars(record))

    def leaks(self) -> list[str]:
        return [f"{name}: {around(text)}" for name, text in self.texts if found_in(text)]


class Telemetry:
    """Everything that a client can tell, all on."""

    def __init__(self) -> None:
        self.exporter = InMemorySpanExporter()
        self.provider = TracerProvider()
        self.provider.add_span_processor(SimpleSpanProcessor(self.exporter))
        self.registry = CollectorRegistry()
        self.collector = PrometheusCollector()
        self.registry.register(self.collector)

    def watch(self, client: Any) -> Any:
        self.collector.add(real(client))
        instrument(real(client), self.provider)
        return client


@pytest.fixture
def telemetry() -> Iterator[Telemetry]:
    telemetry = Telemetry()
    yield telemetry
    telemetry.provider.shutdown()


def failing(watch: Watch, kind: type[CodegenAPIError], call: Callable[[], Any]) -> Any:
    with pytest.raises(kind) as caught:
        call()
    watch.see_error(caught.value)
    return caught.value


def drive_runs(watch: Watch, client: Any, agent: Any) -> None:
    user = client.get_current_user()
    task = agent.run("hello", metadata={"team": "core"})
    task.wait_for_completion()
    client.list_agent_runs(323)
    client.generate_slack_connect_token(org_id=323)
    client.request("GET", "/v1/users/me")
    failing(watch, ValidationError, lambda: client.get_users(SECRET))
    raw = client.with_raw_response.get_current_user()
    derived = client.with_options(timeout=5)
    watch.see("client", client, derived, client.with_raw_response, client.config, client.session, client.metrics)
    watch.see("internals", vars(real(client)), vars(client.session), client.session.auth, client.session._transport)
    watch.see("generated client", Client("http://here", SECRET))
    assert agent.token == SECRET
    watch.see("agent", agent, task, task.run, task.get_monitoring_info(), user, raw, dict(raw.headers))
    watch.see("statistics", client.get_stats(), client.health_check())


def drive_failures(watch: Watch, client: Any, sandbox: Sandbox) -> None:
    read = client.get_current_user
    for kind, fault in (
        (
            AuthenticationError,
            Fault.status(401, ECHO, {"www-authenticate": f"Bearer {SECRET}", "x-request-id": SECRET}),
        ),
        (RateLimitError, Fault.status(429, ECHO, retry_after=1)),
        (ServerError, Fault.status(500, ECHO)),
        (ServerError, Fault.status(503, f"<html>{SECRET}</html>".encode())),
        (ValidationError, Fault.status(422, {"detail": [{"loc": ["header", SECRET], "msg": SECRET, "type": "x"}]})),
        (CodegenAPIError, Fault.status(302, b"", {"location": f"http://u:{SECRET}@elsewhere/?token={SECRET}"})),
        (InvalidResponseError, Fault.invalid_body(f"broken {SECRET}".encode())),
        (InvalidResponseError, Fault.invalid_body(f'{{"id": "{SECRET}"}}'.encode())),
        (InvalidResponseError, Fault.invalid_body(b"x", f"text/{SECRET}")),
        (NetworkError, Fault.reset_before()),
        (NetworkError, Fault.truncate(3)),
    ):
        sandbox.inject("*", fault)
        failing(watch, kind, read)
        failing(watch, CodegenAPIError, lambda: client.create_agent_run(323, "x"))
        with contextlib.suppress(CodegenAPIError):
            client.request("GET", f"/v1/{SECRET}")
        sandbox.clear_faults()


def drive_network(watch: Watch, connect: Callable[..., Any], serve: Callable[..., Loopback]) -> None:
    failing(watch, TimeoutError, connect(serve(HANG).base_url, timeout=0.05, max_retries=0).get_current_user)
    failing(watch, NetworkError, connect(serve(CLOSE).base_url).get_current_user)
    failing(watch, NetworkError, connect("http://127.0.0.1:9").get_current_user)
    echo = connect(serve(reply(ECHO)).base_url)
    failing(watch, CodegenAPIError, lambda: connect(serve(reply(ECHO, 400)).base_url).request("GET", f"/{SECRET}"))
    echo.request("GET", f"/new/{SECRET}", params={"key": SECRET, "token": "x"})
    closed = connect(serve(CLOSE).base_url)
    closed.close()
    failing(watch, CodegenAPIError, closed.get_current_user)


def drive_chat(watch: Watch, connect: Callable[[str], Any], sandbox: Sandbox, serve: Callable[..., Loopback]) -> None:
    chat = connect(sandbox.base_url)
    messages = [{"role": "user", "content": "Hi"}]
    chat.create_chat_completion("gpt-4o", messages)
    list(chat.stream_chat_completion("gpt-4o", messages))
    sandbox.inject("*", Fault.status(401, ECHO), times=2)
    failing(watch, AuthenticationError, chat.list_models)
    failing(watch, AuthenticationError, lambda: list(chat.stream_chat_completion("gpt-4o", messages)))
    chat.list_models()
    sandbox.inject("*", Fault.truncate(100), times=1)
    failing(watch, CodegenAPIError, lambda: list(chat.stream_chat_completion("gpt-4o", messages)))
    for event in (
        b'event: error\ndata: {"error": {"message": "%b"}}\n\n',
        b"data: %b\n\n",
        b'data: {"id": ["%b"]}\n\n',
    ):
        server = serve(reply(event % SECRET.encode(), content_type="text/event-stream"))
        broken = connect(server.base_url)
        failing(watch, CodegenAPIError, lambda chat=broken: list(chat.stream_chat_completion("gpt-4o", messages)))
    watch.see("chat", chat, chat.config, chat.session, chat.get_stats())


def test_the_token_is_nowhere(
    flavour: Flavour,
    serve: Callable[..., Loopback],
    telemetry: Telemetry,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watch, clock = Watch(), FakeClock()
    monkeypatch.setenv("CODEGEN_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("CODEGEN_LOG_RESPONSES", "true")
    caplog.set_level(logging.DEBUG)
    with contextlib.ExitStack() as stack:
        sandbox = stack.enter_context(Sandbox(rate_limits=False, run_seconds=10, clock=clock, token=SECRET))

        def connect(base_url: str, **settings: Any) -> Any:
            config = ClientConfig(
                **{"api_token": SECRET, "base_url": base_url, "max_retries": 1, "enable_caching": False, **settings}
            )
            watch.see("configuration", config)
            return telemetry.watch(stack.enter_context(flavour.client(config, clock=clock)))

        def connect_chat(base_url: str) -> Any:
            return telemetry.watch(stack.enter_context(flavour.chat(SECRET, base_url, clock=clock)))

        client = connect(sandbox.base_url, total_timeout=20)
        drive_runs(watch, client, flavour.agent(323, client=client))
        drive_failures(watch, client, sandbox)
        drive_network(watch, connect, serve)
        drive_chat(watch, connect_chat, sandbox, serve)
    for record in caplog.records:
        if record.name.startswith("codegen"):
            watch.see_record(record)
    spans = telemetry.exporter.get_finished_spans()
    watch.texts += [("span", span.to_json()) for span in spans]
    watch.texts.append(("exposition", generate_latest(telemetry.registry)))
    watch.see("collector", telemetry.collector, vars(telemetry.collector))
    events = {
        record.codegen_event for record in caplog.records if record.name == "codegen_ext" and record.codegen_event
    }
    assert events == {"request", "response", "failure", "retry"}
    assert {"get_current_user", "create_chat_completion"} <= {span.name for span in spans}
    assert watch.leaks() == []


def test_a_pickled_configuration_takes_the_token_of_the_process_that_loads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    config = ClientConfig(api_token=SECRET, org_id=323, timeout=7, shared_state="sqlite:///here")
    pickled = pickle.dumps(config)
    assert pickle.loads(pickled).api_token == ""
    monkeypatch.setenv("CODEGEN_API_TOKEN", "its-own")
    loaded = pickle.loads(pickled)
    kept = (loaded.api_token, loaded.org_id, loaded.timeout, loaded.shared_state, loaded.has_rate_limit_cap)
    assert kept == ("its-own", "323", 7, "sqlite:///here", False)
    assert pickle.loads(pickle.dumps(ClientConfig(rate_limit_requests_per_period=60))).has_rate_limit_cap
    with pytest.raises(ConfigurationError, match="CODEGEN_SHARED_STATE"):
        pickle.dumps(ClientConfig(shared_state=f"redis://user:{SECRET}@host"))
    with CodegenClient(config) as client, pytest.raises(TypeError, match="pickle its config, or ids"):
        pickle.dumps(client)


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy])
def test_a_copied_configuration_keeps_the_token(again: Callable[[Any], Any]) -> None:
    config = CodegenConfig(api_token=SECRET, cache_ttl=9, shared_state=f"redis://user:{SECRET}@host")
    copied = again(config)
    assert (copied, type(copied)) == (config, CodegenConfig)
    copied.retry_on_status.append(418)
    assert 418 not in config.retry_on_status
    assert not found_in(repr(config) + repr(copied))


def test_a_password_in_the_base_url_is_not_shown(flavour: Flavour) -> None:
    config = ClientConfig(api_token="another-token", base_url=f"https://user:{SECRET}@host.invalid/v1")
    with flavour.client(config) as client:
        shown = [config, client, flavour.agent(323, client=client), client.get_stats()]
        assert [thing for thing in shown if found_in(repr(thing))] == []
        assert "https://host.invalid/v1" in repr(client)
    assert client.config.base_url == config.base_url


@pytest.mark.parametrize("bad", [f"{SECRET} with spaces", f"{SECRET}\n", f"ü{SECRET}"])
def test_a_refused_token_is_not_repeated(flavour: Flavour, bad: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        flavour.client(ClientConfig(api_token=bad))
    assert not found_in("".join(traceback.format_exception(caught.value)))


def test_an_error_of_the_network_carries_no_secret(flavour: Flavour) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        try:
            raise OSError(5, f"while sending {request.headers['authorization']}")
        except OSError as error:
            raise httpx.RemoteProtocolError(f"illegal header: {error}", request=request) from error

    transport, url = httpx.MockTransport(answer), "http://me:hunter2@service.invalid"
    config = ClientConfig(api_token=SECRET, base_url=url, transport=transport, max_retries=0)
    watch = Watch()
    with flavour.client(config) as client:
        error = failing(watch, NetworkError, client.get_current_user)
    assert watch.leaks() == []
    assert not [text for _, text in watch.texts if "hunter2" in str(text)]
    assert error.message.startswith("illegal header")
    assert isinstance(error.original_error, httpx.RemoteProtocolError)
    assert isinstance(error.original_error.__cause__, OSError)
    assert error.__context__ in (None, error.__cause__)


def test_the_session_takes_it_to_no_other_host_and_keeps_it_in_no_request(
    serve: Callable[..., Loopback], connect: Callable[..., Any], flavour: Flavour
) -> None:
    ours, other = serve(reply({}), reply({}), CLOSE), serve(reply({}))
    session = connect(f"{ours.base_url}/v1", api_token=SECRET).session
    for address in ("/v1/x", f"{ours.base_url}/elsewhere", f"{other.base_url}/v1/x"):
        assert "authorization" not in flavour.settle(session.get(address)).request.headers
    assert [request.headers["authorization"] for request in ours.requests] == [f"Bearer {SECRET}"] * 2
    assert "authorization" not in other.requests[0].headers
    with pytest.raises(httpx.TransportError) as caught:
        flavour.settle(session.get("/v1/x"))
    assert "authorization" not in caught.value.request.headers
    gc.collect()
    for thing in gc.get_objects():
        # Not isinstance, which asks lazy objects of other packages (Django's settings) what they are.
        if type(thing) is httpx.Request and str(thing.url).startswith(ours.base_url):
            assert "authorization" not in thing.headers


def test_the_callers_own_authorization_gives_way(client: Any) -> None:
    assert client.get_current_user(extra_headers={"Authorization": "Bearer wrong"}).id == 1
