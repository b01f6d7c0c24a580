"""How much memory a bulk job of very many configurations takes."""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Iterator

import httpx

from codegen_ext import ClientConfig, CodegenClient
from codegen_ext.testing import FakeClock

COUNT = 100_000
WARM_UP = 2_000


class _Service(httpx.BaseTransport):
    """Answers every create at once and keeps nothing, so that what grows is the client's."""

    def __init__(self) -> None:
        self.created = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer."""
        self.created += 1
        metadata = json.loads(request.read())["metadata"]
        run = {"id": self.created, "organization_id": 323, "status": "ACTIVE", "metadata": metadata}
        return httpx.Response(200, json=run)


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    service = _Service()
    # One call's wait for the limit moves the clock of those that are under way.
    config = ClientConfig(api_token="none", transport=service, timeout=86_400, total_timeout=86_400)
    configs = ({"prompt": f"job {number}", "metadata": {"number": number}} for number in range(COUNT))
    with CodegenClient(config, clock=FakeClock()) as client:  # on which waiting for the limit takes no time
        before = 0
        for result in client.iter_create_agent_runs(323, configs, max_concurrent=4):
            assert result.success
            if result.index == WARM_UP:
                before = _peak()
        assert service.created == COUNT
        yield f"memory of a bulk of {COUNT:,} configurations: grew by {_peak() - before:.1f} MB  limit 20"


def _peak() -> float:
    """Return the most memory that the process ever had, in MB."""
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
