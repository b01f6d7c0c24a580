"""Which failure hands over to which provider, provoked over HTTP, and what else a chain and its breakers decide."""

from contextlib import nullcontext
from typing import Any, NamedTuple

import openai
import pytest

from codegen_ext import ClientClosedError, providers
from codegen_ext.codex.errors import connection_error, status_error, timeout_error
from codegen_ext.testing import AsyncMockCodexClient, Fault, MockCodexClient

from ..support.completions import chunk, streamed
from ..support.loopback import CLOSE, HANG, reply
from .conftest import ANSWER, HANGS, PIECES, STALLS, codegen_options, refusal

OTHER = providers.AIProviderError
REFUSED = providers.ProviderAuthenticationError
LIMITED = providers.ProviderRateLimitError
TIMED_OUT = providers.ProviderTimeoutError
UNAVAILABLE = providers.ProviderUnavailableError
NEXT, RAISED, EFFECT = "the next one answers", "the error is raised", "the error is raised, and there may be an effect"
CREATE, POLL, LOG, CHAT = "create_agent_run", "get_agent_run", "get_agent_run_logs", "create_chat_completion"
STATUS = Fault.status
SHORT = 0.2
"""Real seconds that a service on loopback which hangs is given; the sandbox hangs on the fake clock."""


class Row(NamedTuple):
    """What fails (operations of the sandbox, an answer of OpenAI, an error of Codex), and what comes of it."""

    name: str
    outcome: str
    error: type[providers.AIProviderError]
    faults: dict[str, Fault] | bytes | openai.OpenAIError = {}  # noqa: RUF012
    had: str = ""
    """What a stream had yielded."""
    prompt: str = "Say hello"
    options: dict[str, Any] = {}  # noqa: RUF012
    settings: dict[str, Any] = {}  # noqa: RUF012


