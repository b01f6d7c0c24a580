"""Log records: their fields, their levels, and what of a body they show."""

import json
import logging
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
    assert [record.getMessage() for record in seen()] == [
        "GET get_current_user",
        "GET get_current_user -> 200 in 1.500 s, request id sandbox-0-1",
    ]
    assert [fields(record) for record in seen()] == [
        ("request", "get_current_user", None, None, None, None),
        ("response", "get_current_user", 200, 1, 1.5, "sandbox-0-1"),
    ]
    assert {record.levelno for record in seen()} == {logging.DEBUG}


def test_a_request_that_fails_on_the_network_is_a_record(
    connect: Connect, sandbox: Sandbox, clock: FakeClock, seen: Seen
) -> None:
    client = connect(log_level="DEBUG", max_retries=1)
    sandbox.inject("*", Fault.reset_before())
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    (failure,) = seen("failure")
    assert fields(failure) == ("failure", "get_current_user", None, 2, sum(clock.slept), None)
    assert failure.getMessage().startswith("GET get_current_user failed after ")
    assert "ReadError" in failure.getMessage()
    assert seen("response") == []


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


def test_an_answer_knows_how_many_attempts_it_took(connect: Connect, sandbox: Sandbox, seen: Seen) -> None:
    sandbox.inject("*", Fault.status(503), times=2)
    connect(log_level="DEBUG", max_retries=2).get_current_user()
    (answer,) = seen("response")
    assert (answer.codegen_attempt, answer.codegen_status) == (3, 200)


def test_a_format_may_name_every_field_in_every_record(connect: Connect, sandbox: Sandbox, seen: Seen) -> None:
    client = connect(log_level="DEBUG", max_retries=1)
    sandbox.inject("*", Fault.status(503), times=1)
    client.get_current_user()
    sandbox.inject("*", Fault.reset_before())
    with pytest.raises(CodegenAPIError):
        client.request("GET", "/v1/users/me")
    formatter = logging.Formatter(" ".join(f"%(codegen_{name})s" for name in FIELDS))
    events = {formatter.format(record).split()[0] for record in seen()}
    assert events == {"request", "response", "retry", "failure"}


def test_a_request_outside_the_contract_has_no_operation(
    connect: Connect, serve: Callable[..., Loopback], seen: Seen
) -> None:
    connect(serve(reply({})).base_url, log_level="DEBUG").request("GET", "/new/things", params={"key": "hush"})
    request, answer = seen()
    assert request.getMessage() == "GET /new/things"
    assert "hush" not in str([vars(record) for record in seen()])
    assert answer.codegen_operation is None


@pytest.mark.parametrize(("level", "events"), [("WARNING", {"retry"}), ("ERROR", set())])
def test_the_level_decides(connect: Connect, sandbox: Sandbox, seen: Seen, level: str, events: set[str]) -> None:
    client = connect(log_level=level, max_retries=2, log_responses=True)
    sandbox.inject("*", Fault.status(429), times=1)
    sandbox.inject("*", Fault.status(503), times=1)
    client.get_current_user()
    assert {record.codegen_event for record in seen()} == events


def test_when_the_level_is_off_nothing_is_prepared(
    connect: Connect, seen: Seen, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = connect(log_level="INFO", log_responses=True)
    monkeypatch.setattr("codegen_ext._logging._fields", lambda *args: pytest.fail("fields were made"))
    monkeypatch.setattr("codegen_ext._logging._body", lambda *args: pytest.fail("a body was read"))
    client.get_current_user()


def test_a_long_body_is_cut(connect: Connect, serve: Callable[..., Loopback], seen: Seen) -> None:
    body = {"text": "x" * 5_000}
    connect(serve(reply(body)).base_url, log_level="DEBUG", log_responses=True).request("GET", "/")
    message = seen("response")[0].getMessage()
    shown = json.dumps(body)[:LONGEST_BODY]
    assert message.endswith(f" {shown}… ({len(json.dumps(body)) - LONGEST_BODY} more characters)")


@pytest.mark.parametrize("body", [b"", b"plain text", b"\xff\xfe", b"[" * 10_000, b"null", b'["\\ud800"]', b"a\nb"])
def test_any_body_can_be_logged(connect: Connect, serve: Callable[..., Loopback], seen: Seen, body: bytes) -> None:
    client = connect(serve(reply(body, 404)).base_url, log_level="DEBUG", log_responses=True)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    message = seen("response")[0].getMessage()
    assert "404" in message
    assert message.encode().splitlines() == [message.encode()]


def test_the_slack_token_is_not_logged(connect: Connect, sandbox: Sandbox, seen: Seen) -> None:
    answer = connect(log_level="DEBUG", log_responses=True).generate_slack_connect_token(org_id=323)
    assert len(answer.token) >= 8
    message = seen("response")[0].getMessage()
    assert '"token": "[redacted]"' in message
    assert answer.token not in message


def test_secrets_of_a_body_are_not_logged(connect: Connect, serve: Callable[..., Loopback], seen: Seen) -> None:
    body = {
        "env": {"DATABASE": "postgres-hush"},
        "items": [{"Authorization": "Bearer hush-1"}, {"note": "send Bearer hush-2", "url": "https://u:hush-3@host/"}],
        "usage": {"total_tokens": 17},
        "message": "connect with postgres-hush",
    }
    connect(serve(reply(body)).base_url, log_level="DEBUG", log_responses=True).request("GET", "/")
    message = seen("response")[0].getMessage()
    assert "hush" not in message
    assert '"total_tokens": 17' in message


def test_no_request_body_is_logged(connect: Connect, seen: Seen) -> None:
    client = connect(log_level="DEBUG", log_responses=False)
    client.create_agent_run(323, "a very private prompt")
    assert not [record for record in seen() if "private" in str(vars(record))]


def test_a_stream_is_logged_without_its_body(flavour: Flavour, sandbox: Sandbox, seen: Seen) -> None:
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        logging.getLogger("codegen_ext").setLevel(logging.DEBUG)
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    assert [record.codegen_event for record in seen()] == ["request", "response"]
