"""Settings and credentials: what reaches the CLI and what does not, and what keeps it from starting."""

import asyncio
import logging
import pickle
import time
import traceback
from pathlib import Path

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex import CodexConfigurationError, CodexError, CodexNotFoundError
from codegen_ext.testing import MockCodexClient

from ..support.waiting import until
from .conftest import KEY, create, environment_of, is_running, script, text
from .responses import does, refuse, say

FOREIGN = ("CODEGEN_API_TOKEN", "CODEGEN_TOKEN", "CHATSERVER_API_KEY", "CODEGEN_SHARED_STATE", "OPENAI_API_KEY")


def test_the_key_travels_by_environment_only_and_no_foreign_credential_does(build, service, tmp_path, monkeypatch):
    home, own, read, seen = (tmp_path / name for name in ("home", "own", "read", "seen"))
    home.mkdir()
    profiles = {".profile", ".bashrc", ".bash_profile"}
    for name in profiles:
        (home / name).write_text(f"echo {name} >> {read}\n")
    folders = {"HOME": home, "CODEX_HOME": home / ".codex"}
    for name, value in {**dict.fromkeys(FOREIGN, "a-foreign-credential"), **folders}.items():
        monkeypatch.setenv(name, str(value))
    service.reset(does(f"env > {seen}"), say("ok"))
    client = build(codex_home=own, api_key=f"{KEY}\n")  # as read from a file
    assert text(create(client)) == "ok"
    assert service.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert service.asked[0].path == "/v1/responses"
    of_the_command, of_the_server = seen.read_text(), environment_of(client.server_pid)
    assert "PATH=" in of_the_command
    assert KEY not in of_the_command
    assert KEY in of_the_server.values()
    assert of_the_server["CODEX_HOME"] == str(own)
    assert "a-foreign-credential" not in of_the_command
    assert "a-foreign-credential" not in of_the_server.values()
    command = Path(f"/proc/{client.server_pid}/cmdline").read_text()
    assert KEY not in command
    features = {f"features.{name}=false" for name in ("plugins", "shell_snapshot", "unbounded_connection_retries")}
    retries = {"model_providers.codegen.request_max_retries=0", "model_providers.codegen.stream_max_retries=1"}
    assert {*command.split("\0")} > {"analytics.enabled=false", *features, *retries}
    pid = client.server_pid
    client.close()
    until(lambda: not is_running(pid))
    files = [path for path in own.rglob("*") if path.is_file()]  # a folder of the user stays
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert not read.exists()
    assert {path.name for path in home.iterdir()} == profiles
    create(build(api_key=""))
    assert "authorization" not in service.asked[-1].headers


@pytest.mark.parametrize("status", [400, 401])
def test_no_error_shows_the_key(build, service, status):
    service.reset(refuse(status, text=f"Incorrect API key provided: {KEY}."))
    client = build(max_retries=0)
    with pytest.raises(openai.APIError) as caught:
        create(client)
    shown = "".join(traceback.format_exception(caught.value)) + repr(vars(caught.value)) + repr(client)
    assert KEY not in shown + repr(vars(client))
    with pytest.raises(TypeError):
        pickle.dumps(client)


def test_without_a_key_and_a_service_the_clis_own_login_is_used(codex, tmp_path, monkeypatch, caplog):
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(CodexConfigurationError, match=r"OPENAI_API_KEY.*codex login.*/\.codex has no login"):
        CodexClient(codex_path=codex).models.list()
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex/auth.json").write_text('{"OPENAI_API_KEY": "the-login"}')
    caplog.set_level(logging.INFO, "codegen_ext.codex")
    with CodexClient(codex_path=codex) as client:
        assert client.models.list().data
        assert environment_of(client.server_pid)["CODEX_HOME"] == str(tmp_path / ".codex")
        assert any("own login" in record.message and "/.codex" in record.message for record in caplog.records)
        assert "model_provider" not in Path(f"/proc/{client.server_pid}/cmdline").read_text()
    assert (tmp_path / ".codex/auth.json").exists()


def test_mode_and_policy_reach_the_cli(build, service, monkeypatch):
    def used(**settings):
        create(build(**{"sandbox_mode": None, **settings}))
        return "\n".join(said for _, said in service.asked[-1].texts)

    assert "`sandbox_mode` is `read-only`" in used(sandbox_mode="read-only", approval_policy="never")
    assert "`sandbox_mode` is `workspace-write`" in used(approval_policy="untrusted")
    monkeypatch.setenv("CODEX_SANDBOX_MODE", "read-only")
    monkeypatch.setenv("CODEX_DEFAULT_MODEL", "gpt-x")
    assert "`sandbox_mode` is `read-only`" in used(model=None)
    assert service.asked[-1].body["model"] == "gpt-x"
    assert "`sandbox_mode` is `workspace-write`" in used(sandbox_mode="workspace-write")  # what is chosen wins
    monkeypatch.setenv("OPENAI_API_KEY", "sk-from-the-environment")
    used(api_key=None)
    assert service.asked[-1].headers["authorization"] == "Bearer sk-from-the-environment"


