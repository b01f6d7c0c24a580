"""The example applications and other programs, on loopback, against sandboxes on the machine's clock."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import pytest

from codegen_ext.testing import Sandbox

from ..docs.pages import ROOT

SECRET = "a-secret-of-the-examples"


@pytest.fixture
def sandbox(monkeypatch):
    """The sandbox that the environment names."""
    with Sandbox(rate_limits=False, run_seconds=0, webhook_secret=SECRET) as running:
        monkeypatch.setenv("CODEGEN_API_TOKEN", running.token)
        monkeypatch.setenv("CODEGEN_ORG_ID", str(running.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", running.base_url)
        yield running


def load(name):
    """Import an example by its file name, as the name by which Django looks for its routes."""
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / "examples" / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class Program(NamedTuple):
    """A program that runs in a process group of its own."""

    process: subprocess.Popen[bytes]
    path: Path

    def log(self):
        return self.path.read_text()


Start = Callable[..., Program]


@pytest.fixture
def start(tmp_path):
    """Start modules as programs; each ends with the test, and so do its children."""
    with ExitStack() as stack:

        def run(module, *arguments, **environment):
            path = tmp_path / f"{len(list(tmp_path.glob('*.log')))}.log"
            log = stack.enter_context(path.open("wb"))
            command = [sys.executable, "-m", module, *arguments]
            env = {**os.environ, **environment}
            process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log, start_new_session=True)
            stack.callback(process.wait)
            stack.callback(os.killpg, process.pid, signal.SIGKILL)
            return Program(process, path)

        yield run
