"""One server for a client: shared, restarted, never left behind; no caller is held up, whatever it does."""

import asyncio
import errno
import fcntl
import gc
import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import Mock

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex.session import Mailbox

from ..support.waiting import in_background, until
from .conftest import KEY, create, environment_of, is_running, script, stat_of, text
from .responses import HALF, WAIT, does, echo, say


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder in which the private folders are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/codegen-sdk/codex"


@pytest.fixture(params=["flat", "global", "shim"])
def installation(request, codex, tmp_path):
    """The CLI as npm installs it in a folder, as `npm install -g` does, and behind a script that stays between."""
    if request.param == "flat":
        return codex
    if request.param == "shim":
        return script(tmp_path / "codex", f'"{codex}" "$@"; exit $?')
    scope = Path(codex).resolve().parents[2]
    package = tmp_path / "lib/node_modules/@openai/codex"
    shutil.copytree(scope / "codex", package, ignore=shutil.ignore_patterns("node_modules"))
    (package / "node_modules/@openai").mkdir(parents=True)
    for native in scope.glob("codex-*"):
        (package / "node_modules/@openai" / native.name).symlink_to(native)
    launcher = tmp_path / "bin/codex"
    launcher.parent.mkdir()
    launcher.symlink_to("../lib/node_modules/@openai/codex/bin/codex.js")
    return str(launcher)


def group_of(pid):
    """Return the running processes of a group, oldest first."""
    return sorted(int(one.name) for one in Path("/proc").glob("[0-9]*") if stat_of(one.name)[2:3] == [str(pid)])


def homes(*clients):
    return [environment_of(client.server_pid)["CODEX_HOME"] for client in clients]


def test_twenty_turns_at_once_share_one_server(build, service, cache):
    service.reset(echo)
    questions = [f"question {number}" for number in range(20)]
    expected = [f"you said {question}" for question in questions]
    client, other = build(), build(AsyncCodexClient)
    assert client.server_pid is None  # building a client starts nothing

    async def ask_all():
        return [text(one) for one in await asyncio.gather(*[create(other, question) for question in questions])]

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(lambda question: text(create(client, question)), questions)) == expected
        assert asyncio.run(ask_all()) == expected
        first = other.server_pid
        loops = pool.map(lambda _: asyncio.run(create(other, "hi")), range(2))
        assert [*map(text, loops)] == ["you said hi"] * 2
    assert other.server_pid == first
    (mine, others), pid = homes(client, other), client.server_pid
    assert {*map(str, cache.iterdir())} == {mine, others}  # each started one server
    client.close()
    until(lambda: not is_running(pid) and [*map(str, cache.iterdir())] == [others])


def test_a_stream_keeps_the_server_without_the_client(codex, service):
    service.reset(say("a", WAIT, "b"))
    stream = create(CodexClient(KEY, codex, base_url=service.base_url), stream=True)
    next(stream)
    gc.collect()
    service.go_on()
    assert text(stream.result()) == "ab"


@pytest.mark.parametrize(
    ("installation", "victim"),
    [("flat", "server"), ("global", "server"), ("shim", "server"), ("shim", "shim")],
    indirect=["installation"],
)
def test_whatever_is_killed_nothing_stays_and_the_next_call_works(build, service, installation, victim):
    service.reset(HALF, say("whole"))
    client = build(codex_path=installation)
    call_under_way = in_background(create, client=client)
    until(lambda: service.asked)
    group = group_of(client.server_pid)
    program = os.readlink(f"/proc/{client.server_pid}/exe")
    assert program.endswith("/bin/codex") is installation.endswith("bin/codex")  # npm's launcher is passed by
    servers = [pid for pid in group if "app-server" in Path(f"/proc/{pid}/cmdline").read_text()]
    os.kill(servers[0] if victim == "shim" else servers[-1], signal.SIGKILL)
    with pytest.raises(openai.APIConnectionError, match="app-server ended"):
        call_under_way.result(30)
    until(lambda: not any(map(is_running, group)))
    assert text(create(client)) == "whole"
    os.killpg(client.server_pid, signal.SIGKILL)  # between two calls
    assert text(create(client)) == "whole"


