"""Threads that last: several turns with tools and files, events, approvals, steering."""

import base64
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from codegen_ext import CodexClient
from codegen_ext.codex import ApprovalRequest, CodexError, ThreadEvent

from .responses import WAIT, Answer, Responses, call, completed, created, message, reasoning, refuse, say
from .test_completions import PNG, wait_for

Ask = Callable[..., Any]
PATCH = "apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: new.txt\n+hello\n*** End Patch\nEOF"


def does(command: str, **more: Any) -> Answer:
    return Answer([created(), call("exec_command", cmd=command, **more), completed()])


def test_turns_of_a_thread_know_each_other(client: Any, service: Responses) -> None:
    thread = client.threads.start()
    first, second = thread.run("Remember 7"), thread.run("What was it?")
    assert (first.text, first.status, first.usage.total_tokens) == ("Hello there.", "completed", 16)
    assert first.id != second.id
    said = [one for one in service.asked[-1].texts if one[0] == "assistant" or not one[1].startswith("<")]
    assert said[-3:] == [("user", "Remember 7"), ("assistant", "Hello there."), ("user", "What was it?")]


def test_a_thread_takes_its_own_settings(client: Any, service: Responses, tmp_path: Path) -> None:
    thread = client.threads.start(
        model="gpt-5.5", working_dir=tmp_path, base_instructions="Be terse.", developer_instructions="Use Python."
    )
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    schema = {"type": "object", "properties": {}, "additionalProperties": False}
    parts = [{"type": "text", "text": "look"}, {"type": "image_url", "image_url": {"url": str(picture)}}]
    thread.run(parts, reasoning_effort="low", output_schema=schema)
    asked = service.asked[0]
    assert asked.body["model"] == "gpt-5.5"
    assert asked.body["reasoning"]["effort"] == "low"
    assert asked.body["text"]["format"]["schema"] == schema
    assert asked.texts[0] == ("developer", "Be terse.")
    assert any("Use Python." in text for _, text in asked.texts)
    assert any(str(tmp_path) in text for _, text in asked.texts)
    picture_sent = asked.body["input"][-1]["content"][-1]["image_url"]
    assert picture_sent.endswith(base64.b64encode(PNG).decode())


def test_commands_and_files_are_events(client: Any, answer: Ask, tmp_path: Path) -> None:
    thinks = Answer(
        [created(), *reasoning("I should look"), call("exec_command", cmd="echo one; echo two"), completed()]
    )
    answer(thinks, does(PATCH), say("Done", "."))
    thread = client.threads.start(working_dir=tmp_path, approval_policy="never")
    stream = thread.stream("Write a file")
    events = list(stream)
    assert all(isinstance(event, ThreadEvent) for event in events)
    done = {event.item["type"]: event.item for event in events if event.type == "item/completed"}
    assert done["commandExecution"]["aggregatedOutput"] == "one\ntwo\n"
    assert done["commandExecution"]["exitCode"] == 0
    assert [change["path"] for change in done["fileChange"]["changes"]] == [str(tmp_path / "new.txt")]
    assert done["reasoning"]["summary"] == ["I should look"]
    assert "".join(event.delta for event in events if event.type == "item/agentMessage/delta") == "Done."
    assert (tmp_path / "new.txt").read_text() == "hello\n"
    result = stream.result()
    assert result.text == "Done."
    assert [item["type"] for item in result.items] == [
        event.item["type"] for event in events if event.type == "item/completed"
    ]
    assert result.usage.total_tokens == 3 * 16


@pytest.mark.parametrize(
    ("decision", "status"),
    [(True, "completed"), ("acceptForSession", "completed"), (False, "declined"), (None, "declined")],
)
@pytest.mark.parametrize("kind", ["completion", "thread"])
def test_the_callback_decides_about_commands(
    build: Ask, answer: Ask, tmp_path: Path, decision: Any, status: str, kind: str
) -> None:
    asked: list[ApprovalRequest] = []

    def decide(request: ApprovalRequest) -> Any:
        asked.append(request)
        return decision

    client = build(
        approval_callback=decide, approval_policy="untrusted", sandbox_mode="danger-full-access", working_dir=tmp_path
    )
    answer(does("touch made"), say("Done."))
    if kind == "thread":
        thread = client.threads.start()
        result = thread.run("go")
        assert [item["status"] for item in result.items if item["type"] == "commandExecution"] == [status]
        assert asked[0].thread_id == thread.id
    else:
        client.chat.completions.create(messages=[{"role": "user", "content": "go"}])
    assert (asked[0].kind, asked[0].cwd) == ("command", str(tmp_path))
    assert "touch made" in str(asked[0].command)
    assert (tmp_path / "made").exists() is (status == "completed")


