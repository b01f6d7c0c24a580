"""A small repository with a package of two public names, for what compares with the last tag."""

import subprocess
from pathlib import Path

import pytest

from tools import load

AGENT = "class Agent:\n    def run(self, prompt, limit=1): ...\n\n    def _inner(self, a): ...\n"
FILES = {
    "codegen_ext/_version.py": '__version__ = "1.2.0"\n',
    "codegen_ext/__init__.py": "from .agent import Agent as Agent\nfrom codegen_api.models import User as User\n",
    "codegen_ext/agent.py": AGENT,
    "codegen_ext/inner.py": "def helper(a): ...\n",
    "codegen_ext/room/__init__.py": "from codegen_ext.inner import helper as helper\n",
    "generated/codegen_api/__init__.py": "",
    "generated/codegen_api/models.py": "class User:\n    id: int\n    email: str\n",
    "CHANGELOG.md": "# Changelog\n\n## [Unreleased]\n\n## [1.2.0] - 2026-01-01\n\n- First.\n",
}


def write(root: Path, name: str, text: str) -> None:
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_text(text, encoding="utf-8")


def git(root: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True).stdout


def make(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Commit the files at version 1.2.0, without a tag."""
    for name in ("AUTHOR", "COMMITTER"):
        monkeypatch.setenv(f"GIT_{name}_NAME", "a")
        monkeypatch.setenv(f"GIT_{name}_EMAIL", "a@example.com")
    for name, text in FILES.items():
        write(root, name, text)
    write(root, load.CONTRACT.name, load.CONTRACT.read_text(encoding="utf-8"))
    git(root, "init", "--quiet", "--initial-branch=main")
    git(root, "add", "-A")
    git(root, "commit", "--quiet", "-m", "First")
