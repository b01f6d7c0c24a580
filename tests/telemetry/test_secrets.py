"""Credentials are taken out of texts; after calls of every outcome, with everything turned on, the token is nowhere.

Nowhere means that no eight characters of it in a row stand in anything that leaves the process or may be printed.
"""

import contextlib
import copy
import gc
import logging
import pickle
import time
import traceback

import httpx
import pytest
from codegen_api import Client
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest

from codegen_ext import ClientConfig, CodegenAPIError, CodegenClient, CodegenConfig, ConfigurationError
from codegen_ext.integrations.opentelemetry import instrument
from codegen_ext.integrations.prometheus import PrometheusCollector
from codegen_ext.redact import MASK, Redactor, is_secret_name
from codegen_ext.testing import Fault

from ..conftest import TOKEN
from ..support.blocking import real
from ..support.loopback import CLOSE, HANG, reply

SECRET = TOKEN
PIECES = [SECRET[at : at + 8] for at in range(len(SECRET) - 7)]
ECHO = {"message": f"no: Bearer {SECRET}", "detail": {"authorization": SECRET, SECRET[3:]: [SECRET[2:14]]}}
FAULTS = [
    Fault.status(401, ECHO, {"www-authenticate": f"Bearer {SECRET}", "x-request-id": SECRET}),
    Fault.status(429, ECHO, retry_after=1),
    Fault.status(503, f"<html>{SECRET}</html>".encode()),
    Fault.status(422, {"detail": [{"loc": ["header", SECRET], "msg": SECRET, "type": "x"}]}),
    Fault.status(302, b"", {"location": f"http://u:{SECRET}@elsewhere/?token={SECRET}"}),
    Fault.invalid_body(f"broken {SECRET}".encode()),
    Fault.invalid_body(f'{{"id": "{SECRET}"}}'.encode()),
    Fault.invalid_body(b"x", f"text/{SECRET}"),
    Fault.reset_before(),
    Fault.truncate(3),
]
EVENTS = [
    f'event: error\ndata: {{"error": {{"message": "{SECRET}"}}}}',
    f"data: {SECRET}",
    f'data: {{"id": ["{SECRET}"]}}',
]


def found_in(text):
    return [text[max(0, text.find(piece) - 150) :][:200] for piece in PIECES if piece in text]


class Watch:
    """Everything that came out of a client, as text."""

    def __init__(self):
        self.texts = []

    def see(self, *things):
        for thing in map(real, things):
            self.texts += repr(thing), str(thing)
            with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
                self.texts.append(pickle.dumps(thing).decode("latin-1"))
            with contextlib.suppress(TypeError):
                self.texts.append(repr(copy.copy(thing)))

    def failing(self, call, *args, **options):
        """Make a call that fails, and see all that the error carries."""
        with pytest.raises(CodegenAPIError) as caught:
            call(*args, **options)
        error = caught.value
        self.texts += traceback.format_exception(error)
        while error is not None:
            self.see(error, error.args, vars(error))
            request = getattr(error, "_request", None)
            if request is not None:
                self.see(request, request.headers, request.url, request.extensions)
            error = error.__cause__ or error.__context__
        return caught.value


def drive_runs(watch, client, agent):
    task = agent.run("hello", metadata={"team": "core"})
    task.wait_for_completion()
    client.request("GET", "/v1/users/me")
    watch.failing(client.get_users, SECRET)
    raw = client.with_raw_response.get_current_user()
    session = client.session
    watch.see(client, client.with_options(timeout=5), client.with_raw_response, client.config, session, client.metrics)
    watch.see(vars(real(client)), vars(session), session.auth, session._transport, Client("http://here", SECRET))
    assert agent.token == SECRET
    watch.see(agent, task, task.run, task.get_monitoring_info(), raw, dict(raw.headers))
    watch.see(client.get_stats(), client.health_check())


def drive_failures(watch, client, sandbox, connect, serve):
    for fault in FAULTS:
        sandbox.inject("*", fault)
        watch.failing(client.get_current_user)
        watch.failing(client.create_agent_run, 323, "x")
        with contextlib.suppress(CodegenAPIError):
            client.request("GET", f"/v1/{SECRET}", params={"key": SECRET, "token": "x"})
        sandbox.clear_faults()
    for answer, own in ((HANG, {"timeout": 0.05}), (reply(ECHO, 400), {}), (CLOSE, {})):
        failed = connect(serve(answer).base_url, **own)
        watch.failing(failed.request, "GET", f"/{SECRET}")
        failed.close()
        watch.failing(failed.get_current_user)
    watch.failing(connect("http://127.0.0.1:9").get_current_user)


def drive_chat(watch, chat, sandbox, serve, flavour):
    def stream(chat):
        return list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))

    stream(chat)
    for fault in (Fault.status(401, ECHO), Fault.truncate(100)):
        sandbox.inject("*", fault, times=1)
        watch.failing(stream, chat)
    for event in EVENTS:
        server = serve(reply(f"{event}\n\n".encode(), content_type="text/event-stream"))
        with flavour.chat(SECRET, server.base_url) as other:
            watch.failing(stream, other)
    watch.see(chat, chat.config, chat.session, chat.get_stats())


