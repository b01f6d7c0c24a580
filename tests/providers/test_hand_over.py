"""Which failure hands over to which provider: every way in which one fails, provoked over HTTP."""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from codegen_ext import ClientConfig
from codegen_ext.providers import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from codegen_ext.testing import Fault, Sandbox

from ..support.loopback import CLOSE, HANG, Loopback, reply
from .conftest import ANSWER, HANGS, PIECES, STALLS, chunk, codegen_options, streamed

REFUSED = ProviderAuthenticationError
LIMITED = ProviderRateLimitError
TIMED_OUT = ProviderTimeoutError
UNAVAILABLE = ProviderUnavailableError
OTHER = AIProviderError
SHORT = 0.2
"""Real seconds that a service on loopback which hangs is given; the sandbox hangs on the fake clock."""
CREATE, POLL, LOG, CHAT = "create_agent_run", "get_agent_run", "get_agent_run_logs", "create_chat_completion"


PROMPT = "Say hello"
ACTS = {"allowed_tools": ["bash"]}
REPOSITORY = {"repository": "owner/repo"}


@dataclass
class Row:
    """Where it hands over, the second answers; else the error reaches the caller, and a stream `had` yielded this."""

    name: str
    faults: dict[str, Fault] = field(default_factory=dict)
    answers: tuple[bytes, ...] = ()
    error: type[AIProviderError] = OTHER
    hands_over: bool = False
    prompt: str = PROMPT
    has_effect: bool = False
    had: str = ""
    hangs: bool = False
    options: dict[str, Any] = field(default_factory=dict)


def rows(table: list[Row]) -> Any:
    return pytest.mark.parametrize("row", table, ids=lambda row: row.name)


