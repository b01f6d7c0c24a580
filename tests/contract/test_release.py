"""What is compared with the last tag, the changelog, and `make release`, which prepares all or changes nothing."""

import datetime
import os
import shutil
from pathlib import Path

import pytest

from tools import changelog, load, public_api, release, versions
from tools.api_diff import BREAKING, DANGEROUS, SAFE, Change, changelog_entry

from .repositories import AGENT, git, make, write

pytestmark = pytest.mark.slow

DAY = datetime.date(2026, 11, 21)
MOVED = load.CONTRACT.read_text(encoding="utf-8").replace("/v1/users/me:", "/v1/users/self:")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository whose only commit is released as v1.2.0."""
    make(tmp_path / "repository", monkeypatch)
    git(tmp_path / "repository", "tag", "v1.2.0")
    git(tmp_path / "repository", "tag", "nightly")
    return tmp_path / "repository"


# Since the last tag


def test_without_a_tag_there_is_nothing_to_compare_with(root: Path) -> None:
    git(root, "tag", "--delete", "v1.2.0")
    assert not versions.major_raised(root)
    assert list(public_api.breaks(root)) == []
    assert list(public_api.problems(root)) == [
        "CHANGELOG.md has nothing in Unreleased, but everything differs from the last release"
    ]


PUBLIC = [
    ("codegen_ext/agent.py", AGENT.replace("run(", "start("), "codegen_ext.Agent.run: public object was removed"),
    ("codegen_ext/agent.py", AGENT.replace(", limit=1", ""), "codegen_ext.Agent.run(limit): parameter was removed"),
    ("codegen_ext/agent.py", AGENT.replace("=1", ""), "codegen_ext.Agent.run(limit): parameter is now required"),
    ("codegen_ext/__init__.py", "from .agent import Agent as Agent\n", "codegen_ext.User: public object was removed"),
    ("generated/codegen_api/models.py", "class User:\n    id: int\n",
     "codegen_ext.User.email: public object was removed"),
    ("codegen_ext/agent.py", AGENT.replace("_inner", "_other"), None),
    ("codegen_ext/agent.py", AGENT.replace("=1", "=1, more=2"), None),
    ("codegen_ext/inner.py", "def helper(a): ...\n\n\ndef other(): ...\n", None),
    ("codegen_ext/inner.py", "def helper(): ...\n", "codegen_ext.room.helper(a): parameter was removed"),
    ("codegen_ext/room/__init__.py", None, "codegen_ext.room: public package was removed"),
    ("openapi.yaml", MOVED, "get_current_user is GET /v1/users/self now and was GET /v1/users/me"),
]  # fmt: skip


@pytest.mark.parametrize(("file", "text", "problem"), PUBLIC, ids=range(len(PUBLIC)))
def test_the_public_api_is_compared_with_the_last_tag(
    file: str, text: str | None, problem: str | None, root: Path
) -> None:
    assert list(public_api.breaks(root)) == []
    if text is None:
        shutil.rmtree((root / file).parent)
    else:
        write(root, file, text)
    assert list(public_api.breaks(root)) == ([] if problem is None else [problem])
    asks = any("raise the major version" in line for line in public_api.problems(root))
    assert asks is (problem is not None)
    write(root, "codegen_ext/_version.py", '__version__ = "2.0.0"\n')
    assert not any("raise the major version" in line for line in public_api.problems(root))


def test_a_change_for_users_needs_a_word_in_the_changelog(root: Path) -> None:
    write(root, "docs/page.md", "A page.")
    assert list(public_api.problems(root)) == []
    write(root, "codegen_ext/inner.py", "def helper(a): ...\n\n\nMORE = 1\n")
    assert list(public_api.problems(root)) == [
        "CHANGELOG.md has nothing in Unreleased, but codegen_ext/inner.py differs from the last release"
    ]
    announce(root, "- Less inside.")
    assert list(public_api.problems(root)) == []


def test_outside_of_a_repository_nothing_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert versions.last_tag(tmp_path) is None
    monkeypatch.setenv("PATH", os.devnull)
    assert versions.git("status", root=tmp_path) is None


# The changelog

CHANGES = """# Changelog

## [Unreleased]

### Added

- One thing
  in two lines.

### Fixed

- A fault.

## [1.0.0] - 2026-01-01