def test_the_token_is_nowhere(flavour, sandbox, connect, serve, spans, caplog, monkeypatch):
    monkeypatch.setenv("CODEGEN_LOG_LEVEL", "DEBUG")
    monkeypatch.setenv("CODEGEN_LOG_RESPONSES", "true")
    caplog.set_level(logging.DEBUG)
    watch, registry = Watch(), CollectorRegistry()
    client = connect(max_retries=1, rate_limits=True, total_timeout=20)
    with flavour.chat(SECRET, sandbox.base_url) as chat:
        collector = PrometheusCollector(real(client), real(chat))
        registry.register(collector)
        for one in (client, chat):
            instrument(real(one), spans.provider)
        drive_runs(watch, client, flavour.agent(323, client=client))
        drive_failures(watch, client, sandbox, connect, serve)
        drive_chat(watch, chat, sandbox, serve, flavour)
    ours = [record for record in caplog.records if record.name.startswith("codegen")]
    for record in ours:
        watch.see(record.getMessage(), vars(record))
    watch.texts += [span.to_json() for span in spans.get_finished_spans()]
    watch.texts.append(generate_latest(registry).decode())
    watch.see(collector, vars(collector))
    assert {"request", "response", "failure", "retry"} <= {record.codegen_event for record in ours}
    assert {"get_current_user", "create_chat_completion"} <= {span.name for span in spans.calls}
    assert [leak for text in watch.texts for leak in found_in(text)] == []


def test_a_pickled_configuration_takes_the_token_of_the_process_that_loads_it(monkeypatch):
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
def test_a_copied_configuration_keeps_the_token(again):
    config = CodegenConfig(api_token=SECRET, cache_ttl=9, shared_state=f"redis://user:{SECRET}@host")
    copied = again(config)
    assert (copied, type(copied)) == (config, CodegenConfig)
    copied.retry_on_status.append(418)
    assert 418 not in config.retry_on_status
    assert not found_in(repr(config) + repr(copied))


@pytest.mark.parametrize(
    "call",
    [
        *(
            lambda client, agent, bad=bad: CodegenClient(api_token=bad)
            for bad in (f"{SECRET} with spaces", f"{SECRET}\n", f"ü{SECRET}")
        ),
        lambda client, agent: client.get_users(SECRET),
        lambda client, agent: client.wait_for_completion(SECRET, 1),
        lambda client, agent: client.wait_for_completion(323, SECRET),
        lambda client, agent: client.bulk_create_agent_runs(323, [{"prompt": "x"}], wait=SECRET),
        lambda client, agent: client.bulk_create_agent_runs(323, [{"prompt": "x"}], max_concurrent=SECRET),
        lambda client, agent: client.get_agent_runs(323, page=SECRET),
        lambda client, agent: client.notify_run({"id": SECRET}),
        lambda client, agent: client.find_agent_run(323, [SECRET]),
        lambda client, agent: client.request(f"{SECRET} ", "/v1"),
        lambda client, agent: client.request("GET", f"http://{SECRET}"),
        lambda client, agent: client.request("GET", f"/v1/{SECRET}\n"),
        lambda client, agent: client.with_options(log_level=SECRET.upper()),
        lambda client, agent: client.with_options(proxy=SECRET),
        lambda client, agent: agent(SECRET, client=client),
        lambda client, agent: agent(323, client=client).list_tasks(SECRET),
        lambda client, agent: agent(323, client=client).run("x", SECRET),
        lambda client, agent: agent(323, client=client).list_tasks(status=SECRET),
        *(
            lambda client, agent, name=name, value=value: agent(323, client=client).run("x", **{name: value})
            for name in ("metadata", "repository", "priority", "tags", "timeout", "webhook_url")
            for value in (SECRET, [SECRET, 5], {"a": {SECRET}})
        ),
    ],
)
def test_a_token_that_is_refused_or_at_the_wrong_place_is_not_quoted(flavour, connect, call):
    watch = Watch()
    watch.failing(call, connect(), flavour.agent)
    assert [leak for text in watch.texts for leak in found_in(text)] == []


def test_neither_an_error_of_the_network_nor_the_address_shows_a_secret(flavour):
    def answer(request):
        try:
            raise OSError(5, f"while sending {request.headers['authorization']}")
        except OSError as error:
            raise httpx.RemoteProtocolError(f"illegal header: {error}", request=request) from error

    transport, url = httpx.MockTransport(answer), "http://me:hunter2@service.invalid"
    config = ClientConfig(api_token=SECRET, base_url=url, transport=transport, max_retries=0)
    watch = Watch()
    with flavour.client(config) as client:
        error = watch.failing(client.get_current_user)
        watch.see(config, client, flavour.agent(323, client=client), client.get_stats())
        assert "http://service.invalid" in repr(client)
        assert client.config.base_url == url
    assert not [text for text in watch.texts if found_in(text) or "hunter2" in text]
    assert error.message.startswith("illegal header")
    assert isinstance(error.original_error, httpx.RemoteProtocolError)
    assert isinstance(error.original_error.__cause__, OSError)
    assert error.__context__ in (None, error.__cause__)


