"""A service of runs in process: which request was asked for what, and what becomes of it."""

import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

import httpx

from codegen_ext import ClientConfig
from codegen_ext.testing import FakeClock

ORG = 323


def newest_first(count: int, skip: int) -> tuple[Iterable[int], int]:
    """Return the ids of a page of so many runs, and how many there are."""
    return range(count - skip, 0, -1)[:100], count


class Runs:
    """Answers run, list and log; `ends` maps each run to the second at which it completes.

    `asked` counts requests as "page 0", "run 5", "log 5". `refuse` maps "page", "run", "log", or one of those with its
    number, to a status, whose answer has the headers `retry_after`, or to an exception that the transport raises.
    `hidden` runs are missing from the list. A `view` takes the list's place: from the number of the request and the
    offset it makes the ids of a page and the total.
    """

    def __init__(
        self,
        clock: FakeClock,
        ends: dict[int, float] | None = None,
        total: int | None = None,
        view: Callable[[int, int], tuple[Iterable[int], Any]] | None = None,
    ) -> None:
        self.clock = clock
        self.ends = ends or {}
        self.newest = total or max(self.ends, default=0)
        self.view = view or self._newest_first
        self.refuse: dict[str, int | Exception] = {}
        self.retry_after: dict[str, str] = {}
        self.hidden: set[int] = set()
        self.deleted: set[int] = set()
        self.fields: dict[int, dict[str, Any]] = {}
        self.logs: Counter[int] = Counter()
        self.arrivals = 0
        self.seconds = 0.0
        self.asked: list[str] = []
        self.times: list[float] = []

    def config(self, **settings: Any) -> ClientConfig:
        """Return the settings of a client of this service."""
        plain = {"api_token": "token-123456", "enable_caching": False, "max_retries": 0, "rate_limits": False}
        return ClientConfig(transport=httpx.MockTransport(self), **{**plain, **settings})

    def count(self, kind: str) -> int:
        """Return how many requests of a kind there were."""
        return sum(name.split()[0] == kind for name in self.asked)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.newest += self.arrivals
        parts = request.url.path.strip("/").split("/")
        kind = "page" if parts[-1] == "runs" else "log" if parts[-1] == "logs" else "run"
        number = int(request.url.params["skip"]) if kind == "page" else int(parts[-2 if kind == "log" else -1])
        self.asked.append(f"{kind} {number}")
        self.times.append(self.clock.monotonic())
        self.clock.advance(self.seconds)
        refusal = self.refuse.get(f"{kind} {number}", self.refuse.get(kind))
        if isinstance(refusal, Exception):
            raise refusal
        if refusal is not None:
            return httpx.Response(refusal, json={"message": "refused"}, headers=self.retry_after)
        if kind == "page":
            shown, total = self.view(self.count("page"), number)
            items = [self.run(n) for n in shown]
            return _json({"items": items, "total": total, "page": 1, "size": 100, "pages": 1})
        if number in self.deleted or (kind == "run" and number > self.newest):
            return httpx.Response(404, json={"message": "no such run"})
        if kind == "run":
            return _json(self.run(number))
        thought = {"agent_run_id": number, "thought": f"thought {self.logs[number]}"}
        return _json({**self.run(number), "logs": [thought], "total_logs": self.logs[number]})

    def _newest_first(self, turn: int, skip: int) -> tuple[list[int], int]:
        listed = [n for n in range(self.newest, 0, -1) if n not in self.hidden | self.deleted]
        return listed[skip : skip + 100], len(listed)

    def run(self, number: int) -> dict[str, Any]:
        """Return a run as the service shows it now."""
        status = "COMPLETE" if self.ends.get(number, 1e9) <= self.clock.monotonic() else "RUNNING"
        return {"id": number, "organization_id": ORG, "status": status, **self.fields.get(number, {})}


def _json(data: Any) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(data).encode(), headers={"content-type": "application/json"})
