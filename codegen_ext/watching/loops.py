"""Watching in event loops: one task per loop asks for all that wait in it."""

from __future__ import annotations

import asyncio
import math
import threading
import weakref
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from ..flow import Perform
from .budget import Budget
from .plan import Rest, request_of
from .state import Watch
from .tickets import News, Order, Waiter

if TYPE_CHECKING:
    from ..clock import Clock

_Perform = Callable[[Perform[Any]], Awaitable[Any]]


class LoopWatchers:
    """The watchers of one client, one for each event loop in which somebody waits; they share the budget."""

    def __init__(self, clock: Clock, budgets: Mapping[str, Budget]) -> None:
        self._clock = clock
        self._budgets = budgets
        self._lock = threading.Lock()
        self._watchers: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, _LoopWatcher] = weakref.WeakKeyDictionary()

    def follow(self, orders: Sequence[Order], perform: _Perform) -> AsyncGenerator[News]:
        """Yield what becomes known of the runs until the last of them is over, in the running loop."""
        loop = asyncio.get_running_loop()
        with self._lock:
            watcher = self._watchers.get(loop)
            if watcher is None:
                watcher = self._watchers[loop] = _LoopWatcher(self._clock, self._budgets)
        return watcher.follow(orders, perform)

    def notice(self, run: Mapping[str, Any]) -> None:
        """Tell those who wait for a run what became known of it by another way; from any thread."""
        with self._lock:
            watchers = list(self._watchers.items())
        for loop, watcher in watchers:
            if not loop.is_closed():
                loop.call_soon_threadsafe(watcher.notice, run)


class _LoopWatcher:
    """The waits in one event loop; its task begins with the first and ends with the last."""

    def __init__(self, clock: Clock, shared: Mapping[str, Budget]) -> None:
        self._clock = clock
        self._watch = Watch(shared)
        self._performers: dict[Waiter, _Perform] = {}
        self._task: asyncio.Task[None] | None = None
        self._rest: asyncio.Future[None] | None = None

    async def follow(self, orders: Sequence[Order], perform: _Perform) -> AsyncGenerator[News]:
        mail = asyncio.Event()
        waiter = Waiter(mail.set)
        try:
            self._performers[waiter] = perform
            self._watch.join(waiter, orders, self._clock.monotonic())
            if self._task is None or self._task.done():
                self._task = asyncio.create_task(self._run())
            self._stir()
            while waiter.mail or waiter.tickets:
                while not waiter.mail:
                    mail.clear()
                    left = waiter.deadline - self._clock.monotonic()
                    try:
                        # On a clock that is not the machine's this is only a look in between.
                        async with asyncio.timeout(None if left == math.inf else left):
                            await mail.wait()
                    except TimeoutError:
                        self._watch.expire(self._clock.monotonic())
                yield waiter.mail.popleft()
        finally:
            del self._performers[waiter]
            self._watch.leave(waiter)
            if self._watch.is_idle and self._task is not None:
                task, self._task = self._task, None
                task.cancel()
                await asyncio.wait([task])

    def notice(self, run: Mapping[str, Any]) -> None:
        self._watch.notice(run, self._clock.monotonic())
        self._stir()

    def _stir(self) -> None:
        """End a rest, because there may be something to do."""
        if self._rest is not None:
            self._rest.cancel()

    async def _run(self) -> None:
        try:
            while not self._watch.is_idle:
                now = self._clock.monotonic()
                action = self._watch.next(now)
                if self._watch.is_idle:
                    return
                if isinstance(action, Rest):
                    await self._sleep(action.seconds)
                    continue
                perform = next(iter(self._performers.values()))
                try:
                    outcome = await perform(request_of(action, math.inf, now))
                except Exception as error:  # noqa: BLE001 - the state decides whom it concerns
                    self._watch.failed(action, error, self._clock.monotonic())
                else:
                    self._watch.answered(action, outcome, self._clock.monotonic())
        except Exception as error:  # noqa: BLE001 - nobody else would tell those who wait
            self._watch.fail_all(error)

    async def _sleep(self, seconds: float) -> None:
        self._rest = asyncio.ensure_future(self._clock.sleep_async(seconds))
        try:
            await asyncio.wait([self._rest])
        finally:
            self._rest.cancel()
            self._rest = None
