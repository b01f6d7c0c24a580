"""A maintainer's day as docs/contract.md tells it, with its commands, in a clone."""

import subprocess
from pathlib import Path

import pytest

from tools import load

from .checkout import make, make_copy
from .documents import Data, facts, written

pytestmark = [pytest.mark.slow, pytest.mark.node]


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone in which everything is committed."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.com")
    folder = make_copy(tmp_path / "clone")
    for command in ("init --quiet", "add -A", "commit --quiet -m First"):
        subprocess.run(["git", *command.split()], cwd=folder, check=True, capture_output=True)
    return folder


def update(clone: Path, tmp_path: Path, data: Data) -> str:
    finished = make(clone, "update-spec", f"FROM={written(tmp_path, data)}")
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def problems(clone: Path) -> list[str]:
    return [
        line for line in make(clone, "check-contract").stderr.splitlines() if not line.startswith(("make", "no rel"))
    ]


def append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_new_operation(clone: Path, tmp_path: Path) -> None:
    answer = {"200": {"description": "", "content": {"application/json": {"schema": {"type": "string"}}}}}
    path = "/".join(("", "v1", "things", "{thing_id}"))  # in one piece it would restate a path of the contract
    things = {path: {"get": {"responses": answer}}}
    new = facts(lambda data: data["paths"].update(things))
    assert "CodegenClient.get_things_by_thing_id" in update(clone, tmp_path, new)
    assert problems(clone) == ["operation get_things_by_thing_id is not named by any test"]
    target = f"  - target: $.paths['{path}'].get\n"
    words = "    update: {operationId: get_thing, description: Get a thing., x-codegen: {cache-seconds: 60}}\n"
    append(clone / "spec" / "overlay.yaml", target + words)
    assert make(clone, "generate").returncode == 0
    append(clone / "tests" / "conftest.py", "\n# get_thing\n")
    assert problems(clone) == []


def test_a_changed_field_that_handwritten_code_names(clone: Path, tmp_path: Path) -> None:
    def rename(data: Data) -> None:
        for schema in data["components"]["schemas"].values():
            if "github_pull_requests" in schema.get("properties", {}):
                schema["properties"]["pull_requests"] = schema["properties"].pop("github_pull_requests")

    report = update(clone, tmp_path, facts(rename))
    assert "AgentRunResponse.github_pull_requests" in report
    append(clone / "codegen_ext" / "_version.py", 'FIELD = "github_pull_requests"\n')
    found = problems(clone)
    assert "codegen_ext/_version.py:" in "\n".join(found)
    assert any("names the field github_pull_requests, which the contract lost since HEAD" in line for line in found)
    assert any("properties.github_pull_requests matches nothing" in line for line in found)


def test_a_removed_operation_that_handwritten_code_uses(clone: Path, tmp_path: Path) -> None:
    report = update(clone, tmp_path, facts(lambda data: data["paths"].pop("/v1/users/me")))
    assert "CodegenClient.get_current_user" in report
    append(clone / "codegen_ext" / "_version.py", 'def _user() -> None:\n    OPERATIONS["get_current_user"]\n')
    found = problems(clone)
    used = "names the operation get_current_user, which the contract lacks"
    assert any(line.startswith("codegen_ext/_version.py:") and used in line for line in found), found
    assert any("$.paths['/v1/users/me'].get matches nothing" in line for line in found)


def test_a_rename(clone: Path) -> None:
    spec = clone / "spec" / "chatserver.yaml"
    renamed = spec.read_text(encoding="utf-8").replace("operationId: list_models", "operationId: get_models")
    spec.write_text(renamed, encoding="utf-8")
    assert "openapi.yaml is not what spec/ gives, at #/paths/~1v1~1models/get/operationId" in problems(clone)[0]
    assert make(clone, "generate").returncode == 0
    compared = make(clone, "diff-spec", "OLD=HEAD")
    assert compared.returncode != 0
    assert "ChatServerClient.list_models" in compared.stdout
    assert "operation get_models is not named by any test" in problems(clone)
    assert load.load(clone / "openapi.yaml")["paths"]["/v1/models"]["get"]["operationId"] == "get_models"
