"""What changed for users since the last tag: no silent break of the public API, and a changelog.

Without a tag there is nothing to compare with; that is said and passes. A shallow clone may lack the tags that exist:
fetch them (`fetch-depth: 0` in a workflow).
"""

from __future__ import annotations

import io
import logging
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import griffe

from tools import changelog, load, versions
from tools.load import CLIENTS

RELEASED = ("codegen_ext", "openapi.yaml")
"""What users get; a change of it belongs into the changelog."""


def missing_tag(root: Path = load.ROOT) -> str | None:
    """Say why there is nothing to compare with, or return None."""
    if versions.last_tag(root) is not None:
        return None
    reason = "this clone is shallow; fetch the tags" if versions.is_shallow(root) else "there is none yet"
    return f"no release tag: {reason}, so the public API is not compared"


def operations_lost(root: Path = load.ROOT) -> dict[str, str]:
    """Return what became of the methods that the contract lost since the last tag, or that do something else now."""
    tag = versions.last_tag(root)
    old = versions.at(tag, load.CONTRACT.name, root) if tag else None
    if old is None:
        return {}
    contracts = load.parse(old, f"openapi.yaml at {tag}"), load.load(root / load.CONTRACT.name)
    before, after = (
        {
            f"{CLIENTS[operation['x-codegen']['service']]}.{operation['operationId']}": (method.upper(), path)
            for path, method, operation in load.each_operation(contract)
        }
        for contract in contracts
    )
    names = {place: name for name, place in after.items()}
    lost = {}
    for name, place in before.items():
        if name not in after:
            lost[name] = f"is called {names[place]} now" if place in names else "is gone"
        elif after[name] != place:
            lost[name] = f"is {' '.join(after[name])} now and was {' '.join(place)}"
    return lost


def breaks(root: Path = load.ROOT) -> Iterator[str]:
    """Say what the public Python API and the contract lost or changed since the last tag."""
    tag = versions.last_tag(root)
    if tag is None:
        return
    yield from (f"{name} {became}" for name, became in operations_lost(root).items())
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
        yield from lines


def problems(root: Path = load.ROOT) -> Iterator[str]:
    """Name what breaks users' code without a new major version, and what the changelog does not say."""
    tag = versions.last_tag(root)
    if tag is not None and not versions.major_raised(root):
        yield from (f"{line} since {tag}; raise the major version" for line in breaks(root))
    yield from changelog_problems(root)


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


def changelog_problems(root: Path = load.ROOT) -> Iterator[str]:
    """Say what changed for users since the last tag without a word about it in the changelog."""
    tag = versions.last_tag(root)
    text = (root / load.CHANGELOG.name).read_text(encoding="utf-8")
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
    for name, became in operations_lost(root).items():
        if not re.search(rf"\b{re.escape(name.rpartition('.')[2])}\b", written):
            yield f"CHANGELOG.md lacks the change: {name} {became}"
