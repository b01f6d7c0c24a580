"""What an answer from the cache costs beside bare httpx over loopback, as a transport and as a call."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from codegen_api import operations
from codegen_ext.caching.manager import response_cache
from codegen_ext.transport.cache import CacheTransport
from codegen_ext.transport.extensions import OPERATION

from benchmarks.calls import sandbox_process
from benchmarks.measure import compare, row
from codegen_ext import ClientConfig, CodegenClient
from codegen_ext.clock import SYSTEM_CLOCK


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    with sandbox_process() as sandbox:
        config = ClientConfig(api_token=sandbox["token"], base_url=sandbox["base_url"])
        url = sandbox["base_url"] + operations.GET_CURRENT_USER.path
        headers = {"Authorization": f"Bearer {sandbox['token']}"}
        extensions = {OPERATION: operations.GET_CURRENT_USER.id}
        transport = CacheTransport(httpx.HTTPTransport(), response_cache(config, SYSTEM_CLOCK))
        with (
            httpx.Client(headers=headers) as bare,
            httpx.Client(headers=headers, transport=transport) as cached,
            CodegenClient(config) as client,
        ):
            yield row(
                "cached get / httpx",
                *compare(lambda: bare.get(url), lambda: cached.get(url, extensions=extensions)),
                0.6,
            )
            yield row(
                "cached get_current_user / httpx + json()",
                *compare(lambda: bare.get(url).json(), client.get_current_user),
                None,
            )
