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
    "organizations": ([323, 324], ["path.org_id", "query.org_id", "body.org_id"]),
    "runs": ([1, 2], ["path.agent_run_id", "body.agent_run_id"]),
    "repositories": ([1, 2, 3, 107], ["path.repo_id", "query.repo_id", "body.repo_id"]),
    "numbers": ([1, 2, 3], ["path.pr_id", "path.sandbox_id", "path.user_id"]),
    "providers": (["slack", "github"], ["query.provider"]),
    "emails": (["admin@example.com"], ["path.email"]),
}


def known(name: str, places: list[str]) -> list[str]:
    return [f'"{place}" = {{dictionary = "{name}", probability = 0.7}}' for place in places]


@pytest.mark.slow
def test_schemathesis_finds_nothing(tmp_path):
    config = tmp_path / "schemathesis.toml"
    with Sandbox(rate_limits=False, run_seconds=0.2) as sandbox:
        headers = {"authorization": f"Bearer {sandbox.token}"}
        body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": "ada"}
        stored = httpx.post(f"{sandbox.base_url}{CREATE_CHAT_COMPLETION.path}", json=body, headers=headers).json()
        known_ids = KNOWN | {"sessions": ([stored["system_fingerprint"]], ["path.session_id"])}
        dictionaries = [
            f"{name} = {{values = {values}}}" for name, (values, _) in {**known_ids, "users": (["ada"], [])}.items()
        ]
        parameters = [line for name, (_, places) in known_ids.items() for line in known(name, places)]
        sections = ["[dictionaries]", *dictionaries, "[parameters]", *parameters]
        sections += ["[[operations]]", 'include-operation-id = ["get_session", "list_sessions"]']
        sections += ["[operations.parameters]", *known("users", ["query.user_id"])]
        config.write_text("\n".join(sections))
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", config, "run", ROOT / "openapi.yaml"]
        command += ["--url", sandbox.base_url, "--header", f"Authorization: Bearer {sandbox.token}", "--checks", "all"]
        command += ["--max-examples", "15", "--seed", "1", "--generation-deterministic", "--no-color"]
        result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total" in result.stdout
    assert {request.operation for request in sandbox.requests if request.status == 200} == set(OPERATIONS)
