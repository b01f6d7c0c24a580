"""Schemathesis holds the sandbox, over HTTP, against the contract, with every check that it has."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing import Sandbox

pytestmark = pytest.mark.slow

CONTRACT = Path(__file__).parents[2] / "openapi.yaml"
SEED = "1"

# Without these, nearly every id is unknown and the answer 404; with them, one in three still is.
KNOWN_IDS = """
[dictionaries]
organizations = {values = [323, 324]}
numbers = {values = [1, 2, 3, 107]}
providers = {values = ["slack", "github"]}
emails = {values = ["admin@example.com"]}
users = {values = ["ada"]}
sessions = {values = ["%s"]}

[parameters]
"path.org_id" = {dictionary = "organizations", probability = 0.7}
"query.org_id" = {dictionary = "organizations", probability = 0.7}
"body.org_id" = {dictionary = "organizations", probability = 0.7}
"path.agent_run_id" = {dictionary = "numbers", probability = 0.7}
"body.agent_run_id" = {dictionary = "numbers", probability = 0.7}
"path.repo_id" = {dictionary = "numbers", probability = 0.7}
"query.repo_id" = {dictionary = "numbers", probability = 0.7}
"body.repo_id" = {dictionary = "numbers", probability = 0.7}
"path.pr_id" = {dictionary = "numbers", probability = 0.7}
"path.sandbox_id" = {dictionary = "numbers", probability = 0.7}
"path.user_id" = {dictionary = "numbers", probability = 0.7}
"query.provider" = {dictionary = "providers", probability = 0.7}
"path.email" = {dictionary = "emails", probability = 0.7}
"path.session_id" = {dictionary = "sessions", probability = 0.7}

[[operations]]
include-operation-id = ["get_session", "list_sessions"]
[operations.parameters]
"query.user_id" = {dictionary = "users", probability = 0.7}
"""


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_limits=False, run_seconds=0.2) as sandbox:
        yield sandbox


def store_session(sandbox: Sandbox) -> str:
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}], "user": "ada"}
    headers = {"authorization": f"Bearer {sandbox.token}"}
    with httpx.Client(base_url=sandbox.base_url, transport=sandbox.transport(), headers=headers) as client:
        return client.post(OPERATIONS["create_chat_completion"].path, json=body).json()["system_fingerprint"]


@pytest.mark.parametrize("ids", ["random", "known"])
def test_schemathesis_finds_nothing(sandbox, tmp_path, ids):
    session_id = store_session(sandbox)
    config = tmp_path / "schemathesis.toml"
    config.write_text(KNOWN_IDS % session_id if ids == "known" else "")
    command = [sys.executable, "-m", "schemathesis.cli", "--config-file", str(config), "run", str(CONTRACT)]
    command += ["--url", sandbox.base_url, "--header", f"Authorization: Bearer {sandbox.token}", "--checks", "all"]
    command += ["--max-examples", "15", "--seed", SEED, "--generation-deterministic", "--no-color"]
    result = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert result.returncode == 0, result.stdout + result.stderr
    assert f"{len(OPERATIONS)} selected / {len(OPERATIONS)} total" in result.stdout
    if ids == "known":
        assert {request.operation for request in sandbox.requests if request.status == 200} == set(OPERATIONS)
