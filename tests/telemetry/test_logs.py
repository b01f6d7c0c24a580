"""Log records: their fields, their levels, what of a body they show, and that no other logger is touched."""

import json
import logging
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import CodegenAPIError
from codegen_ext._logging import LONGEST_BODY
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.loopback import Loopback, reply

Connect = Callable[..., Any]
FIELDS = ("event", "operation", "status", "attempt", "duration", "request_id")


@pytest.fixture
def seen(caplog: pytest.LogCaptureFixture) -> Callable[..., list[logging.LogRecord]]:
    def seen(*events: str) -> list[logging.LogRecord]:
        ours = [record for record in caplog.records if record.name == "codegen_ext"]
        return [record for record in ours if not events or record.codegen_event in events]

    return seen


Seen = Callable[..., list[logging.LogRecord]]


def fields(record: logging.LogRecord) -> tuple[Any, ...]:
    return tuple(getattr(record, f"codegen_{name}") for name in FIELDS)


def test_a_call_is_a_record_for_the_request_and_one_for_the_answer(
    connect: Connect, sandbox: Sandbox, seen: Seen
) -> None:
    client = connect(log_level="DEBUG")
    sandbox.inject("*", Fault.latency(1.5), times=1)
    client.get_current_user()
    client.create_agent_run(323, "a very private prompt")
    with pytest.raises(CodegenAPIError):
        client.request("GET", "/v1/users/me", params={"key": "hush"})
    assert [record.getMessage() for record in seen()] == [
        "GET get_current_user",
        "GET get_current_user -> 200 in 1.500 s, request id sandbox-0-1",
        "POST create_agent_run",
        "POST create_agent_run -> 200 in 0.000 s, request id sandbox-0-2",
        "GET /v1/users/me",
        "GET /v1/users/me -> 422 in 0.000 s, request id sandbox-0-3",
    ]
    assert [fields(record) for record in seen()[:2]] == [
        ("request", "get_current_user", None, None, None, None),
        ("response", "get_current_user", 200, 1, 1.5, "sandbox-0-1"),
    ]
    assert seen()[-1].codegen_operation is None
    assert {record.levelno for record in seen()} == {logging.DEBUG}
    assert not re.search("private|hush|octocat", str([vars(record) for record in seen()]))


def test_each_repetition_is_a_record_with_its_reason(
    connect: Connect, sandbox: Sandbox, clock: FakeClock, seen: Seen
) -> None:
    sandbox.inject("*", Fault.status(429, retry_after=7), times=1)
    sandbox.inject("*", Fault.status(503), times=1)
    sandbox.inject("*", Fault.reset_before(), times=1)
    connect(max_retries=3).get_current_user()  # at the default level, INFO
    limited, broken, reset = seen()
    assert limited.getMessage() == "GET get_current_user: attempt 1 failed (status 429), again in 7.000 s"
    assert broken.getMessage() == (
        f"GET get_current_user: attempt 2 failed (status 503), again in {clock.slept[1]:.3f} s"
    )
    assert "attempt 3 failed (ReadError" in reset.getMessage()
    assert [record.levelname for record in (limited, broken, reset)] == ["INFO", "WARNING", "WARNING"]
    assert [fields(record)[:4] for record in (limited, broken, reset)] == [
        ("retry", "get_current_user", 429, 1),
        ("retry", "get_current_user", 503, 2),
        ("retry", "get_current_user", None, 3),
    ]
    assert limited.codegen_request_id == "sandbox-0-1"


def test_a_format_may_name_every_field_in_every_record(
    connect: Connect, sandbox: Sandbox, clock: FakeClock, seen: Seen
) -> None:
    client = connect(log_level="DEBUG", max_retries=1)
    sandbox.inject("*", Fault.status(503), times=1)
    client.get_current_user()
    (answer,) = seen("response")
    assert (answer.codegen_attempt, answer.codegen_status) == (2, 200)
    slept = sum(clock.slept)
    sandbox.inject("*", Fault.reset_before())
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    (failure,) = seen("failure")
    seconds = pytest.approx(sum(clock.slept) - slept)
    assert fields(failure) == ("failure", "get_current_user", None, 2, seconds, None)
    assert re.match("GET get_current_user failed after .*ReadError", failure.getMessage())
    formatter = logging.Formatter(" ".join(f"%(codegen_{name})s" for name in FIELDS))
    events = {formatter.format(record).split()[0] for record in seen()}
    assert events == {"request", "response", "retry", "failure"}


