"""What each provider takes, returns and counts."""

import pytest

from codegen_ext import ConfigurationError, providers
from codegen_ext.testing import Fault

from ..codex.responses import CUT, Responses, refuse
from ..conftest import TOKEN
from ..support.blocking import real
from ..support.completions import chunk, streamed
from ..support.loopback import reply
from ..support.programs import require_codex
from .conftest import ANSWER, KEY, MODELS, PIECES, completion

TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
CONVERSATION = [
    {"role": "user", "content": "Remember 7"},
    {"role": "assistant", "content": "Yes"},
    {"role": "user", "content": [{"type": "text", "text": "What was it?"}]},
]


@pytest.mark.parametrize("model", ["codegen-agent", "claude"])
def test_codegen_creates_a_run_and_returns_or_streams_its_result(model, named, sandbox):
    seen = []
    response = named("codegen").generate_response(
        "Analyze [[pull_request=yes]]", "Be brief", model, tags=["a"], timeout=50, progress_callback=seen.append
    )
    (run,) = sandbox.runs
    assert (run.prompt, run.model) == ("Be brief\n\nAnalyze [[pull_request=yes]]", None if "agent" in model else model)
    assert run.metadata.keys() == {"codegen_sdk"}
    assert run.metadata["codegen_sdk"]["tags"] == ["a"]
    assert (response.content, response.model, response.usage) == ("Done: Be brief", model, {})
    assert response.metadata["run_id"] == response.raw_response.id == int(response.request_id) == run.id
    assert response.metadata["web_url"] == run.web_url
    assert [pull["title"] for pull in response.metadata["pull_requests"]] == ["Change 1"]
    assert response.response_time > 9
    assert seen[-1]["status"] == "completed"
    assert list(named("codegen").stream_response("Say hello"))[-1] == "Done: Say hello"


