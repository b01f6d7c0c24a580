"""A stream holds a few pages, however long the list is."""

import gc
import tracemalloc
from collections.abc import Callable

import httpx

from codegen_ext import ClientConfig, CodegenClient

RUNS = 8_000


def long_list(request: httpx.Request) -> httpx.Response:
    skip = int(request.url.params["skip"])
    ids = range(RUNS - skip, max(RUNS - skip - 100, 0), -1)
    runs = [{"id": one, "organization_id": 323, "status": "COMPLETE", "result": "x" * 1000} for one in ids]
    return httpx.Response(200, json={"items": runs, "total": RUNS, "page": 1, "size": 100, "pages": RUNS // 100})


def peak(count: int, read: Callable[[], int]) -> int:
    """Return the most bytes that were in use at once, without the garbage collector, whose moment is left to chance."""
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        assert read() == count
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
        gc.enable()


def test_streaming_takes_no_more_memory_than_a_few_pages() -> None:
    config = ClientConfig(api_token="token", transport=httpx.MockTransport(long_list), rate_limits=False)
    with CodegenClient(config) as client:
        next(client.stream_all_agent_runs(323))
        page = peak(100, lambda: len(client.list_agent_runs(323, limit=100)))
        streamed = peak(RUNS, lambda: sum(1 for _ in client.stream_all_agent_runs(323)))
        listed = peak(RUNS, lambda: len(list(client.stream_all_agent_runs(323))))
    assert streamed < 4 * page
    assert listed > 6 * streamed
