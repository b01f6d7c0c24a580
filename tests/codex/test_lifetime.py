"""One server for a client: shared, restarted, ended with it, and never left behind."""

import asyncio
import gc
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex.session import Mailbox

from ..support.waiting import in_background, until
from .conftest import KEY, create, environment_of, group_of, is_running, script, text
from .responses import HALF, WAIT, does, echo, say


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The folder in which the private folders are."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache/codegen-sdk/codex"


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
    assert (is_running(pid), [*map(str, cache.iterdir())]) == (False, [others])


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
    started = time.monotonic()
    with pytest.raises(openai.APIConnectionError, match="app-server ended"):
        call_under_way.result(10)
    assert time.monotonic() - started < 4
    until(lambda: not any(map(is_running, group)))
    assert text(create(client)) == "whole"
    os.killpg(client.server_pid, signal.SIGKILL)  # between two calls
    assert text(create(client)) == "whole"


def test_closing_ends_the_calls_under_way_and_the_agents_commands(build, service, tmp_path):
    pid_file = tmp_path / "pid"
    service.reset(does(f"echo $$ > {pid_file}; exec sleep 300"))
    client = build(working_dir=tmp_path)
    under_way = in_background(create, client=client)
    until(lambda: pid_file.exists() and pid_file.read_text())
    client.close()
    with pytest.raises(openai.APIConnectionError, match="client was closed"):
        under_way.result(60)
    until(lambda: not is_running(int(pid_file.read_text())))


def test_a_server_that_hangs_holds_up_no_caller(build):
    client = build()
    client.models.list()
    pid = client.server_pid
    os.kill(pid, signal.SIGSTOP)
    picture = "data:image/png;base64," + "A" * 1_000_000  # more than a pipe holds
    part = {"type": "image_url", "image_url": {"url": picture}}
    with pytest.raises(openai.APITimeoutError):
        create(client, messages=[{"role": "user", "content": [part]}], timeout=0.3)
    started = time.monotonic()
    client.close()
    assert time.monotonic() - started < 1.5
    assert not is_running(pid)


def test_a_client_whose_cli_hangs_is_lost_or_closed_without_holding_anything_up(tmp_path, cache):
    child = tmp_path / "child"
    # answers nothing and ignores its end
    program = script(tmp_path / "codex", f"trap '' TERM HUP\nsleep 100 & echo $! > {child}\nwait; sleep 100")

    async def close():
        client = AsyncCodexClient(KEY, program, timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            await client.models.list()
        longest, closing = 0.0, asyncio.ensure_future(client.close())
        while not closing.done():
            before = time.monotonic()
            await asyncio.sleep(0.01)
            longest = max(longest, time.monotonic() - before)
        return longest  # for which the loop stood still

    def lose():
        client = CodexClient(KEY, program, timeout=0.3)
        with pytest.raises(openai.APITimeoutError):
            client.models.list()
        started = time.monotonic()
        del client
        gc.collect()
        return time.monotonic() - started

    for way in (lose, lambda: asyncio.run(close())):
        assert way() < 0.4
        until(lambda: not is_running(int(child.read_text())) and not [*cache.iterdir()])


START = """
import os, signal, time
from codegen_ext import CodexClient
client = CodexClient({arguments})
client.models.list()
print(client.server_pid, flush=True)
"""
PROGRAMS = {
    "async, never closed": """
import asyncio
from codegen_ext import AsyncCodexClient
async def main():
    client = AsyncCodexClient({arguments})
    await client.chat.completions.create(messages=[{{"role": "user", "content": "hi"}}])
    print(client.server_pid, flush=True)
asyncio.run(main())
""",
    "hangs": f"{START}os.kill(client.server_pid, signal.SIGSTOP)",
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
def test_no_server_outlives_its_program(codex, service, name, cache):
    code = PROGRAMS[name].format(arguments=f"{KEY!r}, {codex!r}, base_url={service.base_url!r}")
    command = [sys.executable, "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
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
        with (
            CodexClient(KEY, codex, base_url=service.base_url) as one,
            CodexClient(KEY, codex, base_url="http://x") as two,
        ):
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