def test_the_session_takes_it_to_no_other_host(serve, connect, flavour):
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


def test_the_callers_own_authorization_gives_way(client):
    assert client.get_current_user(extra_headers={"Authorization": "Bearer wrong"}).id == 1


redact = Redactor(SECRET)
others = st.text('ace =:/\n"ü😀')


@given(before=others, after=others, start=st.integers(0, 16), length=st.integers(8, 24))
def test_no_piece_of_eight_characters_is_left(before, after, start, length):
    text = redact(before + SECRET[start : start + length] + after)
    assert text == before + MASK + after


@given(st.lists(st.sampled_from([*PIECES, SECRET, *SECRET, " "])).map("".join))
def test_pieces_may_touch_and_overlap(text):
    assert not [piece for piece in PIECES if piece in redact(text)]


def test_shorter_pieces_and_short_credentials_stay_and_it_shows_and_pickles_nothing():
    assert redact(f"{SECRET[:7]}…") == f"{SECRET[:7]}…"
    assert Redactor("right")("all right") == "all right"
    assert Redactor()("anything") == "anything"
    assert repr(redact) == "Redactor()"
    assert SECRET.encode() not in pickle.dumps(redact)


@settings(max_examples=30)
@given(
    st.recursive(
        st.sampled_from([SECRET, f"Bearer {SECRET}", "x", 1, None, True]),
        lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["a", "token", "env"]), inner),
        max_leaves=8,
    )
)
def test_parsed_json_is_freed_of_it(data):
    cleaned = redact.within(data)
    assert not [piece for piece in PIECES if piece in repr(cleaned)]
    assert type(cleaned) is type(data)


SECRET_NAMES = (
    "token api_token access_token TOKEN x-api-key apiKey api_key client_secret password passwd Authorization Set-Cookie"
    " env environment env_vars credential private_key signature sig"
)
OTHER_NAMES = "id status prompt message envelope design signal key author page result"


def test_names_of_secrets():
    names = f"{SECRET_NAMES} {OTHER_NAMES}".split()
    assert [name for name in names if is_secret_name(name)] == SECRET_NAMES.split()


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://host/a?page=1", "https://host/a?page=1"),
        ("https://user:pass@host/a", "https://host/a"),
        ("https://host/a?token=abc&page=1&flag", f"https://host/a?token={MASK}&page=1&flag"),
        (f"https://host/{SECRET}/b", f"https://host/{MASK}/b"),
        (f"https://host/?q={SECRET[:4]}%{ord(SECRET[4]):02x}{SECRET[5:]}", f"https://host/?q={MASK}"),
    ],
)
def test_urls(url, shown):
    assert redact.url(url) == shown


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        ('{"token": "abc", "n": 1}', f'{{"token": "{MASK}", "n": 1}}'),
        ('{"env": {"A": ["b"]}}', f'{{"env": {{"A": ["{MASK}"]}}}}'),
        ('{"token": "abcdefgh", "text": "use abcdefgh"}', f'{{"token": "{MASK}", "text": "use {MASK}"}}'),
        ('"Authorization: Basic abc"', f'"Authorization: Basic {MASK}"'),
        ('"Basic rules apply"', '"Basic rules apply"'),
        ("Authorization: Bearer abc", f"Authorization: Bearer {MASK}"),
        ("-H 'authorization: token abc'", f"-H 'authorization: token {MASK}'"),
        ("Cookie: a=b; c=d\nnext", f"Cookie: {MASK}\nnext"),
        ("export API_TOKEN='abc' x", f"export API_TOKEN='{MASK}' x"),
        ("see https://host/a?n=1&token=abc&b=2", f"see https://host/a?n=1&token={MASK}&b=2"),
        ('{\\"token\\": \\"abc\\"} broken', f'{{\\"token\\": \\"{MASK}\\"}} broken'),
        ('{"text": "run with token=abc", "max_tokens": 5}', f'{{"text": "run with token={MASK}", "max_tokens": 5}}'),
        ("token=abc&page=1", f"token={MASK}&page=1"),
        ('{"token": "abc", broken', f'{{"token": "{MASK}", broken'),
        (f"you sent {SECRET}!", f"you sent {MASK}!"),
        (f'"{SECRET[:4]}\\u{ord(SECRET[4]):04x}{SECRET[5:]}"', f'"{MASK}"'),
    ],
)
def test_bodies(body, shown):
    assert redact.body(body) == shown


@given(st.binary() | st.text('{}[]":,\\ =token\nü').map(str.encode), st.integers(0, 50))
def test_any_body_can_be_shown(content, at):
    text = (content[:at] + SECRET.encode() + content[at:]).decode("utf-8", "replace")
    assert not [piece for piece in PIECES if piece in redact.body(text)]


@pytest.mark.parametrize("text", ["a", "a ", "a" + " " * 9, "a://", '"', "a:"])
def test_long_bodies_take_no_longer_than_their_length(text):
    long = (text * 150_000)[:150_000]
    start = time.process_time()
    assert redact.body(long) == long
    assert time.process_time() - start < 5  # of which a quadratic expression would take many times as much
