"""What git knows: the last release, what stood in it, and whether the version's major part was raised since."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tools import load

VERSION_FILE = "codegen_ext/_version.py"


def git(*arguments: str, root: Path = load.ROOT) -> str | None:
    """Return what a git command printed, or None where it failed or there is no git."""
    try:
        command = ["git", *arguments]
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False, encoding="utf-8")
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def last_tag(root: Path = load.ROOT) -> str | None:
    """Return the latest release tag that leads to HEAD, such as `v1.2.3`; a shallow clone may have none."""
    found = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", root=root)
    return found.strip() if found else None


def at(ref: str, name: str, root: Path = load.ROOT) -> str | None:
    """Return the text of a file as it was at a ref."""
    return git("show", f"{ref}:{name}", root=root)


def current(root: Path = load.ROOT) -> str:
    """Return the version of the package in the working tree."""
    found = re.search(r'__version__ = "([^"]+)"', (root / VERSION_FILE).read_text(encoding="utf-8"))
    return found[1] if found else "0"


def parts(version: str) -> list[int]:
    """Return the numbers of a version or a tag."""
    return [int(part) for part in re.findall(r"\d+", version)[:3]]


def major_raised(root: Path = load.ROOT) -> bool:
    """Whether the package's major version is higher than at the last tag; without a tag it cannot be."""
    tag = last_tag(root)
    return tag is not None and parts(current(root))[0] > parts(tag)[0]
