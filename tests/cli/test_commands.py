"""The program `codegen-sdk` over real HTTP: what it prints, where, and what it exits with."""

import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from codegen_ext import __version__
from codegen_ext.cli import main
from codegen_ext.cli.commands import app
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..docs.pages import ROOT, table


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Codegen = Callable[..., Outcome]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A sandbox whose runs have ended when somebody looks, so that nothing waits."""
    with Sandbox(rate_limits=False, run_seconds=0, token=TOKEN) as running:
        yield running


@pytest.fixture
def codegen(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Codegen:
    """Run the program in this process, with the sandbox's address in its environment."""
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv("CODEGEN_BASE_URL", sandbox.base_url)
    monkeypatch.setenv("CODEGEN_MAX_RETRIES", "0")

    def call(*arguments: str) -> Outcome:
        try:
            status = main(arguments)
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        captured = capsys.readouterr()
        assert TOKEN not in captured.out + captured.err
        return Outcome(status, captured.out, captured.err)

    return call


def test_a_run_shows_its_log_and_prints_its_result(codegen: Codegen, sandbox: Sandbox) -> None:
    status, out, err = codegen("run", "Fix it [[logs=3 pull_request=yes]]", "--repo", "owner/repo")
    assert (status, out) == (0, "Done: Fix it [[logs=3 pull_request=yes]]\n")
    lines = err.splitlines()
    assert lines[0] == "run 1: https://sandbox.invalid/323/1"
    assert [line.split("  ")[1].split()[0] for line in lines[1:4]] == [
        entry["message_type"] for entry in sandbox.runs[0].logs
    ]
    assert lines[4] == "run 1: completed"
    assert lines[5].startswith("pull request: https://")
    assert sandbox.runs[0].order.repo_id == 107


