"""Settings, credentials and the folder of the CLI: what reaches the CLI, and what does not."""

import logging
import pickle
import traceback
from pathlib import Path

import openai
import pytest

from codegen_ext import CodexClient
from codegen_ext.codex import CodexConfigurationError

from .conftest import KEY, create, environment_of, text
from .responses import does, refuse, say


def test_the_key_travels_by_environment_only(build, service, tmp_path):
    home = tmp_path / "home"
    client = build(codex_home=home, api_key=f"{KEY}\n")  # as read from a file
    create(client)
    assert service.asked[0].headers["authorization"] == f"Bearer {KEY}"
    assert service.asked[0].path == "/v1/responses"
    assert KEY in environment_of(client.server_pid).values()
    command = Path(f"/proc/{client.server_pid}/cmdline").read_text()
    assert KEY not in command
    features = {f"features.{name}=false" for name in ("plugins", "shell_snapshot", "unbounded_connection_retries")}
    retries = {"model_providers.codegen.request_max_retries=0", "model_providers.codegen.stream_max_retries=1"}
    assert {*command.split("\0")} > {"analytics.enabled=false", *features, *retries}
    client.close()
    files = [path for path in home.rglob("*") if path.is_file()]  # a folder of the user stays
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    create(build(api_key=""))
    assert "authorization" not in service.asked[-1].headers


FOREIGN = ("CODEGEN_API_TOKEN", "CODEGEN_TOKEN", "CHATSERVER_API_KEY", "CODEGEN_SHARED_STATE", "OPENAI_API_KEY")


def test_the_cli_sees_no_foreign_credential_and_leaves_the_users_files_alone(build, service, tmp_path, monkeypatch):
    home, read, seen = tmp_path / "home", tmp_path / "read", tmp_path / "seen"
    home.mkdir()
    for name in (".profile", ".bashrc", ".bash_profile"):
        (home / name).write_text(f"echo {name} >> {read}\n")
    places = {"HOME": home, "XDG_CACHE_HOME": tmp_path / "cache", "CODEX_HOME": home / ".codex"}
    for name, value in {**dict.fromkeys(FOREIGN, "a-foreign-credential"), **places}.items():
        monkeypatch.setenv(name, str(value))
    service.reset(does(f"env > {seen}"), say("ok"))
    client = build()
    assert text(create(client)) == "ok"
    assert "PATH=" in seen.read_text()
    assert KEY not in seen.read_text()
    assert "a-foreign-credential" not in seen.read_text()
    environment = environment_of(client.server_pid)
    assert "a-foreign-credential" not in environment.values()
    assert Path(environment["CODEX_HOME"]).parent == tmp_path / "cache/codegen-sdk/codex"
    assert not read.exists()
    assert {path.name for path in home.iterdir()} == {".profile", ".bashrc", ".bash_profile"}


@pytest.mark.parametrize("status", [400, 401, 500])
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