NEVER = "Wait [[outcome=never]]"
CODEGEN = [
    Row("refused", {CREATE: Fault.status(401)}, error=REFUSED, hands_over=True),
    Row("no access", {CREATE: Fault.status(403)}, error=REFUSED, hands_over=True),
    Row("no runs left", {CREATE: Fault.status(402)}, error=UNAVAILABLE, hands_over=True),
    Row("too many", {CREATE: Fault.status(429, retry_after=40)}, error=LIMITED, hands_over=True),
    Row("bad request", {CREATE: Fault.status(400)}),
    Row("no such organization", {CREATE: Fault.status(404)}),
    Row("does not fit", {CREATE: Fault.status(422)}),
    Row(
        "repository cannot be resolved",
        {"get_repositories": Fault.status(500)},
        error=UNAVAILABLE,
        hands_over=True,
        options=REPOSITORY,
    ),
    Row(
        "repository hangs",
        {"get_repositories": HANGS},
        error=TIMED_OUT,
        hands_over=True,
        hangs=True,
        options=REPOSITORY,
    ),
    Row("create hangs", {CREATE: HANGS, "list_agent_runs": Fault.status(500)}, has_effect=True, hangs=True),
    Row("created, and it hangs", {CREATE: STALLS, "list_agent_runs": Fault.status(500)}, has_effect=True, hangs=True),
    Row("create fails", {CREATE: Fault.status(503)}, has_effect=True),
    Row("create resets", {CREATE: Fault.reset_before()}, has_effect=True),
    Row("created, and no answer", {CREATE: Fault.reset_after(), "list_agent_runs": Fault.status(500)}, has_effect=True),
    Row(
        "create answers nonsense",
        {CREATE: Fault.invalid_body("<p>"), "list_agent_runs": Fault.status(500)},
        has_effect=True,
    ),
    Row("refused while waiting", {POLL: Fault.status(401)}, error=REFUSED, has_effect=True),
    Row("gone while waiting", {POLL: Fault.status(404)}, has_effect=True),
    Row("nonsense while waiting", {POLL: Fault.invalid_body("<p>")}, error=UNAVAILABLE, has_effect=True),
    Row("too many while waiting", {POLL: Fault.status(429)}, error=TIMED_OUT, has_effect=True),
    Row("down while waiting", {POLL: Fault.status(500)}, error=TIMED_OUT, has_effect=True),
    Row("hangs while waiting", {POLL: HANGS}, error=TIMED_OUT, has_effect=True, hangs=True),
    Row("never ends", prompt=NEVER, error=TIMED_OUT, has_effect=True),
    Row("run fails", prompt="Fail [[outcome=failed]]", has_effect=True),
    Row("run is cancelled", prompt="Stop [[outcome=cancelled]]", has_effect=True),
    Row("run pauses", prompt="Pause [[outcome=paused]]", has_effect=True),
]
DONE = "The task is done.\n"
STEP = "Step 1: I use ripgrep_search.\n[ripgrep_search]\n"
CODEGEN_STREAMS = [
    *[row for row in CODEGEN if "while waiting" not in row.name and row.prompt == PROMPT],
    Row("refused while following", {LOG: Fault.status(401)}, error=REFUSED, has_effect=True),
    Row("nonsense while following", {LOG: Fault.invalid_body("<p>")}, error=UNAVAILABLE, has_effect=True),
    Row("gone while following", {LOG: Fault.status(404)}, has_effect=True),
    Row("too many while following", {LOG: Fault.status(429)}, error=TIMED_OUT, has_effect=True),
    Row("hangs while following", {LOG: HANGS}, error=TIMED_OUT, has_effect=True, hangs=True),
    Row(
        "refused at the end",
        {POLL: Fault.status(401)},
        prompt="Look [[logs=2]]",
        error=REFUSED,
        has_effect=True,
        had=DONE,
    ),
    Row(
        "hangs at the end",
        {POLL: HANGS},
        prompt="Look [[logs=2]]",
        error=TIMED_OUT,
        has_effect=True,
        hangs=True,
        had=DONE,
    ),
    Row("down while following", {LOG: Fault.status(500)}, error=TIMED_OUT, has_effect=True),
    Row("never ends", prompt="Wait [[outcome=never logs=2]]", error=TIMED_OUT, has_effect=True, had=STEP),
    Row(
        "run fails",
        prompt="Fail [[outcome=failed logs=2]]",
        has_effect=True,
        had="A command failed; I try another way.\n",
    ),
    Row("run is cancelled", prompt="Stop [[outcome=cancelled logs=2]]", has_effect=True, had=STEP),
    Row(
        "run pauses",
        prompt="Pause [[outcome=paused logs=2]]",
        has_effect=True,
        had="The plan has three steps; I begin with the first.\n",
    ),
]
CHATSERVER = [
    Row("refused", {CHAT: Fault.status(401)}, error=REFUSED, hands_over=True),
    Row("no access", {CHAT: Fault.status(403)}, error=REFUSED, hands_over=True),
    Row("too many", {CHAT: Fault.status(429, retry_after=40)}, error=LIMITED, hands_over=True),
    Row("down", {CHAT: Fault.status(500)}, error=UNAVAILABLE, hands_over=True),
    Row("reset", {CHAT: Fault.reset_before()}, error=UNAVAILABLE, hands_over=True),
    Row("nonsense", {CHAT: Fault.invalid_body("<p>")}, error=UNAVAILABLE, hands_over=True),
    Row("hangs", {CHAT: HANGS}, error=TIMED_OUT, hands_over=True, hangs=True),
    Row("hangs within the answer", {CHAT: STALLS}, error=TIMED_OUT, hands_over=True, hangs=True),
    Row("models cannot be listed", {"list_models": Fault.status(500)}, error=UNAVAILABLE, hands_over=True),
    Row("bad request", {CHAT: Fault.status(400)}),
    Row("does not fit", {CHAT: Fault.status(422)}),
    Row("unknown model", {CHAT: Fault.status(404)}, hands_over=True),
    Row("no credit", {CHAT: Fault.status(402)}, error=UNAVAILABLE, hands_over=True),
    Row(
        "would act, and models cannot be listed",
        {"list_models": Fault.status(500)},
        error=UNAVAILABLE,
        hands_over=True,
        options=ACTS,
    ),
    Row("acts and hangs", {CHAT: HANGS}, error=TIMED_OUT, has_effect=True, hangs=True, options=ACTS),
    Row("acts and resets", {CHAT: Fault.reset_after()}, error=UNAVAILABLE, has_effect=True, options=ACTS),
    Row("acts and is refused", {CHAT: Fault.status(401)}, error=REFUSED, hands_over=True, options=ACTS),
]
CHATSERVER_STREAMS = [
    *[row for row in CHATSERVER if row.name != "acts and resets"],
    Row("cut before the first piece", {CHAT: Fault.cut(0)}, error=UNAVAILABLE, hands_over=True),
    Row("error before the first piece", {CHAT: Fault.error_event(0)}, error=UNAVAILABLE, hands_over=True),
    Row("cut", {CHAT: Fault.cut(2)}, error=UNAVAILABLE, had="Echo:"),
    Row("hangs mid-stream", {CHAT: Fault.stall(2, 3600)}, error=TIMED_OUT, had="Echo:", hangs=True),
    Row("error event", {CHAT: Fault.error_event(2)}, error=UNAVAILABLE, had="Echo:"),
    Row("too many, mid-stream", {CHAT: Fault.error_event(2, code=429)}, error=LIMITED, had="Echo:"),
    Row("acts and is cut", {CHAT: Fault.cut(0)}, error=UNAVAILABLE, has_effect=True, options=ACTS),
]


def refusal(status: int, code: str | None = None, message: str = "No.", **headers: str) -> bytes:
    body = {"error": {"message": message, "type": "error", "code": code, "param": None}}
    return reply(body, status=f"{status} X", headers={name.replace("_", "-"): value for name, value in headers.items()})


