"""The program `codegen-sdk` over real HTTP: what it prints, where, and what it exits with."""

import io
import json
import os
import re
import shlex
import subprocess
import sys
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from unittest.mock import Mock

import pytest

from codegen_ext import AsyncTask, TimeoutError, __version__
from codegen_ext.cli import main, output
from codegen_ext.cli.commands import app
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..docs.pages import ROOT, table
from ..support.calls import attempts
from ..support.waiting import interrupt_when


@pytest.fixture
def sandbox():
    """A sandbox whose runs have ended when they are read, so that nothing waits."""
    with Sandbox(rate_limits=False, run_seconds=0, token=TOKEN) as running:
        yield running


@pytest.fixture
def codegen(sandbox, monkeypatch, capsys):
    """Run a command line in this process, with the sandbox's address and further settings in its environment."""
    usual = {"API_TOKEN": TOKEN, "ORG_ID": "323", "BASE_URL": sandbox.base_url, "MAX_RETRIES": "0"}

    def call(line, **settings):
        for name, value in {**usual, **settings}.items():
            monkeypatch.setenv(f"CODEGEN_{name}", value)
        try:
            status = main(shlex.split(line))
        except SystemExit as stopped:
            status = int(stopped.code or 0)
        captured = capsys.readouterr()
        assert TOKEN not in captured.out + captured.err
        assert "Traceback" not in captured.err
        return subprocess.CompletedProcess(line, status, captured.out, captured.err)

    return call


NEVER = "run 'Try [[outcome=never logs=0]]'"


@pytest.mark.parametrize(
    ("lines", "statuses", "out", "err"),
    [
        ("run 'Fix it' --detach; resume 1 More -d", [0, 0], r"1\n1\n", r"\Arun 1: https://sandbox.invalid/323/1\n\Z"),
        ("run 'Ask [[outcome=paused logs=3]]'", [3], "", "it needs input: codegen-sdk resume 1 PROMPT\n"),
        ("run 'Ask [[outcome=paused]]' -q; resume 1 'Go [[logs=2]]'", [3, 0], r"Done: Go .*\n", r"PROMPT\n(.+\n){4}\Z"),
        (f"{NEVER} -d; cancel 1", [0, 0], r"1\nid: 1\nstatus: cancelled\n.*", ""),
        ("run 'Try [[outcome=failed result=Bad]]' -q; wait 1", [1, 1], "", r"(run 1: failed\nrun 1 says: Bad\n){2}\Z"),
        ("run 'Try [[outcome=cancelled]]' -q --json", [1], r'\{.*"status": "cancelled".*\}\n', "run 1: cancelled"),
        (f"{NEVER} -q --timeout 0.2; status 1", [124, 0], r"id: 1\nstatus: running\n.*", "0.2 s; it goes on; `codegen"),
        (f"{NEVER} --timeout 0.2 --cancel-on-timeout; status 1", [124, 0], ".*cancelled.*", "it was stopped"),
        ("api", [0], r".*list_agent_runs \[org_id\] \[user_id\] \[source_type\].*\n    List the agent runs.*", ""),
        ("api get_agent_ran", [2], "", r"no operation get_agent_ran; did you mean get_agent_run\?"),
        ("api get_agent_run agent_run", [2], "", "expected NAME=VALUE"),
        ("api get_agent_run agent_run=1", [2], "", r"no argument agent_run; did you mean agent_run_id\?"),
        ("api get_agent_run", [2], "", r"get_agent_run needs agent_run_id: get_agent_run \[org_id\] agent_run_id"),
        ("api get_users --org ''", [2], "", "get_users needs an organization: pass --org"),
        ("api get_organizations --org ''; api get_user --org '' org_id=323 user_id=1", [0, 0], ".*323.*", ""),
        ("list --org ''", [2], "", "set CODEGEN_ORG_ID or pass --org\n"),
        ("list --base-url x", [2], "", "codegen-sdk: --base-url must be http"),
        ("list --status complet", [2], "", "complet"),
        ("status 99", [4], "", "Agent run not found"),
        ("run ' '", [2], "", "prompt: must not be blank"),
        ("run x --repo owner/rep", [2], "", "close matches: owner/repo"),
        ("run x --base-url http://127.0.0.1:1", [4], "", "create_agent_run"),
        ("run x --timeout -1", [2], "", "--timeout"),
        ("run x --timeout nan; list", [2, 0], "", "expected a number of seconds"),
        ("run x -d; status 1; wait 1 --timeout 0", [0, 0, 0], "1\nid: 1.*result: Done: x\nDone: x\n", ""),
        ("--version; --version list", [0, 0], f"(codegen-sdk {__version__}\n){{2}}", ""),
    ],
)
def test_what_commands_print_and_exit_with(codegen, lines, statuses, out, err):
    found = [codegen(line) for line in lines.split("; ")]
    assert [each.returncode for each in found] == statuses
    assert re.fullmatch(out, "".join(each.stdout for each in found), re.DOTALL)
    assert re.search(err, "".join(each.stderr for each in found))


