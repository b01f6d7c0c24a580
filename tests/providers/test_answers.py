"""What each provider takes, returns and counts."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codegen_ext import ConfigurationError
from codegen_ext.providers import (
    AIProviderError,
    Price,
    ProviderTimeoutError,
    ProviderUnavailableError,
    get_ai_client,
    get_async_ai_client,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.inside import without_request_id
from ..support.loopback import HANG, Loopback, reply
from .conftest import ANSWER, KEY, MODELS, PIECES, chunk, completion, events, streamed


def test_codegen_creates_a_run_waits_and_returns_its_result(named: Callable[..., Any], sandbox: Sandbox) -> None:
    seen: list[dict[str, Any]] = []
    response = named("codegen").generate_response(
        prompt="Analyze this code [[pull_request=yes]]",
        system_prompt="You are a code analysis expert",
        model="codegen-agent",
        priority="normal",
        tags=["analysis", "review"],
        progress_callback=seen.append,
    )
    assert response.content == "Done: You are a code analysis expert"
    assert (response.provider_name, response.model, response.usage) == ("codegen", "codegen-agent", {})
    assert response.metadata["run_id"] == response.raw_response.id == 1
    assert response.request_id == "1"
    assert response.metadata["web_url"] == "https://sandbox.invalid/323/1"
    assert [pull["title"] for pull in response.metadata["pull_requests"]] == ["Change 1"]
    assert response.response_time > 9
    assert seen[-1]["status"] == "completed"


@pytest.mark.parametrize("model", ["codegen-agent", "claude"])
def test_what_codegen_is_sent(model: str, named: Callable[..., Any], serve: Callable[..., Loopback]) -> None:
    """The pseudo-model is not sent."""
    run = {"id": 1, "organization_id": 323, "status": "COMPLETE", "result": "ok", "github_pull_requests": []}
    service = serve(reply(run))
    provider = named("codegen", config=None, token=TOKEN, base_url=service.base_url)
    assert provider.generate_response("Hi", "Be brief", model, tags=["a"], timeout=50).model == model
    sent = service.requests[0].json()
    assert sent["prompt"] == "Be brief\n\nHi"
    assert sent.get("model") == (None if model == "codegen-agent" else model)
    assert without_request_id(sent["metadata"]) == {"codegen_sdk": {"tags": ["a"]}}


@pytest.mark.parametrize("streams", [False, True])
@pytest.mark.parametrize("poll_interval", [0, "5", None])
def test_a_wrong_poll_interval_costs_no_run(
    poll_interval: Any, streams: bool, named: Callable[..., Any], sandbox: Sandbox
) -> None:
    ask = named("codegen").stream_response if streams else named("codegen").generate_response
    with pytest.raises(ConfigurationError, match="poll_interval must be"):
        list(ask("Hi", poll_interval=poll_interval))
    assert sandbox.requests == []


def test_codegen_streams_its_log_and_then_the_result(named: Callable[..., Any], clock: FakeClock) -> None:
    stream = named("codegen").stream_response("Say hello [[logs=4 seconds=60]]")
    assert next(stream) == "Step 1: I use ripgrep_search.\n[ripgrep_search]\n"
    assert clock.monotonic() < 60  # as they come
    assert stream.response is None
    *more, last = list(stream)
    assert more
    assert last == stream.response.content == "Done: Say hello [[logs=4 seconds=60]]"
    assert stream.response.metadata["run_id"] == 1
    assert clock.monotonic() >= 60


def test_openai_gets_what_was_asked(named: Callable[..., Any], openai_service: Loopback) -> None:
    tool = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
    called = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    openai_service.answers = [reply(completion(None, tool_calls=[called]), headers={"x-request-id": "req-openai"})]
    response = named("openai").generate_response(
        "Hi", "Be brief", "gpt-x", 0.5, 50, tools=[tool], tool_choice="auto", top_p=0.1, priority="high", timeout=9
    )
    sent = openai_service.requests[0]
    assert sent.path == "/v1/chat/completions"
    assert sent.headers["authorization"] == f"Bearer {KEY}"
    assert sent.json() == {
        "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
        "model": "gpt-x",
        "temperature": 0.5,
        "max_tokens": 50,
        "tools": [tool],
        "tool_choice": "auto",
        "top_p": 0.1,
    }
    assert (response.content, response.request_id) == ("", "req-openai")
    assert response.metadata["tool_calls"][0]["function"]["name"] == "look"
    assert response.metadata["ignored"] == ["priority"]
    assert response.usage == {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    assert response.model == "gpt-4o-2024-08-06"


def test_openai_is_sent_only_what_was_given(named: Callable[..., Any], openai_service: Loopback) -> None:
    provider = named("openai")
    provider.generate_response("Hi", model="codegen-agent")
    provider.generate_response("Hi", temperature=0.0)
    first, second = (request.json() for request in openai_service.requests)
    assert first.keys() == {"messages", "model"}
    assert first["model"] == "gpt-4o"
    assert second["temperature"] == 0.0


CONVERSATION = [
    {"role": "user", "content": "Remember 7"},
    {"role": "assistant", "content": "Yes"},
    {"role": "user", "content": [{"type": "text", "text": "What was it?"}]},
]


def test_a_conversation_instead_of_a_prompt(
    named: Callable[..., Any], openai_service: Loopback, sandbox: Sandbox
) -> None:
    named("openai").generate_response(messages=CONVERSATION, system_prompt="Be brief")
    sent = openai_service.requests[0].json()["messages"]
    assert sent == [{"role": "system", "content": "Be brief"}, *CONVERSATION]
    assert named("chatserver").generate_response(messages=CONVERSATION[:1]).content == "Echo: Remember 7"
    assert named("codegen").generate_response(messages=CONVERSATION).content == "Done: user: Remember 7"


@pytest.mark.parametrize(
    "wrong",
    [
        {"prompt": " "},
        {"prompt": 7},
        {"prompt": "Hi", "timeout": 0},
        {"prompt": "Hi", "timeout": "1"},
        {"prompt": "Hi", "messages": CONVERSATION},
        {"prompt": "Hi", "model": 7},
        {"prompt": "Hi", "model": "codex/gpt-5"},
        {"messages": []},
        {"messages": "Hi"},
        {"messages": ["Hi"]},
        {},
    ],
)
def test_a_wrong_request(wrong: dict[str, Any], named: Callable[..., Any], openai_service: Loopback) -> None:
    with pytest.raises(AIProviderError):
        named("openai").generate_response(**wrong)
    assert openai_service.requests == []


def test_openai_streams(named: Callable[..., Any], openai_service: Loopback) -> None:
    counted = json.loads(chunk()) | {"choices": [], "usage": completion()["usage"]}
    chunks = (chunk("From "), chunk("OpenAI"), chunk(None, "stop"), json.dumps(counted), "[DONE]")
    openai_service.answers = [streamed(*chunks)]
    stream = named("openai", prices={"gpt-4o": Price(input=2.5, output=10)}).stream_response("Hi")
    assert openai_service.requests == []  # nothing is sent before the first piece is read
    assert list(stream) == ["From ", "OpenAI"]
    assert stream.response.content == "From OpenAI"
    assert stream.response.metadata["finish_reason"] == "stop"
    assert stream.response.metadata["cost"] == pytest.approx((100 * 2.5 + 20 * 10) / 1_000_000)
    assert openai_service.requests[0].json()["stream_options"] == {"include_usage": True}


def test_chatserver_answers_and_streams(named: Callable[..., Any], sandbox: Sandbox) -> None:
    provider = named("chatserver")
    response = provider.generate_response("Hi", "Be brief", max_tokens=7, user="user-1", branch="main")
    assert (response.content, response.model) == ("Echo: Hi", "claude-3-haiku")
    assert response.metadata["session_id"]
    assert response.metadata["ignored"] == ["branch"]
    assert response.usage["total_tokens"] > 0
    before = len(sandbox.requests)
    stream = provider.stream_response("Hi")
    assert list(stream) == ["Echo:", " Hi"]
    assert stream.response.usage == response.usage | stream.response.usage
    assert len(sandbox.requests) == before + 1  # the model is known by now


def test_what_chatserver_is_sent(named: Callable[..., Any], serve: Callable[..., Loopback]) -> None:
    service = serve(reply(completion()))
    provider = named("chatserver", base_url=service.base_url, transport=None)
    provider.generate_response("Hi", "Be brief", "m", max_tokens=7, user="u")
    provider.generate_response("Hi", model="m", temperature=0.0)
    first, second = (request.json() for request in service.requests)
    assert [message["role"] for message in first.pop("messages")] == ["system", "user"]
    assert first == {"model": "m", "max_tokens": 7, "user": "u", "metadata": {"user_id": "u"}, "stream": False}
    assert second["temperature"] == 0.0


@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_what_a_provider_has_nothing_for(name: str, named: Callable[..., Any], sandbox: Sandbox) -> None:
    provider = named(name)
    with pytest.raises(TypeError, match="no provider has an option 'colour'"):
        provider.generate_response("Hi", colour="blue")
    if name != "openai":
        with pytest.raises(AIProviderError, match="cannot call the caller's tools"):
            provider.generate_response("Hi", tools=[{}])
    assert (provider.get_stats()["request_count"], sandbox.requests) == (0, [])
    response = provider.generate_response("Hi", tool_choice="auto", temperature=0.0, max_tokens=9, top_p=0.2)
    ignored = {"codegen": {"max_tokens", "temperature", "tool_choice", "top_p"}, "chatserver": {"tool_choice"}}
    assert set(response.metadata["ignored"]) == ignored.get(name, set())


def test_usage_and_cost_of_one(named: Callable[..., Any], openai_service: Loopback, clock: FakeClock) -> None:
    prices = {"openai/gpt-4o": Price(input=2.5, output=10), "gpt-4o": Price(input=99)}  # the answer's model has a date
    openai_service.answers = [ANSWER, reply(status=500)]
    provider = named("openai", prices=prices, max_retries=0)
    cost = (100 * 2.5 + 20 * 10) / 1_000_000
    assert provider.generate_response("Hi").metadata["cost"] == pytest.approx(cost)
    with pytest.raises(AIProviderError):
        provider.generate_response("Hi")
    stats = provider.get_stats()
    assert (stats["request_count"], stats["error_count"], stats["error_rate"]) == (2, 1, 0.5)
    assert (stats["prompt_tokens"], stats["completion_tokens"], stats["total_tokens"]) == (100, 20, 120)
    assert stats["last_request_time"] == clock.time()
    assert stats["cost"] == pytest.approx(cost)
    assert "success_rate" not in stats
    enhanced = provider.get_enhanced_stats()
    assert (enhanced["success_rate"], enhanced["task_count"]) == (0.5, 0)


def test_no_price_is_invented(named: Callable[..., Any]) -> None:
    provider = named("openai")
    assert "cost" not in provider.generate_response("Hi").metadata
    assert (provider.get_stats()["cost"], provider.get_stats()["unpriced_count"]) == (None, 1)
    for wrong in ({"openai": 3}, 7):
        with pytest.raises(ConfigurationError, match="prices must map"):
            named("openai", prices=wrong)


def test_usage_of_all_together(make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox) -> None:
    prices = {"codegen": Price(request=2.0), "gpt-4o": Price(input=10_000)}
    client = make(validate_on_creation=False, prices=prices, **options)
    client.generate_response("Hi")
    sandbox.inject("create_agent_run", Fault.status(401))
    client.generate_response("Hi")
    stats = client.get_enhanced_stats()
    assert stats["cost"] == pytest.approx(2.0 + 1.0)
    assert (stats["request_count"], stats["error_count"], stats["task_count"]) == (3, 1, 1)
    assert stats["providers"]["codegen"]["request_count"] == 2
    assert stats["providers"]["openai"]["total_tokens"] == client.get_stats()["total_tokens"] == 120
    assert stats["total_duration"] > 9


def test_models(named: Callable[..., Any], openai_service: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    openai_service.answers = [MODELS, reply([{"id": "one"}, {"id": "two"}])]
    assert named("codegen").get_available_models() == ["codegen-agent"]
    assert named("openai").get_available_models() == ["gpt-4o"]
    assert named("openai").get_available_models() == ["one", "two"]  # some have no object around the list
    assert "claude-3-haiku" in named("chatserver").get_available_models()
    assert named("openai").get_default_model() == "gpt-4o"
    monkeypatch.setenv("OPENAI_MODEL", "gpt-y")
    assert named("openai").get_default_model() == "gpt-y"
    assert named("openai", model="gpt-z").get_default_model() == "gpt-z"


def test_a_client_may_be_brought_along(
    make: Callable[..., Any], client: Any, flavour: Flavour, clock: FakeClock
) -> None:
    inner = client._target if flavour.is_async else client
    provider = make("codegen", client=inner, org_id=323, clock=clock)
    assert provider.generate_response("Hi").provider_name == "codegen"
    provider.close()
    assert client.get_current_user().id


def test_threads_may_share_a_chain(options: dict[str, Any], openai_service: Loopback) -> None:
    chosen = {"clock": options["clock"], "openai": options["openai"]}
    with get_ai_client(validate_on_creation=False, **chosen) as client, ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(client.generate_response, [f"Hi {number}" for number in range(24)]))
    assert {answer.content for answer in answers} == {"From OpenAI"}
    assert client.get_stats()["request_count"] == len(openai_service.requests) == 24


def test_a_cancelled_answer_is_no_failure(options: dict[str, Any], openai_service: Loopback) -> None:
    """Nothing is learnt about the provider, and the next request may go at once."""
    openai_service.answers = [HANG, ANSWER]

    async def scene() -> str:
        chosen = {"clock": options["clock"], "openai": options["openai"]}
        async with await get_async_ai_client(validate_on_creation=False, breaker_failures=1, **chosen) as client:
            asked = asyncio.ensure_future(client.generate_response("Hi"))
            await asyncio.to_thread(openai_service.arrived.wait)
            asked.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asked
            return (await client.generate_response("Hi")).content

    assert asyncio.run(scene()) == "From OpenAI"


@pytest.mark.parametrize(("name", "first"), [("openai", "From "), ("chatserver", "Echo:")])
def test_a_stream_ends_with_its_deadline(
    name: str, first: str, named: Callable[..., Any], openai_service: Loopback, clock: FakeClock
) -> None:
    openai_service.answers = [PIECES]
    stream = named(name).stream_response("Hi there", timeout=40)
    assert next(stream) == first
    clock.advance(41)
    with pytest.raises(ProviderTimeoutError) as caught:
        next(stream)
    assert (caught.value.partial, caught.value.timeout_duration) == (first, 40)


@pytest.fixture
def dripping(clock: FakeClock) -> Iterator[str]:
    """A service whose answer never ends, and of which a byte comes in every second of the fake clock."""
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):
                super().handle()

        def do_POST(self) -> None:
            streams = b'"stream":true' in self.rfile.read(int(self.headers["content-length"])).replace(b" ", b"")
            self.send_response(200)
            self.send_header("content-type", "text/event-stream" if streams else "application/json")
            self.end_headers()
            self.wfile.write(events(chunk("From ")) if streams else b"{")
            for _ in range(100):
                clock.advance(1)
                self.wfile.write(b" ")
                if over.wait(0.001):
                    return

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("streams", [False, True])
def test_a_dripping_answer_ends_with_its_deadline(streams: bool, named: Callable[..., Any], dripping: str) -> None:
    """Each byte comes in time, and the whole does not."""
    provider = named("openai", base_url=dripping)
    with pytest.raises(ProviderTimeoutError) as caught:
        list(provider.stream_response("Hi", timeout=30)) if streams else provider.generate_response("Hi", timeout=30)
    assert caught.value.timeout_duration == 30
    assert caught.value.partial == ("From " if streams else "")


NO_MODELS = (b"<html>", b"null", b"{}", b"7", b'{"data": null}', b'{"data": [7]}')
NO_COMPLETION = (None, 7, {}, {"choices": []}, {"choices": [7]}, {"choices": [{"message": {"content": 7}}]})
NO_CHUNK = (
    "null",
    "7",
    '{"choices": null}',
    '{"choices": [7]}',
    '{"choices": [{"index": 0, "delta": null}]}',
    '{"choices": [{"index": 0, "delta": {"content": 7}}]}',
)


def test_a_service_that_speaks_the_api_only_nearly(named: Callable[..., Any], openai_service: Loopback) -> None:
    """What makes no sense is a provider's error, never a raw exception."""
    provider = named("openai")
    for body in NO_MODELS:
        openai_service.answers = [reply(body)]
        with pytest.raises(ProviderUnavailableError, match="the answer is no"):
            provider.get_available_models()
    for value in NO_COMPLETION:
        openai_service.answers = [reply(value)]
        with pytest.raises(ProviderUnavailableError, match="the answer is no chat completion"):
            provider.generate_response("Hi")
    for data in NO_CHUNK:
        openai_service.answers = [streamed(chunk("From "), data, chunk(None, "stop"), "[DONE]")]
        with pytest.raises(ProviderUnavailableError, match="the answer is no stream of chunks") as caught:
            list(provider.stream_response("Hi"))
        assert caught.value.partial == "From "
