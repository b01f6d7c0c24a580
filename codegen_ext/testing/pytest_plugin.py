"""Fixtures for pytest; their imports happen when a test asks for them, so that other tests do not pay.

A test that also asks for `codegen_clock` gets sandbox and clients on that clock, on which waiting takes no time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from codegen_ext import Agent, AsyncCodegenClient, CodegenClient
    from codegen_ext.testing import FakeClock, Sandbox


@pytest.fixture
def codegen_clock() -> FakeClock:
    """A clock that moves only when it is told to or by its sleeps."""
    from codegen_ext.testing import FakeClock

    return FakeClock()


@pytest.fixture
def codegen_sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A sandbox on a free loopback port, without rate limits, whose runs take 50 ms."""
    from codegen_ext.testing import Sandbox

    with Sandbox(rate_limits=False, run_seconds=0.05, **_clock(request)) as sandbox:
        yield sandbox


@pytest.fixture
def codegen_client(codegen_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[CodegenClient]:
    """A client of `codegen_sandbox`."""
    from codegen_ext import CodegenClient

    with CodegenClient(_config(codegen_sandbox), **_clock(request)) as client:
        yield client


@pytest.fixture
def codegen_agent(codegen_client: CodegenClient) -> Iterator[Agent]:
    """An `Agent` of the sandbox's organization on `codegen_client`."""
    from codegen_ext import Agent

    with Agent(client=codegen_client) as agent:
        yield agent


@pytest.fixture
def async_codegen_client(codegen_sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[AsyncCodegenClient]:
    """An async client of `codegen_sandbox`, for whichever event loop the test runs in."""
    import asyncio

    from codegen_ext import AsyncCodegenClient

    client = AsyncCodegenClient(_config(codegen_sandbox), **_clock(request))
    yield client
    asyncio.run(client.close())


def _clock(request: pytest.FixtureRequest) -> dict[str, Any]:
    asked = "codegen_clock" in request.fixturenames
    return {"clock": request.getfixturevalue("codegen_clock")} if asked else {}


def _config(sandbox: Sandbox) -> Any:
    """Return settings for a client that asks the sandbox in process, so that no connection outlives its loop."""
    from codegen_ext import ClientConfig

    return ClientConfig(
        api_token=sandbox.token,
        org_id=str(sandbox.org_id),
        base_url=sandbox.base_url,
        rate_limits=False,
        transport=sandbox.transport(),
    )
