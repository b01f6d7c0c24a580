"""`make check` bites on every link of the chain, and says which file to edit, each problem in one line."""

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tools import check, handwritten, load, public_api, versions

from .checkout import make, make_copy
from .repositories import AGENT, Git, write
from .repositories import make as make_repository

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_copy(tmp_path_factory.mktemp("repository"))


def replacing(old: str, new: str) -> Callable[[str], str]:
    def change(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return change


SPEC_GIVES = "openapi.yaml is not what spec/ gives, at #"
PROSE = replacing('"responses": {', '"summary": "Prose", "responses": {')
LINKS: list[tuple[str, Callable[[str], str], str]] = [
    ("spec/codegen.json", PROSE, "spec/codegen.json is not as `make update-spec` writes it"),
    ("spec/codegen.json", replacing('"maximum": 100', '"maximum": 50'), SPEC_GIVES),
    ("spec/overlay.yaml", replacing("cache-seconds: 300", "cache-seconds: 200"), SPEC_GIVES),
    ("spec/overlay.yaml", lambda text: f"{text}  - target: $.servers[7]\n    remove: true\n",
     "spec/overlay.yaml: $.servers[7] matches nothing; delete the action or mend its target"),
    ("spec/chatserver.yaml", replacing("summary: List models", "summary: Name models"),
     f"{SPEC_GIVES}/paths/~1v1~1models/get/summary; edit spec/chatserver.yaml, and run `make generate`"),
    ("openapi.yaml", replacing("summary: List users", "summary: Name users"),
     "/get/summary; edit spec/overlay.yaml, and run `make generate`"),
    ("openapi.yaml", replacing("minLength: 1", "minLength: 2"), "edit spec/chatserver.yaml, and run `make generate`"),
    ("openapi.yaml", lambda text: f"{text}# A comment.\n", f"{SPEC_GIVES}; edit spec/overlay.yaml"),
    ("generated/codegen_api/enums.py", lambda text: f"{text}\nMORE = 1\n",
     "generated/codegen_api/enums.py is not what openapi.yaml generates; run `make generate`"),
    ("generated/codegen_api/left_over.py", lambda text: "", "generated/codegen_api/left_over.py is not what"),
    ("codegen_ext/_version.py", lambda text: f'{text}URL = "/v1/organizations/323/usurs"\n',
     "names the path /v1/organizations/323/usurs, which the contract lacks"),
    ("examples/first_run.py", lambda text: f'{text}URL = "/v1/organizations/{{org_id}}/users"\n',
     "examples/first_run.py restates the path"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "change", "problem"), LINKS, ids=[f"{name}-{at}" for at, (name, *_) in enumerate(LINKS)]
)
def test_a_link_that_was_changed_by_hand_is_named(
    name: str, change: Callable[[str], str], problem: str, copy: Path
) -> None:
    file = copy / name
    before = file.read_text(encoding="utf-8") if file.exists() else None
    file.write_text(change(before or ""), encoding="utf-8")
    try:
        finished = make(copy, "check-contract")
    finally:
        file.write_text(before, encoding="utf-8") if before is not None else file.unlink()
    assert finished.returncode != 0
    assert problem in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_operation_that_is_missing_somewhere_is_named(copy: Path) -> None:
    file = copy / "spec" / "chatserver.yaml"
    before = file.read_text(encoding="utf-8")
    renamed = before.replace("operationId: get_platform_stats", "operationId: get_platform_numbers")
    file.write_text(renamed, encoding="utf-8")
    try:
        generated = make(copy, "generate")
        assert generated.returncode == 0, generated.stderr
        finished = make(copy, "check-contract")
    finally:
        file.write_text(before, encoding="utf-8")
        make(copy, "generate")
    assert "operation get_platform_numbers is not named by any test" in finished.stderr


def test_a_method_that_a_client_lost_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    from codegen_api._async.codegen import AsyncCodegenMethods

    monkeypatch.delattr(AsyncCodegenMethods, "get_user")
    assert list(handwritten.problems()) == ["operation get_user is not reachable as AsyncCodegenClient.get_user"]


def test_everything_agrees_now() -> None:
    assert list(check.contract_problems()) == []
    assert list(check.path_problems()) == []
    assert list(handwritten.problems()) == []


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
        (
            "from codegen_api.models import UsurResponse",
            "imports UsurResponse from codegen_api.models, which the contract lacks",
        ),
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
    found = list(handwritten.name_problems(package))
    if problem is None:
        assert found == []
    else:
        assert len(found) == 1
        assert found[0].startswith("codegen_ext/rooms.py:2 ")
        assert found[0].endswith(problem)


def test_a_field_that_the_contract_lost_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package, contract = tmp_path / "codegen_ext", tmp_path / load.CONTRACT.name
    package.mkdir()
    (package / "rooms.py").write_text('FIELDS = {"prompt": 1, "agent_type": 2}\n', encoding="utf-8")
    text = load.CONTRACT.read_text(encoding="utf-8")
    assert "agent_type" in text
    monkeypatch.setattr(versions, "at", lambda ref, *_: text if ref == "HEAD" else None)
    assert list(handwritten.name_problems(package)) == []
    contract.write_text(text.replace("agent_type", "agent_kind"), encoding="utf-8")
    renamed = load.load(contract)
    monkeypatch.setattr(load, "CONTRACT", contract)
    monkeypatch.setattr(load, "load", lambda *_: renamed)
    assert list(handwritten.name_problems(package)) == [
        "codegen_ext/rooms.py:1 names the field agent_type, which the contract lost since HEAD"
    ]


# Since the last tag


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Git]:
    """A small repository, and git in it."""
    root = tmp_path / "repository"
    return root, make_repository(root, monkeypatch)


