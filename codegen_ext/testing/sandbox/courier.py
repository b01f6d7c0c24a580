"""Sends the events of runs that have a `webhook_url`, signed, over real HTTP, from a thread of its own."""

import logging
import threading
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING
from uuid import uuid4

import httpx

from codegen_ext.errors import ConfigurationError
from codegen_ext.testing.webhooks import signed_headers

from .contract import load_contract
from .runs import Run, Step
from .timing import Timeline
from .wire import Json, dumps

if TYPE_CHECKING:
    from .world import Settings

WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105 - it protects nothing
_GLANCE = 0.02
"""Real seconds between two looks at the clock, which may be a fake one."""
_PATIENCE = 5.0
"""Real seconds for one attempt."""
_PAUSES = (0.1, 0.4)
"""Real seconds before each further attempt."""
_logger = logging.getLogger("codegen_ext.sandbox")


@dataclass(slots=True)
class Delivery:
    """An event and what became of it."""

    url: str
    event: str
    id: str
    """The same for each attempt."""
    run_id: int
    attempts: int = 0
    status: int | None = None
    """What the receiver answered last; None while it has not answered."""


class Courier:
    """Looks after the runs with an address; its thread lives only as long as one of them is to change."""

    def __init__(self, timeline: Timeline, lock: RLock, settings: "Settings") -> None:
        self._timeline = timeline
        self._lock = lock
        self._settings = settings
        self._runs: dict[int, tuple[Run, str]] = {}
        self._sent: dict[int, int] = {}
        self._last: dict[int, str] = {}
        self._deliveries: list[Delivery] = []
        self._thread: threading.Thread | None = None
        self._over = threading.Event()

    @property
    def deliveries(self) -> list[Delivery]:
        """The deliveries so far, in the order in which they began."""
        with self._lock:
            return list(self._deliveries)

    def watch(self, run: Run) -> None:
        """Report what happens to a run, if its metadata name an address."""
        url = (run.metadata or {}).get("webhook_url")
        if isinstance(url, str) and url.startswith(("http://", "https://")):
            with self._lock:
                self._runs[run.id] = run, url
            self.wake()

    def wake(self) -> None:
        """Look at the runs again, because one has other plans now."""
        with self._lock:
            if self._thread is None and not self._over.is_set() and self._has_plans():
                self._thread = threading.Thread(target=self._work, name="codegen-sandbox-webhooks", daemon=True)
                self._thread.start()

    def open(self) -> None:
        """Go to work, again after `stop`."""
        self._over.clear()
        self.wake()

    def stop(self) -> None:
        """Send nothing any more; an attempt that hangs is not waited for."""
        self._over.set()
        thread = self._thread
        if thread is not None:
            thread.join(1)

    def _has_plans(self) -> bool:
        return any(len(run.steps) > self._sent.get(run.id, 0) for run, _ in self._runs.values())

    def _work(self) -> None:
        try:
            with httpx.Client(timeout=_PATIENCE) as http:
                while not self._over.is_set():
                    for run, url in list(self._runs.values()):
                        self._report(http, run, url)
                    with self._lock:
                        if not self._has_plans():
                            self._thread = None
                            return
                    self._over.wait(_GLANCE)
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None

    def _report(self, http: httpx.Client, run: Run, url: str) -> None:
        with self._lock:
            now = self._timeline.now()
            due = [step for step in run.steps[self._sent.get(run.id, 0) :] if step.at <= now]
            self._sent[run.id] = self._sent.get(run.id, 0) + len(due)
        for step in due:
            event = _event_of(step)
            if event is not None and event != self._last.get(run.id):
                self._last[run.id] = event
                self._deliver(http, Delivery(url, event, f"msg_{uuid4().hex}", run.id), run, step)

    def _deliver(self, http: httpx.Client, delivery: Delivery, run: Run, step: Step) -> None:
        with self._lock:
            self._deliveries.append(delivery)
            body = dumps({"type": delivery.event, "timestamp": self._timeline.stamp(step.at), "data": _data(run, step)})
        for pause in (0.0, *_PAUSES):
            if self._over.wait(pause):
                return
            try:
                delivery.attempts += 1
                answer = http.post(delivery.url, content=body, headers=self._headers(delivery, body))
            except ConfigurationError as error:
                _logger.warning("no webhooks are sent: %s", error)
                return
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                _logger.info("webhook to %s: %s", delivery.url, error)
            else:
                delivery.status = answer.status_code
                if answer.is_success:
                    return

    def _headers(self, delivery: Delivery, body: bytes) -> dict[str, str]:
        moment = int(self._timeline.epoch(self._timeline.now()))
        return signed_headers(self._settings.webhook_secret, body, delivery.id, moment)


def _event_of(step: Step) -> str | None:
    from codegen_api.enums import AgentRunStatus, to_agent_run_status

    from codegen_ext.webhooks.events import EVENT_OF

    meaning = to_agent_run_status(step.status)
    return EVENT_OF[meaning] if isinstance(meaning, AgentRunStatus) else None


def _data(run: Run, step: Step) -> Json:
    failed = load_contract().meaning(step.status) == "failed"
    stood = {"status": step.status, "result": step.result, "summary": step.summary}
    return {**run.as_json(step.at), **stood, "error": (step.result or step.summary) if failed else None}
