"""What changed for users since the last tag: no silent break of the public API, and a changelog.

Without a tag there is nothing to compare with. A shallow clone may lack the tags that exist: fetch them
(`fetch-depth: 0` in a workflow).
"""

from __future__ import annotations

import io
import logging
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import griffe

from tools import changelog, load, versions

RELEASED = ("codegen_ext", "openapi.yaml")
"""What users get; a change of it belongs into the changelog."""


def breaks(root: Path = load.ROOT) -> Iterator[str]:
    """Say what the public Python API and the contract lost or changed since the last tag."""
    tag = versions.last_tag(root)
    if tag is None:
        return
    contracts = versions.at(tag, load.CONTRACT.name, root), (root / load.CONTRACT.name).read_text(encoding="utf-8")
    before, after = map(_places, contracts if contracts[0] != contracts[1] else ("", ""))
    for name in sorted(before.keys() & after.keys()):
        if before[name] != after[name]:
            yield f"{name} is {after[name]} now and was {before[name]}"
    with tempfile.TemporaryDirectory() as folder:
        command = ["git", "archive", tag, "codegen_ext", "generated"]
        archive = subprocess.run(command, cwd=root, capture_output=True, check=True)
        with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
            files.extractall(folder, filter="data")
        old, new = _load(Path(folder)), _load(root)
    lines: list[str | None] = []
    for name in old:
        if name in new:
            homes = _publish(old[name]) | _publish(new[name])
            lines += [_said(breakage, homes) for breakage in griffe.find_breaking_changes(old[name], new[name])]
        elif _publish(old[name]):
            lines.append(f"{name}: public package was removed")
    yield from dict.fromkeys(line for line in lines if line)


def problems(root: Path = load.ROOT) -> Iterator[str]:
    """Name what breaks users' code without a new major version, and a change that the changelog does not tell."""
    tag = versions.last_tag(root)
    if not changelog.unreleased((root / load.CHANGELOG.name).read_text(encoding="utf-8")):
        changed = versions.git("diff", "--name-only", tag, "--", *RELEASED, root=root) if tag else "everything"
        if changed:
            yield f"CHANGELOG.md has nothing in Unreleased, but {changed.split()[0]} differs from the last release"
    if tag is not None and not versions.major_raised(root):
        yield from (f"{line} since {tag}; raise the major version" for line in breaks(root))


def _places(contract: str | None) -> dict[str, str]:
    """Return verb and path of each operation in the text of a contract."""
    operations = load.each_operation(load.parse(contract)) if contract else []
    return {operation["operationId"]: f"{method.upper()} {path}" for path, method, operation in operations}


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