def test_a_run_shows_its_log_and_prints_its_result(codegen, sandbox):
    found = codegen("run 'Fix it [[logs=3 pull_request=yes]]' --repo owner/repo")
    assert (found.returncode, found.stdout) == (0, "Done: Fix it [[logs=3 pull_request=yes]]\n")
    first, *log, state, request = found.stderr.splitlines()
    assert first == "run 1: https://sandbox.invalid/323/1"
    assert [line.split()[1] for line in log] == [entry["message_type"] for entry in sandbox.runs[0].logs]
    assert state == "run 1: completed"
    assert request.startswith("pull request: https://")
    assert sandbox.runs[0].repo_id == 107
    lines = codegen("status 1").stdout.splitlines()
    assert lines[:2] == ["id: 1", "status: completed"]
    assert "repository: owner/repo" in lines
    assert lines[-1] == f"result: {found.stdout.strip()}"
    entries = [json.loads(line) for line in codegen("logs 1 --follow --json").stdout.splitlines()]
    assert [entry["thought"] for entry in entries] == [entry["thought"] for entry in sandbox.runs[0].logs]
    assert len(codegen("logs 1").stdout.splitlines()) == len(entries)


def test_options_of_a_run_reach_the_service(codegen, sandbox, tmp_path, monkeypatch):
    image = tmp_path / "a.png"
    image.write_bytes(b"\x89PNG\r\n\x1a\n")
    monkeypatch.setattr(sys, "stdin", io.StringIO("Fix it"))
    options = f"--branch main --model some-model --priority high --tag a --tag b --image {shlex.quote(str(image))}"
    assert codegen(f"run - {options} --quiet").returncode == 0
    (run,) = sandbox.runs
    assert (run.prompt, run.model) == ("Branch: main\n\nFix it", "some-model")
    kept = run.metadata["codegen_sdk"]
    assert (kept["priority"], kept["tags"], kept["branch"]) == ("high", ["a", "b"], "main")
    assert run.images[0].startswith("data:image/png;base64,")


@pytest.mark.parametrize(
    ("content", "status", "told"),
    [
        (None, 2, "standard input is closed"),
        (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "no"), 2, "standard input is not text in utf-8"),
        (KeyboardInterrupt(), 130, "interrupted; nothing was created"),
    ],
)
def test_a_prompt_that_cannot_be_read_creates_nothing(codegen, sandbox, monkeypatch, content, status, told):
    monkeypatch.setattr(sys, "stdin", None if content is None else Mock(read=Mock(side_effect=content)))
    found = codegen("run -")
    assert (found.returncode, told in found.stderr, sandbox.runs) == (status, True, [])


def test_a_wait_that_the_client_gives_up_is_not_a_run_that_is_late(codegen, monkeypatch):
    async def give_up(task):
        raise TimeoutError("unchanged for an hour")

    monkeypatch.setattr(AsyncTask, "wait", give_up)
    found = codegen("run 'Fix it' --quiet --timeout 60")
    assert (found.returncode, "unchanged for an hour" in found.stderr) == (4, True)


def test_ctrl_c_leaves_the_run_alone(codegen, sandbox):
    interrupt_when(lambda: attempts(sandbox, "get_agent_run_logs"))
    found = codegen(NEVER)
    assert found.returncode == 130
    assert "interrupted; run 1 goes on: `codegen-sdk wait 1` waits again" in found.stderr
    assert sandbox.runs[0].status == "RUNNING"


