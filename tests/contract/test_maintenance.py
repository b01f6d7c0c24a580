"""A maintainer's day as docs/contract.md tells it, with its commands, in a clone."""

import os
import re
import subprocess
import sys

import pytest

from tools import changelog, load

from .checkout import initialize, make, make_copy
from .documents import answering, facts, written

pytestmark = [pytest.mark.slow, pytest.mark.node]


@pytest.fixture
def clone(tmp_path, monkeypatch):
    return initialize(make_copy(tmp_path / "clone"), monkeypatch)


def contents(folder):
    """Return the bytes of all files that the targets may write."""
    names = ("CHANGELOG.md", "openapi.yaml", "spec", "generated")
    paths = [path for name in names for path in [folder / name, *(folder / name).rglob("*")]]
    return {path: path.read_bytes() for path in paths if path.is_file()}


def problems(clone):
    said = make(clone, "check-contract").stderr.splitlines()
    return [line for line in said if not line.startswith(("make", "no rel"))]


def proposed(clone):
    return changelog.unreleased((clone / "CHANGELOG.md").read_text(encoding="utf-8")).splitlines()


def type_errors(clone, *names):
    """What mypy, which `make check` runs, says about files of handwritten code."""
    command = [sys.executable, "-m", "mypy", "--no-error-summary", "--follow-imports=silent", *names]
    environment = {**os.environ, "MYPYPATH": str(clone / "generated")}
    return subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, check=False).stdout


def append(path, text):
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def test_a_document_that_is_refused_changes_nothing_and_a_new_operation_is_added_once(clone, tmp_path):
    before = contents(clone)
    form = {"requestBody": {"content": {"text/csv": {}}}, "responses": {}}
    odd = {"/v1/things": {"get": form}, "/v1/models": {"get": {"responses": {}}}}
    source = written(tmp_path, facts(lambda data: data["paths"].update(odd)))
    finished = make(clone, "update-spec", f"FROM={source}")
    assert finished.returncode != 0
    assert finished.stderr.startswith("nothing was changed: GET /v1/things: its body is not JSON")
    too = "\n#/paths/~1v1~1models: it is in spec/chatserver.yaml, too; mend it in spec/overlay.yaml: "
    assert too in finished.stderr
    assert "Traceback" not in finished.stderr
    assert contents(clone) == before

    path = "/".join(("", "v1", "gadgets", "{gadget_id}"))  # in one piece it would restate a path of the contract
    added = {"description": "Rate limit: 5 requests per minute.", "responses": answering({"type": "string"})}
    source = written(tmp_path, facts(lambda data: data["paths"].update({path: {"get": added}})))
    arguments = ("update-spec", f"FROM={source}", f"REPORT={tmp_path / 'report.md'}")
    finished = make(clone, *arguments)
    assert finished.returncode == 0, finished.stderr
    assert "CodegenClient.get_gadgets_by_gadget_id" in finished.stdout
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == finished.stdout
    published = load.load(clone / "spec" / "codegen.json")["paths"][path]["get"]
    assert published["x-rate-limit"] == {"requests": 5, "seconds": 60}
    assert "description" not in published
    assert "- `CodegenClient.get_gadgets_by_gadget_id` is new." in proposed(clone)
    before = contents(clone)
    assert make(clone, *arguments).returncode == 0
    assert contents(clone) == before
    assert problems(clone) == ["operation get_gadgets_by_gadget_id is not named by any test"]
    target = f"  - target: $.paths['{path}'].get\n"
    words = "    update: {operationId: get_gadget, description: Get a gadget., x-codegen: {cache-seconds: 60}}\n"
    append(clone / "spec" / "overlay.yaml", target + words)
    assert make(clone, "generate").returncode == 0
    append(clone / "tests" / "conftest.py", "\n# get_gadget\n")
    assert problems(clone) == []


def test_a_changed_field_and_a_removed_operation_that_handwritten_code_uses(clone, tmp_path):
    def change(data):
        data["paths"].pop("/v1/users/me")
        for schema in data["components"]["schemas"].values():
            if "github_pull_requests" in schema.get("properties", {}):
                schema["properties"]["pull_requests"] = schema["properties"].pop("github_pull_requests")

    finished = make(clone, "update-spec", f"FROM={written(tmp_path, facts(change))}")
    assert finished.returncode == 0, finished.stderr
    for name in ("AgentRunResponse.github_pull_requests", "CodegenClient.get_current_user"):
        assert name in finished.stdout
        assert [line for line in proposed(clone) if name in line and line.startswith("- **Breaking:** ")]
    found = problems(clone)
    for target in ("components.schemas.AgentRunResponse.properties.github_pull_requests", "paths['/v1/users/me'].get"):
        assert f"spec/overlay.yaml: $.{target} matches nothing; delete the action or mend its target" in found
    said = type_errors(clone, "codegen_ext/_async/task.py", "codegen_ext/_async/health.py")
    assert re.search(r'_async/task.py:\d+: error: "AgentRunResponse" has no attribute "github_pull_requests"', said)
    assert re.search(r'_async/health.py:\d+: error: Module has no attribute "GET_CURRENT_USER"', said), said


def test_a_rename(clone):
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
