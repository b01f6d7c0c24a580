"""Who waits for which run, when it is looked at next, and who learns what: everything but performing the requests."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping
from copy import copy
from heapq import heappop, heappush
from itertools import count
from typing import TYPE_CHECKING, Any

from codegen_api import operations
from codegen_api.enums import AgentRunStatus

from ..errors import (
    AuthenticationError,
    CodegenAPIError,
    InvalidResponseError,
    RateLimitError,
    ServerError,
    WaitTimeoutError,
)
from ..exchange import retry_after_of
from ..waiting import PASSING, PATIENCE, is_settled
from .budget import Budget
from .plan import OPERATIONS, Action, GetRun, Layout, ListRuns, ReadLog, Rest, choose
from .tickets import FIRST_PAUSE, News, Order, Ticket, Track, Waiter

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse
    from codegen_api.types import Response

_MOST_MISSES = 2
"""Pages on which a run was not found, after which it is read alone."""


class Watch:
    """The waits of one client (in one event loop); not thread-safe, the drivers see to that.

    `next` says what to do at a moment; `answered` or `failed` take the outcome. Times are monotonic seconds.
    """

    def __init__(self, shared: Mapping[str, Budget]) -> None:
        self._budgets = shared
        self._tracks: dict[tuple[int, int], Track] = {}
        self._wanted: dict[int, list[int]] = {}
        self._layouts: dict[int, Layout] = {}
        self._unlisted: dict[int, type[Exception]] = {}
        self._due: list[tuple[float, int, int, Track]] = []
        self._deadlines: list[tuple[float, int, Ticket]] = []
        self._numbers = count()
        self._logs: deque[Track] = deque()
        self._not_before = -math.inf
        self._failures = 0
        self._asked: Track | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nobody waits."""
        return not self._tracks

    def join(self, waiter: Waiter, orders: Iterable[Order], now: float) -> None:
        """Let a waiter wait for runs."""
        for order in orders:
            key = (order.org_id, order.run_id)
            track = self._tracks.get(key)
            if track is None:
                track = self._tracks[key] = Track(key, now)
                self._wanted.pop(order.org_id, None)
                track.run, due = order.known, now
                if order.known is not None and (order.timeout is None or order.timeout > FIRST_PAUSE):
                    due += min(FIRST_PAUSE, order.poll_interval)
                    track.pause = min(2 * FIRST_PAUSE, max(order.poll_interval, FIRST_PAUSE))
            else:
                due = now if order.timeout == 0 else max(now, track.looked + min(FIRST_PAUSE, order.poll_interval))
            ticket = Ticket(waiter, order, now)
            waiter.tickets.add(ticket)
            waiter.deadline = min(waiter.deadline, ticket.deadline)
            track.tickets.append(ticket)
            if ticket.deadline != math.inf:
                heappush(self._deadlines, (ticket.deadline, next(self._numbers), ticket))
            self._schedule(track, due if track.looked == -math.inf else min(due, track.due))

    def leave(self, waiter: Waiter) -> None:
        """Forget a waiter; the others are not touched."""
        for ticket in list(waiter.tickets):
            self._close(ticket)

    def next(self, now: float) -> Action | Rest:
        """Return what to do now."""
        self.expire(now)
        if self._logs:
            # Those who were told without a log are to learn it before anything else is asked.
            return self._next_log(now) or Rest(0.0)
        while self._due:
            due, _, _, track = self._due[0]
            if due != track.due or self._tracks.get(track.key) is not track:
                heappop(self._due)
                continue
            ready = max(due, self._not_before)
            if ready <= now:
                action = self._plan(track, now)
                budget = self._budgets[OPERATIONS[type(action)].rate_limit.group]
                wait = budget.take(now, page=isinstance(action, ListRuns))
                if not wait:
                    self._asked = track
                    return action
                ready = now + wait
            return Rest(max(0.0, min(ready, self._next_deadline()) - now))
        return Rest(math.inf)

    def answered(self, action: Action, response: Response[Any], now: float) -> None:
        """Take in what a request brought."""
        self._failures = 0
        if isinstance(action, ReadLog):
            self._log_read(action, response.parsed, now)
        elif isinstance(action, ListRuns):
            self._listed(action, response, now)
        else:
            track = self._tracks.get(action)
            if track is not None:
                self._observe(track, response.parsed, now, retry_after_of(response))

    def failed(self, action: Action, error: Exception, now: float) -> None:
        """Take in that a request failed: in passing, or for good for those whom it concerns."""
        track = self._tracks.get(self._asked.key) if self._asked else None
        if not isinstance(error, CodegenAPIError) or isinstance(error, AuthenticationError):
            self.fail_all(error)
            return
        if isinstance(error, RateLimitError):
            self._delay(now, error.retry_after or OPERATIONS[type(action)].rate_limit.seconds)
        if isinstance(action, ReadLog):
            self._tell(self._tracks.get((action.org_id, action.run_id)), now)
        elif isinstance(error, PASSING):
            self._passing(action, track, error, now)
        elif isinstance(action, GetRun):
            # What refuses the list and the run alike refuses all runs.
            whole = self._unlisted.get(action.org_id) is type(error)
            for other in list(self._tracks.values()):
                if other.key == action or (whole and other.key[0] == action.org_id):
                    self._fail(other, error)
        elif isinstance(error, InvalidResponseError) and track is not None:
            track.misses = _MOST_MISSES
            self._wanted.pop(action.org_id, None)
        else:
            # Whoever may not list may still read a run.
            self._unlisted[action.org_id] = type(error)
        for other in list(self._tracks.values()):
            self._lose_patience(other, now)

    def fail_all(self, error: Exception) -> None:
        """End every wait with this error."""
        for track in list(self._tracks.values()):
            self._fail(track, error)

    def notice(self, run: Mapping[str, Any], now: float) -> None:
        """Take in a run's state that came by another way, such as a webhook; fields that it lacks stay as they were."""
        for track in list(self._tracks.values()):
            org_id, run_id = track.key
            if str(run.get("id")) != str(run_id) or str(run.get("organization_id") or org_id) != str(org_id):
                continue
            from codegen_api.errors import InvalidModel
            from codegen_api.models import AgentRunResponse

            before = track.run.to_dict() if track.run else {"organization_id": org_id}
            given = {name: value for name, value in run.items() if value is not None}
            try:
                seen = AgentRunResponse.from_dict({**before, **given, "id": run_id})
            except InvalidModel:
                self._schedule(track, now)
                continue
            self._observe(track, seen, now, None)

    def _plan(self, track: Track, now: float) -> GetRun | ListRuns:
        org_id, run_id = track.key
        if org_id in self._unlisted or track.misses >= _MOST_MISSES:
            return GetRun(org_id, run_id)
        wanted = self._wanted.get(org_id)
        if wanted is None:
            wanted = self._wanted[org_id] = sorted(
                number for (org, number), other in self._tracks.items() if org == org_id and other.misses < _MOST_MISSES
            )
        if len(wanted) < 2:
            return GetRun(org_id, run_id)
        layout = self._layouts.setdefault(org_id, Layout())
        if layout.total is None:
            return ListRuns(org_id, 0)

        def staleness(number: int) -> float:
            return min(now - self._tracks[org_id, number].looked, PATIENCE)

        return choose(org_id, run_id, wanted, layout, staleness)

    def _listed(self, action: ListRuns, response: Response[Any], now: float) -> None:
        page = response.parsed
        layout = self._layouts.setdefault(action.org_id, Layout())
        found = {run.id: run for run in page.items}
        wanted = {run_id for run_id in found if (action.org_id, run_id) in self._tracks}
        layout.learn(action.skip, [run.id for run in page.items], page.total, wanted)
        wish = retry_after_of(response)
        for run_id in wanted:
            track = self._tracks[action.org_id, run_id]
            if track.misses:
                track.misses = 0
                self._wanted.pop(action.org_id, None)
            self._observe(track, found[run_id], now, wish)
        if self._asked is not None and self._asked.key[1] not in found:
            self._missed(self._asked, layout, action.skip, len(page.items))

    def _missed(self, track: Track, layout: Layout, skip: int, shown: int) -> None:
        """Note that a page did not show the run for which it was read, unless new runs have pushed it further down."""
        org_id, run_id = track.key
        if self._tracks.get(track.key) is track:
            if layout.shows(run_id, skip, max(shown, 1)):
                layout.forget(run_id)
                track.misses += 1
            if track.misses >= _MOST_MISSES:
                self._wanted.pop(org_id, None)

    def _observe(self, track: Track, run: AgentRunResponse, now: float, wish: float | None) -> None:
        before, track.run, track.looked = track.run, run, now
        if isinstance(run.status, AgentRunStatus) or before is None or before.status != run.status:
            track.last_news = now
        moved = before is not None and run.summary != before.summary
        self._pause(track, now, wish, anew=moved)
        if any(ticket.order.progress for ticket in track.tickets):
            self._logs.append(track)
        else:
            self._tell(track, now)

    def _pause(self, track: Track, now: float, wish: float | None = None, *, anew: bool = False) -> None:
        if anew:
            track.pause = FIRST_PAUSE
        pause = min(track.pause, track.interval)
        track.pause = min(track.pause * 2, max(track.interval, FIRST_PAUSE))
        self._schedule(track, now + max(pause, wish or 0.0))

    def _next_log(self, now: float) -> ReadLog | None:
        while self._logs:
            track = self._logs.popleft()
            if self._tracks.get(track.key) is not track:
                continue
            group = operations.GET_AGENT_RUN_LOGS.rate_limit.group
            if now >= self._not_before and self._budgets[group].take_spare(now):
                return ReadLog(*track.key)
            self._tell(track, now)
        return None

    def _log_read(self, action: ReadLog, page: Any, now: float) -> None:
        track = self._tracks.get((action.org_id, action.run_id))
        if track is None:
            return
        if track.log_count is not None and page.total_logs != track.log_count:
            self._pause(track, now, anew=True)
        track.log_count = page.total_logs
        track.thought = page.logs[0].thought if page.logs else None
        self._tell(track, now)

    def _tell(self, track: Track | None, now: float) -> None:
        """Give everybody who waits for a run its present state, those without callback only what is new."""
        if track is None or track.run is None:
            return
        status = track.run.status
        settled = is_settled(status)
        for ticket in list(track.tickets):
            progress = None
            if ticket.order.progress:
                progress = {
                    "status": status,
                    "elapsed": now - ticket.start,
                    "log_count": track.log_count,
                    "last_thought": track.thought,
                }
            if settled or progress or ticket.shown != (status,):
                self._mail(ticket, News(*track.key, track.run, progress, None, settled))
            ticket.shown = (status,)
        if not settled:
            self._end_single_looks(track)
            self._lose_patience(track, now)

    def _passing(self, action: Action, track: Track | None, error: Exception, now: float) -> None:
        if track is not None:
            self._end_single_looks(track)
        if isinstance(error, RateLimitError):
            return
        self._failures += 1
        own = isinstance(action, GetRun) and track is not None and bool(track.tickets)
        if own and track is not None:
            self._pause(track, now)
        if not own or not isinstance(error, ServerError):
            longest = min((other.interval for other in self._tracks.values()), default=0.0)
            self._delay(now, min(longest, FIRST_PAUSE * 2.0 ** min(self._failures - 1, 16)))

    def _end_single_looks(self, track: Track) -> None:
        """End the waits that were for one look only."""
        for ticket in list(track.tickets):
            if ticket.order.timeout == 0:
                self._give_up(ticket, track, "not finished after 0 s")

    def _delay(self, now: float, seconds: float) -> None:
        self._not_before = max(self._not_before, now + seconds)

    def _lose_patience(self, track: Track, now: float) -> None:
        for ticket in list(track.tickets):
            if ticket.order.timeout is None and now - max(ticket.start, track.last_news) >= PATIENCE:
                self._give_up(ticket, track, f"no known state for {PATIENCE:g} s")

    def expire(self, now: float) -> None:
        """Tell those whose time is over."""
        while self._deadlines and (self._deadlines[0][0] <= now or not self._is_open(self._deadlines[0][2])):
            ticket = heappop(self._deadlines)[2]
            if self._is_open(ticket):
                track = self._tracks[ticket.order.org_id, ticket.order.run_id]
                self._give_up(ticket, track, f"not finished after {ticket.order.timeout:g} s")

    def _is_open(self, ticket: Ticket) -> bool:
        return ticket in ticket.waiter.tickets

    def _next_deadline(self) -> float:
        return self._deadlines[0][0] if self._deadlines else math.inf

    def _give_up(self, ticket: Ticket, track: Track, why: str) -> None:
        state = "state unknown" if track.run is None else f"last state {track.run.status}"
        run_id = track.key[1]
        error = WaitTimeoutError(
            f"agent run {run_id}: {why}, {state}", ticket.order.timeout, run_id=run_id, run=track.run
        )
        self._mail(ticket, News(*track.key, track.run, None, error, True))

    def _fail(self, track: Track, error: Exception) -> None:
        for ticket in list(track.tickets):
            # Each waiter raises an error of its own, because raising writes into it.
            own = copy(error) if isinstance(error, CodegenAPIError) else error
            own.__cause__ = error.__cause__
            self._mail(ticket, News(*track.key, track.run, None, own, True))

    def _mail(self, ticket: Ticket, news: News) -> None:
        ticket.waiter.mail.append(news)
        if news.final:
            self._close(ticket)
        ticket.waiter.wake()

    def _close(self, ticket: Ticket) -> None:
        ticket.waiter.tickets.discard(ticket)
        track = self._tracks[ticket.order.org_id, ticket.order.run_id]
        track.tickets.remove(ticket)
        if not track.tickets:
            org_id, run_id = track.key
            del self._tracks[track.key]
            wanted = self._wanted.get(org_id, [])
            at = bisect_left(wanted, run_id)
            if wanted[at : at + 1] == [run_id]:
                del wanted[at]
            if org_id in self._layouts:
                self._layouts[org_id].forget(run_id)
        if self.is_idle:
            for rest in (self._due, self._deadlines, self._logs, self._unlisted):
                rest.clear()

    def _schedule(self, track: Track, due: float) -> None:
        track.due = due
        heappush(self._due, (due, -track.key[1], next(self._numbers), track))
