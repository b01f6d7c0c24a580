from collections.abc import Iterator

import pytest

from codegen_ext.testing import FakeClock, Sandbox

from ..docs.running import fake_time

__all__ = ["fake_time"]


@pytest.fixture
def codegen_service(fake_time: FakeClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A sandbox that takes any token, where the environment says that the API is."""
    with Sandbox(rate_limits=False, run_seconds=10, token=None, webhook_secret="your-webhook-secret") as sandbox:
        monkeypatch.setenv("CODEGEN_API_TOKEN", "your-api-token")
        monkeypatch.setenv("CODEGEN_ORG_ID", str(sandbox.org_id))
        monkeypatch.setenv("CODEGEN_BASE_URL", sandbox.base_url)
        yield sandbox
