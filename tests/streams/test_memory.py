"""A stream holds a few pages, however long the list is."""

import tracemalloc
from collections.abc import Callable

import httpx

from codegen_ext import ClientConfig, CodegenClient

RUNS = 8_000


def endless(request: httpx.Request) -> httpx.Response:
    skip = int(request.url.params["skip"])
    ids = range(RUNS - skip, max(RUNS - skip - 100, 0), -1)
    runs = [{"id": one, "organization_id": 323, "status": "COMPLETE", "result": "x" * 1000} for one in ids]
    return httpx.Response(200, json={"items": runs, "total": RUNS, "page": 1, "size": 100, "pages": RUNS // 100})


def peak(read: Callable[[], int]) -> float:
    tracemalloc.start()
    try:
        assert read() == RUNS
        return tracemalloc.get_traced_memory()[1] / 1e6
    finally:
        tracemalloc.stop()


def test_streaming_takes_no_more_memory_than_a_few_pages() -> None:
    config = ClientConfig(api_token="token", transport=httpx.MockTransport(endless), rate_limits=False)
    with CodegenClient(config) as client:
        next(client.stream_all_agent_runs(323))
        streamed = peak(lambda: sum(1 for _ in client.stream_all_agent_runs(323)))
        listed = peak(lambda: len(list(client.stream_all_agent_runs(323))))
    assert streamed < 4
    assert listed > 2 * streamed