@pytest.mark.parametrize(
    ("settings", "events"),
    [
        ({"log_level": "WARNING"}, {"retry"}),
        ({"log_level": "ERROR"}, set()),
        ({"log_level": "DEBUG", "log_requests": False}, {"retry"}),
    ],
)
def test_the_level_decides_and_nothing_is_prepared_otherwise(
    connect: Connect,
    sandbox: Sandbox,
    seen: Seen,
    settings: Any,
    events: set[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("codegen_ext._logging._body", lambda *args: pytest.fail("a body was read"))
    client = connect(max_retries=2, log_responses=True, **settings)
    sandbox.inject("*", Fault.status(429), times=1)
    sandbox.inject("*", Fault.status(503), times=1)
    client.get_current_user()
    assert {record.codegen_event for record in seen()} == events


def test_bodies_are_cut_and_without_secrets(connect: Connect, serve: Callable[..., Loopback], seen: Seen) -> None:
    body = {
        "token": "hush-hush",
        "env": {"DATABASE": "postgres-hush"},
        "items": [{"Authorization": "Bearer hush-1"}, {"note": "send Bearer hush-2", "url": "https://u:hush-3@host/"}],
        "usage": {"total_tokens": 17},
        "message": "connect with postgres-hush",
    }
    long = {"text": "x" * 5_000}
    client = connect(serve(reply(body), reply(long)).base_url, log_level="DEBUG", log_responses=True)
    for _ in "12":
        client.request("GET", "/")
    secret, cut = (record.getMessage() for record in seen("response"))
    assert "hush" not in secret
    assert '"total_tokens": 17' in secret
    shown = json.dumps(long)[:LONGEST_BODY]
    assert cut.endswith(f" {shown}… ({len(json.dumps(long)) - LONGEST_BODY} more characters)")


@pytest.mark.parametrize("body", [b"", b"plain text", b"\xff\xfe", b"[" * 10_000, b"null", b'["\\ud800"]', b"a\nb"])
def test_any_body_can_be_logged(connect: Connect, serve: Callable[..., Loopback], seen: Seen, body: bytes) -> None:
    client = connect(serve(reply(body, 404)).base_url, log_level="DEBUG", log_responses=True)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    message = seen("response")[0].getMessage()
    assert "404" in message
    assert message.encode().splitlines() == [message.encode()]


def test_a_stream_is_logged_without_its_body(
    flavour: Flavour, sandbox: Sandbox, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEGEN_LOG_RESPONSES", "true")
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        logging.getLogger("codegen_ext").setLevel(logging.DEBUG)
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    request, answer = seen()
    assert request.codegen_event == "request"
    line = r"POST create_chat_completion -> 200 in \d\.\d{3} s, request id sandbox-0-1"
    assert re.fullmatch(line, answer.getMessage())


def test_building_a_client_sets_the_level_of_our_logger_alone(connect: Connect) -> None:
    ours = logging.getLogger("codegen_ext")
    others = [logging.getLogger(), logging.getLogger("httpx"), logging.getLogger("other")]
    before = [(logger.level, list(logger.handlers), logger.disabled) for logger in others]
    for level in ("ERROR", "DEBUG"):
        connect(log_level=level)
        assert logging.getLevelName(ours.level) == level
    assert [(logger.level, list(logger.handlers), logger.disabled) for logger in others] == before
    assert [type(handler) for handler in ours.handlers] == [logging.NullHandler]
    ours.setLevel(logging.ERROR - 3)  # as the application may
    connect(log_level="DEBUG")
    assert ours.level == logging.ERROR - 3


PROGRAM = """
import httpx
from codegen_ext import CodegenClient
transport = httpx.MockTransport(lambda request: httpx.Response(200, json={"id": 1, "organization_id": 323}))
CodegenClient(api_token="token-123456", transport=transport).get_agent_run(323, 1)
"""


@pytest.mark.parametrize(
    ("variables", "fails", "shown"),
    [
        ({"LOG_LEVEL": "trace", "CODEGEN_LOG": "debug"}, False, "get_agent_run"),
        pytest.param({"LOG_LEVEL": "off", "CODEGEN_LOG": "nonsense"}, False, "", marks=pytest.mark.slow),
        pytest.param({"CODEGEN_LOG_LEVEL": "trace"}, True, "log_level", marks=pytest.mark.slow),
    ],
)
def test_variables_of_the_log(variables: dict[str, str], fails: bool, shown: str) -> None:
    command = [sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=60, check=False)
    assert bool(done.returncode) is fails
    assert shown in done.stderr
    assert shown or not done.stderr
