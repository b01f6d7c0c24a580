"""`make release` prepares version, changelog and tag in a clone, or changes nothing."""

import datetime
import subprocess
from pathlib import Path

import pytest

from tools import changelog, release, versions

from .repositories import LOG, make, write

pytestmark = pytest.mark.slow

DAY = datetime.date(2026, 11, 21)


@pytest.fixture
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A small repository that is ready for a release."""
    root = tmp_path / "clone"
    make(root, monkeypatch)
    write(root, "CHANGELOG.md", LOG.replace("## [Unreleased]\n", "## [Unreleased]\n\n### Added\n\n- A thing.\n"))
    commit(root)
    return root


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "Change")


def edit(root: Path, name: str, old: str, new: str) -> None:
    path = root / name
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    commit(root)


def refusal(root: Path, version: str) -> str:
    before = git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag")
    with pytest.raises(release.ReleaseRefusedError) as caught:
        release.release(version, DAY, root)
    assert (git(root, "rev-parse", "HEAD"), git(root, "status", "--porcelain"), git(root, "tag")) == before
    return str(caught.value)


def test_it_prepares_version_changelog_and_tag(clone: Path) -> None:
    assert release.release("1.3.0", DAY, clone) == "v1.3.0"
    assert versions.current(clone) == "1.3.0"
    text = (clone / "CHANGELOG.md").read_text(encoding="utf-8")
    assert changelog.unreleased(text) == ""
    assert "## [1.3.0] - 2026-11-21\n\n### Added\n\n- A thing.\n" in text
    assert git(clone, "status", "--porcelain") == ""
    assert git(clone, "log", "-1", "--format=%s").strip() == "Release 1.3.0"
    assert git(clone, "cat-file", "-t", "v1.3.0").strip() == "tag"
    assert git(clone, "rev-parse", "v1.3.0^{commit}") == git(clone, "rev-parse", "HEAD")
    assert versions.last_tag(clone) == "v1.3.0"


@pytest.mark.parametrize("version", ["1.3", "1.3.0rc1", "01.2.3", "1.3.0; rm -rf /"])
def test_a_version_that_is_none_and_an_unfinished_tree_are_refused(version: str, clone: Path) -> None:
    assert "is not a version such as 1.2.3" in refusal(clone, version)
    (clone / "new.txt").write_text("x", encoding="utf-8")
    assert "not clean: ?? new.txt" in refusal(clone, "1.3.0")


def test_nothing_to_release_and_a_lower_version_are_refused(clone: Path) -> None:
    release.release("1.3.0", DAY, clone)
    assert "the tag v1.3.0 is there already" in refusal(clone, "1.3.0")
    assert "nothing in Unreleased" in refusal(clone, "1.4.0")
    edit(clone, "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- More.\n")
    assert "1.2.9 is not higher than v1.3.0" in refusal(clone, "1.2.9")
    assert release.release("1.10.0", DAY, clone) == "v1.10.0"


def test_what_breaks_needs_a_higher_major_version(clone: Path) -> None:
    release.release("1.3.0", DAY, clone)
    edit(clone, "CHANGELOG.md", "## [Unreleased]\n", "## [Unreleased]\n\n- More.\n")
    edit(clone, "codegen_ext/agent.py", "def run(", "def start(")
    said = refusal(clone, "1.4.0")
    assert said == (
        "codegen_ext.Agent.run: public object was removed, so the major version must be raised above that of v1.3.0"
    )
    assert release.release("2.0.0", DAY, clone) == "v2.0.0"


def test_a_failing_git_leaves_everything_as_it_was(clone: Path) -> None:
    hook = clone / ".git" / "hooks" / "pre-commit"
    hook.write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
    hook.chmod(0o755)
    assert "git could not commit and tag" in refusal(clone, "1.3.0")


def test_the_command_says_what_comes_next(
    clone: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(release, "release", lambda version, today: f"v{version}")
    assert release.main(["1.3.0"]) == 0
    assert capsys.readouterr().out == "v1.3.0 is ready; publish it with: git push --follow-tags\n"
    monkeypatch.undo()
    assert release.main(["one"]) == 1
    assert "is not a version" in capsys.readouterr().err
