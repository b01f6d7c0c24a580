"""The import names of older packages, from the tree as it stands, as if they were installed."""

import importlib
import sys
import warnings
from collections.abc import Iterator

import pytest

from ..docs.pages import ROOT

TREE = ROOT / "compat"
PACKAGES = ("backend", "chatserver_sdk", "claif_cod", "codegen", "graph_sitter")


def forget() -> None:
    """Let the next import be the first."""
    for name in list(sys.modules):
        if name.partition(".")[0] in PACKAGES:
            del sys.modules[name]
    importlib.invalidate_caches()


@pytest.fixture
def old_names(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Put `compat/` on the path, and its modules out of memory afterwards."""
    monkeypatch.syspath_prepend(str(TREE))
    forget()
    yield
    forget()


@pytest.fixture
def quiet_old_names(old_names: None) -> Iterator[None]:
    """The same, for tests of something else than that these names are old."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r".* is an old name", DeprecationWarning)
        yield
