import time
from collections.abc import Iterator

import pytest

from codegen_ext.clock import SystemClock
from codegen_ext.testing import FakeClock, Sandbox

from ..support.old_names import old_names, quiet_old_names

__all__ = ["old_names", "quiet_old_names"]


@pytest.fixture
def fake_time(clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> FakeClock:
    """Clients and sandboxes that choose no clock, and `time.sleep`, share a fake one."""
    for name in ("time", "monotonic", "sleep", "sleep_async", "wait"):
        if hasattr(SystemClock, name):
            monkeypatch.setattr(SystemClock, name, staticmethod(getattr(clock, name)))
    monkeypatch.setattr(time, "sleep", clock.sleep)
    return clock


@pytest.fixture
def codegen_service(fake_time: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that takes any token, where the environment says that the API is."""
    with Sandbox(rate_limits=False, run_seconds=10, token=None, webhook_secret="your-webhook-secret") as sandbox:
        monkeypatch.setenv("CODEGEN_API_TOKEN", "your-api-token")
        monkeypatch.setenv("CODEGEN_ORG_ID", str(sandbox.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", sandbox.base_url)
        yield sandbox
