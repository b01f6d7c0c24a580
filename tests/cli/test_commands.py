"""The program `codegen-sdk` over real HTTP: what it prints, where, and what it exits with."""

import io
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

import pytest

from codegen_ext import Agent, __version__
from codegen_ext.cli import main, output
from codegen_ext.cli.commands import app
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..docs.pages import ROOT, table
from ..support.loopback import Loopback, reply


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
    assert head.split() == ["id", "status", "age", "repository", "summary", "url"]
    assert row.split()[:2] == ["1", "completed"]
    assert row.split()[3] in ("s", "min")


def test_runs_are_filtered(codegen: Codegen) -> None:
    codegen("run", "One", "-d", "--repository", "owner/repo", "--tag", "ci")
    codegen("run", "Two [[outcome=failed]]", "-d", "--tag", "ci")
    codegen("run", "Three", "-d")

    def ids(*filters: str) -> list[int]:
        return [run["id"] for run in json.loads(codegen("list", "--json", *filters).out)]

    assert ids("--tag", "ci") == [2, 1]
    assert ids("--tag", "ci", "--status", "completed") == [1]
    assert ids("--repository", "owner/repo") == [1]
    assert ids("--repo", "owner/repo", "--tag", "other") == []
    (shown,) = json.loads(codegen("list", "--json", "--repository", "owner/repo").out)
    assert (shown["tags"], shown["priority"], shown["repository"]) == (["ci"], None, "owner/repo")


def test_any_operation_can_be_called(codegen: Codegen, sandbox: Sandbox) -> None:
    codegen("run", "Fix it", "-d")
    assert json.loads(codegen("api", "get_agent_run", "agent_run_id=1").out)["id"] == 1
    page = json.loads(codegen("api", "list_agent_runs", "limit=1", "org_id=323").out)
    assert [run["id"] for run in page["items"]] == [1]
    assert (sandbox.requests[-1].operation, sandbox.requests[-1].arguments["limit"]) == ("list_agent_runs", 1)


def test_a_page_is_opened_where_there_is_a_browser(codegen: Codegen, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or True)
    codegen("run", "Fix it", "-q", "--web")
    codegen("status", "1", "--web")
    assert opened == ["https://sandbox.invalid/323/1"] * 2
    monkeypatch.setattr("webbrowser.open", lambda url: False)
    assert "there is no browser here" in codegen("status", "1", "--web").err


def test_changes_are_watched(codegen: Codegen, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt() -> None:
        while not any(request.operation == "list_agent_runs" for request in sandbox.requests):
            time.sleep(0.01)
        with Agent(323, TOKEN, base_url=sandbox.base_url) as agent:
            agent.run("Fix it")
        while sum(request.operation == "list_agent_runs" for request in sandbox.requests) < 4:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=interrupt, daemon=True).start()
    found = codegen("watch", "--json", "--poll-interval", "1")
    assert found.status == 130
    changes = [json.loads(line) for line in found.out.splitlines()]
    assert [(change["run"]["id"], change["kind"]) for change in changes][:1] == [(1, "created")]


def test_what_cannot_be_encoded_is_replaced(
    codegen: Codegen, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for encoding, shown in (("cp1252", "All green ?"), ("ascii", "All green ?")):
        stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        monkeypatch.setattr(sys, "stdout", stream)
        output.write("All green \U0001f389")
        output.write_json({"text": "\U0001f389", "half": "\ud83d", "n": float("nan")})
        first, second = stream.buffer.getvalue().decode(encoding).splitlines()
        assert first == shown
        assert json.loads(second) == {"text": "\U0001f389", "half": "\ud83d", "n": None}


def test_a_full_disk_and_a_reader_that_left_have_a_status_of_their_own(sandbox: Sandbox) -> None:
    environment = {**os.environ, "CODEGEN_API_TOKEN": TOKEN, "CODEGEN_BASE_URL": sandbox.base_url}
    sandbox.script("completed", result="x" * 100_000)
    command = f"{shlex.quote(sys.executable)} -m codegen_ext.cli run 'Fix it' -q --org 323"
    for redirection, status in (("> /dev/full", 70), (">&-", 0), ("| true", 141)):
        script = f"{command} {redirection}; exit ${{PIPESTATUS[0]}}"
        done = subprocess.run(
            ["bash", "-c", script], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == status, (redirection, done.stderr)
        assert "Traceback" not in done.stderr


def test_a_failed_run_says_why_on_stderr(codegen: Codegen) -> None:
    found = codegen("run", "Try [[outcome=failed result='Out of tokens']]", "-q")
    assert (found.status, found.out) == (1, "")
    assert "run 1 says: Out of tokens" in found.err


def test_a_paused_run_names_the_next_command(codegen: Codegen) -> None:
    assert "codegen-sdk resume 1" in codegen("run", "Ask [[outcome=paused]]", "-q").err


def test_a_field_cannot_forge_a_row(codegen: Codegen, sandbox: Sandbox) -> None:
    codegen("run", "Fix it", "-d")
    sandbox.runs[0].web_url = "https://x.invalid/1\n99\tfailed"
    assert len(codegen("list").out.splitlines()) == 1


def test_an_error_of_the_service_commands_no_terminal(
    codegen: Codegen, serve: Callable[..., Loopback], monkeypatch: pytest.MonkeyPatch
) -> None:
    evil = "no such run \x1b]0;owned\x07\x9b31m"
    monkeypatch.setenv("CODEGEN_BASE_URL", serve(reply({"detail": evil}, 404)).base_url)
    found = codegen("status", "7")
    assert "no such run" in found.err
    assert not set("\x1b\x07\x9b") & set(found.err)


def test_an_internal_failure_is_not_the_status_of_a_failed_run(
    codegen: Codegen, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "listing", lambda *_: 1 / 0)
    found = codegen("list")
    assert (found.status, found.err.splitlines()[-1]) == (
        70,
        "codegen-sdk: internal error: ZeroDivisionError: division by zero",
    )


def test_waits_and_retries_are_told(codegen: Codegen, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_MAX_RETRIES", "2")
    monkeypatch.setenv("CODEGEN_RETRY_DELAY", "0.01")
    sandbox.inject("list_agent_runs", Fault.status(503), times=1)
    found = codegen("list")
    assert found.status == 0
    assert "list_agent_runs" in found.err


@pytest.mark.parametrize(
    ("created", "shown"), [(0, "0 s"), (59, "59 s"), (60, "1 min"), (7_200, "2 h"), (200_000, "2 d")]
)
def test_an_age_is_shown_in_its_largest_unit(created: float, shown: str) -> None:
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    assert output.age((now - timedelta(seconds=created)).isoformat(), now) == shown
    assert output.age("yesterday", now) == output.age(None, now) == ""


@pytest.mark.parametrize(
    ("arguments", "status", "text"),
    [
        (["api", "get_agent_ran"], 2, "is no operation; there are"),
        (["api", "get_agent_run", "agent_run"], 2, "expected NAME=VALUE"),
        (["api", "get_agent_run", "agent_run=1"], 2, "agent_run"),
        (["list", "--status", "complet"], 2, "complet"),
        (["status", "99"], 4, "Agent run not found"),
        (["status", "abc"], 2, "expected a whole number"),
        (["run", " "], 2, "prompt: must not be blank"),
        (["run", "x", "--repo", "owner/rep"], 2, "close matches: owner/repo"),
        (["run", "x", "--image", "no/such.png"], 2, "cannot read the file"),
        (["run", "x", "--priority", "asap"], 2, "low, normal, high, urgent"),
        (["run", "x", "--org", "acme"], 2, "organization's number"),
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