def test_the_agents_commands_have_its_programs_and_end_with_the_client(build, service, tmp_path):
    found, pid_file = tmp_path / "found", tmp_path / "pid"
    # Below the temporary folder, the CLI does not install the program that applies patches.
    service.reset(does(f"command -v apply_patch > {found}; echo $$ > {pid_file}; exec sleep 300"))
    client = build(working_dir=tmp_path)
    under_way = in_background(create, client=client)
    until(lambda: pid_file.exists() and pid_file.read_text())
    assert "apply_patch" in found.read_text()
    client.close()
    with pytest.raises(openai.APIConnectionError, match="client was closed"):
        under_way.result(60)
    until(lambda: not is_running(int(pid_file.read_text())))


def test_a_client_whose_cli_hangs_is_lost_or_closed_without_holding_anything_up(tmp_path, cache):
    child, ways = tmp_path / "child", []
    # answers nothing and ignores its end
    code = f"trap '' TERM HUP\nsleep 100 & echo $! > {child}.new\nmv {child}.new {child}\nwait; sleep 100"
    program = script(tmp_path / "codex", code)

    async def close():
        client = AsyncCodexClient(KEY, program, timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            await client.models.list()
        until(child.exists)
        closing, turns = asyncio.ensure_future(client.close()), 0
        while not closing.done():
            await asyncio.sleep(0.001)
            turns += 1
        assert turns > 10  # the loop did not stand still

    def lose():
        client = CodexClient(KEY, program, timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            client.models.list()
        until(child.exists)
        server = client.server_pid
        del client
        gc.collect()
        return is_running(server)  # its end was not waited for

    # A machine that stands still for a moment may let one of them end first.
    for way in (*[lose] * 3, lambda: asyncio.run(close())):
        ways.append(way())
        until(lambda: not is_running(int(child.read_text())) and not [*cache.iterdir()])
        child.unlink()
    assert any(ways)


START = """
import os, signal, time
from codegen_ext.codex import app_server
app_server._CLOSE_SECONDS = 30  # at the end of the program a busy machine may take its time too
from codegen_ext import CodexClient
client = CodexClient({arguments})
client.models.list()
print(client.server_pid, flush=True)
"""
PROGRAMS = {
    "async, never closed": """
import asyncio
from codegen_ext import AsyncCodexClient
from codegen_ext.codex import app_server
app_server._CLOSE_SECONDS = 30
async def main():
    client = AsyncCodexClient({arguments})
    await client.chat.completions.create(messages=[{{"role": "user", "content": "hi"}}])
    print(client.server_pid, flush=True)
asyncio.run(main())
""",
    "hangs": f"{START}os.kill(client.server_pid, signal.SIGSTOP)",
    "interrupted while it closes": f"""{START}
import threading
interrupted, join, kill = threading.Event(), app_server.AppServer.join, app_server.kill_group
def wait(server):
    threading.Timer(0.1, os.kill, [os.getpid(), signal.SIGINT]).start()
    join(server, 30)
    raise AssertionError("it had closed before")
def kill_later(process):
    interrupted.wait(30)
    kill(process)
os.kill(client.server_pid, signal.SIGSTOP)
app_server.AppServer.join, app_server.kill_group = wait, kill_later
try:
    client.close()
except KeyboardInterrupt:
    app_server.AppServer.join = join
    interrupted.set()
""",
    "killed after a fork": f"""{START}
if os.fork() == 0:
    time.sleep(1)
    client.models.list()  # a server of its own
    client.close()
    os._exit(0)
os.kill(os.getpid(), signal.SIGKILL)
""",
    "killed": f"{START}os.kill(os.getpid(), signal.SIGKILL)",
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_server_outlives_its_program(codex, service, build, name, cache):
    code = PROGRAMS[name].format(arguments=f"{KEY!r}, {codex!r}, base_url={service.base_url!r}")
    command = [sys.executable, "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        pid = int(program.stdout.readline())
        if "killed" in name:
            program.wait()
        else:
            _, complaints = program.communicate(timeout=30)
            assert complaints == ""
            assert [*cache.iterdir()] == []
    until(lambda: not is_running(pid))
    if name == "killed":
        (left,) = cache.iterdir()
        one, two = build(), build(base_url="http://x")
        for client in (one, two):
            client.models.list()
        until(lambda: not left.exists())
        assert {*homes(one, two)} == {*map(str, cache.iterdir())}  # what is used stays


def loaded(client):
    """Ask the server which threads it has loaded."""
    mailbox, answered = Mailbox(), threading.Event()
    mailbox.waiter = SimpleNamespace(wake=answered.set)
    client._settings.servers.start().request("thread/loaded/list", {}, mailbox)
    assert answered.wait(30)
    return mailbox.items[0][1]["result"]["data"]


def test_a_turn_is_ended_whenever_its_caller_leaves(build, service):
    client, other = build(AsyncCodexClient), build()

    async def leave():
        for options in ({}, {"n": 2}, {"stop": "there"}):
            await create(client, **options)
        async with await create(client, stream=True):
            pass
        service.reset(HALF)
        for pause in (0, 0.002, 0.01, 0.03, 0.1):
            task = asyncio.create_task(create(client))
            await asyncio.sleep(pause)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

    assert loaded(other) == []
    os.kill(other.server_pid, signal.SIGSTOP)
    with pytest.raises(openai.APITimeoutError):
        create(other, timeout=0.2)
    os.kill(other.server_pid, signal.SIGCONT)
    until(lambda: not loaded(other))
    assert service.asked == []  # the turn was never asked for
    asyncio.run(leave())
    until(lambda: not loaded(client))


FAKE = Path(__file__).with_name("app_server.py")


@pytest.fixture
def start(tmp_path):
    """Start clients of the fake that does so each turn; they close before it would end by itself, and end it."""
    clients = []

    def make(*turns, **settings):
        command = ["exec", sys.executable, "-S", "-E", str(FAKE), *map(json.dumps, turns)]
        program = script(tmp_path / "codex", shlex.join(command))
        clients.append(CodexClient(KEY, program, **{"timeout": 30, **settings}))
        return clients[-1]

    yield make
    started, pids = time.monotonic(), [client.server_pid for client in clients]
    for client in clients:
        client.close()
    until(lambda: not any(pid and is_running(pid) for pid in pids))
    assert time.monotonic() - started < 50


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
def test_a_call_ends_at_once_with_a_typed_error(start, tmp_path, monkeypatch, name):
    steps, words = ENDS[name]
    monkeypatch.setenv("CHILD", str(tmp_path / "child"))
    client = start(steps, approval_callback=lambda request: True)
    with pytest.raises(openai.APIConnectionError, match=words):  # and no time-out after 30 s
        create(client)
    if steps == ["child", "exit"]:
        until(lambda: not is_running(int((tmp_path / "child").read_text())))
    elif "exit" in steps:
        os.kill(int((tmp_path / "child").read_text()), signal.SIGKILL)


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


def test_a_request_that_is_sent_after_the_end_gets_the_error_that_ended_the_server(start):
    client, mailbox = start(["exit"]), Mailbox()
    server = client._settings.servers.start()
    with pytest.raises(openai.APIConnectionError):
        create(client)
    server.request("model/list", {}, mailbox)
    assert isinstance(mailbox.items[0][1], openai.APIConnectionError)


def test_a_server_that_says_nothing_or_hangs_costs_the_timeout_and_no_more(start):
    client = start(timeout=0.2)
    for call in (lambda: create(client), lambda: client.models.list(timeout=0.2)):
        with pytest.raises(openai.APITimeoutError):
            call()
    os.kill(client.server_pid, signal.SIGSTOP)
    with pytest.raises(openai.APITimeoutError):
        create(client, "x" * 1_000_000)  # more than a pipe holds


def test_the_questions_of_a_sub_agent_go_to_the_caller(start):
    asked = []
    thread = {"thread": {"id": "child", "parentThreadId": "thread-1"}}
    question = {"threadId": "child", "turnId": "turn", "itemId": "item", "command": "ls"}
    steps = [says("thread/started", params=thread), says(APPROVAL, id="a", params=question)]
    client = start(steps, approval_callback=lambda request: asked.append(request) or True)
    assert text(create(client)) == "Hello there."
    assert [(one.thread_id, one.command) for one in asked] == [("child", "ls")]


def test_a_cache_folder_without_locks_is_no_endless_search(tmp_path, cache, monkeypatch):
    monkeypatch.setattr(fcntl, "flock", Mock(side_effect=OSError(errno.ENOLCK, "No locks available")))
    command = shlex.join(["exec", sys.executable, str(FAKE), '["answer"]'])
    with CodexClient(KEY, script(tmp_path / "codex", command)) as client:
        assert text(create(client)) == "Hello there."
        assert len([*cache.iterdir()]) == 1
    until(lambda: [*cache.iterdir()] == [])
