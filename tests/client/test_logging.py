"""One line for each answer, at DEBUG, of the logger `codegen_ext`, which alone is touched."""

import logging
import re
from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext import CodegenAPIError
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Callable[[], list[str]]:
    def lines() -> list[str]:
        found = [record for record in caplog.records if record.name == "codegen_ext"]
        assert all(record.levelno == logging.DEBUG for record in found)
        return [record.getMessage() for record in found if record.codegen_event == "response"]

    return lines


def test_a_request_is_one_line_with_operation_status_duration_and_request_id(
    connect: Callable[..., Any], sandbox: Sandbox, lines: Callable[[], list[str]]
) -> None:
    client = connect(log_level="DEBUG")
    sandbox.inject("*", Fault.latency(1.5), times=1)
    client.get_current_user()
    client.create_agent_run(323, "hello")
    assert lines() == [
        "GET get_current_user -> 200 in 1.500 s, request id sandbox-0-1",
        "POST create_agent_run -> 200 in 0.000 s, request id sandbox-0-2",
    ]


def test_a_refused_request_is_logged_too(
    connect: Callable[..., Any], sandbox: Sandbox, lines: Callable[[], list[str]]
) -> None:
    client = connect(log_level="DEBUG")
    sandbox.inject("*", Fault.status(503))
    with pytest.raises(CodegenAPIError):
        client.get_current_user()
    assert lines() == ["GET get_current_user -> 503 in 0.000 s, request id sandbox-0-1"]


def test_a_request_that_the_contract_does_not_know_is_logged_by_its_path(
    connect: Callable[..., Any], lines: Callable[[], list[str]]
) -> None:
    connect(log_level="DEBUG").request("GET", "/v1/users/me")
    assert lines() == ["GET /v1/users/me -> 200 in 0.000 s, request id sandbox-0-1"]


def test_bodies_are_logged_only_when_asked_for(connect: Callable[..., Any], lines: Callable[[], list[str]]) -> None:
    connect(log_level="DEBUG").get_current_user()
    assert "octocat" not in lines()[0]
    connect(log_level="DEBUG", log_responses=True).get_current_user()
    assert re.search(r'request id sandbox-0-2 \{"id": 1, .*"octocat"', lines()[1])


def test_a_streamed_request_is_logged_without_its_body(
    monkeypatch: pytest.MonkeyPatch, flavour: Flavour, sandbox: Sandbox, lines: Callable[[], list[str]]
) -> None:
    monkeypatch.setenv("CODEGEN_LOG_RESPONSES", "true")
    with flavour.chat(TOKEN, sandbox.base_url) as chat:
        logging.getLogger("codegen_ext").setLevel(logging.DEBUG)
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    assert len(lines()) == 1
    assert re.fullmatch(r"POST create_chat_completion -> 200 in \d\.\d{3} s, request id sandbox-0-1", lines()[0])


@pytest.mark.parametrize("settings", [{"log_level": "INFO"}, {"log_level": "DEBUG", "log_requests": False}])
def test_nothing_is_logged_otherwise(
    connect: Callable[..., Any], lines: Callable[[], list[str]], settings: dict[str, Any]
) -> None:
    connect(log_responses=True, **settings).get_current_user()
    assert lines() == []


def test_building_a_client_sets_the_level_of_our_logger_alone(connect: Callable[..., Any]) -> None:
    loggers = [logging.getLogger(), logging.getLogger("httpx"), logging.getLogger("other")]
    before = [(logger.level, list(logger.handlers), logger.disabled) for logger in loggers]
    for level in ("ERROR", "DEBUG"):
        connect(log_level=level)
        assert logging.getLevelName(logging.getLogger("codegen_ext").level) == level
    assert [(logger.level, list(logger.handlers), logger.disabled) for logger in loggers] == before
    assert [type(handler) for handler in logging.getLogger("codegen_ext").handlers] == [logging.NullHandler]