def test_options_of_a_run_reach_the_service(codegen: Codegen, sandbox: Sandbox, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n")
    options = ("--branch", "main", "--model", "some-model", "--priority", "high", "--tag", "a", "--tag", "b")
    assert codegen("run", "Fix it", *options, "--image", str(image), "--quiet").status == 0
    (run,) = sandbox.runs
    assert run.prompt == "Branch: main\n\nFix it"
    kept = run.metadata["codegen_sdk"]
    assert (kept["priority"], kept["tags"], kept["branch"]) == ("high", ["a", "b"], "main")
    assert run.order.images[0].startswith("data:image/png;base64,")
    assert run.order.model == "some-model"


@pytest.mark.parametrize(
    ("outcome", "status", "word"),
    [("completed", 0, "completed"), ("failed", 1, "failed"), ("cancelled", 1, "cancelled"), ("paused", 3, "paused")],
)
def test_the_exit_status_tells_what_the_run_came_to(codegen: Codegen, outcome: str, status: int, word: str) -> None:
    found = codegen("run", f"Try [[outcome={outcome}]]", "--quiet", "--json")
    assert found.status == status
    assert json.loads(found.out)["status"] == word
    assert found.err.splitlines()[1] == f"run 1: {word}"
    assert codegen("wait", "1").status == status


def test_a_prompt_comes_from_standard_input(codegen: Codegen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("Long prompt"))
    assert codegen("run", "-", "-q").out == "Done: Long prompt\n"


def test_a_detached_run_is_only_created(codegen: Codegen, sandbox: Sandbox) -> None:
    assert codegen("run", "Fix it", "--detach")[:2] == (0, "1\n")
    assert json.loads(codegen("run", "Fix it", "-d", "--json").out)["id"] == 2
    assert [request.operation for request in sandbox.requests] == ["create_agent_run"] * 2


@pytest.mark.parametrize("quiet", [["--quiet"], []])
def test_a_run_that_is_late_goes_on(codegen: Codegen, sandbox: Sandbox, quiet: list[str]) -> None:
    status, out, err = codegen("run", "Try [[outcome=never logs=0]]", "--timeout", "0.2", *quiet)
    assert (status, out) == (124, "")
    assert "did not end within 0.2 s; it goes on; `codegen-sdk wait 1` waits again" in err
    assert sandbox.runs[0].status == "RUNNING"


def test_a_run_that_is_late_can_be_stopped(codegen: Codegen, sandbox: Sandbox) -> None:
    found = codegen("run", "Try [[outcome=never logs=0]]", "--timeout", "0.2", "--cancel-on-timeout")
    assert (found.status, sandbox.runs[0].status) == (124, "CANCELLED")
    assert "it was stopped" in found.err


def test_a_time_out_of_the_service_is_not_one_of_the_run(
    codegen: Codegen, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEGEN_TIMEOUT", "0.1")
    monkeypatch.setenv("CODEGEN_TOTAL_TIMEOUT", "0.1")
    sandbox.inject("get_agent_run", Fault.latency(5))
    found = codegen("status", "1")
    assert found.status == 4
    assert "timed out" in found.err


def test_ctrl_c_leaves_the_run_alone(codegen: Codegen, sandbox: Sandbox) -> None:
    def interrupt() -> None:
        while not any(request.operation == "get_agent_run_logs" for request in sandbox.requests):
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    found = codegen("run", "Try [[outcome=never logs=0]]")
    assert found.status == 130
    assert "interrupted" in found.err
    assert sandbox.runs[0].status == "RUNNING"


def test_a_resumed_run_shows_what_is_new(codegen: Codegen, sandbox: Sandbox) -> None:
    codegen("run", "Ask [[outcome=paused logs=3]]")
    status, out, err = codegen("resume", "1", "Go on [[logs=2]]")
    assert (status, out) == (0, "Done: Go on [[logs=2]]\n")
    assert len(err.splitlines()) == len(sandbox.runs[0].logs) - 3 + 2  # the status, and the pull request
    assert codegen("resume", "1", "More", "--detach")[:2] == (0, "1\n")


def test_a_log_is_printed(codegen: Codegen, sandbox: Sandbox) -> None:
    codegen("run", "Fix it [[logs=120]]", "-q")
    assert len(codegen("logs", "1").out.splitlines()) == 120
    entries = [json.loads(line) for line in codegen("logs", "1", "--follow", "--json").out.splitlines()]
    assert [entry["thought"] for entry in entries] == [entry["thought"] for entry in sandbox.runs[0].logs]


def test_states_are_printed(codegen: Codegen) -> None:
    codegen("run", "Fix it [[pull_request=yes]]", "-q")
    lines = codegen("status", "1").out.splitlines()
    assert lines[:2] == ["id: 1", "status: completed"]
    assert lines[-1] == "result: Done: Fix it [[pull_request=yes]]"
    assert json.loads(codegen("status", "1", "--json").out)["id"] == 1


def test_a_run_can_be_cancelled(codegen: Codegen) -> None:
    codegen("run", "Try [[outcome=never]]", "--detach")
    assert "status: cancelled" in codegen("cancel", "1").out


def test_runs_are_listed_newest_first(codegen: Codegen, sandbox: Sandbox) -> None:
    for number in range(3):
        codegen("run", f"Fix {number}", "-d")
    rows = [line.split("\t") for line in codegen("list", "-n", "2").out.splitlines()]
    assert [row[:2] for row in rows] == [["3", "completed"], ["2", "completed"]]
    assert [run["id"] for run in json.loads(codegen("list", "--json").out)] == [3, 2, 1]


def test_a_terminal_gets_a_table_and_no_commands(
    codegen: Codegen, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    sandbox.script(result="a\x1b]0;owned\x07b\x9bc\nd\te [bold]f[/bold]")
    codegen("run", "Fix it", "-d")
    assert "\x1b" in codegen("wait", "1").out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert codegen("wait", "1").out == "a]0;ownedbc\nd\te [bold]f[/bold]\n"
    head, row = re.sub(r"\x1b\[\d+m", "", codegen("list").out).splitlines()  # a bold head
    assert head.split() == ["id", "status", "created", "url"]
    assert row.split()[:2] == ["1", "completed"]


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["status", "99"], 4, "Agent run not found"),
        (["status", "abc"], 2, "expected a whole number"),
        (["run", " "], 2, "prompt: must not be blank"),
        (["run", "x", "--repo", "owner/rep"], 2, "close matches: owner/repo"),
        (["run", "x", "--image", "no/such.png"], 2, "cannot read the file"),
        (["run", "x", "--priority", "asap"], 2, "low, normal, high, urgent"),
        (["run", "x", "--org", "acme"], 2, "organisation's number"),
        (["run", "x", "--base-url", "http://127.0.0.1:1"], 4, "create_agent_run"),
        (["run"], 2, "Missing argument"),
        (["run", "x", "--timeout", "-1"], 2, "--timeout"),
        (["list", "--limit", "0"], 2, "--limit"),
        (["explode"], 2, "No such command"),
        ([], 2, "Usage"),
    ],
)
def test_what_goes_wrong_is_one_message_and_an_exit_status(
    codegen: Codegen, arguments: list[str], status: int, text: str
) -> None:
    found = codegen(*arguments)
    assert found.status == status
    assert text in found.err + found.out
    assert "Traceback" not in found.err


def test_the_version_is_shown(codegen: Codegen) -> None:
    assert codegen("--version") == (0, f"codegen-sdk {__version__}\n", "")


def test_a_missing_token_is_named(codegen: Codegen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CODEGEN_API_TOKEN")
    found = codegen("list")
    assert (found.status, "CODEGEN_API_TOKEN" in found.err) == (2, True)


def test_without_the_extra_it_says_what_to_install(codegen: Codegen, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "codegen_ext.cli.commands")
    monkeypatch.setitem(sys.modules, "typer", None)
    found = codegen("list")
    assert (found.status, "pip install 'codegen-sdk[cli]'" in found.err) == (2, True)


def test_it_is_a_program(sandbox: Sandbox) -> None:
    environment = {**os.environ, "CODEGEN_API_TOKEN": TOKEN, "CODEGEN_BASE_URL": sandbox.base_url}
    command = [sys.executable, "-m", "codegen_ext.cli", "run", "Fix it", "-q", "--org", "323"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (0, "Done: Fix it\n"), done.stderr


def test_the_page_lists_every_command() -> None:
    listed = [row["Command"].name for row in table(ROOT / "docs" / "command-line.md", "Command")]
    commands = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
    assert sorted(listed) == sorted(commands)