- First.
"""


def test_lines_go_to_their_sections_and_are_not_repeated() -> None:
    entry = {"Added": ["- One thing in two lines.", "- Another."], "Removed": ["- Old."]}
    text = changelog.with_entry(CHANGES, entry)
    assert changelog.unreleased(text).split("\n\n") == [
        "### Added", "- Another.\n- One thing\n  in two lines.", "### Fixed", "- A fault.", "### Removed", "- Old.",
    ]  # fmt: skip
    assert text.endswith("\n\n## [1.0.0] - 2026-01-01\n\n- First.\n")
    assert changelog.with_entry(text, entry) == text
    assert changelog.with_entry(CHANGES, {}) == CHANGES
    assert changelog.unreleased(changelog.with_entry("## [Unreleased]\n", entry)).startswith("### Added\n\n- One thing")


def test_the_proposal_names_what_users_notice() -> None:
    changes = [
        Change(BREAKING, "removed", "GET /x", "Operation was removed.", ("C.get_x", "AsyncC.get_x")),
        Change(SAFE, "changed", "X", "type: integer -> number", ("X",)),
        Change(SAFE, "added", "X.y", "Schema added", ("X.y",)),
        Change(DANGEROUS, "changed", "GET /x", "rate-limit: 60 -> 5", ("C.get_y",)),
    ]
    assert changelog_entry(changes) == {
        "Added": ["- `X.y` is new."],
        "Changed": ["- `C.get_y`: rate-limit: 60 -> 5."],
        "Removed": ["- **Breaking:** `C.get_x` is gone."],
    }


# The release


def announce(root: Path, line: str) -> None:
    """Write a line into Unreleased and commit everything."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    write(root, "CHANGELOG.md", text.replace("## [Unreleased]\n", f"## [Unreleased]\n\n{line}\n"))
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "Change")


def refusal(root: Path, version: str) -> str:
    before = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag")
    with pytest.raises(release.ReleaseRefusedError) as caught:
        release.release(version, DAY, root)
    assert (git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag")) == before
    return str(caught.value)


def test_it_prepares_version_changelog_and_tag(root: Path) -> None:
    announce(root, "### Added\n\n- A thing.")
    assert release.release("1.3.0", DAY, root) == "v1.3.0"
    assert versions.current(root) == "1.3.0"
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.unreleased(text) == ""
    assert "## [Unreleased]\n\n## [1.3.0] - 2026-11-21\n\n### Added\n\n- A thing.\n" in text
    assert git(root, "status", "--porcelain") == ""
    assert git(root, "log", "-1", "--format=%s").strip() == "Release 1.3.0"
    assert git(root, "cat-file", "-t", "v1.3.0").strip() == "tag"
    assert git(root, "rev-parse", "v1.3.0^{commit}") == git(root, "rev-parse", "HEAD")
    assert versions.last_tag(root) == "v1.3.0"
    assert "the tag v1.3.0 is there already" in refusal(root, "1.3.0")


def test_what_is_not_ready_is_refused(root: Path) -> None:
    assert "nothing in Unreleased" in refusal(root, "1.4.0")
    announce(root, "- More.")
    assert "1.1.9 is not higher than v1.2.0" in refusal(root, "1.1.9")
    for version in ("1.3", "1.3.0rc1", "01.2.3", "1.3.0; rm -rf /"):
        assert "is not a version such as 1.2.3" in refusal(root, version)
    write(root, "new.txt", "x")
    assert "not clean: ?? new.txt" in refusal(root, "1.3.0")
    (root / "new.txt").unlink()
    assert release.release("1.10.0", DAY, root) == "v1.10.0"
    announce(root, "- Still more.")
    assert "1.9.0 is not higher than v1.10.0" in refusal(root, "1.9.0")


def test_what_breaks_needs_a_higher_major_version(root: Path) -> None:
    write(root, "codegen_ext/agent.py", AGENT.replace("run(", "start("))
    announce(root, "- More.")
    assert refusal(root, "1.4.0") == (
        "codegen_ext.Agent.run: public object was removed, so the major version must be raised above that of v1.2.0"
    )
    assert release.release("2.0.0", DAY, root) == "v2.0.0"


def test_a_failing_git_leaves_everything_as_it_was(root: Path) -> None:
    announce(root, "- More.")
    write(root, ".git/hooks/pre-commit", "#!/bin/sh\nexit 1\n")
    (root / ".git" / "hooks" / "pre-commit").chmod(0o755)
    assert "git could not commit and tag" in refusal(root, "1.3.0")


def test_the_command_says_what_comes_next(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(release, "release", lambda version, today: f"v{version}")
        assert release.main(["1.3.0"]) == 0
    assert capsys.readouterr().out == "v1.3.0 is ready; publish it with: git push --follow-tags\n"
    assert release.main(["one"]) == 1
    assert "is not a version" in capsys.readouterr().err
