"""Log records: their fields, their levels, what of a body they show, and that no other logger is touched."""

import json
import logging
import re

import pytest

from codegen_ext import CodegenAPIError
from codegen_ext._logging import LONGEST_BODY
from codegen_ext.testing import Fault

from ..conftest import TOKEN
from ..support.loopback import reply

OURS = logging.getLogger("codegen_ext")
FORMAT = logging.Formatter(
    "%(levelname)s %(message)s | "
    "%(codegen_event)s %(codegen_operation)s %(codegen_status)s %(codegen_attempt)s %(codegen_request_id)s"
)


@pytest.fixture
def seen(caplog):
    return lambda: [record for record in caplog.records if record.name == OURS.name]


def test_the_records_of_calls(connect, sandbox, clock, seen):
    client = connect(log_level="DEBUG", max_retries=2)
    sandbox.inject("*", Fault.latency(1.5), times=1)
    sandbox.inject("*", Fault.status(429, retry_after=7), times=1)
    client.create_agent_run(323, "a very private prompt")
    sandbox.inject("*", Fault.status(503), times=1)
    sandbox.inject("*", Fault.reset_before(), times=2)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    with pytest.raises(CodegenAPIError):
        client.request("GET", "/v1/users/me", params={"key": "hush"})
    slept = clock.slept[1:]  # behind the latency
    first, second, third = (f"again in {seconds:.3f} s" for seconds in slept)
    failed = sum(slept[1:])
    lines = [re.sub(r"ReadError[^)|]*(?<! )", "ReadError", FORMAT.format(record)) for record in seen()]
    assert lines == [
        "DEBUG POST create_agent_run | request create_agent_run None None None",
        "INFO POST create_agent_run: attempt 1 failed (status 429), "
        f"{first} | retry create_agent_run 429 1 sandbox-0-1",
        "DEBUG POST create_agent_run -> 200 in 8.500 s, request id sandbox-0-2"
        " | response create_agent_run 200 2 sandbox-0-2",
        "DEBUG GET get_current_user | request get_current_user None None None",
        "WARNING GET get_current_user: attempt 1 failed (status 503), "
        f"{second} | retry get_current_user 503 1 sandbox-0-3",
        f"WARNING GET get_current_user: attempt 2 failed (ReadError), {third} | retry get_current_user None 2 None",
        f"DEBUG GET get_current_user failed after {failed:.3f} s: ReadError | failure get_current_user None 3 None",
        "DEBUG GET /v1/users/me | request None None None None",
        "DEBUG GET /v1/users/me -> 422 in 0.000 s, request id sandbox-0-6 | response None 422 1 sandbox-0-6",
    ]
    durations = [record.codegen_duration for record in seen() if record.codegen_duration is not None]
    assert durations == [8.5, pytest.approx(failed), 0]
    assert not re.search("private|hush|octocat", str([vars(record) for record in seen()]))


@pytest.mark.parametrize(
    ("settings", "events"),
    [
        ({}, {"retry"}),
        ({"log_level": "ERROR"}, set()),
        ({"log_level": "DEBUG", "log_requests": False}, {"retry"}),
    ],
)
def test_the_level_decides_and_nothing_is_prepared_otherwise(connect, sandbox, seen, settings, events, monkeypatch):
    monkeypatch.setattr("codegen_ext._logging._body", lambda *args: pytest.fail("a body was read"))
    sandbox.inject("*", Fault.status(503), times=1)
    connect(max_retries=1, log_responses=True, **settings).get_current_user()
    assert {record.codegen_event for record in seen()} == events


def test_bodies_are_cut_and_without_secrets_and_those_of_streams_left_out(connect, serve, seen, flavour, sandbox):
    body = {"token": "hush-hush", "message": "connect with hush-hush", "usage": {"total_tokens": 17}}
    long = {"text": "x" * 5_000}
    client = connect(serve(reply(body), reply(long)).base_url, log_level="DEBUG", log_responses=True)
    for _ in "12":
        client.request("GET", "/")
    secret, cut = (record.getMessage() for record in seen() if record.codegen_event == "response")
    assert "hush" not in secret
    assert '"total_tokens": 17' in secret
    shown = json.dumps(long)[:LONGEST_BODY]
    assert cut.endswith(f" {shown}… ({len(json.dumps(long)) - LONGEST_BODY} more characters)")
    with flavour.chat(TOKEN, sandbox.base_url, log_level="DEBUG", log_responses=True) as chat:
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    line = r"POST create_chat_completion -> 200 in \d\.\d{3} s, request id sandbox-0-1"
    assert re.fullmatch(line, seen()[-1].getMessage())


@pytest.mark.parametrize("body", [b"", b"plain text", b"\xff\xfe", b"[" * 10_000, b"null", b'["\\ud800"]', b"a\nb"])
def test_any_body_can_be_logged(connect, serve, seen, body):
    client = connect(serve(reply(body, 404)).base_url, log_level="DEBUG", log_responses=True)
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    message = seen()[-1].getMessage()
    assert "404" in message
    assert message.encode().splitlines() == [message.encode()]


def test_building_a_client_sets_the_level_of_our_logger_alone(connect):
    others = [logging.getLogger(), logging.getLogger("httpx"), logging.getLogger("other")]
    before = [(logger.level, list(logger.handlers), logger.disabled) for logger in others]
    for level in ("ERROR", "DEBUG"):
        connect(log_level=level)
        assert logging.getLevelName(OURS.level) == level
    assert [(logger.level, list(logger.handlers), logger.disabled) for logger in others] == before
    assert [type(handler) for handler in OURS.handlers] == [logging.NullHandler]
    OURS.setLevel(logging.ERROR - 3)  # as the application may
    connect(log_level="DEBUG")
    assert OURS.level == logging.ERROR - 3


@pytest.mark.parametrize(("value", "lines"), [("debug", 2), ("nonsense", 0)])
def test_a_variable_shows_records_on_stderr(connect, monkeypatch, capsys, value, lines):
    monkeypatch.setattr(OURS, "handlers", list(OURS.handlers))
    monkeypatch.setenv("CODEGEN_LOG", value)
    for client in (connect(), connect()):
        capsys.readouterr()
        client.get_current_user()
        assert capsys.readouterr().err.count("codegen_ext: GET get_current_user") == lines
