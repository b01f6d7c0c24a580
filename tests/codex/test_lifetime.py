"""One server for a client: shared, restarted, ended with it, and never left behind."""

import asyncio
import gc
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import textwrap
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient

from .conftest import KEY
from .responses import WAIT, Answer, Asked, Responses, call, completed, created, message, say
from .test_completions import wait_for

Ask = Callable[..., Any]
HI: Any = [{"role": "user", "content": "hi"}]


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def text(completion: Any) -> str:
    content: str = completion.choices[0].message.content
    return content


def echo(asked: Asked) -> Answer:
    return say("you said ", asked.prompt)


def test_building_a_client_starts_nothing(build: Ask) -> None:
    client = build()
    assert client.server_pid is None


def test_sixteen_completions_at_once_share_one_server(sync_client: CodexClient, answer: Ask) -> None:
    answer(echo)
    with ThreadPoolExecutor(16) as pool:
        asked = [f"question {number}" for number in range(16)]
        made = pool.map(
            lambda prompt: sync_client.chat.completions.create(messages=[{"role": "user", "content": prompt}]), asked
        )
        assert [text(one) for one in made] == [f"you said {prompt}" for prompt in asked]
    assert len(children(sync_client.server_pid)) == 1


def children(pid: int | None) -> list[int]:
    """Return the app-servers with this number among this process's children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name == str(pid):
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
            found += [parent] if parent == os.getpid() else []
    return found


def test_sixteen_tasks_at_once_share_one_server(build: Ask, answer: Ask) -> None:
    answer(echo)
    client = build(AsyncCodexClient)

    async def ask(prompt: str) -> str:
        return text(await client.chat.completions.create(messages=[{"role": "user", "content": prompt}]))

    async def all_of_them() -> list[str]:
        return await asyncio.gather(*(ask(f"question {number}") for number in range(16)))

    assert asyncio.run(all_of_them()) == [f"you said question {number}" for number in range(16)]


def test_threads_that_come_first_together_start_one_server(build: Ask) -> None:
    client = build()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: client.models.list(), range(8)))
        pids = set(pool.map(lambda _: client.server_pid, range(8)))
    assert len(pids) == 1


def test_closing_ends_the_server_and_its_folder(build: Ask) -> None:
    with build() as client:
        client.models.list()
        pid = client.server_pid
        home = environment_of(pid)["CODEX_HOME"]
        assert Path(home).is_dir()
    assert not is_running(pid)
    assert not Path(home).exists()


def environment_of(pid: int) -> dict[str, str]:
    pairs = Path(f"/proc/{pid}/environ").read_bytes().decode().split("\0")
    return dict(pair.split("=", 1) for pair in pairs if "=" in pair)


def test_a_client_that_nobody_holds_ends_its_server(build: Ask, codex: str, service: Responses) -> None:
    client = CodexClient(KEY, codex, base_url=service.base_url)
    client.models.list()
    pid = client.server_pid
    del client
    gc.collect()
    assert pid is not None
    assert not is_running(pid)


def test_a_client_whose_server_failed_is_let_go_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    client = CodexClient(KEY, shutil.which("false"), timeout=60)
    with pytest.raises(openai.APIConnectionError):
        client.models.list()
    assert [*tmp_path.iterdir()] != []
    del client
    gc.collect()
    assert [*tmp_path.iterdir()] == []


def test_a_stream_holds_the_server_without_the_client(codex: str, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("a", WAIT, "b"), completed()]))
    stream = CodexClient(KEY, codex, base_url=service.base_url).chat.completions.create(messages=HI, stream=True)
    next(stream)
    gc.collect()
    service.go_on()
    assert stream.result().choices[0].message.content == "ab"
    del stream
    gc.collect()


@pytest.mark.parametrize("kind", ["sync", "async"])
def test_a_server_killed_amid_a_turn_is_a_typed_error_and_the_next_call_works(
    build: Ask, answer: Ask, service: Responses, kind: str
) -> None:
    answer(Answer([created(), *message("half", WAIT), completed()]), say("whole"))
    client: Any = build(CodexClient if kind == "sync" else AsyncCodexClient)

    def kill(pid: int) -> None:
        wait_for(lambda: service.asked)
        os.kill(pid, signal.SIGKILL)

    async def asynchronous() -> None:
        await client.models.list()
        threading.Thread(target=kill, args=[client.server_pid]).start()
        with pytest.raises(openai.APIConnectionError, match="app-server ended"):
            await client.chat.completions.create(messages=HI)
        assert text(await client.chat.completions.create(messages=HI)) == "whole"

    if kind == "async":
        asyncio.run(asynchronous())
        return
    client.models.list()
    first = client.server_pid
    threading.Thread(target=kill, args=[first]).start()
    with pytest.raises(openai.APIConnectionError, match="app-server ended"):
        client.chat.completions.create(messages=HI)
    assert text(client.chat.completions.create(messages=HI)) == "whole"
    assert client.server_pid != first


def test_a_server_that_died_between_calls_is_started_anew(build: Ask) -> None:
    client = build()
    client.models.list()
    os.kill(client.server_pid, signal.SIGKILL)
    assert text(client.chat.completions.create(messages=HI)) == "Hello there."


def test_closing_fails_the_calls_under_way(build: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("half", WAIT), completed()]))
    client = build()
    with ThreadPoolExecutor(1) as pool:
        call_under_way = pool.submit(client.chat.completions.create, messages=HI)
        wait_for(lambda: service.asked)
        client.close()
        with pytest.raises(openai.APIConnectionError, match="client was closed"):
            call_under_way.result(60)


def test_a_server_that_hangs_does_not_hold_up_anybody(build: Ask) -> None:
    client = build()
    client.models.list()
    os.kill(client.server_pid, signal.SIGSTOP)
    picture = "data:image/png;base64," + "A" * 1_000_000  # more than a pipe holds
    part = {"type": "image_url", "image_url": {"url": picture}}
    try:
        with pytest.raises(openai.APITimeoutError):
            client.chat.completions.create(messages=[{"role": "user", "content": [part]}], timeout=0.3)
    finally:
        os.kill(client.server_pid, signal.SIGCONT)


def test_several_event_loops_use_one_server(build: Ask) -> None:
    client = build(AsyncCodexClient)

    async def ask() -> str:
        return text(await client.chat.completions.create(messages=HI))

    assert asyncio.run(ask()) == "Hello there."
    first = client.server_pid
    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda _: asyncio.run(ask()), range(2))) == ["Hello there."] * 2
    assert client.server_pid == first


def test_a_cancelled_task_interrupts_its_turn(build: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("half", WAIT), completed()]), say("whole"))
    client = build(AsyncCodexClient)

    async def cancel() -> str:
        task = asyncio.create_task(client.chat.completions.create(messages=HI))
        await asyncio.to_thread(wait_for, lambda: service.asked)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return text(await client.chat.completions.create(messages=HI))

    assert asyncio.run(cancel()) == "whole"


PROGRAMS = {
    "sync, exits": """
        client = CodexClient({arguments})
        client.models.list()
        print(client.server_pid, flush=True)
    """,
    "async, never closed": """
        async def main():
            client = AsyncCodexClient({arguments})
            await client.chat.completions.create(messages=[{{"role": "user", "content": "hi"}}])
            print(client.server_pid, flush=True)
        asyncio.run(main())
    """,
    "async, kept, never closed": """
        client = AsyncCodexClient({arguments})
        async def main():
            await client.chat.completions.create(messages=[{{"role": "user", "content": "hi"}}])
            print(client.server_pid, flush=True)
        asyncio.run(main())
    """,
    "raises": """
        client = CodexClient({arguments})
        client.models.list()
        print(client.server_pid, flush=True)
        sys.excepthook = lambda *error: None
        raise SystemError
    """,
    "forks": """
        client = CodexClient({arguments})
        client.models.list()
        print(client.server_pid, flush=True)
        if os.fork() == 0:
            time.sleep(1)
            client.models.list()  # a server of its own
            client.close()
            os._exit(0)
        os.kill(os.getpid(), signal.SIGKILL)
    """,
    "killed": """
        client = CodexClient({arguments})
        client.models.list()
        print(client.server_pid, flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    """,
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_server_outlives_its_program(codex: str, service: Responses, name: str, tmp_path: Path) -> None:
    arguments = f"{KEY!r}, {codex!r}, base_url={service.base_url!r}"
    code = "import asyncio, os, signal, sys, time\nfrom codegen_ext import AsyncCodexClient, CodexClient\n"
    code += textwrap.dedent(PROGRAMS[name]).format(arguments=arguments)
    with subprocess.Popen(
        [sys.executable, "-W", "error", "-W", "ignore:.*fork:DeprecationWarning", "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as program:
        assert program.stdout is not None
        pid = int(program.stdout.readline())
        if name in ("killed", "forks"):
            program.wait()  # the folder stays, since nobody is there to remove it
        else:
            _, complaints = program.communicate()
            assert complaints == ""
            assert [*tmp_path.iterdir()] == []
    wait_for(lambda: not is_running(pid))


def test_a_command_of_the_agent_ends_with_the_client(build: Ask, answer: Ask, tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    answer(Answer([created(), call("exec_command", cmd=f"echo $$ > {pid_file}; exec sleep 300"), completed()]))
    client = build(sandbox_mode="danger-full-access", working_dir=tmp_path)
    stream = client.chat.completions.create
    with ThreadPoolExecutor(1) as pool:
        under_way = pool.submit(stream, messages=HI)
        wait_for(lambda: pid_file.exists() and pid_file.read_text())
        client.close()
        with pytest.raises(openai.APIConnectionError):
            under_way.result(60)
    wait_for(lambda: not is_running(int(pid_file.read_text())))


def wait_until_nothing_is_loaded(client: Any) -> None:
    from codegen_ext.codex.conversation import call
    from codegen_ext.codex.streams import Stream

    def loaded() -> Any:
        listing = partial(call, method="thread/loaded/list", params={})
        return Stream[Any, Any](client._core, listing).result()["data"]

    wait_for(lambda: not loaded())


def test_finished_threads_are_unloaded(build: Ask) -> None:
    client = build()
    for _ in range(5):
        client.chat.completions.create(messages=HI)
    wait_until_nothing_is_loaded(client)


def test_what_begins_after_its_caller_is_gone_is_ended(build: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("never ", WAIT, "ending"), completed()]))
    client = build()
    thread = client.threads.start()
    os.kill(client.server_pid, signal.SIGSTOP)
    with pytest.raises(openai.APITimeoutError):
        client.chat.completions.create(messages=HI, timeout=0.2)
    with pytest.raises(openai.APITimeoutError):
        thread.run("hi", timeout=0.2)
    os.kill(client.server_pid, signal.SIGCONT)
    server = client._core.supervisor.server()
    wait_for(lambda: not server._awaited and not server._turns)
    thread.close()  # returns when the thread has no turn any more
    wait_until_nothing_is_loaded(client)
    assert len(service.asked) <= 1  # the thread's, if at all; the completion's turn never began


@pytest.mark.parametrize("is_seen", [False, True], ids=["before it began", "before its beginning was noticed"])
def test_a_turn_is_ended_whenever_its_caller_leaves(
    build: Ask, answer: Ask, service: Responses, *, is_seen: bool
) -> None:
    answer(Answer([created(), *message("never ", WAIT, "ending"), completed()]))
    client = build()
    server = client._core.supervisor.server()
    messages: SimpleQueue[Any] = SimpleQueue()

    def next_one(wanted: Callable[[Any], bool]) -> Any:
        while not wanted(found := messages.get(timeout=60)):
            pass
        return found

    server.request("thread/start", {**client._core.settings, "ephemeral": True}, messages.put)
    thread_id = next_one(lambda message: "result" in message)["result"]["thread"]["id"]
    turn = {"threadId": thread_id, "input": [{"type": "text", "text": "hi"}]}
    server.request("turn/start", turn, messages.put)
    if is_seen:
        next_one(lambda message: message.get("method") == "turn/started")
    server.forget(messages.put)
    server.leave(thread_id, unload=True)
    wait_until_nothing_is_loaded(client)
    assert (server._doomed, server._turns) == ({}, {})
