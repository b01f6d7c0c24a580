# Generated from codegen_ext/_async/health.py by make generate; edit there.
"""Health of the service: one check, and a monitor that repeats it and calls back when the answer changes."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any, Self, TypeVar

from codegen_api import operations

from .. import _fork
from .._io import synchronous as io
from .._request import check_seconds
from ..clock import SYSTEM_CLOCK, Cancelled
from ..errors import ClientClosedError, CodegenAPIError, ConfigurationError, RateLimitError
from ..health_status import HealthStatus
from ..run_watch import PATIENCE
from .callbacks import call_back, check_callback
from .locks import Event

if TYPE_CHECKING:
    from .base_client import BaseClient

C = TypeVar("C", bound=Callable[..., Any])

PROBE = operations.GET_CURRENT_USER
"""The operation that a check performs: cheap, and without arguments."""
_STOP_SECONDS = 1.0
_logger = logging.getLogger("codegen_ext.health")
_running: ContextVar[object] = ContextVar("codegen_health_monitor", default=None)
"""The monitor whose worker runs this code, so that a callback may stop it without waiting for itself."""


def check(client: BaseClient, *, cancel: Event | None = None) -> tuple[dict[str, Any], CodegenAPIError | None]:
    """Send one request, past the cache; return the report and the failure.

    Raises:
        ClientClosedError: when the client is closed, which says nothing about the service.

    """
    clock, error = client.clock, None
    start = clock.monotonic()
    try:
        client.perform(PROBE, {}, cancel=cancel, refresh=True)
    except ClientClosedError:
        raise
    except CodegenAPIError as failure:
        error = failure
    report = {
        "status": "unhealthy" if error else "healthy",
        "healthy": error is None,
        "timestamp": datetime.datetime.fromtimestamp(clock.time(), datetime.UTC).isoformat(),
        "response_time_seconds": clock.monotonic() - start,
        "error": str(error) if error else None,
    }
    return report, error


class HealthMonitor:
    """Checks the service in the background; made by `CodegenClient.create_health_monitor`.

    In a child process it goes on when its `status` is read or `start` is called.
    """

    def __init__(self, client: BaseClient, interval: float, failure_threshold: int) -> None:
        check_seconds("interval", interval)
        if type(failure_threshold) is not int or failure_threshold < 1:
            raise ConfigurationError("failure_threshold must be a whole number from 1", config_key="failure_threshold")
        self._client = client.with_options(max_retries=0)
        self._interval = interval
        self._threshold = failure_threshold
        self._status = HealthStatus()
        self._callbacks: dict[str, list[Callable[..., object]]] = {"change": [], "healthy": [], "unhealthy": []}
        self.after_fork()
        _fork.register(self)

    def after_fork(self) -> None:
        """Note that the worker did not cross the fork."""
        self._must_resume = self._status.running
        self._mutex = io.Mutex()
        self._stopped, self._ended = Event(), Event()
        self._stopped.set()
        self._ended.set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(interval={self._interval}, healthy={self._status.healthy})"

    def on_healthy(self, callback: C) -> C:
        """Call `callback()` whenever the service is found to work again, and when it does at first."""
        self._callbacks["healthy"].append(check_callback("callback", callback, 0))
        return callback

    def on_unhealthy(self, callback: C) -> C:
        """Call `callback()` when so many checks in a row have failed as the threshold says."""
        self._callbacks["unhealthy"].append(check_callback("callback", callback, 0))
        return callback

    def on_change(self, callback: C) -> C:
        """Call `callback(old, new)` with two statuses, before those of `on_healthy` and `on_unhealthy`."""
        self._callbacks["change"].append(check_callback("callback", callback, 2))
        return callback

    @property
    def status(self) -> HealthStatus:
        """What is known now."""
        if self._must_resume:
            self._begin()
        return self._status

    def start(self) -> Self:
        """Begin to check, now and then every `interval` seconds; does nothing while it runs."""
        self._begin()
        return self

    def _begin(self) -> None:
        with self._mutex:
            self._must_resume = False
            if self._stopped.is_set():
                self._stopped, self._ended = Event(), Event()
                self._status = HealthStatus(running=True)
                io.start(self._work, self._stopped, self._ended)

    def stop(self) -> None:
        """End it; no callback begins afterwards. May be called by a callback, and more than once.

        A check that hangs is waited for a second; it then ends by itself.
        """
        with self._mutex:
            self._must_resume = False
            self._stopped.set()
            self._status = self._status._replace(running=False)
        if _running.get() is not self:
            self._ended.wait(None, _STOP_SECONDS)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _work(self, stopped: Event, ended: Event) -> None:
        _running.set(self)
        try:
            while not stopped.is_set():
                pause = self._check(stopped)
                if self._client.clock is SYSTEM_CLOCK:
                    stopped.wait(None, pause)
                elif not stopped.wait(None, 0.001):  # a clock that does not wait would take all of a processor
                    stopped.wait(self._client.clock, pause)
        except Cancelled:
            pass
        except Exception:
            if not stopped.is_set():
                _logger.exception("a health monitor ended")
                self._status = self._status._replace(running=False)
                stopped.set()
        finally:
            ended.set()

    def _check(self, stopped: Event) -> float:
        """Check once, call back, and return the seconds until the next check.

        An answer that says "too many requests" proves that the service works, so it decides nothing and is waited out.
        """
        report, error = check(self._client, cancel=stopped)
        limit, old = PROBE.rate_limit, self._status
        pause, healthy, failures = max(self._interval, limit.seconds / limit.requests), old.healthy, 0
        if isinstance(error, RateLimitError):
            pause, failures = max(pause, min(error.retry_after, PATIENCE)), old.consecutive_failures
        elif error is not None:
            failures = old.consecutive_failures + 1
            healthy = False if failures >= self._threshold else healthy
        else:
            healthy = True
        new = HealthStatus(healthy, old.checks + 1, failures, report, running=True)
        with self._mutex:
            if stopped.is_set():
                return 0.0
            self._status = new
        if new.healthy is not old.healthy:
            for kind, arguments in (("change", (old, new)), ("healthy" if new.healthy else "unhealthy", ())):
                for callback in self._callbacks[kind]:
                    if not stopped.is_set():
                        call_back(callback, *arguments)
        return pause
