"""Who waits for what: orders, what is told about them, and what is known of a run."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

FIRST_PAUSE = 2.0
"""Seconds between the first two looks at a run; they double up to the caller's interval."""


class Order(NamedTuple):
    """What a waiter wants to know: when a run ends, and with `progress` also what each look shows, and the log.

    `known` is the run as it was seen just now, going on, so that a first look at once would show nothing.
    """

    org_id: int
    run_id: int
    poll_interval: float = 5.0
    timeout: float | None = None
    progress: bool = False
    known: AgentRunResponse | None = None


class News(NamedTuple):
    """What a waiter learns: a state of a run, or why the wait for it is over; nothing follows when `final`."""

    org_id: int
    run_id: int
    run: AgentRunResponse | None
    progress: dict[str, Any] | None = None
    error: Exception | None = None
    final: bool = False


class Waiter:
    """Somebody who waits for runs; `wake` is called when there is mail."""

    def __init__(self, wake: Callable[[], object]) -> None:
        self.wake = wake
        self.mail: deque[News] = deque()
        self.tickets: set[Ticket] = set()
        self.deadline = math.inf
        """The monotonic second of its first deadline, infinity without one."""


class Ticket:
    """One order of a waiter."""

    def __init__(self, waiter: Waiter, order: Order, now: float) -> None:
        self.waiter = waiter
        self.order = order
        self.start = now
        # A timeout of nothing means one look, which takes its time.
        self.deadline = math.inf if not order.timeout else now + order.timeout
        self.shown: object = None


class Track:
    """What is known of a run that somebody waits for."""

    def __init__(self, key: tuple[int, int], now: float) -> None:
        self.key = key
        self.tickets: list[Ticket] = []
        self.run: AgentRunResponse | None = None
        self.due = now
        self.looked = -math.inf
        self.pause = FIRST_PAUSE
        self.misses = 0
        self.last_news = now
        self.log_count: int | None = None
        self.thought: str | None = None

    @property
    def interval(self) -> float:
        """The longest pause between two looks, in seconds."""
        return min(ticket.order.poll_interval for ticket in self.tickets)
