"""What the package says about itself, for comparison with what the pages say."""

import tomllib
from typing import Any

from codegen_ext import ClientConfig

from .pages import ROOT


def settings() -> dict[str, tuple[list[str], Any]]:
    """Return the settings of the configuration, each with its environment variables and its default."""
    return {name: (list(declared.variables), declared.default) for name, declared in ClientConfig.settings.items()}


def environment_variables() -> set[str]:
    """Return the environment variables that a configuration and the logger read."""
    return {"CODEGEN_LOG", *(name for names, _ in settings().values() for name in names)}


def extras() -> set[str]:
    """Return the extras of the distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["optional-dependencies"])
