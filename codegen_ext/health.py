"""Whether the service works: one check, and a monitor that repeats it and tells when the answer changes."""

from __future__ import annotations

import asyncio
import datetime
import inspect
import logging
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from attrs import evolve, frozen
from codegen_api import operations

from . import flow
from .base import check_seconds
from .clock import SystemClock
from .errors import ClientClosedError, CodegenAPIError, ConfigurationError, RateLimitError
from .flow import Emit, Flow, Perform, Sleep

if TYPE_CHECKING:
    from .async_checks import AsyncCheckedClient
    from .checks import CheckedClient
    from .clock import Clock

PROBE = operations.GET_CURRENT_USER
"""The operation that a check performs: cheap, and it needs no argument."""
_STOP_SECONDS = 1.0
_logger = logging.getLogger("codegen_ext.health")


def report(clock: Clock, start: float, error: CodegenAPIError | None) -> dict[str, Any]:
    """Return what a check found that began at `start`, in monotonic seconds."""
    return {
        "status": "unhealthy" if error else "healthy",
        "healthy": error is None,
        "timestamp": datetime.datetime.fromtimestamp(clock.time(), datetime.UTC).isoformat(),
        "response_time_seconds": clock.monotonic() - start,
        "error": str(error) if error else None,
    }


def check(clock: Clock) -> Flow[Any, dict[str, Any]]:
    """Ask the service once."""
    start = clock.monotonic()
    try:
        yield Perform(PROBE, {}, past_cache=True)
    except ClientClosedError:
        raise
    except CodegenAPIError as error:
        return report(clock, start, error)
    return report(clock, start, None)


@frozen
class HealthStatus:
    """What a monitor knows: `healthy` is None until it has decided; `last` is the last check, as of `health_check`."""

    healthy: bool | None = None
    checks: int = 0
    consecutive_failures: int = 0
    last: dict[str, Any] | None = None
    running: bool = False

    @property
    def status(self) -> str:
        """The word for it: healthy, unhealthy or unknown."""
        return "unknown" if self.healthy is None else "healthy" if self.healthy else "unhealthy"


def watch(clock: Clock, interval: float, threshold: int) -> Flow[HealthStatus, None]:
    """Check without end; emit what is known after each check.

    An answer that says "too many requests" proves that the service works, so it decides nothing and is waited out.
    """
    least = PROBE.rate_limit.seconds / PROBE.rate_limit.requests
    seen = HealthStatus()
    while True:
        start, pause, failures = clock.monotonic(), max(interval, least), 0
        healthy: bool | None = True
        error: CodegenAPIError | None = None
        try:
            yield Perform(PROBE, {}, past_cache=True)
        except ClientClosedError:
            raise
        except RateLimitError as limited:
            error, pause = limited, max(pause, limited.retry_after)
            healthy, failures = seen.healthy, seen.consecutive_failures
        except CodegenAPIError as failure:
            error, failures = failure, seen.consecutive_failures + 1
            healthy = False if failures >= threshold else seen.healthy
        seen = HealthStatus(healthy, seen.checks + 1, failures, report(clock, start, error), running=True)
        yield Emit(seen)
        yield Sleep(pause)


class _StoppedError(BaseException):
    """Ends the thread of a monitor from within its sleep; no flow may catch it."""


class _Pausing:
    """The clock of a monitor: on the machine's time `stop` ends a sleep, any other clock is asked to sleep."""

    def __init__(self, clock: Clock, stopped: threading.Event) -> None:
        self._clock = clock
        self._stopped = stopped
        self.time, self.monotonic, self.wait = clock.time, clock.monotonic, clock.wait

    def sleep(self, seconds: float) -> None:
        """Wait, unless it is over."""
        if isinstance(self._clock, SystemClock):
            self._stopped.wait(seconds)
        elif not self._stopped.wait(0.001):  # a clock that does not wait must not take all of a processor
            self._clock.sleep(seconds)
        if self._stopped.is_set():
            raise _StoppedError

    async def sleep_async(self, seconds: float) -> None:
        """Wait until it is over, which cancels the task."""
        if isinstance(self._clock, SystemClock):
            await asyncio.sleep(seconds)
        else:
            await self._clock.sleep_async(seconds)


