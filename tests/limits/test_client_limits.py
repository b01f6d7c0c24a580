"""What a client's users see of the limits: nobody is refused, nobody waits for nothing."""

from typing import Any

import pytest

from codegen_ext.testing import Sandbox

from ..conftest import TOKEN


@pytest.fixture
def limited(clock: Any) -> Any:
    with Sandbox(rate_limits=True, run_seconds=10, clock=clock, token=TOKEN) as running:
        yield running


def test_many_calls_over_the_limit_are_never_refused(limited: Any, connect: Any, clock: Any) -> None:
    client = connect(limited.base_url, rate_limits=True)
    for _ in range(185):
        client.get_current_user()
    assert 90 < clock.monotonic() < 95
    assert client.get_stats().status_code_distribution == {200: 185}