def test_runs_are_listed_newest_first_and_filtered(codegen, sandbox):
    for options in ("One --repository owner/repo --tag ci", "'Two [[outcome=failed]]' --tag ci", "Three"):
        codegen(f"run {options} -d")
    sandbox.runs[2].web_url = "https://x.invalid/1\n99\tfailed"
    rows = [line.split("\t") for line in codegen("list -n 2").stdout.splitlines()]
    assert [row[:2] for row in rows] == [["3", "completed"], ["2", "failed"]], "a field cannot forge a row"
    for filters, ids in (
        ("", [3, 2, 1]),
        ("--tag ci --status completed", [1]),
        ("--repository owner/repo", [1]),
        ("--repo owner/repo --tag other", []),
    ):
        assert [run["id"] for run in json.loads(codegen(f"list --json {filters}").stdout)] == ids
    shown = json.loads(codegen("status 1 --json").stdout)
    assert (shown["tags"], shown["priority"], shown["repository"]) == (["ci"], None, "owner/repo")


def test_a_terminal_gets_a_table_and_no_commands(codegen, sandbox, monkeypatch):
    sandbox.script(result="a\x1b]0;owned\x07b\x9bc\nd\te [bold]f[/bold]")
    codegen("run 'Fix it' -d --repo owner/repo")
    assert "\x1b" in codegen("wait 1").stdout
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert codegen("wait 1").stdout == "a]0;ownedbc\nd\te [bold]f[/bold]\n"
    head, row = re.sub(
        r"\x1b(\[[\d;]*m|\]8;[^\x1b]*\x1b\\)", "", codegen("list").stdout
    ).splitlines()  # style and links
    assert head.split() == ["id", "status", "age", "repository", "summary"]
    assert re.fullmatch(r" 1 +completed +\d+ (s|min) +owner/repo +\S.*", row)
    now = datetime(2026, 11, 28, 12, tzinfo=UTC)
    ages = [output.age((now - timedelta(seconds=seconds)).isoformat(), now) for seconds in (59, 60, 7_200, 200_000)]
    assert ages == ["59 s", "1 min", "2 h", "2 d"]
    assert output.age("yesterday", now) == output.age(None, now) == ""


@pytest.mark.parametrize("terminal", [False, True])
def test_changes_are_watched(codegen, sandbox, monkeypatch, terminal):
    def has_told_the_end():
        lists = [record for record in sandbox.requests if record.operation == "list_agent_runs"]
        if not before and lists and lists[0].status is not None:  # the first list has shown a run that goes on
            sandbox.runs[0].finish()
            before.append(attempts(sandbox, "list_agent_runs"))
        return before and len(lists) >= before[0] + 2  # the second one is asked for after the first was shown

    before = []
    codegen(f"{NEVER} -d")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal)
    interrupt_when(has_told_the_end)
    found = codegen("watch --poll-interval 1" if terminal else "watch --poll-interval 1 --json")
    assert found.returncode == 130
    if terminal:
        assert "completed" in found.stdout
    else:
        change = json.loads(found.stdout.splitlines()[-1])
        assert (change["run"]["id"], change["kind"]) == (1, "finished")


def test_any_operation_can_be_called(codegen, sandbox, monkeypatch):
    codegen("run 7 -d")
    assert json.loads(codegen("api get_agent_run agent_run_id=1").stdout)["result"] == "Done: 7"
    page = json.loads(codegen("api list_agent_runs limit=1 org_id=323").stdout)
    assert [run["id"] for run in page["items"]] == [1]
    assert (sandbox.requests[-1].operation, sandbox.requests[-1].arguments["limit"]) == ("list_agent_runs", 1)
    made = json.loads(codegen("""api create_agent_run prompt=8 'metadata={"ticket": 9}'""").stdout)
    assert (sandbox.runs[-1].prompt, sandbox.runs[-1].metadata["ticket"], made["id"]) == ("8", 9, 2)
    monkeypatch.setenv("CHATSERVER_API_KEY", TOKEN)
    monkeypatch.setenv("CHATSERVER_BASE_URL", sandbox.base_url)
    said = """'messages=[{"role": "user", "content": "Hello"}]'"""
    assert json.loads(codegen(f"api create_chat_completion model=claude {said}", API_TOKEN="").stdout)["choices"]


