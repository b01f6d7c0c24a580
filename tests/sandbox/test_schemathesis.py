"""Schemathesis holds the sandbox, over HTTP, against the contract, with every check that it has."""

import subprocess
import sys

import httpx
import pytest
from codegen_api.operations import CREATE_CHAT_COMPLETION, OPERATIONS

from codegen_ext.testing import Sandbox

from ..docs.pages import ROOT

# Without these, nearly every id is unknown and the answer 404; with them, one in three still is.
KNOWN = {
    "org_id": [323, 324],
    "agent_run_id": [1, 2],
    "repo_id": [1, 2, 107],
    "pr_id": [1],
    "sandbox_id": [1],
    "user_id": [1, "ada"],
    "provider": ["slack", "github"],
    "email": ["admin@example.com"],
}


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path):
    with Sandbox(rate_limits=False, run_seconds=0.2) as sandbox:
        authorization = f"Bearer {sandbox.token}"
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": "ada"}
        url = sandbox.base_url + CREATE_CHAT_COMPLETION.path
        stored = httpx.post(url, json=body, headers={"authorization": authorization}).json()
        known = KNOWN | {"session_id": [stored["system_fingerprint"]]}
        arguments = [argument for operation in OPERATIONS.values() for argument in operation.arguments]
        places = {f"{one.location}.{one.name}": one.name for one in arguments if one.name in known}
        lines = ["[dictionaries]", *(f"{name} = {{values = {values}}}" for name, values in known.items())]
        lines += ["[parameters]"]
        lines += [f'"{place}" = {{dictionary = "{name}", probability = 0.7}}' for place, name in places.items()]
        config = tmp_path / "schemathesis.toml"
        config.write_text("\n".join(lines))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", ROOT / "openapi.yaml"]
        command += ["--url", sandbox.base_url, "--header", f"Authorization: {authorization}", "--checks", "all"]
        command += ["--max-examples", "15", "--seed", "1", "--generation-deterministic", "--no-color"]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total" in result.stdout
    assert {request.operation for request in sandbox.requests if request.status == 200} == set(OPERATIONS)
