"""What the package says about itself, for comparison with what the pages say."""

import tomllib
from types import SimpleNamespace
from typing import Any

import attrs
import pytest

from codegen_ext import ClientConfig
from codegen_ext import settings as declaration

from .pages import ROOT


class _Asked(dict[str, str]):
    """An empty environment that remembers which variables were asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.names.append(name)
        return default


def settings() -> dict[str, tuple[list[str], Any]]:
    """Return the fields of the configuration, each with its environment variables and its default."""
    found = {}
    for field in attrs.fields(ClientConfig):
        environment = _Asked()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(declaration, "os", SimpleNamespace(environ=environment))
            default = field.default.factory() if isinstance(field.default, attrs.Factory) else field.default
        found[field.name] = environment.names, default
    return found


def environment_variables() -> set[str]:
    """Return the environment variables that a configuration reads."""
    return {name for names, _ in settings().values() for name in names}


def extras() -> set[str]:
    """Return the extras of the distribution."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return set(project["optional-dependencies"])