class MonitorBase:
    """What both kinds of monitor share: callbacks, and what is known."""

    def __init__(self, clock: Clock, interval: float, failure_threshold: int) -> None:
        check_seconds("interval", interval)
        if type(failure_threshold) is not int or failure_threshold < 1:
            raise ConfigurationError("failure_threshold must be a whole number from 1", config_key="failure_threshold")
        self._clock = clock
        self._interval = interval
        self._threshold = failure_threshold
        self._status = HealthStatus()
        self._on_healthy: list[Callable[..., Any]] = []
        self._on_unhealthy: list[Callable[..., Any]] = []
        self._on_change: list[Callable[..., Any]] = []

    def __repr__(self) -> str:
        return f"{type(self).__name__}(interval={self._interval}, healthy={self._status.healthy})"

    def on_healthy(self, callback: Callable[[], object]) -> Callable[[], object]:
        """Call `callback()` whenever the service is found to work again, and when it does at first."""
        return _add(self._on_healthy, callback)

    def on_unhealthy(self, callback: Callable[[], object]) -> Callable[[], object]:
        """Call `callback()` when so many checks in a row have failed as the threshold says."""
        return _add(self._on_unhealthy, callback)

    def on_change(self, callback: Callable[[HealthStatus, HealthStatus], object]) -> Callable[..., object]:
        """Call `callback(old, new)` before those of `on_healthy` and `on_unhealthy`."""
        return _add(self._on_change, callback)

    @property
    def status(self) -> HealthStatus:
        """What is known now."""
        return self._status

    def _watch(self) -> Flow[HealthStatus, None]:
        return watch(self._clock, self._interval, self._threshold)

    def _take(self, seen: HealthStatus) -> list[Callable[[], Any]]:
        """Remember what was seen, and return what is to be called about it."""
        old, self._status = self._status, seen
        if seen.healthy is old.healthy:
            return []
        changes = [partial(callback, old, seen) for callback in self._on_change]
        return [*changes, *(self._on_healthy if seen.healthy else self._on_unhealthy)]


def _add(callbacks: list[Callable[..., Any]], callback: Callable[..., object]) -> Callable[..., object]:
    if not callable(callback):
        raise ConfigurationError(f"expected a function to call, got {callback!r}", config_key="callback")
    callbacks.append(callback)
    return callback


def _log(callback: object) -> None:
    _logger.exception("a callback of a health monitor failed: %r", callback)


class HealthMonitor(MonitorBase):
    """Checks the service in a daemon thread; made by `CodegenClient.create_health_monitor`."""

    def __init__(self, client: CheckedClient, interval: float, failure_threshold: int) -> None:
        super().__init__(client._clock, interval, failure_threshold)
        self._client = client
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()
        self._stopped.set()

    def start(self) -> Self:
        """Begin to check, now and then every `interval` seconds; does nothing while it runs."""
        for callback in (*self._on_healthy, *self._on_unhealthy, *self._on_change):
            if inspect.iscoroutinefunction(callback):
                raise ConfigurationError("the monitor of a sync client cannot await its callbacks")
        with self._lock:
            if self._stopped.is_set():
                self._stopped = threading.Event()
                self._status = HealthStatus(running=True)
                self._thread = threading.Thread(
                    target=self._run, args=(self._stopped,), name="codegen-health", daemon=True
                )
                self._thread.start()
                self._client._monitors.add(self)
        return self

    def stop(self) -> None:
        """End it; no callback begins afterwards. May be called by a callback, and more than once.

        A check that hangs is waited for a second; its thread then ends when the check does.
        """
        with self._lock:
            self._stopped.set()
            self._status = evolve(self._status, running=False)
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(_STOP_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _run(self, stopped: threading.Event) -> None:
        def take(seen: HealthStatus) -> None:
            with self._lock:
                if stopped.is_set():
                    raise _StoppedError
                callbacks = self._take(seen)
            for callback in callbacks:
                if not stopped.is_set():
                    try:
                        callback()
                    except Exception:  # noqa: BLE001 - logged, and the monitor goes on
                        _log(callback)

        try:
            probe = self._client.with_options(max_retries=0)._perform_effect
            flow.run(self._watch(), probe, _Pausing(self._clock, stopped), take)
        except _StoppedError:
            pass
        except Exception:
            if not stopped.is_set():
                _logger.exception("a health monitor ended")
                self.stop()


class AsyncHealthMonitor(MonitorBase):
    """Checks the service in an asyncio task; made by `AsyncCodegenClient.create_health_monitor`.

    Callbacks may be coroutine functions.
    """

    def __init__(self, client: AsyncCheckedClient, interval: float, failure_threshold: int) -> None:
        super().__init__(client._clock, interval, failure_threshold)
        self._client = client
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> Self:
        """Begin to check, now and then every `interval` seconds; does nothing while it runs."""
        if self._task is None or self._task.done():
            self._status = HealthStatus(running=True)
            self._task = asyncio.create_task(self._run(), name="codegen-health")
            self._client._monitors.add(self)
        return self

    async def stop(self) -> None:
        """End it, with the check that is under way. May be called by a callback, and more than once."""
        task, self._task = self._task, None
        self._status = evolve(self._status, running=False)
        if task is None or task.done():
            return
        if task.get_loop() is not asyncio.get_running_loop():
            if not task.get_loop().is_closed():
                task.get_loop().call_soon_threadsafe(task.cancel)
            return
        task.cancel()
        if task is not asyncio.current_task():
            await asyncio.wait([task])

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(self, *exception: object) -> None:
        await self.stop()

    async def _run(self) -> None:
        async def take(seen: HealthStatus) -> None:
            for callback in self._take(seen):
                if self._task is not asyncio.current_task():
                    return
                try:
                    outcome = callback()
                    if inspect.isawaitable(outcome):
                        await outcome
                except Exception:  # noqa: BLE001 - logged, and the monitor goes on
                    _log(callback)

        try:
            probe = self._client.with_options(max_retries=0)._perform_effect
            await flow.run_async(self._watch(), probe, _Pausing(self._clock, threading.Event()), take)
        except Exception:
            _logger.exception("a health monitor ended")
            self._status = evolve(self._status, running=False)
