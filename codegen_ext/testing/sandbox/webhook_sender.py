"""Sends the events of runs that have a `webhook_url`, signed, over HTTP, from one thread."""

import logging
import ssl
import threading
from dataclasses import dataclass
from functools import cache
from uuid import uuid4

import httpx

from codegen_ext.errors import ConfigurationError
from codegen_ext.testing.webhooks import signed_headers

from .messages import dumps
from .runs import Run, Step
from .schema import status_meaning
from .state import State

_POLL_SECONDS = 0.02
"""Real seconds between two looks at the clock, which may be a fake one."""
_TIMEOUT = 5.0
"""Real seconds for one attempt."""
_PAUSES = (0.0, 0.1, 0.4)
"""Real seconds before each attempt."""
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
    """The receiver's last status code; None while it has not answered."""


class WebhookSender:
    """Reports the events of runs that have an address; its thread lives only as long as there are further ones."""

    def __init__(self, state: State) -> None:
        self.deliveries: list[Delivery] = []
        self._state = state
        self._reported: dict[Run, int] = {}
        """How many events of each run have been reported."""
        self._thread: threading.Thread | None = None
        self._stopped = threading.Event()

    def watch(self, run: Run) -> None:
        """Report the events of a run, if its metadata have an address."""
        if _address(run).startswith(("http://", "https://")):
            self._reported[run] = 0
            self.wake()

    def wake(self) -> None:
        """Start the thread if runs have further steps."""
        with self._state.lock:
            if self._thread is None and not self._stopped.is_set() and self._has_plans():
                self._thread = threading.Thread(target=self._work, name="codegen-sandbox-webhooks", daemon=True)
                self._thread.start()

    def open(self) -> None:
        """Send again after `stop`."""
        self._stopped.clear()
        self.wake()

    def stop(self) -> None:
        """Send no more; an attempt that hangs is not waited for."""
        self._stopped.set()
        if thread := self._thread:
            thread.join(1)

    def _has_plans(self) -> bool:
        return any(len(_events(run)) > count for run, count in self._reported.items())

    def _work(self) -> None:
        with httpx.Client(timeout=_TIMEOUT, trust_env=False, verify=_tls()) as http:
            while True:
                for run in list(self._reported):
                    with self._state.lock:
                        now = self._state.now()
                        due = [event for event in _events(run)[self._reported[run] :] if event[1].at <= now]
                        self._reported[run] += len(due)
                    for name, step in due:
                        self._deliver(http, run, name, step)
                with self._state.lock:
                    if self._stopped.is_set() or not self._has_plans():
                        self._thread = None
                        return
                self._stopped.wait(_POLL_SECONDS)

    def _deliver(self, http: httpx.Client, run: Run, event: str, step: Step) -> None:
        delivery = Delivery(_address(run), event, f"msg_{uuid4().hex}", run.id)
        error = (step.result or step.summary) if event == "agent_run.failed" else None
        shown = {"status": step.status, "result": step.result, "summary": step.summary, "error": error}
        with self._state.lock:
            self.deliveries.append(delivery)
            data = {**run.as_json(step.at), **shown}
        body = dumps({"type": event, "timestamp": self._state.stamp(step.at), "data": data})
        for pause in _PAUSES:
            if self._stopped.wait(pause):
                return
            delivery.attempts += 1
            sent_at = int(self._state.epoch(self._state.now()))
            try:
                headers = signed_headers(self._state.settings.webhook_secret, body, delivery.id, sent_at)
                delivery.status = http.post(delivery.url, content=body, headers=headers).status_code
            except ConfigurationError as error:
                _logger.warning("no webhooks are sent: %s", error)
                return
            except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
                _logger.info("webhook to %s: %s", delivery.url, error)
            else:
                if delivery.status < 300:
                    return


@cache
def _tls() -> ssl.SSLContext:
    """Return the TLS context of all senders: reading the certificates takes 40 ms."""
    return httpx.create_ssl_context(trust_env=False)


def _address(run: Run) -> str:
    url = (run.metadata or {}).get("webhook_url")
    return url if isinstance(url, str) else ""


def _events(run: Run) -> list[tuple[str, Step]]:
    """Return the events of a run, oldest first; later ones are plans."""
    events: list[tuple[str, Step]] = []
    for step in run.steps:
        meaning = status_meaning(step.status)
        name = f"agent_run.{'created' if meaning == 'pending' else meaning}"
        if meaning is not None and (not events or events[-1][0] != name):
            events.append((name, step))
    return events