def test_openai_gets_what_was_asked(named, openai_service):
    called = {"id": "c1", "type": "function", "function": {"name": "look", "arguments": "{}"}}
    openai_service.answers = [reply(completion(None, tool_calls=[called]), headers={"x-request-id": "req-openai"})]
    response = named("openai").generate_response(
        "Hi", "Be brief", "gpt-x", 0.0, 50, tools=[TOOL], tool_choice="auto", top_p=0.1, priority="high", timeout=9
    )
    (sent,) = openai_service.requests
    assert (sent.path, sent.headers["authorization"]) == ("/v1/chat/completions", f"Bearer {KEY}")
    assert sent.json() == {
        "messages": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}],
        "model": "gpt-x",
        "temperature": 0.0,
        "max_tokens": 50,
        "tools": [TOOL],
        "tool_choice": "auto",
        "top_p": 0.1,
    }
    assert (response.content, response.request_id, response.model) == ("", "req-openai", "gpt-4o-2024-08-06")
    assert response.metadata["tool_calls"][0]["function"]["name"] == "look"
    assert response.metadata["ignored"] == ["priority"]
    assert response.usage == {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    with pytest.raises(TypeError, match="serializable"):  # the caller's own mistake, and no failure of the service
        named("openai").generate_response("Hi", user=object())


def test_a_conversation_and_nothing_that_was_not_given(named, openai_service):
    named("openai").generate_response(messages=CONVERSATION, system_prompt="Be brief", model="codegen-agent")
    messages = [{"role": "system", "content": "Be brief"}, *CONVERSATION]
    assert openai_service.requests[0].json() == {"messages": messages, "model": "gpt-4o"}
    assert named("codegen").generate_response(messages=CONVERSATION).content == "Done: user: Remember 7"
    chatserver = named("chatserver", base_url=openai_service.base_url, transport=None)
    chatserver.generate_response(messages=CONVERSATION[:1], model="m")
    assert openai_service.requests[1].json() == {"messages": CONVERSATION[:1], "model": "m", "stream": False}


WRONG = [
    ({}, "either prompt or messages"),
    ({"prompt": " "}, "not blank"),
    ({"prompt": "Hi", "timeout": "1"}, "timeout must be"),
    ({"prompt": "Hi", "timeout": 10**400}, "timeout must be"),
    ({"prompt": "Hi", "system_prompt": 7}, "system_prompt must be"),
    ({"prompt": "Hi", "messages": CONVERSATION}, "either prompt or messages"),
    ({"prompt": "Hi", "model": 7}, "model must be"),
    ({"prompt": "Hi", "model": {"codegen": 7}}, "model must be"),
    ({"prompt": "Hi", "model": "codex/gpt-5"}, "is one of codex"),
    ({"messages": "Hi"}, "messages must be"),
    ({"messages": ["Hi"]}, "messages must be"),
    ({"messages": [{"role": "user", "content": 7}]}, "messages must be"),
    ({"prompt": "Hi", "poll_interval": 0}, "poll_interval must be"),
    ({"prompt": "Hi", "poll_interval": None}, "poll_interval must be"),
]


@pytest.mark.parametrize(("wrong", "problem"), WRONG)
def test_a_wrong_request_costs_no_run(wrong, problem, named, sandbox):
    codegen = named("codegen")
    for ask in (codegen.generate_response, codegen.stream_response):
        with pytest.raises((providers.AIProviderError, ConfigurationError), match=problem):
            list(ask(**wrong))
    assert sandbox.requests == []


def test_openai_streams(named, openai_service):
    counted = chunk(choices=[], usage=completion()["usage"])
    openai_service.answers = [streamed(chunk("From "), chunk("OpenAI"), chunk(None, "stop"), counted)]
    stream = named("openai", prices={"gpt-4o": providers.Price(input=2.5, output=10)}).stream_response("Hi")
    assert openai_service.requests == []  # nothing is sent before the first piece is read
    assert list(stream) == ["From ", "OpenAI"]
    assert stream.response.content == "From OpenAI"
    assert stream.response.metadata["finish_reason"] == "stop"
    assert stream.response.metadata["cost"] == pytest.approx((100 * 2.5 + 20 * 10) / 1_000_000)
    assert openai_service.requests[0].json()["stream_options"] == {"include_usage": True}


def test_chatserver_answers_and_streams(named, sandbox):
    provider = named("chatserver")
    response = provider.generate_response("Hi", "Be brief", None, 0.0, max_tokens=7, user="user-1", branch="main")
    arguments = sandbox.requests[-1].arguments
    assert (arguments["temperature"], arguments["max_tokens"], arguments["user"]) == (0.0, 7, "user-1")
    assert (response.content, response.model) == ("Echo: Hi", "claude-3-haiku")
    assert response.metadata["session_id"]
    assert response.metadata["ignored"] == ["branch"]
    before = len(sandbox.requests)
    stream = provider.stream_response("Hi")
    assert list(stream) == ["Echo:", " Hi"]
    assert (stream.response.content, stream.response.model) == ("Echo: Hi", "claude-3-haiku")
    assert stream.response.usage["total_tokens"] > 0
    assert len(sandbox.requests) == before + 1  # the model is known by now


IGNORED = {
    "codegen": {"max_tokens", "temperature", "tool_choice", "top_p"},
    "openai": set(),
    "chatserver": {"tool_choice"},
}


@pytest.mark.parametrize("name", IGNORED)
def test_what_a_provider_has_nothing_for(name, named, sandbox):
    provider = named(name)
    with pytest.raises(TypeError, match="no provider has an option 'colour'"):
        provider.generate_response("Hi", colour="blue")
    if name != "openai":
        with pytest.raises(providers.AIProviderError, match="cannot call the caller's tools"):
            provider.generate_response("Hi", tools=[TOOL])
    assert (provider.get_stats()["request_count"], sandbox.requests) == (0, [])
    response = provider.generate_response("Hi", tool_choice="auto", temperature=0.0, max_tokens=9, top_p=0.2)
    assert set(response.metadata["ignored"]) == IGNORED[name]


def test_usage_and_cost(make, options, openai_service):
    """The answer's model has a date; the more precise price counts."""
    openai_service.answers = [ANSWER, reply(status=500)]
    options["openai"]["max_retries"] = 0
    for wrong in ({"openai": 3}, 7):
        with pytest.raises(ConfigurationError, match="prices must map"):
            make("openai", prices=wrong)
    price = providers.Price
    prices = {"codegen": price(request=2.0), "openai/gpt-4o": price(input=2.5, output=10), "gpt-4o": price(input=99)}
    client = make(prices=prices, **options)
    client.generate_response("Hi")
    cost = (100 * 2.5 + 20 * 10) / 1_000_000
    assert client.generate_response("Hi", model="openai/gpt-4o").metadata["cost"] == pytest.approx(cost)
    with pytest.raises(providers.AIProviderError):
        client.generate_response("Hi", model="openai/gpt-4o")
    last = options["clock"].time()
    assert "cost" not in client.generate_response("Hi", model="chatserver/x").metadata  # no price is invented
    stats = client.get_enhanced_stats()
    assert stats["cost"] == pytest.approx(2.0 + cost)
    assert (stats["request_count"], stats["error_count"], stats["error_rate"]) == (4, 1, 0.25)
    assert (stats["success_rate"], stats["task_count"], stats["unpriced_count"]) == (0.75, 1, 1)
    assert (stats["total_duration"] > 9) is (stats["average_response_time"] > 9 / 4) is True
    assert stats["last_request_time"] == last
    of_openai = stats["providers"]["openai"]
    assert (of_openai["request_count"], of_openai["error_rate"], of_openai["cost"]) == (2, 0.5, pytest.approx(cost))
    assert (of_openai["prompt_tokens"], of_openai["completion_tokens"], of_openai["total_tokens"]) == (100, 20, 120)
    assert {"success_rate", "task_count", "providers"}.isdisjoint(client.get_stats())


def test_what_is_no_count_is_not_counted(named, openai_service):
    usage = {"prompt_tokens": -5, "completion_tokens": 2, "total_tokens": 10**400}
    openai_service.answers = [reply({**completion(), "usage": usage})]
    provider = named("openai", prices={"openai": providers.Price(input=1.0, output=1.0)})
    response = provider.generate_response("Hi")
    assert (response.usage, response.metadata["cost"]) == ({"completion_tokens": 2}, 2 / 1_000_000)
    assert provider.get_stats()["prompt_tokens"] == 0


@pytest.mark.parametrize("wrong", [-1, float("nan"), float("inf"), "1"])
@pytest.mark.parametrize("name", ["input", "output", "request"])
def test_a_price_is_a_number_of_at_least_0(name, wrong):
    with pytest.raises(ConfigurationError, match=f"{name} must be"):
        providers.Price(**{name: wrong})


def test_models(named, chain, openai_service, monkeypatch):
    openai_service.answers = [MODELS, reply([{"id": "one"}, {"id": "two"}]), reply(status=500), reply(status=404)]
    models = chain("codegen", "openai", "chatserver").get_available_models()
    assert models[:2] == ["codegen-agent", "gpt-4o"]
    assert "claude-3-haiku" in models
    alone = chain("openai")
    assert alone.get_available_models() == ["one", "two"]  # some have no object around the list
    with pytest.raises(providers.ProviderUnavailableError):
        alone.get_available_models()
    assert alone.get_available_models() == []
    assert named("openai").get_default_model() == "gpt-4o"
    monkeypatch.setenv("OPENAI_MODEL", "gpt-y")
    assert named("openai").get_default_model() == "gpt-y"
    assert named("openai", model="gpt-z").get_default_model() == "gpt-z"


def test_a_client_may_be_brought_along(make, client, clock):
    provider = make("codegen", client=real(client), org_id=323, clock=clock)
    assert provider.generate_response("Hi").provider_name == "codegen"
    provider.close()
    assert client.get_current_user().id


@pytest.mark.parametrize(
    ("name", "first", "late"), [("openai", "From ", 41), ("chatserver", "Echo:", 41), ("chatserver", "Echo:", 0)]
)
def test_a_stream_ends_with_its_deadline_also_when_it_is_kept_alive(
    name, first, late, named, sandbox, openai_service, clock
):
    openai_service.answers = [PIECES]
    sandbox.inject("create_chat_completion", Fault.keep_alive(2, 60, 1))
    stream = named(name).stream_response("Hi there", timeout=40)
    assert next(stream) == first
    clock.advance(late)
    with pytest.raises(providers.ProviderTimeoutError) as caught:
        next(stream)
    assert (caught.value.partial, caught.value.timeout_duration) == (first, 40)
    assert clock.monotonic() == pytest.approx(max(late, 40), abs=1)  # and not when text comes


def test_a_dripping_answer_ends_with_its_deadline(named, sandbox):
    """Each byte comes in time, and the whole does not."""
    sandbox.inject("create_chat_completion", Fault.drip(1, 1))
    provider = named("openai", base_url=f"{sandbox.base_url}/v1", api_key=TOKEN)
    with pytest.raises(providers.ProviderTimeoutError) as caught:
        provider.generate_response("Hi", timeout=30)
    assert caught.value.timeout_duration == 30


NO_MODELS = (b"<html>", b"null", b"7", b'{"data": null}', b'{"data": [7]}')
NO_COMPLETION = (None, 7, {}, {"choices": []}, {"choices": [7]}, {"choices": [{"message": {"content": 7}}]})
NO_CHUNK = ("null", {"choices": None}, {"choices": [{"index": 0, "delta": {"content": 7}}]})


def test_a_service_that_speaks_the_api_only_nearly(named, openai_service):
    """What makes no sense is a provider's error, never a raw exception."""
    provider = named("openai")
    openai_service.answers = [*map(reply, NO_MODELS), *map(reply, NO_COMPLETION)]
    for _ in NO_MODELS:
        with pytest.raises(providers.ProviderUnavailableError, match="the answer is no"):
            provider.get_available_models()
    for _ in NO_COMPLETION:
        with pytest.raises(providers.ProviderUnavailableError, match="the answer is no chat completion"):
            provider.generate_response("Hi")
    for data in NO_CHUNK:
        openai_service.answers = [streamed(chunk("From "), data, chunk(None, "stop"))]
        with pytest.raises(providers.ProviderUnavailableError, match="the answer is no stream of chunks") as caught:
            list(provider.stream_response("Hi"))
        assert caught.value.partial == "From "


@pytest.fixture
def codex():
    return require_codex()


def test_the_real_cli_answers_streams_and_fails(make, codex, tmp_path, clock):
    with Responses() as service:
        settings = {"codex_path": codex, "base_url": service.base_url, "working_dir": tmp_path, "model": "gpt-5"}
        provider = make("codex", clock=clock, api_key=KEY, max_retries=0, **settings)
        assert service.asked == []
        response = provider.generate_response("Hi", "Be brief", priority="high")
        assert (response.content, response.provider_name) == ("Hello there.", "codex")
        assert response.usage["total_tokens"] > 0
        assert response.metadata["ignored"] == ["priority"]
        assert service.asked[0].prompt == "Hi"
        stream = provider.stream_response("Hi")
        assert "".join(stream) == stream.response.content == "Hello there."
        assert provider.get_available_models()
        assert KEY not in repr(provider)
        with pytest.raises(providers.AIProviderError, match="cannot call the caller's tools"):
            provider.generate_response("Hi", tools=[{}])
        service.reset(CUT)
        with pytest.raises(providers.ProviderUnavailableError) as cut:
            list(provider.stream_response("Hi"))
        assert cut.value.partial == "Partial"
        service.reset(refuse(401))
        with pytest.raises(providers.ProviderAuthenticationError):
            provider.generate_response("Hi")
