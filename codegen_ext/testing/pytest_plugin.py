"""Fixtures for pytest; what they need is imported when a test asks for them, so that other tests pay nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from codegen_ext.testing import Sandbox


@pytest.fixture
def codegen_sandbox() -> Iterator[Sandbox]:
    """A sandbox on a free loopback port, without rate limits, whose runs take 50 ms."""
    from codegen_ext.testing import Sandbox

    with Sandbox(rate_limits=False, run_seconds=0.05) as sandbox:
        yield sandbox