OPENAI = [
    Row("refused", answers=(refusal(401),), error=REFUSED, hands_over=True),
    Row("no access", answers=(refusal(403),), error=REFUSED, hands_over=True),
    Row("too many", answers=(refusal(429, retry_after="40"),), error=LIMITED, hands_over=True),
    Row("down", answers=(refusal(500),), error=UNAVAILABLE, hands_over=True),
    Row("overloaded", answers=(refusal(503),), error=UNAVAILABLE, hands_over=True),
    Row("closed", answers=(CLOSE,), error=UNAVAILABLE, hands_over=True),
    Row("hangs", answers=(HANG,), error=TIMED_OUT, hands_over=True, hangs=True),
    Row("says it timed out", answers=(refusal(408),), error=TIMED_OUT, hands_over=True),
    Row("bad request", answers=(refusal(400),)),
    Row("no credit", answers=(refusal(402),), error=UNAVAILABLE, hands_over=True),
    Row("unknown model", answers=(refusal(404),), hands_over=True),
    Row("unknown model, by its code", answers=(refusal(400, "model_not_found"),), hands_over=True),
    Row("unknown model, by its words", answers=(refusal(400, message="Invalid model name"),), hands_over=True),
    Row("does not fit", answers=(refusal(422),)),
]
OPENAI_WHOLE = [
    *OPENAI,
    Row("cut", answers=(reply(b'{"id": ', length=900),), error=UNAVAILABLE, hands_over=True),
    Row(
        "hangs within the answer",
        answers=(reply(b'{"id": ', length=900) + HANG,),
        error=TIMED_OUT,
        hands_over=True,
        hangs=True,
    ),
    Row("broken JSON", answers=(reply(b"{"),), error=UNAVAILABLE, hands_over=True),
    Row("a page", answers=(reply(b"<p>", content_type="text/html"),), error=UNAVAILABLE, hands_over=True),
    Row("no choices", answers=(reply({"id": "x", "choices": []}),), error=UNAVAILABLE, hands_over=True),
]
HEAD = (chunk("From "), chunk("Open"))
ERROR = '{"error": {"message": "It broke.", "type": "server_error", "code": null, "param": null}}'
OPENAI_STREAMS = [
    *OPENAI,
    Row("cut before the first piece", answers=(streamed(length=900),), error=UNAVAILABLE, hands_over=True),
    Row("error before the first piece", answers=(streamed(ERROR),), error=UNAVAILABLE, hands_over=True),
    Row("ends before the first piece", answers=(streamed("[DONE]"),), error=UNAVAILABLE, hands_over=True),
    Row(
        "hangs before the first piece",
        answers=(streamed(length=900) + HANG,),
        error=TIMED_OUT,
        hands_over=True,
        hangs=True,
    ),
    Row("cut", answers=(streamed(*HEAD, length=90_000),), error=UNAVAILABLE, had="From Open"),
    Row(
        "hangs mid-stream",
        answers=(streamed(*HEAD, length=90_000) + HANG,),
        error=TIMED_OUT,
        had="From Open",
        hangs=True,
    ),
    Row("ends early", answers=(streamed(*HEAD, "[DONE]"),), error=UNAVAILABLE, had="From Open"),
    Row("error event", answers=(streamed(*HEAD, ERROR),), error=UNAVAILABLE, had="From Open"),
    Row("malformed event", answers=(streamed(*HEAD, '{"id": '),), error=UNAVAILABLE, had="From Open"),
]


@pytest.fixture
def chain(
    make: Callable[..., Any],
    options: dict[str, Any],
    sandbox: Sandbox,
    openai_service: Loopback,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., Any]:
    """Build a client that asks one provider and then another, and let the first fail as a row says."""

    def build(first: str, second: str, row: Row) -> Any:
        monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", f"{first},{second}")
        for operation, fault in row.faults.items():
            sandbox.inject(operation, fault)
        if row.answers:
            openai_service.answers = list(row.answers)
        chosen = {name: options[name] for name in (first, second)}
        for name, setting in chosen.items():
            if name == "codegen":
                chosen[name] = codegen_options(sandbox, 20)
            else:
                chosen[name] = {**setting, "timeout": SHORT if row.hangs and name == "openai" == first else 20}
        return make(clock=options["clock"], timeout=100, **chosen)

    return build


def check(row: Row, second: str, ask: Callable[[], Any]) -> None:
    """Check either the answer of the second provider, which says why, or the error of the first."""
    if row.hands_over:
        response = ask()
        assert response.provider_name == second
        (tried,) = response.metadata["tried"]
        assert tried["outcome"] == row.error.__name__
        return
    with pytest.raises(AIProviderError) as caught:
        ask()
    error = caught.value
    assert type(error) is row.error
    assert error.may_have_effect is row.has_effect
    assert error.partial == row.had
    assert [entry["outcome"] for entry in error.tried] == [row.error.__name__]
    assert error.__cause__ is None
    assert error.__context__ is None


