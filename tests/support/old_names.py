"""The import names of older packages, from the tree as it stands, as if they were installed."""

import importlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2] / "compat"
PACKAGES = ("backend", "chatserver_sdk", "claif_cod", "codegen", "graph_sitter")


def forget() -> None:
    """Let the next import be the first."""
    for name in list(sys.modules):
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def old_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put `compat/` on the path, without warnings, and its modules out of memory afterwards."""
    monkeypatch.syspath_prepend(str(TREE))
    forget()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".* is an old name", DeprecationWarning)
        yield
    forget()
