"""Git repositories: a copy of this one in which the make targets run, and small ones."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tools import load


def copy_sources(folder: Path) -> Path:
    """Copy what git would: the tracked files, and new ones that it does not ignore."""
    for name in git(load.ROOT, "ls-files", "-co", "--exclude-standard").splitlines():
        if (load.ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(load.ROOT / name, folder / name)
    return folder


def make_copy(folder: Path, *, npm: bool = True) -> Path:
    """Copy the sources, with the installation and what npm installed beside them."""
    copy_sources(folder)
    (folder / ".venv").symlink_to(sys.prefix)
    if npm and (load.ROOT / "node_modules").exists():
        (folder / "node_modules").symlink_to((load.ROOT / "node_modules").resolve())
        # npm, which make runs where the list is newer than what is installed, would empty the folder behind the link.
        os.utime(folder / "package-lock.json", (0, 0))
    return folder


def without_npm(folder: Path) -> str:
    """Return a PATH to the programs that make needs, without node, npm and npx."""
    (folder / "bin").mkdir()
    for name in ("make", "sh", "bash", "env", "test", "echo", "git"):
        found = shutil.which(name)
        assert found is not None
        (folder / "bin" / name).symlink_to(found)
    return str(folder / "bin")


def make(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
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


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def initialize(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder a repository in which everything is committed."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.com")
    git(root, "init", "--quiet", "--initial-branch=main")
    commit(root)
    return root


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "Change")
