"""`python -m codegen_ext.providers doctor`."""

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from codegen_ext.providers.doctor import exit_status, main, report, table
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..support.loopback import CLOSE, Loopback, reply
from .conftest import MODELS


@pytest.fixture
def settings(options: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    monkeypatch.setenv("PATH", "/nowhere")
    return options


def checks(findings: list[Any]) -> dict[str, tuple[str, ...]]:
    return {finding.provider: finding[1:5] for finding in findings}


def test_what_it_finds(settings: dict[str, Any], sandbox: Sandbox, openai_service: Loopback) -> None:
    openai_service.answers = [reply(status=401)]
    sandbox.inject("list_models", Fault.reset_before())
    findings = report(**settings)
    assert checks(findings) == {
        "codegen": ("ok", "ok", "ok", "ok"),
        "openai": ("ok", "ok", "ok", "failed"),
        "codex": ("failed", "failed", "-", "-"),
        "chatserver": ("ok", "ok", "failed", "failed"),
    }
    assert all(request.method == "GET" for request in sandbox.requests)
    assert exit_status(findings) == 1


def test_all_is_well(settings: dict[str, Any], openai_service: Loopback) -> None:
    openai_service.answers = [MODELS]
    findings = report(**settings)
    assert exit_status(findings) == 0  # nobody means to use codex
    lines = table(findings).splitlines()
    assert lines[0].split() == ["provider", "imports", "credentials", "reachable", "call"]
    assert lines[1].split() == ["codegen", "ok", "ok", "ok", "ok"]


def test_nobody_is_configured() -> None:
    assert exit_status(report(["openai"])) == 1


def test_nothing_is_reached(settings: dict[str, Any], openai_service: Loopback) -> None:
    openai_service.answers = [CLOSE]
    assert checks(report(["openai"], **settings)) == {"openai": ("ok", "ok", "failed", "failed")}


@pytest.mark.parametrize("as_json", [False, True])
def test_the_command(as_json: bool, sandbox: Sandbox) -> None:
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("CODEGEN_", "OPENAI_"))},
        "CODEGEN_API_TOKEN": TOKEN,
        "CODEGEN_ORG_ID": "323",
        "CODEGEN_BASE_URL": sandbox.base_url,
    }
    command = [sys.executable, "-m", "codegen_ext.providers", "doctor", "codegen", *(["--json"] if as_json else [])]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    if as_json:
        found = json.loads(done.stdout)
        assert found["healthy"] is True
        assert found["providers"]["codegen"]["call"] == "ok"
    else:
        assert "codegen   ok       ok           ok         ok" in done.stdout


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["nurse"], ["doctor", "gemini"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
    assert "no provider is called 'gemini'" in capsys.readouterr().err
