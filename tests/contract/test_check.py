"""`make check` names each link of the chain that does not hold, and a maintainer's day as docs/contract.md tells it."""

import os
import re
import shutil
import subprocess
import sys

import pytest

from tools import changelog, check, generate, load
from tools.mutants import copy_of_the_tree

from ..typing.test_typing import checked
from .checkout import commit, edit, git, initialize, write
from .documents import answering, facts, written

pytestmark = pytest.mark.slow


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """Copies of the files of the chain, which the checks read instead of those of the repository."""
    for name in ("FACTS", "CHATSERVER", "OVERLAY", "CONTRACT", "GENERATED"):
        place = tmp_path / getattr(load, name).relative_to(load.ROOT)
        place.parent.mkdir(exist_ok=True)
        (shutil.copytree if name == "GENERATED" else shutil.copy)(getattr(load, name), place)
        monkeypatch.setattr(load, name, place)
    return tmp_path


SPEC_GIVES = "openapi.yaml is not what spec/ gives, at #"
LINKS = [
    ("spec/codegen.json", '"responses": {', '"summary": "Prose", "responses": {',
     "spec/codegen.json is not as `make update-spec` writes it"),
    ("spec/codegen.json", '"maximum": 100', '"maximum": 50', SPEC_GIVES),
    ("spec/codegen.json", "{", "{{", "codegen.json is neither JSON nor YAML"),
    ("spec/overlay.yaml", "cache-seconds: 300", "cache-seconds: 200", SPEC_GIVES),
    ("spec/overlay.yaml", "actions:\n", "actions:\n  - target: $.servers[7]\n    remove: true\n",
     "spec/overlay.yaml: $.servers[7] matches nothing; delete the action or mend its target"),
    ("spec/chatserver.yaml", "summary: List models", "summary: Name models",
     f"{SPEC_GIVES}/paths/~1v1~1models/get/summary; edit spec/chatserver.yaml, and run `make generate`"),
    ("openapi.yaml", "summary: List users", "summary: Name users",
     "/get/summary; edit spec/overlay.yaml, and run `make generate`"),
    ("openapi.yaml", "paths:\n", "paths: # a comment\n", f"{SPEC_GIVES}; edit spec/overlay.yaml"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "old", "new", "problem"), LINKS)
def test_a_link_before_the_contract_is_named(name, old, new, problem, tree, monkeypatch):
    for part in ("generated_problems", "path_problems", "public_api.problems"):
        monkeypatch.setattr(f"tools.check.{part}", lambda *_: [])
    edit(tree, name, old, new)
    found = list(check.problems())
    assert [line for line in found if problem in line], found
    assert all("\n" not in line for line in found)


def test_each_file_that_is_generated_or_generates_is_named(tree, monkeypatch):
    monkeypatch.setattr(generate, "TEMPLATES", shutil.copytree(generate.TEMPLATES, tree / "templates"))
    monkeypatch.setattr(generate, "STATIC", tree / "templates" / "static")
    more = "more: int = 0\n    additional_properties: dict"
    edit(tree, "generated/codegen_api/enums.py", "from", "# changed\nfrom")
    edit(tree, "templates/model.py.jinja", "additional_properties: dict", more)
    edit(tree, "templates/static/pages.py", "T = ", "MORE = 1\nT = ")
    write(load.GENERATED, "left_over.py", "")
    (load.GENERATED / "models" / "user_response.py").unlink()
    found = list(check.generated_problems(load.load()))
    for name in ("enums", "left_over", "models/user_response", "models/agent_run_response", "pages"):
        line = f"generated/codegen_api/{name}.py is not what openapi.yaml generates; run `make generate`"
        assert line in found, found
    assert not any("_sync" in line or "operations.py" in line for line in found)