UNLISTED = {"list_agent_runs": STATUS(500)}
NONSENSE = Fault.invalid_body("<p>")
NOTHING = '{"id": "x", "object": "chat.completion", "created": 1, "model": "m", "choices": []}'
CODEGEN = [
    Row("refused", NEXT, REFUSED, {CREATE: STATUS(401)}),
    Row("no access", NEXT, REFUSED, {CREATE: STATUS(403)}),
    Row("no runs left", NEXT, UNAVAILABLE, {CREATE: STATUS(402)}),
    Row("too many", NEXT, LIMITED, {CREATE: STATUS(429, retry_after=40)}),
    Row("bad request", RAISED, OTHER, {CREATE: STATUS(400)}),
    Row("repository hangs", NEXT, TIMED_OUT, {"get_repositories": HANGS}, options={"repository": "a/b"}),
    Row("create hangs", EFFECT, OTHER, {CREATE: HANGS, **UNLISTED}),
    Row("create fails", EFFECT, OTHER, {CREATE: STATUS(503)}),
    Row("created, and no answer", EFFECT, OTHER, {CREATE: Fault.reset_after(), **UNLISTED}),
    Row(
        "created, and not looked for",
        EFFECT,
        UNAVAILABLE,
        {CREATE: Fault.reset_after()},
        settings={"exactly_once": False},
    ),
    Row("refused while waiting", EFFECT, REFUSED, {POLL: STATUS(401)}),
    Row("nonsense while waiting", EFFECT, UNAVAILABLE, {POLL: NONSENSE}),
    Row("down while waiting", EFFECT, TIMED_OUT, {POLL: STATUS(500)}),
    Row("never ends", EFFECT, TIMED_OUT, prompt="Wait [[outcome=never]]"),
    Row("run fails", EFFECT, OTHER, prompt="Fail [[outcome=failed]]"),
    Row("run pauses", EFFECT, OTHER, prompt="Pause [[outcome=paused]]"),
]
STEP = "Step 1: I use ripgrep_search.\n[ripgrep_search]\n"
CODEGEN_STREAMS = [
    Row("refused while following", EFFECT, REFUSED, {LOG: STATUS(401)}),
    Row("down while following", EFFECT, TIMED_OUT, {LOG: STATUS(500)}),
    Row("refused at the end", EFFECT, REFUSED, {POLL: STATUS(401)}, "The task is done.\n", "Look [[logs=2]]"),
    Row("never ends", EFFECT, TIMED_OUT, {}, STEP, "Wait [[outcome=never logs=2]]"),
    Row("run fails", EFFECT, OTHER, {}, "A command failed; I try another way.\n", "Fail [[outcome=failed logs=2]]"),
]
ACTS = {"allowed_tools": ["bash"]}
CHATSERVER = [
    Row("refused", NEXT, REFUSED, {CHAT: STATUS(401)}),
    Row("down", NEXT, UNAVAILABLE, {CHAT: STATUS(500)}),
    Row("nonsense", NEXT, UNAVAILABLE, {CHAT: NONSENSE}),
    Row("hangs within the answer", NEXT, TIMED_OUT, {CHAT: STALLS}),
    Row("models cannot be listed", NEXT, UNAVAILABLE, {"list_models": STATUS(500)}),
    Row("bad request", RAISED, OTHER, {CHAT: STATUS(400)}),
    Row("unknown model", NEXT, OTHER, {CHAT: STATUS(404)}),
    Row("would act, without models", NEXT, UNAVAILABLE, {"list_models": STATUS(500)}, options=ACTS),
    Row("acts and hangs", EFFECT, TIMED_OUT, {CHAT: HANGS}, options=ACTS),
    Row("acts and is refused", NEXT, REFUSED, {CHAT: STATUS(401)}, options=ACTS),
    Row("acts and resets", EFFECT, UNAVAILABLE, {CHAT: Fault.reset_after()}, options=ACTS),
    Row("acts and answers nothing", EFFECT, UNAVAILABLE, {CHAT: Fault.invalid_body(NOTHING)}, options=ACTS),
]
CHATSERVER_STREAMS = [
    Row("refused", NEXT, REFUSED, {CHAT: STATUS(401)}),
    Row("cut before the first piece", NEXT, UNAVAILABLE, {CHAT: Fault.cut(0)}),
    Row("cut", RAISED, UNAVAILABLE, {CHAT: Fault.cut(2)}, "Echo:"),
    Row("hangs mid-stream", RAISED, TIMED_OUT, {CHAT: Fault.stall(2, 3600)}, "Echo:"),
    Row("too many, mid-stream", RAISED, LIMITED, {CHAT: Fault.error_event(2, code=429)}, "Echo:"),
    Row("acts and is cut", EFFECT, UNAVAILABLE, {CHAT: Fault.cut(0)}, options=ACTS),
]
BEGUN = reply(b'{"id": ', length=900)
OPENAI = [
    Row("refused", NEXT, REFUSED, refusal(401)),
    Row("no access", NEXT, REFUSED, refusal(403)),
    Row("too many", NEXT, LIMITED, refusal(429, retry_after="40")),
    Row("down", NEXT, UNAVAILABLE, refusal(500)),
    Row("closed", NEXT, UNAVAILABLE, CLOSE),
    Row("hangs", NEXT, TIMED_OUT, HANG),
    Row("says it timed out", NEXT, TIMED_OUT, refusal(408)),
    Row("bad request", RAISED, OTHER, refusal(400)),
    Row("no credit", NEXT, UNAVAILABLE, refusal(402)),
    Row("unknown model", NEXT, OTHER, refusal(404)),
    Row("unknown model, by its code", NEXT, OTHER, refusal(400, "model_not_found")),
    Row("unknown model, by its words", NEXT, OTHER, refusal(400, message="Invalid model name")),  # as litellm says it
    Row("cut", NEXT, UNAVAILABLE, BEGUN),
    Row("hangs within the answer", NEXT, TIMED_OUT, BEGUN + HANG),
    Row("broken JSON", NEXT, UNAVAILABLE, reply(b"{")),
    Row("endless JSON", NEXT, UNAVAILABLE, reply(b"[" * 100_000)),
]
HEAD = (chunk("From "), chunk("Open"))
BROKEN = streamed(*HEAD, done=False, length=90_000)
ERROR = '{"error": {"message": "It broke.", "type": "server_error", "code": null, "param": null}}'
OPENAI_STREAMS = [
    Row("refused", NEXT, REFUSED, refusal(401)),
    Row("cut before the first piece", NEXT, UNAVAILABLE, streamed(done=False, length=900)),
    Row("error before the first piece", NEXT, UNAVAILABLE, streamed(ERROR)),
    Row("ends before the first piece", NEXT, UNAVAILABLE, streamed()),
    Row("cut", RAISED, UNAVAILABLE, BROKEN, "From Open"),
    Row("hangs mid-stream", RAISED, TIMED_OUT, BROKEN + HANG, "From Open"),
    Row("ends early", RAISED, UNAVAILABLE, streamed(*HEAD), "From Open"),
    Row("malformed event", RAISED, UNAVAILABLE, streamed(*HEAD, '{"id": '), "From Open"),
    Row("endless event", RAISED, UNAVAILABLE, streamed(*HEAD, "[" * 100_000), "From Open"),
]
CODEX = [
    Row("refused", NEXT, REFUSED, status_error(401, "no")),
    Row("down", NEXT, UNAVAILABLE, status_error(500, "no")),
    Row("cut", NEXT, UNAVAILABLE, connection_error("cut")),
    Row("hangs", NEXT, TIMED_OUT, timeout_error("late")),
    Row("bad request", RAISED, OTHER, status_error(400, "no")),
    Row("unknown model", NEXT, OTHER, status_error(404, "no", "model_not_found")),
    Row("may write and is refused", EFFECT, REFUSED, status_error(401, "no")),
    Row("may write and is cut", EFFECT, UNAVAILABLE, connection_error("cut")),
]
TABLES = {
    ("codegen", "openai", False): CODEGEN,
    ("codegen", "openai", True): CODEGEN_STREAMS,
    ("chatserver", "openai", False): CHATSERVER,
    ("chatserver", "openai", True): CHATSERVER_STREAMS,
    ("openai", "chatserver", False): OPENAI,
    ("openai", "chatserver", True): OPENAI_STREAMS,
    ("codex", "chatserver", False): CODEX,
    ("codex", "chatserver", True): CODEX,
}