def test_a_page_is_opened_where_there_is_a_browser(codegen, monkeypatch):
    opened = []
    monkeypatch.setattr("webbrowser.open", lambda url: opened.append(url) or len(opened) < 2)
    assert "there is no browser here" not in codegen("run 'Fix it' -q --web").stderr
    assert "there is no browser here" in codegen("status 1 --web").stderr
    assert opened == ["https://sandbox.invalid/323/1"] * 2


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_characters_that_cannot_be_encoded_are_replaced(encoding, monkeypatch):
    stream = io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
    monkeypatch.setattr(sys, "stdout", stream)
    assert main(["--version"]) == 0
    output.write("All green \U0001f389")
    output.write_json({"text": "\U0001f389", "half": "\ud83d", "n": float("nan")})
    _, first, second = stream.buffer.getvalue().decode(encoding).splitlines()
    assert first == "All green ?"
    assert json.loads(second) == {"text": "\U0001f389", "half": "\ud83d", "n": None}


def without_reader():
    """A pipe as `head` leaves it."""
    reader, writer = os.pipe()
    os.close(reader)
    return os.fdopen(writer, "w")


@pytest.mark.parametrize(
    ("stdout", "status", "told"),
    [
        (nullcontext, 0, ""),  # closed before the program began
        (without_reader, 141, ""),
        (lambda: open("/dev/full", "w"), 70, "codegen-sdk: cannot write the output: No space left on device\n"),  # noqa: SIM115
    ],
    ids=["closed", "pipe", "disk"],
)
def test_an_output_that_cannot_be_written_has_a_status_of_its_own(codegen, sandbox, monkeypatch, stdout, status, told):
    sandbox.script("completed", result="x" * 100_000, pull_request=False)
    with stdout() as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        found = codegen("run 'Fix it' -q")
    assert (found.returncode, found.stderr.partition("completed\n")[2]) == (status, told)


def test_help_that_is_not_read_to_its_end_is_no_failed_run():
    command = [sys.executable, "-m", "codegen_ext.cli", "run", "--help"]
    with without_reader() as stdout:
        done = subprocess.run(command, stdout=stdout, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("settings", "fault", "status", "told"),
    [
        ({"MAX_RETRIES": "2", "RETRY_DELAY": "0.01"}, Fault.status(503), 0, "attempt 1 failed"),
        ({"TIMEOUT": "0.1", "TOTAL_TIMEOUT": "0.1"}, Fault.latency(5), 4, "timed out"),
        ({}, Fault.status(404, {"detail": "gone \x1b]0;owned\x07\x9b31m"}), 4, "gone ]0;owned31m"),
        ({"API_TOKEN": ""}, Fault.status(500), 2, "CODEGEN_API_TOKEN"),
    ],
)
def test_troubles_are_told_and_command_no_terminal(codegen, sandbox, settings, fault, status, told):
    sandbox.inject("list_agent_runs", fault, times=1)
    found = codegen("list", **settings)
    assert (found.returncode, told in found.stderr) == (status, True)


def test_an_internal_failure_and_a_missing_extra_are_not_the_status_of_a_failed_run(codegen, monkeypatch):
    monkeypatch.setattr(output, "listing", lambda *_: 1 / 0)
    found = codegen("list")
    assert (found.returncode, found.stdout) == (70, "")
    assert found.stderr == "codegen-sdk: internal error: ZeroDivisionError: division by zero\n"
    monkeypatch.delitem(sys.modules, "codegen_ext.cli.commands")
    monkeypatch.setitem(sys.modules, "typer", None)
    found = codegen("list")
    assert found.returncode == 2
    assert found.stderr.startswith("codegen-sdk: this needs more: pip install 'codegen-sdk[cli]'")


def test_the_version_is_shown_without_importing_the_commands():
    code = (
        "import sys; from codegen_ext.cli import main; main(['--version'])\n"
        "print({'typer', 'rich', 'httpx', 'attrs', 'asyncio', 'codegen_api.codec'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == f"codegen-sdk {__version__}\nset()\n"


def test_the_page_lists_every_command():
    listed = [row["Command"].name for row in table(ROOT / "docs" / "command-line.md", "Command")]
    assert sorted(listed) == sorted(filter(None, (command.name for command in app.registered_commands)))