@pytest.fixture
def clone(tmp_path):
    """A copy of this repository in which the make targets run: with the installation and what npm installed."""
    folder = tmp_path / "clone"
    copy_of_the_tree(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    if (load.ROOT / "node_modules").exists():
        (folder / "node_modules").symlink_to((load.ROOT / "node_modules").resolve())
        # npm, which make runs where the list is newer than what is installed, would empty the folder behind the link.
        os.utime(folder / "package-lock.json", (0, 0))
    return initialize(folder)


def make(folder, *arguments, **environment):
    """Run make in a copy, whose packages go first, without the installation that every target begins with."""
    # In MAKEFLAGS are the variables of the make that runs the tests.
    own = {"PYTHONPATH": f"{folder}:{folder}/generated", "PYTHONDONTWRITEBYTECODE": "1", "MAKEFLAGS": ""}
    return subprocess.run(
        ["make", "-s", "-o", ".venv/.installed", *arguments],
        cwd=folder,
        env={**os.environ, **own, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_comparisons_need_npm(clone, tmp_path):
    (clone / "node_modules").unlink(missing_ok=True)
    (tmp_path / "bin").mkdir()
    for name in ("make", "sh", "bash", "env", "test", "echo", "git"):
        (tmp_path / "bin" / name).symlink_to(shutil.which(name))
    passed = make(clone, "check-contract", PATH=str(tmp_path / "bin"))
    assert passed.returncode == 0, passed.stderr
    for target in ("diff-spec", "update-spec"):
        finished = make(clone, target, "OLD=HEAD", "FROM=x.json", PATH=str(tmp_path / "bin"))
        assert finished.returncode != 0
        assert finished.stderr.startswith("contracts are compared by redocly, which npm installs; install npm\nmake")


def test_a_restated_path_and_an_edited_derived_file_are_named(clone):
    path = next(path for path in load.load()["paths"] if "{" in path)
    for name, more, said in (
        ("examples/first_run.py", path, f"examples/first_run.py restates the path {path}"),
        ("codegen_ext/_sync/health.py", "More.", "codegen_ext/_sync/health.py differs from its _async/ source"),
    ):
        edit(clone, name, '"""', f'"""{more} ')
        finished = make(clone, "check-contract")
        edit(clone, name, f'"""{more} ', '"""')
        assert finished.returncode != 0
        assert said in finished.stdout + finished.stderr


def problems(clone):
    said = make(clone, "check-contract").stderr.splitlines()
    return [line for line in said if not line.startswith(("make", "no rel"))]


def proposed(clone):
    return changelog.unreleased((clone / "CHANGELOG.md").read_text(encoding="utf-8")).splitlines()


@pytest.mark.node
def test_a_document_that_is_refused_changes_nothing_and_a_new_operation_is_added_once_and_renamed(clone, tmp_path):
    form = {"requestBody": {"content": {"text/csv": {}}}, "responses": {}}
    odd = {"/v1/things": {"get": form}, "/v1/models": {"get": {"responses": {}}}}
    source = written(tmp_path, facts(lambda data: data["paths"].update(odd)))
    finished = make(clone, "update-spec", f"FROM={source}")
    assert finished.returncode != 0
    assert finished.stderr.startswith("nothing was changed: GET /v1/things: its body is not JSON")
    too = "\n#/paths/~1v1~1models: it is in spec/chatserver.yaml, too; mend it in spec/overlay.yaml: "
    assert too in finished.stderr
    assert "Traceback" not in finished.stderr
    assert git(clone, "status", "--porcelain") == ""

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
    commit(clone)
    assert make(clone, *arguments).returncode == 0
    assert git(clone, "status", "--porcelain") == ""
    assert problems(clone) == ["operation get_gadgets_by_gadget_id is not named by any test"]
    words = "{operationId: get_gadget, description: Get a gadget., x-codegen: {cache-seconds: 60}}"
    action = f"  - target: $.paths['{path}'].get\n    update: {words}\n"
    edit(clone, "spec/overlay.yaml", "actions:\n", f"actions:\n{action}")
    assert make(clone, "generate").returncode == 0
    write(clone, "tests/test_gadgets.py", "# get_gadget\n")
    assert problems(clone) == []
    renamed = make(clone, "diff-spec", "OLD=HEAD")
    assert renamed.returncode != 0
    assert "CodegenClient.get_gadgets_by_gadget_id" in renamed.stdout


@pytest.mark.node
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
    files = ("codegen_ext/_async/task.py", "codegen_ext/_async/health.py")
    said = checked("mypy", "--follow-imports=silent", *files, cwd=clone).stdout
    assert re.search(r'_async/task.py:\d+: error: "AgentRunResponse" has no attribute "github_pull_requests"', said)
    assert re.search(r'_async/health.py:\d+: error: Module has no attribute "GET_CURRENT_USER"', said), said