def test_without_a_callback_nothing_is_allowed(build: Ask, answer: Ask, tmp_path: Path) -> None:
    client = build(approval_policy="untrusted", sandbox_mode="danger-full-access", working_dir=tmp_path)
    answer(does("touch made"), say("Done."))
    assert client.threads.start().run("go").text == "Done."
    assert not (tmp_path / "made").exists()


def test_the_callback_decides_about_files(build: Ask, answer: Ask, tmp_path: Path) -> None:
    asked: list[ApprovalRequest] = []
    client = build(
        approval_callback=lambda request: asked.append(request) or True,
        approval_policy="on-request",
        sandbox_mode="read-only",
        working_dir=tmp_path,
    )
    answer(does(PATCH), say("Done."))
    client.threads.start().run("go")
    assert [request.kind for request in asked] == ["file_change"]


def test_a_callback_of_the_async_client_may_be_awaited(build: Ask, answer: Ask, tmp_path: Path) -> None:
    import asyncio

    from codegen_ext import AsyncCodexClient

    async def decide(request: ApprovalRequest) -> bool:
        await asyncio.sleep(0)
        return True

    settings: Any = {"approval_policy": "untrusted", "sandbox_mode": "danger-full-access", "working_dir": tmp_path}
    client = build(AsyncCodexClient, approval_callback=decide, **settings)
    answer(does("touch made"), say("Done."))

    async def go() -> None:
        await (await client.threads.start()).run("go")

    asyncio.run(go())
    assert (tmp_path / "made").exists()
    answer(does("touch made"), say("Done."))
    with pytest.raises(CodexError, match="AsyncCodexClient"):
        build(approval_callback=decide, **settings).threads.start().run("go")


def test_an_error_of_the_callback_reaches_the_caller_and_the_thread_goes_on(
    build: Ask, answer: Ask, tmp_path: Path
) -> None:
    def fail(request: ApprovalRequest) -> bool:
        raise LookupError("nobody is there")

    client = build(approval_callback=fail, approval_policy="untrusted", sandbox_mode="danger-full-access")
    thread = client.threads.start(working_dir=tmp_path)
    answer(does("touch made"), say("Done."))
    with pytest.raises(LookupError, match="nobody"):
        thread.run("go")
    assert not (tmp_path / "made").exists()


def test_the_sandbox_mode_and_the_policy_reach_the_cli(build: Ask, answer: Ask, service: Responses) -> None:
    for mode, policy in (("read-only", "never"), ("workspace-write", "untrusted")):
        client = build(sandbox_mode=mode, approval_policy=policy)
        client.chat.completions.create(messages=[{"role": "user", "content": "hi"}])
        assert any(f"`sandbox_mode` is `{mode}`" in text for _, text in service.asked[-1].texts)


