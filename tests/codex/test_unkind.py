"""A fake app-server that breaks its word: every call ends at once with a typed error, and nothing holds up a caller."""

import errno
import fcntl
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import openai
import pytest

from codegen_ext import CodexClient
from codegen_ext.codex import ApprovalRequest

from ..support.waiting import until
from .conftest import KEY, create, is_running, script, text

FAKE = Path(__file__).with_name("app_server.py")
Start = Callable[..., CodexClient]


@pytest.fixture
def child(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The file that holds the process id of a child of the server."""
    path = tmp_path / "child"
    monkeypatch.setenv("CHILD", str(path))
    yield path
    if path.exists():
        with suppress(ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start clients of the fake, which close within a second, whatever it does, and end it."""
    clients = []

    def make(mode: str, **settings: Any) -> CodexClient:
        program = script(tmp_path / "codex", shlex.join(["exec", sys.executable, "-S", "-E", str(FAKE), mode]))
        clients.append(CodexClient(KEY, program, **{"timeout": 30, **settings}))
        return clients[-1]

    yield make
    for client in clients:
        pid, started = client.server_pid, time.monotonic()
        client.close()
        assert time.monotonic() - started < 1.5
        assert pid is None or not is_running(pid)


ENDS = {
    "closes its output but lives": "closed its output",
    "ends while a child holds the pipes": r"ended \(exit code 3\)",
    "ends while a child of another group holds the pipes": r"ended \(exit code 3\)",
    "names no thread": "not understood: KeyError",
    "sends a delta without text": "not understood: KeyError",
    "starts a turn without an id": "not understood: KeyError",
    "asks without naming what for": "not understood: KeyError",
}


@pytest.mark.parametrize("mode", ENDS)
def test_a_call_ends_at_once_with_a_typed_error(start: Start, child: Path, mode: str) -> None:
    client = start(mode, approval_callback=lambda request: True)
    started = time.monotonic()
    with pytest.raises(openai.APIConnectionError, match=ENDS[mode]):
        create(client)
    assert time.monotonic() - started < 5
    if mode == "ends while a child holds the pipes":
        until(lambda: not is_running(int(child.read_text())))


@pytest.mark.parametrize("mode", ["answers and ends at once", "answers, and lives on", "asks what no client answers"])
def test_an_answer_that_arrives_counts_whatever_the_server_does_besides(start: Start, mode: str) -> None:
    client = start(mode)
    assert text(create(client)) == text(create(client)) == "Hello there."


def test_a_turn_that_was_asked_for_is_not_asked_for_again(start: Start) -> None:
    client = start("dies at its second turn")
    assert text(create(client)) == "Hello there."
    with pytest.raises(openai.APIConnectionError, match="exit code 3"):
        create(client)
    assert text(create(client)) == "Hello there."


def test_a_server_that_says_nothing_costs_the_timeout_and_no_more(start: Start) -> None:
    with pytest.raises(openai.APITimeoutError):
        create(start("says nothing", timeout=0.2))


def test_the_questions_of_a_sub_agent_go_to_the_caller(start: Start) -> None:
    asked: list[ApprovalRequest] = []

    def decide(request: ApprovalRequest) -> bool:
        asked.append(request)
        return True

    assert text(create(start("asks for a sub-agent", approval_callback=decide))) == "Hello there."
    assert [(one.thread_id, one.command) for one in asked] == [("child", "ls")]


def test_a_cache_folder_without_locks_is_no_endless_search(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(fcntl, "flock", refuse)
    program = script(tmp_path / "codex", shlex.join([sys.executable, str(FAKE), "answers, and lives on"]))
    with CodexClient(KEY, program) as client:
        assert text(create(client)) == "Hello there."
        assert len([*(tmp_path / "cache/codegen-sdk/codex").iterdir()]) == 1
    assert [*(tmp_path / "cache/codegen-sdk/codex").iterdir()] == []
