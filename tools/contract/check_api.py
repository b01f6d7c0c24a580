"""What `make check` asks of a change against the last release: no silent break of the public API, and a changelog.

Without a tag there is nothing to compare with; that is said and passes. A shallow clone may lack the tags that exist:
fetch them (`fetch-depth: 0` in a workflow).
"""

from __future__ import annotations

import io
import logging
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import griffe

from tools.contract import changelog, changes, comparing, document, versions

RELEASED = ("codegen_ext", "openapi.yaml")
"""What users get; a change of it belongs into the changelog."""


def missing_tag(root: Path = document.ROOT) -> str | None:
    """Say why there is nothing to compare with, or return None."""
    if versions.last_tag(root) is not None:
        return None
    reason = "this clone is shallow; fetch the tags" if versions.is_shallow(root) else "there is none yet"
    return f"no release tag: {reason}, so the public API is not compared"


def api_problems(root: Path = document.ROOT) -> Iterator[str]:
    """Name what the public Python API lost or changed since the last tag, unless the major version was raised."""
    tag = versions.last_tag(root)
    if tag is None or versions.major_raised(root):
        return
    with tempfile.TemporaryDirectory() as folder:
        archive = subprocess.run(
            ["git", "archive", tag, "codegen_ext", "generated"], cwd=root, capture_output=True, check=True
        )
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        old, new = _load(Path(folder)), _load(root)
        lines: dict[str, None] = {}
        for name in old:
            if name not in new and _publish(old[name]):
                lines[f"{name}: public package was removed"] = None
            elif name in new:
                homes = _publish(old[name]) | _publish(new[name])
                for breakage in griffe.find_breaking_changes(old[name], new[name]):
                    if said := _said(breakage, homes):
                        lines[said] = None
        yield from (f"{line} since {tag}; raise the major version" for line in lines)


def _load(root: Path) -> dict[str, griffe.Module]:
    """Read codegen_ext and the packages in it, whose `__init__` says what is public, without running them.

    griffe would look into the working directory first.
    """
    logging.getLogger("griffe").setLevel(logging.CRITICAL)
    loader = griffe.GriffeLoader(search_paths=[str(root), str(root / "generated")], allow_inspection=False)
    for name in ("codegen_api", "codegen_ext"):
        loader.load(name, try_relative_path=False)
    loader.resolve_aliases(external=False, implicit=True)
    package = loader.modules_collection["codegen_ext"]
    inner = [module for module in package.modules.values() if module.is_subpackage]
    return {module.path: module for module in (package, *inner) if isinstance(module, griffe.Module)}


def _publish(module: griffe.Module) -> dict[str, str]:
    """Make public what a package imports from the others, and nothing else; returns the public names by path.

    The packages compute `__all__` and import lazily, which griffe, reading only, cannot follow.
    """
    members = {
        member.target_path: name
        for name, member in module.members.items()
        if isinstance(member, griffe.Alias) and member.target_path.startswith(("codegen_ext.", "codegen_api."))
    }
    module.exports = list[str | griffe.ExprName](sorted(members.values()))
    return {path: f"{module.path}.{name}" for path, name in members.items()}


def _said(breakage: griffe.Breakage, homes: dict[str, str]) -> str | None:
    """Name what broke as users know it; None for what they cannot see, because griffe walks through every module."""
    path = breakage.obj.path
    home = next((home for home in homes if path == home or path.startswith(f"{home}.")), None)
    if home is None:
        return f"{path}: {breakage.kind.value.lower()}" if path in homes.values() else None
    changed = breakage.old_value or breakage.new_value
    argument = f"({changed.name})" if isinstance(changed, griffe.Parameter) else ""
    return f"{homes[home]}{path.removeprefix(home)}{argument}: {breakage.kind.value.lower()}"


def changelog_problems(root: Path = document.ROOT) -> Iterator[str]:
    """Say what changed for users since the last tag without a word about it in the changelog."""
    tag = versions.last_tag(root)
    text = (root / document.CHANGELOG.name).read_text(encoding="utf-8")
    version = tag and (versions.version_in(versions.at(tag, versions.VERSION_FILE, root) or "") or tag[1:])
    written = changelog.since(text, version)
    if tag is None:
        if not written:
            yield "CHANGELOG.md is empty; say in Unreleased what users get"
        return
    changed = versions.git("diff", "--name-only", tag, "--", *RELEASED, root=root) or ""
    if changed and not written:
        yield f"CHANGELOG.md lacks the change: {changed.split()[0]} differs from {tag}, but Unreleased is empty"
        return
    old = versions.at(tag, document.CONTRACT.name, root)
    if old is None or document.CONTRACT.name not in changed.split():
        return
    now = (root / document.CONTRACT.name).read_text(encoding="utf-8")
    for change in comparing.compare(document.parse(old), document.parse(now)):
        name = re.sub(r"\(.*", "", (change.python or [change.where])[0]).rpartition(".")[2]
        matters = change.severity == changes.BREAKING or change.kind == "operation"
        if matters and not re.search(rf"\b{re.escape(name)}\b", written):
            yield f"CHANGELOG.md lacks the change: {change.kind} {change.action}, {change.where}: {change.detail}"


def report_missing_tag() -> None:
    """Print why nothing was compared, where that is so; it is no failure."""
    if message := missing_tag():
        print(message, file=sys.stderr)
