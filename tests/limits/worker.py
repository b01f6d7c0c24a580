"""A process of its own that asks as often as its limits let it, until its input ends; started by `test_fleet.py`."""

import json
import sys
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import httpx
from codegen_api.operations import OPERATIONS, RateLimit

from codegen_ext import ClientConfig, CodegenAPIError, CodegenClient
from codegen_ext.clock import SystemClock


class SkewedClock(SystemClock):
    """A clock that is wrong by so many seconds."""

    def __init__(self, skew: float) -> None:
        self._skew = skew

    def time(self) -> float:
        return super().time() + self._skew

    def monotonic(self) -> float:
        return super().monotonic() + self._skew


class Stamped(httpx.HTTPTransport):
    """Tells the server when a request left, so that the test knows how long it was on its way."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        request.headers["x-sent"] = repr(time.monotonic())
        return super().handle_request(request)


def main(base_url: str, shared_state: str, limit: int, window: float, skew: float) -> None:
    for name, operation in OPERATIONS.items():
        OPERATIONS[name] = operation._replace(rate_limit=RateLimit(limit, window, "standard"))
    where = {"base_url": base_url, "shared_state": shared_state, "transport": Stamped()}
    config = ClientConfig(api_token="fleet-token", total_timeout=20, max_retries=0, log_level="ERROR", **where)
    outcomes = Counter[str]()
    over = threading.Event()

    def hammer() -> None:
        while not over.is_set():
            try:
                client.request("GET", "/v1/anything")
                outcomes["ok"] += 1
            except CodegenAPIError as error:
                outcomes[type(error).__name__] += 1
                over.wait(0.1)

    with CodegenClient(config, clock=SkewedClock(skew)) as client, ThreadPoolExecutor(4) as pool:
        hammers = [pool.submit(hammer) for _ in range(4)]
        sys.stdin.read()
        over.set()
        for each in hammers:
            each.result()
    print(json.dumps(outcomes))


if __name__ == "__main__":
    main(**json.loads(sys.argv[1]))
