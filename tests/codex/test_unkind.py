"""A fake app-server that breaks its word: every call ends at once with a typed error, and nothing holds up a caller."""

import errno
import fcntl
import json
import math
import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import openai
import pytest

from codegen_ext import CodexClient

from ..support.waiting import until
from .conftest import KEY, create, is_running, script, text

FAKE = Path(__file__).with_name("app_server.py")
Start = Callable[..., CodexClient]


@pytest.fixture
def child(tmp_path, monkeypatch):
    """The file that holds the process id of a child of the server."""
    path = tmp_path / "child"
    monkeypatch.setenv("CHILD", str(path))
    yield path
    if path.exists():
        with suppress(ProcessLookupError):
            os.kill(int(path.read_text()), signal.SIGKILL)


@pytest.fixture
def start(tmp_path):
    """Start clients of the fake that does so each turn; they close within a second, whatever it does, and end it."""
    clients = []

    def make(*turns, **settings):
        command = ["exec", sys.executable, "-S", "-E", str(FAKE), *map(json.dumps, turns)]
        program = script(tmp_path / "codex", shlex.join(command))
        clients.append(CodexClient(KEY, program, **{"timeout": 30, **settings}))
        return clients[-1]

    yield make
    for client in clients:
        pid, started = client.server_pid, time.monotonic()
        client.close()
        assert time.monotonic() - started < 1.5
        assert pid is None or not is_running(pid)


def says(method, **more):
    return {"method": method, "params": {"threadId": "thread-1"}, **more}


APPROVAL = "item/commandExecution/requestApproval"
ENDS = {
    "closes its output but lives": (["close"], "closed its output"),
    "ends while a child holds the pipes": (["child", "exit"], r"ended \(exit code 3\)"),
    "ends while a child of another group does": (["child of another group", "exit"], r"ended \(exit code 3\)"),
    "names no thread": ([], "not understood: KeyError"),
    "sends a delta without text": ([says("item/agentMessage/delta")], "not understood: KeyError"),
    "asks without naming what for": ([says(APPROVAL, id="a")], "not understood: KeyError"),
}


@pytest.mark.parametrize("name", ENDS)
def test_a_call_ends_at_once_with_a_typed_error(start, child, name):
    steps, words = ENDS[name]
    client = start(steps, approval_callback=lambda request: True)
    started = time.monotonic()
    with pytest.raises(openai.APIConnectionError, match=words):
        create(client)
    assert time.monotonic() - started < 5
    if steps == ["child", "exit"]:
        until(lambda: not is_running(int(child.read_text())))


@pytest.mark.parametrize(
    ("steps", "timeout"),
    [(["answer", "exit"], None), (["answer"], math.inf), ([says("item/tool/requestUserInput", id="b")], 30)],
)
def test_an_answer_that_arrives_counts_whatever_the_server_does_besides(start, steps, timeout):
    client = start(steps, timeout=timeout)
    assert text(create(client)) == text(create(client)) == "Hello there."


def test_a_turn_that_was_asked_for_is_not_asked_for_again(start):
    client = start(["answer"], ["exit"])
    assert text(create(client)) == "Hello there."
    with pytest.raises(openai.APIConnectionError, match="exit code 3"):
        create(client)
    assert text(create(client)) == "Hello there."


def test_a_server_that_says_nothing_costs_the_timeout_and_no_more(start):
    client = start(timeout=0.2)
    for call in (lambda: create(client), lambda: client.models.list(timeout=0.2)):
        with pytest.raises(openai.APITimeoutError):
            call()


def test_the_questions_of_a_sub_agent_go_to_the_caller(start):
    asked = []

    def decide(request):
        asked.append(request)
        return True

    thread = {"thread": {"id": "child", "parentThreadId": "thread-1"}}
    question = {"threadId": "child", "turnId": "turn", "itemId": "item", "command": "ls"}
    steps = [says("thread/started", params=thread), says(APPROVAL, id="a", params=question)]
    assert text(create(start(steps, approval_callback=decide))) == "Hello there."
    assert [(one.thread_id, one.command) for one in asked] == [("child", "ls")]


def test_a_cache_folder_without_locks_is_no_endless_search(tmp_path, monkeypatch):
    def refuse(*arguments):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(fcntl, "flock", refuse)
    with CodexClient(KEY, script(tmp_path / "codex", f"exec '{sys.executable}' '{FAKE}' '[\"answer\"]'")) as client:
        assert text(create(client)) == "Hello there."
        assert len([*(tmp_path / "codegen-sdk/codex").iterdir()]) == 1
    assert [*(tmp_path / "codegen-sdk/codex").iterdir()] == []
