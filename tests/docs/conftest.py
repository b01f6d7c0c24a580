"""What the Python blocks of a page run on, one after the other, as for a reader."""

import random
import time
from contextlib import redirect_stdout
from io import StringIO

import pytest

from codegen_ext.clock import SystemClock
from codegen_ext.testing import Sandbox


@pytest.fixture
def fake_time(clock, monkeypatch):
    """Clients and sandboxes that choose no clock, and `time.sleep`, share a fake one."""
    for name in ("time", "monotonic", "sleep", "sleep_async", "wait"):
        monkeypatch.setattr(SystemClock, name, staticmethod(getattr(clock, name)))
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


@pytest.fixture
def codegen_service(fake_time, monkeypatch, tmp_path):
    """The sandbox that the environment names; it takes any token, since the pages say `your-api-token`."""
    monkeypatch.chdir(tmp_path)
    with Sandbox(rate_limits=False, run_seconds=10, token=None, webhook_secret="your-webhook-secret") as sandbox:
        monkeypatch.setenv("CODEGEN_API_TOKEN", "your-api-token")
        monkeypatch.setenv("CODEGEN_ORG_ID", str(sandbox.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", sandbox.base_url)
        monkeypatch.setenv("CODEGEN_WEBHOOK_SECRET", "your-webhook-secret")
        yield sandbox


def run(block, page, namespace, fixture):
    """Run a block, and the tests that it defines; return what it printed."""
    code = compile("\n" * (block.line - 1) + block.content, str(page), "exec", dont_inherit=True)
    before = dict(namespace)
    random.seed(0)  # pauses between polls are random
    with redirect_stdout(StringIO()) as printed:
        exec(code, namespace)
        for name, value in list(namespace.items()):
            if name.startswith("test_") and before.get(name) is not value:
                arguments = value.__code__.co_varnames[: value.__code__.co_argcount]
                value(**{argument: fixture(argument) for argument in arguments})
    return printed.getvalue()
