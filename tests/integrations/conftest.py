"""The example applications, on loopback, against a sandbox on the machine's clock."""

import importlib.util
import sys
from collections.abc import Iterator
from types import ModuleType

import pytest

from codegen_ext.testing import Sandbox

from ..docs.pages import ROOT

SECRET = "a-secret-of-the-examples"


@pytest.fixture
def sandbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """The sandbox that the environment names."""
    with Sandbox(rate_limits=False, run_seconds=0, webhook_secret=SECRET) as running:
        monkeypatch.setenv("CODEGEN_API_TOKEN", running.token)
        monkeypatch.setenv("CODEGEN_ORG_ID", str(running.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", running.base_url)
        yield running


def load(name: str) -> ModuleType:
    """Import an example by its file name, as the name by which Django looks for its routes."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]
