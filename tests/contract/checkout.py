"""A copy of the repository in which the make targets run."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from tools import load


def copy_sources(folder: Path) -> Path:
    """Copy what git would: the tracked files, and new ones that it does not ignore."""
    names = subprocess.check_output(["git", "ls-files", "-co", "--exclude-standard"], cwd=load.ROOT, text=True)
    for name in names.splitlines():
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


def contents(folder: Path) -> dict[str, bytes]:
    """Return the bytes of all files that the targets may write."""
    kept = ("CHANGELOG.md", "openapi.yaml", "spec", "generated")
    paths = (path for name in kept for path in sorted([folder / name, *(folder / name).rglob("*")]))
    return {str(path.relative_to(folder)): path.read_bytes() for path in paths if path.is_file()}