@pytest.mark.parametrize(
    ("first", "second", "streams", "row"),
    [
        pytest.param(*way, row, id=f"{way[0]}{', streaming' * way[2]}: {row.name}")
        for way, rows in TABLES.items()
        for row in rows
    ],
)
def test_hand_over(first, second, streams, row, chain, options, sandbox, openai_service, flavour):
    """Either the second provider answers and says why, or the error of the first is raised."""
    openai_service.answers = [PIECES if streams else ANSWER]
    options["codegen"] = codegen_options(sandbox, timeout=20, **row.settings)
    options["chatserver"]["timeout"] = options["openai"]["timeout"] = 20
    if isinstance(row.faults, bytes):
        openai_service.answers = [row.faults]
        short = 10 * SHORT if row.had else SHORT  # what a stream had yielded has to come in time
        options["openai"]["timeout"] = short if row.faults.endswith(HANG) else 20
    elif isinstance(row.faults, dict):
        for operation, fault in row.faults.items():
            sandbox.inject(operation, fault)
    else:
        mock = AsyncMockCodexClient() if flavour.is_async else MockCodexClient()
        mock.set_mock_response(row.faults)
        options["codex"] = {"client": mock, **({"sandbox_mode": "workspace-write"} if row.outcome == EFFECT else {})}
    client = chain(first, second, timeout=100)

    def ask():
        if not streams:
            return client.generate_response(row.prompt, **row.options)
        stream = client.stream_response(row.prompt, **row.options)
        assert "".join(stream) == stream.response.content
        return stream.response

    if row.outcome == NEXT:
        response = ask()
        assert response.provider_name == second
        assert [entry["outcome"] for entry in response.metadata["tried"]] == [row.error.__name__]
    else:
        with pytest.raises(providers.AIProviderError) as caught:
            ask()
        error = caught.value
        assert (type(error), error.may_have_effect, error.partial) == (row.error, row.outcome == EFFECT, row.had)
        assert [entry["outcome"] for entry in error.tried] == [row.error.__name__]
        assert error.__cause__ is error.__context__ is None
    # Nothing is repeated where another provider waits.
    assert len(openai_service.requests) == (first == "openai" or (second == "openai" and row.outcome == NEXT))
    if row.outcome == NEXT:
        asked = [request.operation for request in sandbox.requests]
        assert max(asked.count(CREATE), asked.count(CHAT)) <= 1


@pytest.mark.parametrize(
    ("names", "seconds"), [(("chatserver", "openai"), 75), (("chatserver",), 100), (("codegen", "openai"), 100)]
)
def test_a_quarter_of_the_time_is_kept_for_later_providers_where_the_first_has_no_effect(
    names, seconds, chain, options, sandbox, clock
):
    sandbox.inject("*", HANGS)
    options["chatserver"]["timeout"] = 900
    client = chain(*names, timeout=100)
    with nullcontext() if seconds == 75 else pytest.raises(providers.AIProviderError):
        assert client.generate_response("hi", model="m").provider_name == "openai"
    assert clock.monotonic() == pytest.approx(seconds)


def test_the_time_counts_from_the_call_on_and_a_stream_that_has_begun_has_all_of_it(chain, clock):
    client = chain("chatserver", "openai")
    late, begun = client.stream_response("hi", timeout=5), client.stream_response("a b", timeout=40)
    assert next(begun) == "Echo:"
    clock.advance(35)  # more than the share of one behind which another stands
    assert "".join(begun) == " a b"
    with pytest.raises(providers.ProviderTimeoutError, match="no provider was asked in time") as caught:
        next(late)
    assert caught.value.timeout_duration == 5