def test_on_failure_means_on_request_with_a_warning(build: Ask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert build()._core.settings["approvalPolicy"] == "on-request"  # the default says nothing
    with pytest.warns(UserWarning, match="on-failure") as caught:
        client = CodexClient("key", approval_policy="on-failure")
    assert client._core.settings["approvalPolicy"] == "on-request"
    assert Path(caught[0].filename).name == Path(__file__).name
    monkeypatch.setenv("CODEX_APPROVAL_POLICY", "on-failure")
    with pytest.warns(UserWarning, match="on-failure"):
        CodexClient("key")


def test_a_thread_with_on_failure_warns_where_it_is_begun(client: Any) -> None:
    with pytest.warns(UserWarning, match="on-failure") as caught:
        client.threads.start(approval_policy="on-failure")
    assert "codegen_ext" not in caught[0].filename


def test_the_environment_is_read_where_nobody_chose(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "from-the-environment")
    monkeypatch.setenv("CODEX_DEFAULT_MODEL", "gpt-x")
    monkeypatch.setenv("CODEX_SANDBOX_MODE", "read-only")
    monkeypatch.setenv("CODEX_APPROVAL_POLICY", "never")
    monkeypatch.chdir(tmp_path)
    core = CodexClient()._core
    assert core.settings == {"cwd": str(tmp_path), "sandbox": "read-only", "approvalPolicy": "never", "model": "gpt-x"}
    assert core.supervisor._launch.api_key == "from-the-environment"
    chosen = CodexClient("key", model="m", sandbox_mode="workspace-write", approval_policy="untrusted", working_dir="a")
    assert chosen._core.settings == {
        "cwd": str(tmp_path / "a"),
        "sandbox": "workspace-write",
        "approvalPolicy": "untrusted",
        "model": "m",
    }


def test_resume_and_fork(client: Any, service: Responses) -> None:
    thread = client.threads.start()
    thread.run("one")
    thread.close()
    again = client.threads.resume(thread.id)
    again.run("two")
    fork = again.fork()
    assert fork.id != thread.id
    fork.run("in the fork")
    other = client.threads.fork(thread.id)
    other.run("in another")
    again.run("three")
    said = [
        [text for role, text in asked.texts if role == "user" and not text.startswith("<")] for asked in service.asked
    ]
    assert said == [
        ["one"],
        ["one", "two"],
        ["one", "two", "in the fork"],
        ["one", "two", "in another"],
        ["one", "two", "three"],
    ]


def test_a_thread_outlives_a_server_with_a_private_folder(build: Ask, service: Responses) -> None:
    client = build()
    thread = client.threads.start()
    thread.run("one")
    os.kill(client.server_pid, signal.SIGKILL)
    wait_for(lambda: client.server_pid is None)
    thread.run("two")
    assert [text for role, text in service.asked[-1].texts if role == "user" and not text.startswith("<")] == [
        "one",
        "two",
    ]


def test_a_thread_outlives_its_server_and_its_client(build: Ask, service: Responses, tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = build(codex_home=home)
    thread = client.threads.start()
    thread.run("one")
    os.kill(client.server_pid, signal.SIGKILL)
    wait_for(lambda: client.server_pid is None)
    thread.run("two")
    client.close()
    build(codex_home=home).threads.resume(thread.id).run("three")
    assert [text for role, text in service.asked[-1].texts if role == "user" and not text.startswith("<")] == [
        "one",
        "two",
        "three",
    ]
    assert home.is_dir()


@pytest.mark.parametrize("thread_id", ["01a1fe61-a15c-7560-bedd-fac690c0bcfb", "nonsense"])
def test_an_unknown_thread_is_not_found(client: Any, thread_id: str) -> None:
    with pytest.raises(openai.NotFoundError):
        client.threads.resume(thread_id)


def test_a_turn_can_be_steered_and_interrupted(sync_client: CodexClient, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("one ", WAIT, "two"), completed()]), say("three"))
    thread = sync_client.threads.start()
    stream = thread.stream("count")
    for event in stream:
        if event.delta == "one ":
            with pytest.raises(CodexError, match="a turn goes on"):
                thread.run("meanwhile")
            thread.steer("start at three")
            service.go_on()
    assert stream.result().text.endswith("three")
    assert ("user", "start at three") in service.asked[-1].texts
    answer(Answer([created(), *message("one ", WAIT), completed()]))
    stream = thread.stream("count")
    for event in stream:
        if event.delta == "one ":
            thread.interrupt()
    assert stream.result().status == "interrupted"
    for action in (thread.interrupt, lambda: thread.steer("x")):
        with pytest.raises(CodexError, match="no turn"):
            action()


def test_a_turn_can_be_interrupted_from_another_thread(client: Any, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("one ", WAIT), completed()]), say("next"))
    thread = client.threads.start()
    with thread.stream("count") as stream:
        while next(stream).delta != "one ":
            pass
    assert thread.run("go on").text == "next"  # leaving the stream interrupted the turn


def test_a_turn_that_fails_raises_and_the_thread_goes_on(client: Any, answer: Ask) -> None:
    answer(refuse(429), say("later"))
    thread = client.threads.start()
    with pytest.raises(openai.RateLimitError):
        thread.run("now")
    assert thread.run("then").text == "later"


def test_a_turn_that_takes_too_long_is_interrupted(client: Any, answer: Ask) -> None:
    answer(Answer([created(), *message("slow", WAIT), completed()]), say("quick"))
    thread = client.threads.start()
    with pytest.raises(openai.APITimeoutError):
        thread.run("now", timeout=0.4)
    assert thread.run("then").text == "quick"


def test_names_that_a_thread_does_not_know_are_type_errors(client: Any) -> None:
    with pytest.raises(TypeError, match="'sandbox'"):
        client.threads.start(sandbox="read-only")
    with pytest.raises(TypeError, match="'effort'"):
        client.threads.start().run("x", effort="low")


def test_turns_of_several_threads_run_at_once(sync_client: CodexClient, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("one ", WAIT, "two"), completed()]))
    results: list[str] = []
    threads = [sync_client.threads.start() for _ in range(3)]
    workers = [threading.Thread(target=lambda t=thread: results.append(t.run("go").text)) for thread in threads]
    for worker in workers:
        worker.start()
    wait_for(lambda: len(service.asked) == 3)
    service.go_on()
    for worker in workers:
        worker.join(60)
    assert results == ["one two"] * 3
