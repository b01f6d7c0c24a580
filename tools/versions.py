"""What git knows: the last release, what stood in it, and whether the version's major part was raised since."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from tools import load

VERSION_FILE = "codegen_ext/_version.py"


def git(*arguments: str, root: Path = load.ROOT) -> str | None:
    """Return what a git command printed, or None where it failed, there is no git, or no repository."""
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, check=False, encoding="utf-8"
        )
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def last_tag(root: Path = load.ROOT) -> str | None:
    """Return the latest release tag that leads to HEAD, such as `v1.2.3`; a shallow clone may have none."""
    found = git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", root=root)
    return found.strip() if found else None


def is_shallow(root: Path = load.ROOT) -> bool:
    """Whether the clone lacks history, and so perhaps the tags."""
    return (git("rev-parse", "--is-shallow-repository", root=root) or "").strip() == "true"


def at(ref: str, name: str, root: Path = load.ROOT) -> str | None:
    """Return the text of a file as it was at a ref."""
    return git("show", f"{ref}:{name}", root=root)


def version_in(text: str) -> str | None:
    """Return the version that the text of the version file declares."""
    found = re.search(r'__version__ = "([^"]+)"', text)
    return found[1] if found else None


def current(root: Path = load.ROOT) -> str:
    """Return the version of the package in the working tree."""
    return version_in((root / VERSION_FILE).read_text(encoding="utf-8")) or "0"


def major(version: str) -> int:
    """Return the major part of a version or tag."""
    return int(re.sub(r"\D.*", "", version.removeprefix("v")) or 0)


def major_raised(root: Path = load.ROOT) -> bool:
    """Whether the package's major version is higher than at the last tag; without a tag it cannot be."""
    tag = last_tag(root)
    return tag is not None and major(current(root)) > major(version_in(at(tag, VERSION_FILE, root) or "") or tag)
