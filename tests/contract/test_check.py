"""What `make check` asks beyond the generated code: each problem is one clear line."""

import copy
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools import generate
from tools.contract import check, check_api, check_names, document, versions

from .repositories import AGENT, Git, make, write

pytestmark = pytest.mark.slow

OURS = document.load()
USER = next(path for path in OURS["paths"] if path.endswith("/users/{user_id}"))


@pytest.fixture
def with_more(monkeypatch: pytest.MonkeyPatch) -> None:
    """The contract with one operation more than everything else knows."""
    contract = copy.deepcopy(OURS)
    contract["paths"]["/v1/more"] = {
        "get": {**contract["paths"]["/v1/users/me"]["get"], "operationId": "get_more_things"}
    }
    monkeypatch.setattr(document, "load", lambda *_: contract)


@pytest.mark.usefixtures("with_more")
def test_an_operation_that_is_missing_somewhere_is_named() -> None:
    assert list(check.reachability_problems()) == [
        "operation get_more_things is not in the table of operations",
        "operation get_more_things is not reachable as CodegenClient.get_more_things",
        "operation get_more_things is not reachable as AsyncCodegenClient.get_more_things",
    ]
    assert list(check_names.documented_problems()) == [
        "operation get_more_things is not in the table of operations in docs/operations.md"
    ]
    # Named in this test, which is one of tests/contract and so does not count.
    assert list(check_names.tested_problems()) == ["operation get_more_things is not named by any test"]


def test_everything_agrees_now() -> None:
    for problems in (
        check_names.documented_problems,
        check_names.tested_problems,
        check_names.name_problems,
    ):
        assert list(problems()) == []


def test_another_version_of_the_generator_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(generate, "version", lambda package: "0.0.1")
    assert list(check.generated_problems()) == [
        "openapi.yaml cannot be generated: openapi-python-client is 0.0.1, but 0.29.1 is pinned; run `make setup`"
    ]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ('URL = "/v1/organizations/323/usurs"', "names the path /v1/organizations/323/usurs, which the contract lacks"),
        ('"/v1/users/me"', None),
        ('"/v1/organizations"', None),
        ('"/pull/7"', None),
        ('"/api/webhooks"', None),
        ('"/api/v1/nothing"', "names the path /api/v1/nothing, which the contract lacks"),
        ("operations.GET_USURS", "names the operation get_usurs, which the contract lacks"),
        ("operations.GET_USERS", None),
        ('OPERATIONS["get_usurs"]', "names the operation get_usurs, which the contract lacks"),
        ("from codegen_api.models import UsurResponse", "names the model UsurResponse, which the contract lacks"),
        ("from codegen_api.models import UserResponse", None),
        (
            'Perform(operations.GET_USERS, {"org_id": 1, "skipp": 2})',
            "hands skipp to get_users, which has no such field or parameter in the contract",
        ),
        ('Perform(operations.GET_USERS, {**ids, "skip": 2})', None),
    ],
)
def test_a_name_that_the_contract_lacks_is_said(code: str, problem: str | None, tmp_path: Path) -> None:
    package = tmp_path / "codegen_ext"
    package.mkdir()
    (package / "rooms.py").write_text(f"\n{code}\n", encoding="utf-8")
    found = list(check_names.name_problems(package))
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("codegen_ext/rooms.py:2 ")
        assert found[0].endswith(problem)


def test_a_field_that_the_contract_lost_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, contract = tmp_path / "codegen_ext", tmp_path / document.CONTRACT.name
    package.mkdir()
    (package / "rooms.py").write_text('FIELDS = {"prompt": 1, "agent_type": 2}\n', encoding="utf-8")
    text = document.CONTRACT.read_text(encoding="utf-8")
    assert "agent_type" in text
    monkeypatch.setattr(versions, "at", lambda ref, *_: text if ref == "HEAD" else None)
    assert list(check_names.name_problems(package)) == []
    contract.write_text(text.replace("agent_type", "agent_kind"), encoding="utf-8")
    renamed = document.load(contract)
    monkeypatch.setattr(document, "CONTRACT", contract)
    monkeypatch.setattr(document, "load", lambda *_: renamed)
    assert list(check_names.name_problems(package)) == [
        "codegen_ext/rooms.py:1 names the field agent_type, which the contract lost since HEAD"
    ]


def test_a_package_that_cannot_be_imported_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise ImportError("cannot import name 'CodegenClient'")

    monkeypatch.setattr(check, "reachability_problems", fail)
    assert list(check.running_problems()) == [
        "codegen_ext cannot be imported with this contract: cannot import name 'CodegenClient'"
    ]


# Since the last tag


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Git]:
    """A small repository, and git in it."""
    root = tmp_path / "repository"
    return root, make(root, monkeypatch)