def streaming(client: Any, row: Row) -> Callable[[], Any]:
    def ask() -> Any:
        stream = client.stream_response(row.prompt, **row.options)
        pieces = list(stream)
        assert pieces
        assert stream.response.content == "".join(pieces)
        return stream.response

    return ask


@rows(CODEGEN)
def test_codegen(row: Row, chain: Callable[..., Any], openai_service: Loopback, sandbox: Sandbox) -> None:
    client = chain("codegen", "openai", row)
    check(row, "openai", lambda: client.generate_response(row.prompt, **row.options))
    assert len(openai_service.requests) == row.hands_over


@rows(CODEGEN_STREAMS)
def test_codegen_mid_stream(row: Row, chain: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [PIECES]
    client = chain("codegen", "openai", row)
    check(row, "openai", streaming(client, row))
    assert len(openai_service.requests) == row.hands_over


@rows(CHATSERVER)
def test_chatserver(row: Row, chain: Callable[..., Any], openai_service: Loopback) -> None:
    client = chain("chatserver", "openai", row)
    check(row, "openai", lambda: client.generate_response(row.prompt, **row.options))
    assert len(openai_service.requests) == row.hands_over


@rows(CHATSERVER_STREAMS)
def test_chatserver_mid_stream(row: Row, chain: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [PIECES]
    client = chain("chatserver", "openai", row)
    check(row, "openai", streaming(client, row))
    assert len(openai_service.requests) == row.hands_over


@rows(OPENAI_WHOLE)
def test_openai(row: Row, chain: Callable[..., Any], openai_service: Loopback) -> None:
    client = chain("openai", "chatserver", row)
    check(row, "chatserver", lambda: client.generate_response(row.prompt, **row.options))
    assert len(openai_service.requests) == 1  # nothing is repeated where another provider waits


@rows(OPENAI_STREAMS)
def test_openai_mid_stream(row: Row, chain: Callable[..., Any], openai_service: Loopback) -> None:
    client = chain("openai", "chatserver", row)
    check(row, "chatserver", streaming(client, row))


def test_the_last_error_is_raised(make: Callable[..., Any], options: dict[str, Any], openai_service: Loopback) -> None:
    """The last one's error is raised, and says who was asked before."""
    openai_service.answers = [refusal(503)]
    dead = {"token": "t" * 20, "org_id": 323, "base_url": "http://127.0.0.1:9"}
    with (
        contextlib.closing(
            make(validate_on_creation=False, clock=options["clock"], codegen=dead, openai=options["openai"])
        ) as client,
        pytest.raises(ProviderUnavailableError) as caught,
    ):
        client.generate_response("hi")
    assert [entry["provider"] for entry in caught.value.tried if entry["outcome"] != "skipped"] == ["codegen", "openai"]
    assert caught.value.provider_name == "openai"


def test_a_rate_limit_says_how_long(named: Callable[..., Any], openai_service: Loopback, sandbox: Sandbox) -> None:
    openai_service.answers = [refusal(429, retry_after="40")]
    with pytest.raises(ProviderRateLimitError) as caught:
        named("openai", max_retries=0).generate_response("hi")
    assert caught.value.retry_after == 40
    sandbox.inject(CREATE, Fault.status(429, retry_after=40))
    with pytest.raises(ProviderRateLimitError) as caught:
        named("codegen").generate_response("hi", timeout=5)
    assert caught.value.retry_after == 40


def test_a_timeout_says_the_limit_and_the_run(named: Callable[..., Any]) -> None:
    with pytest.raises(ProviderTimeoutError) as caught:
        named("codegen").generate_response(NEVER, timeout=30)
    assert caught.value.timeout_duration == 30
    assert caught.value.run_id == 1
    assert "run 1 goes on" in caught.value.message


def test_the_second_answer_is_whole(chain: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [ANSWER]
    response = chain("chatserver", "openai", CHATSERVER[0]).generate_response("hi")
    assert (response.content, response.request_id) == ("From OpenAI", "req-openai")


def test_a_create_that_is_not_looked_for_may_have_an_effect(
    make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    sandbox.inject(CREATE, Fault.reset_after())
    codegen = codegen_options(sandbox)
    codegen["config"] = ClientConfig.of(codegen["config"], {"exactly_once": False})
    client = make(clock=options["clock"], codegen=codegen, openai=options["openai"])
    with pytest.raises(ProviderUnavailableError) as caught:
        client.generate_response("Hi")
    assert caught.value.may_have_effect is True
    assert openai_service.requests == []