def test_on_failure_means_on_request_with_a_warning(monkeypatch):
    CodexClient("key")  # the default says nothing
    with pytest.warns(UserWarning, match="on-failure") as caught:
        CodexClient("key", approval_policy="on-failure")
    assert Path(caught[0].filename).name == Path(__file__).name
    monkeypatch.setenv("CODEX_APPROVAL_POLICY", "on-failure")
    with pytest.warns(UserWarning, match="on-failure"):
        CodexClient("key")


WRONG = [
    {"sandbox_mode": "none"},
    {"timeout": 0},
    {"start_timeout": 0},
    {"max_retries": -1},
    {"approval_policy": "always"},
    {"base_url": "127.0.0.1"},
    {"base_url": "http://user:secret@127.0.0.1/v1"},
    {"base_url": "http://127.0.0.1/v1?key=secret"},
    {"api_key": "sk-secret\nsk-other"},
    {"api_key": 5},
    *({name: 5} for name in ("codex_path", "working_dir", "codex_home", "model", "approval_callback")),
]


@pytest.mark.parametrize("settings", WRONG, ids=repr)
def test_a_wrong_setting_is_named(settings):
    with pytest.raises(CodexConfigurationError, match=next(iter(settings))) as caught:
        CodexClient(**{"api_key": KEY, **settings})
    assert "secret" not in str(caught.value)


def test_a_missing_working_dir_and_a_closed_client_are_errors_of_a_call(tmp_path):
    mock = MockCodexClient(working_dir=tmp_path / "missing")
    with pytest.raises(CodexConfigurationError, match=r"working_dir is no directory: .*missing"):
        create(mock)
    (tmp_path / "missing").mkdir()
    assert create(mock).choices
    client = CodexClient(KEY)
    client.close()
    client.close()
    with pytest.raises(CodexError, match="closed"):
        client.models.list()


@pytest.mark.parametrize("kind", [CodexClient, AsyncCodexClient])
@pytest.mark.parametrize(("name", "problem"), [("missing", "is not at .*/missing"), ("broken", "cannot be started")])
def test_a_missing_cli_is_an_error_of_the_first_call(tmp_path, kind, name, problem):
    Path(script(tmp_path / "broken", "")).write_text("nothing")
    client = kind(None if name == "missing" else KEY, str(tmp_path / name))  # named before a missing key
    with pytest.raises(CodexNotFoundError, match=f"{problem}.*npm install -g @openai/codex") as caught:
        create(client) if kind is CodexClient else asyncio.run(create(client, stream=True))
    assert isinstance(caught.value, openai.OpenAIError)


OLD_REPLY = '{"id":1,"result":{"userAgent":"codegen_sdk/0.98.0 (x)"}}'
TOO_OLD = r"too old: 0\.98\.0 was found, 0\.160\.0 or newer is needed; install it with: npm"
STARTS = {
    # what the program does, in whose place $1 is --version or app-server; the error, and its words
    "old, and ends": (
        "[ $1 = --version ] && echo codex-cli 0.98.0 || { echo 'Unknown feature flag: x' >&2; exit 1; }",
        *(CodexNotFoundError, TOO_OLD),
    ),
    "old, and answers": (f"read line; echo '{OLD_REPLY}'; while read line; do :; done", CodexNotFoundError, TOO_OLD),
    "no messages, and ends": (
        "[ $1 = --version ] && exec sleep 100; echo hello; echo '[1]'; echo oh $CODEGEN_CODEX_API_KEY >&2; exit 3",
        *(openai.APIConnectionError, r"exit code 3\) before it answered; .*npm install -g @openai/codex oh \[key\]"),
    ),
    "never answers": ("exec sleep 100", openai.APITimeoutError, r"did not answer within 0\.3 s of its start"),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_cli_that_does_not_start(tmp_path, name):
    code, kind, words = STARTS[name]
    started = time.monotonic()
    with CodexClient(KEY, script(tmp_path / "codex", code), start_timeout=0.3 if "never" in name else 30) as client:
        with pytest.raises(kind, match=words) as caught:
            client.models.list()
        assert type(caught.value) is kind
    assert time.monotonic() - started < 60  # of the 100 s for which the program sleeps