def test_without_a_tag_that_is_said_and_passes(repository: tuple[Path, Git], tmp_path: Path) -> None:
    root, git = repository
    assert check_api.missing_tag(root) == "no release tag: there is none yet, so the public API is not compared"
    assert list(check_api.api_problems(root)) == []
    write(root, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")
    assert list(check_api.changelog_problems(root)) == ["CHANGELOG.md is empty; say in Unreleased what users get"]
    git("commit", "--quiet", "--allow-empty", "-m", "Second")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{root}", shallow], check=True, capture_output=True)
    assert check_api.missing_tag(shallow) == (
        "no release tag: this clone is shallow; fetch the tags, so the public API is not compared"
    )


@pytest.mark.parametrize(
    ("file", "text", "problem"),
    [
        ("codegen_ext/agent.py", AGENT.replace("run(", "start("), "codegen_ext.Agent.run: public object was removed"),
        ("codegen_ext/agent.py", AGENT.replace(", limit=1", ""), "codegen_ext.Agent.run(limit): parameter was removed"),
        ("codegen_ext/agent.py", AGENT.replace("=1", ""), "codegen_ext.Agent.run(limit): parameter is now required"),
        (
            "codegen_ext/__init__.py",
            "from .agent import Agent as Agent\n",
            "codegen_ext.User: public object was removed",
        ),
        (
            "generated/codegen_api/models.py",
            "class User:\n    id: int\n",
            "codegen_ext.User.email: public object was removed",
        ),
        ("codegen_ext/agent.py", AGENT.replace("_inner", "_other"), None),
        ("codegen_ext/agent.py", AGENT.replace("=1", "=1, more=2"), None),
        ("codegen_ext/inner.py", "def helper(a): ...\n\n\ndef other(): ...\n", None),
        ("codegen_ext/inner.py", "def helper(): ...\n", "codegen_ext.room.helper(a): parameter was removed"),
    ],
)
def test_the_public_api_is_compared_with_the_last_tag(
    file: str, text: str, problem: str | None, repository: tuple[Path, Git]
) -> None:
    root, git = repository
    git("tag", "v1.2.0")
    assert check_api.missing_tag(root) is None
    assert list(check_api.api_problems(root)) == []
    write(root, file, text)
    found = list(check_api.api_problems(root))
    assert found == ([] if problem is None else [f"{problem} since v1.2.0; raise the major version"])
    write(root, "codegen_ext/_version.py", '__version__ = "2.0.0"\n')
    assert list(check_api.api_problems(root)) == []


def test_a_public_package_that_is_gone_is_named(repository: tuple[Path, Git]) -> None:
    root, git = repository
    git("tag", "v1.2.0")
    (root / "codegen_ext" / "room" / "__init__.py").unlink()
    (root / "codegen_ext" / "room").rmdir()
    assert list(check_api.api_problems(root)) == [
        "codegen_ext.room: public package was removed since v1.2.0; raise the major version"
    ]


def test_a_change_for_users_needs_a_word_in_the_changelog(repository: tuple[Path, Git]) -> None:
    root, git = repository
    git("tag", "v1.2.0")
    assert list(check_api.changelog_problems(root)) == []
    write(root, "docs/page.md", "A page.")
    assert list(check_api.changelog_problems(root)) == []
    write(root, "codegen_ext/inner.py", "")
    assert list(check_api.changelog_problems(root)) == [
        "CHANGELOG.md lacks the change: codegen_ext/inner.py differs from v1.2.0, but Unreleased is empty"
    ]
    log = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    write(root, "CHANGELOG.md", log.replace("## [Unreleased]\n", "## [Unreleased]\n\n- Less inside.\n"))
    assert list(check_api.changelog_problems(root)) == []
    contract = document.CONTRACT.read_text(encoding="utf-8").replace(
        "operationId: get_user\n", "operationId: get_person\n"
    )
    write(root, "openapi.yaml", contract)
    assert list(check_api.changelog_problems(root)) == [
        f"CHANGELOG.md lacks the change: operation changed, GET {USER}: the method get_user is called get_person now"
    ]
    write(root, "CHANGELOG.md", log.replace("## [Unreleased]\n", "## [Unreleased]\n\n- `get_user` is `get_person`.\n"))
    assert list(check_api.changelog_problems(root)) == []


def test_the_major_part_is_compared_with_the_tag(repository: tuple[Path, Git]) -> None:
    root, git = repository
    assert not versions.major_raised(root)
    git("tag", "v1.2.0")
    git("tag", "nightly")
    assert versions.last_tag(root) == "v1.2.0"
    assert not versions.major_raised(root)
    write(root, "codegen_ext/_version.py", '__version__ = "2.0.0"\n')
    assert versions.major_raised(root)


def test_all_problems_are_printed_and_the_status_is_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def problems(*lines: str) -> Callable[[], Any]:
        return lambda: iter(lines)

    monkeypatch.setattr(check, "generated_problems", problems())
    monkeypatch.setattr(check_api, "api_problems", problems("one"))
    monkeypatch.setattr(check_api, "changelog_problems", problems("two"))
    monkeypatch.setattr(check_api, "missing_tag", lambda: "no release tag")
    assert check.main() == 1
    assert capsys.readouterr().err.splitlines() == ["no release tag", "one", "two"]


def test_outside_of_a_repository_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions.last_tag(tmp_path) is None
    monkeypatch.setenv("PATH", os.devnull)
    assert versions.git("status", root=tmp_path) is None
