"""Git repositories of the tests' own."""

import subprocess
from pathlib import Path


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def edit(root: Path, name: str, old: str, new: str) -> None:
    """Replace the first occurrence of a text in a file."""
    text = (root / name).read_text(encoding="utf-8")
    assert old in text
    write(root, name, text.replace(old, new, 1))


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def initialize(root: Path) -> Path:
    """Make a folder a repository in which everything is committed."""
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "config", "user.name", "a")
    git(root, "config", "user.email", "a@example.com")
    commit(root)
    return root


def commit(root: Path) -> None:
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "Change")
