"""The key is in the server's environment and nowhere else; what the CLI must not do, it does not do."""

import pickle
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from codegen_ext import CodexClient

from .conftest import KEY
from .responses import Answer, Responses, call, completed, created, refuse, say
from .test_lifetime import environment_of, text

Ask = Callable[..., Any]
HI: Any = [{"role": "user", "content": "hi"}]


def test_the_key_travels_by_environment_only(build: Ask, service: Responses, tmp_path: Path) -> None:
    home = tmp_path / "home"
    client = build(codex_home=home)
    client.threads.start().run("hi")
    assert service.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert service.asked[0].path == "/v1/responses"
    assert KEY in environment_of(client.server_pid).values()
    assert KEY.encode() not in Path(f"/proc/{client.server_pid}/cmdline").read_bytes()
    client.close()
    files = [path for path in home.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []


def test_commands_of_the_agent_do_not_see_keys(
    build: Ask, answer: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-OTHER-key")
    seen = tmp_path / "seen"
    answer(Answer([created(), call("exec_command", cmd=f"env > {seen}"), completed()]), say("ok"))
    build(sandbox_mode="danger-full-access").chat.completions.create(messages=HI)
    variables = seen.read_text()
    assert "PATH=" in variables
    assert KEY not in variables
    assert "sk-OTHER-key" not in variables


@pytest.mark.parametrize("status", [400, 401, 500])
def test_no_error_shows_the_key(build: Ask, answer: Ask, status: int) -> None:
    answer(refuse(status, text=f"Incorrect API key provided: {KEY}."))
    client = build(max_retries=0)
    with pytest.raises(openai.APIError) as caught:
        client.chat.completions.create(messages=HI)
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)) + repr(client)
    shown += repr(client._core.supervisor._launch)
    assert KEY not in shown


def test_a_key_read_from_a_file_may_end_with_a_line_break(build: Ask, service: Responses) -> None:
    build(api_key=f"{KEY}\n").chat.completions.create(messages=HI)
    assert service.asked[0].headers["authorization"] == f"Bearer {KEY}"


def test_the_last_words_of_a_server_are_told_without_the_key(tmp_path: Path) -> None:
    program = tmp_path / "codex"
    program.write_text('#!/bin/sh\necho "I got $CODEGEN_CODEX_API_KEY and give up" >&2\nexit 3\n')
    program.chmod(0o755)
    with CodexClient(KEY, str(program), timeout=60) as client, pytest.raises(openai.APIConnectionError) as caught:
        client.models.list()
    assert "exit code 3" in str(caught.value)
    assert "I got [key] and give up" in str(caught.value)


def test_a_client_is_not_pickled() -> None:
    with pytest.raises(TypeError):
        pickle.dumps(CodexClient(KEY))


def test_without_a_key_no_header_is_sent(build: Ask, service: Responses) -> None:
    build(api_key="").chat.completions.create(messages=HI)
    assert "authorization" not in service.asked[0].headers


def test_the_users_files_are_not_touched(
    build: Ask, answer: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    read = tmp_path / "read"
    for name in (".profile", ".bashrc", ".bash_profile"):
        (home / name).write_text(f"echo {name} >> {read}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("CODEX_HOME", str(home / ".codex"))
    answer(Answer([created(), call("exec_command", cmd="true"), completed()]), say("ok"))
    assert text(build(sandbox_mode="danger-full-access").chat.completions.create(messages=HI)) == "ok"
    assert not read.exists()
    assert {path.name for path in home.iterdir()} == {".profile", ".bashrc", ".bash_profile"}


def test_plugins_analytics_and_endless_retries_are_off(build: Ask, service: Responses) -> None:
    client = build()
    client.models.list()
    words = Path(f"/proc/{client.server_pid}/cmdline").read_bytes().decode().split("\0")
    switched_off = {words[at + 1] for at, word in enumerate(words) if word == "--disable"}
    assert switched_off == {"plugins", "shell_snapshot", "unbounded_connection_retries"}
    assert {"analytics.enabled=false", 'model_providers.codegen.wire_api="responses"'} <= set(words)
    assert {f"model_providers.codegen.{name}=0" for name in ("request_max_retries",)} <= set(words)
    assert "model_providers.codegen.stream_max_retries=1" in words