def test_without_a_tag_that_is_said_and_passes(repository: tuple[Path, Git], tmp_path: Path) -> None:
    root, git = repository
    assert public_api.missing_tag(root) == "no release tag: there is none yet, so the public API is not compared"
    assert list(public_api.breaks(root)) == []
    write(root, "CHANGELOG.md", "# Changelog\n\n## [Unreleased]\n")
    assert list(public_api.changelog_problems(root)) == ["CHANGELOG.md is empty; say in Unreleased what users get"]
    git("commit", "--quiet", "--allow-empty", "-m", "Second")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth=1", f"file://{root}", shallow], check=True, capture_output=True)
    assert public_api.missing_tag(shallow) == (
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
    assert public_api.missing_tag(root) is None
    assert list(public_api.breaks(root)) == []
    write(root, file, text)
    assert list(public_api.breaks(root)) == ([] if problem is None else [problem])
    asks = any("raise the major version" in line for line in public_api.problems(root))
    assert asks is (problem is not None)
    write(root, "codegen_ext/_version.py", '__version__ = "2.0.0"\n')
    assert not any("raise the major version" in line for line in public_api.problems(root))


def test_a_public_package_that_is_gone_is_named(repository: tuple[Path, Git]) -> None:
    root, git = repository
    git("tag", "v1.2.0")
    (root / "codegen_ext" / "room" / "__init__.py").unlink()
    (root / "codegen_ext" / "room").rmdir()
    assert list(public_api.breaks(root)) == ["codegen_ext.room: public package was removed"]


def test_a_change_for_users_needs_a_word_in_the_changelog(repository: tuple[Path, Git]) -> None:
    root, git = repository
    git("tag", "v1.2.0")
    assert list(public_api.changelog_problems(root)) == []
    write(root, "docs/page.md", "A page.")
    assert list(public_api.changelog_problems(root)) == []
    write(root, "codegen_ext/inner.py", "")
    assert list(public_api.changelog_problems(root)) == [
        "CHANGELOG.md lacks the change: codegen_ext/inner.py differs from v1.2.0, but Unreleased is empty"
    ]
    log = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    write(root, "CHANGELOG.md", log.replace("## [Unreleased]\n", "## [Unreleased]\n\n- Less inside.\n"))
    assert list(public_api.changelog_problems(root)) == []
    contract = load.CONTRACT.read_text(encoding="utf-8").replace("operationId: get_user\n", "operationId: get_person\n")
    write(root, "openapi.yaml", contract)
    assert list(public_api.changelog_problems(root)) == [
        "CHANGELOG.md lacks the change: CodegenClient.get_user is called CodegenClient.get_person now"
    ]
    assert list(public_api.breaks(root)) == ["CodegenClient.get_user is called CodegenClient.get_person now"]
    write(root, "CHANGELOG.md", log.replace("## [Unreleased]\n", "## [Unreleased]\n\n- `get_user` is `get_person`.\n"))
    assert list(public_api.changelog_problems(root)) == []


def test_the_major_part_is_compared_with_the_tag(repository: tuple[Path, Git]) -> None:
    root, git = repository
    assert not versions.major_raised(root)
    git("tag", "v1.2.0")
    git("tag", "nightly")
    assert versions.last_tag(root) == "v1.2.0"
    assert not versions.major_raised(root)
    write(root, "codegen_ext/_version.py", '__version__ = "2.0.0"\n')
    assert versions.major_raised(root)


def test_outside_of_a_repository_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions.last_tag(tmp_path) is None
    monkeypatch.setenv("PATH", os.devnull)
    assert versions.git("status", root=tmp_path) is None