@pytest.mark.parametrize(
    ("script", "state"),
    [
        ("asks fails asks fails asks", "closed"),
        ("fails fails succeeded fails fails asks", "closed"),
        ("fails fails fails refused +29 refused", "open"),
        ("fails fails fails +30 asks refused", "half-open"),
        ("fails fails fails +30 asks released asks", "half-open"),
        ("fails fails fails +30 asks succeeded asks asks", "closed"),
        ("fails fails fails +30 asks fails refused +29", "open"),
        ("fails:90 fails:10 +89", "open"),
        ("fails:10 fails:90 +89", "open"),
    ],
)
def test_a_breaker(script, state, clock):
    """What happens to it, seconds that pass, and whether a request is allowed."""
    breaker = providers.CircuitBreaker(clock, failures=3, cooldown=30)
    for step in script.split():
        what, _, seconds = step.partition(":")
        if step.startswith("+"):
            clock.advance(float(step))
        elif step in ("asks", "refused"):
            assert breaker.allow_request() is (step == "asks"), step
        elif what == "fails":
            breaker.failed(float(seconds) if seconds else None)
        else:
            getattr(breaker, step)()
    assert breaker.state == state


@pytest.mark.parametrize(("status", "seconds"), [(503, 60), (429, 200), (401, 300), (403, 0), (404, 0)])
def test_how_long_a_failure_keeps_a_provider_out(status, seconds, chain, openai_service, clock):
    openai_service.answers = [refusal(status, retry_after="200"), ANSWER]
    client = chain("openai", "chatserver", breaker_failures=1, breaker_cooldown=60)
    assert client.generate_response("hi").provider_name == "chatserver"
    if seconds:
        clock.advance(seconds - 1)
        tried = client.generate_response("hi").metadata["tried"]
        assert tried == [{"provider": "openai", "outcome": "skipped", "reason": "kept out after failures"}]
        assert client.get_enhanced_stats()["providers"]["openai"]["breaker"] == "open"
        clock.advance(2)
    assert client.generate_response("hi").provider_name == "openai"


def test_a_stream_that_is_left_frees_the_probe(chain, sandbox, clock):
    sandbox.inject(CHAT, STATUS(503), times=1)
    client = chain("chatserver", breaker_failures=1)
    with pytest.raises(providers.ProviderUnavailableError):
        client.generate_response("hi")
    clock.advance(31)
    stream = client.stream_response("Hello there")
    assert next(stream)
    (stream.aclose if hasattr(stream, "aclose") else stream.close)()
    assert stream.response is None
    assert client.generate_response("hi").provider_name == "chatserver"


@pytest.mark.parametrize(
    ("model", "sent"),
    [
        ("openai/o3", "o3"),
        ({"openai": "o3", "codegen": "claude"}, "o3"),
        ({"codegen": "claude"}, "gpt-4o"),
        ("other/o3", "other/o3"),
    ],
)
def test_the_model_of_each_provider(model, sent, chain, openai_service, sandbox):
    sandbox.inject(CREATE, STATUS(402))
    client = chain("codegen", "openai", "chatserver")
    assert sandbox.requests == openai_service.requests == []  # nothing is asked before the first prompt
    assert client.generate_response("Hi", model=model).provider_name == "openai"
    assert openai_service.requests[0].json()["model"] == sent


@pytest.mark.parametrize("name", [None, "codegen", "openai", "chatserver"])
def test_nothing_works_after_close(name, chain, named, sandbox, openai_service):
    client = named(name) if name else chain("codegen", "openai", "chatserver")
    client.generate_response("Hi")
    client.close()
    client.close()
    before = len(sandbox.requests) + len(openai_service.requests)
    for call in (
        lambda: client.generate_response("Hi"),
        lambda: list(client.stream_response("Hi")),
        client.validate_credentials,
        client.get_available_models,
    ):
        with pytest.raises(ClientClosedError):
            call()
    assert len(sandbox.requests) + len(openai_service.requests) == before


def test_the_last_error_is_raised_and_without_fallback_that_of_the_first(make, chain, options, sandbox, openai_service):
    openai_service.answers = [refusal(503)]
    dead = {"token": "t" * 20, "org_id": 323, "base_url": "http://127.0.0.1:9"}
    client = make(validate_on_creation=False, clock=options["clock"], codegen=dead, openai=options["openai"])
    with pytest.raises(providers.ProviderUnavailableError) as last:
        client.generate_response("hi")
    assert [entry["provider"] for entry in last.value.tried if entry["outcome"] != "skipped"] == ["codegen", "openai"]
    assert last.value.provider_name == "openai"
    sandbox.inject(CREATE, STATUS(429, retry_after=40))
    with pytest.raises(providers.ProviderRateLimitError) as first:
        chain("codegen", "openai", fallback_enabled=False).generate_response("hi", timeout=5)
    assert first.value.retry_after == 40
    assert len(openai_service.requests) == 1
