"""The hatch build hook: a distribution is only built from a contract and a generated client that agree."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class GeneratedClientHook(BuildHookInterface):  # type: ignore[type-arg]
    """Generates into a temporary folder and refuses to build when generated/ differs."""

    def dependencies(self) -> list[str]:
        """Return what generating needs; a source distribution is built from what is in it."""
        root = Path(self.root)
        if (root / "PKG-INFO").exists():
            return []
        groups = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["dependency-groups"]
        return list(groups["generate"])

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002
        """Compare, except for an editable installation, in which generated/ is work in progress."""
        if version == "editable" or (Path(self.root) / "PKG-INFO").exists():
            return
        sys.path.insert(0, str(Path(self.root)))
        from tools import generate, load, normalize

        try:
            is_given = normalize.text(normalize.contract().data) == load.CONTRACT.read_text(encoding="utf-8")
            stale = [*([] if is_given else ["openapi.yaml"]), *generate.stale_files(load.load())]
        except load.SpecError as error:
            self.app.abort(f"the client cannot be generated: {error}")
        if stale:
            self.app.abort("not what `make generate` writes: " + ", ".join(stale))
