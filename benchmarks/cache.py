"""What an answer from the cache costs beside bare httpx over loopback, as a call."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
from codegen_api import operations

from benchmarks.calls import sandbox_process
from benchmarks.measure import compare, row
from codegen_ext import ClientConfig, CodegenClient


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    with sandbox_process() as sandbox:
        config = ClientConfig(api_token=sandbox["token"], base_url=sandbox["base_url"])
        url = sandbox["base_url"] + operations.GET_CURRENT_USER.path
        headers = {"Authorization": f"Bearer {sandbox['token']}"}
        nothing = httpx.MockTransport(lambda _: httpx.Response(200, json={}))
        with (
            httpx.Client(headers=headers) as bare,
            httpx.Client(headers=headers, transport=nothing) as canned,
            CodegenClient(config) as client,
        ):
            yield row(
                "a transport that does nothing / httpx", *compare(lambda: bare.get(url), lambda: canned.get(url)), None
            )
            yield row(
                "cached get_current_user / httpx + json()",
                *compare(lambda: bare.get(url).json(), client.get_current_user),
                0.25,
            )
