"""Celery: creating, waiting for and resuming runs as tasks that survive the worker that began them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from hashlib import sha256
from math import inf
from typing import Any, NamedTuple, NoReturn

from codegen_api import operations

from .._request import whole_number
from .._sync.bulk import configured_arguments, create_configured
from .._sync.client import CodegenClient
from ..clock import SYSTEM_CLOCK
from ..config import ClientConfig
from ..errors import (
    AmbiguousRequestError,
    ConfigurationError,
    RateLimitError,
    WaitTimeoutError,
    invalid_argument,
    needs_extra,
)
from ..images import encode_images
from ..request_ids import made_at, new_request_id
from ..run_watch import watch_request
from ..storage import scheme_of
from .celery_fleet import Fleet
from .shared import SharedClients

with needs_extra("celery", "Celery"):
    from celery import Celery, Task
    from celery.signals import worker_process_shutdown, worker_shutdown

REQUEST_ID = "codegen_request_id"
"""The header of a task's message that holds the request id."""
LONGEST_TURN = 600.0
"""Seconds after which a wait goes back into the queue, so that a broker does not take its worker for dead."""
SHORTEST_RETURN = 1.0
"""Seconds that a task is in the queue again at least.

A worker sends the message first and notes the retry in the result afterwards, which would overwrite what another worker
that is quicker has written, so that the result would never come.
"""
BUSY = 10.0
"""Seconds after which a create is tried again that another worker may be busy with."""
MAX_SEARCHES = 10
"""How often a create whose outcome is unknown is tried again."""


class AgentTasks(NamedTuple):
    """The tasks that `agent_tasks` registered."""

    create: Any
    """`codegen.create_agent_run(org_id, config)` returns the run, as a dict."""
    wait: Any
    """`codegen.wait_for_agent_run(run, timeout=None, poll_interval=5.0)` returns the run as it ended.

    `run` is the run as a dict, or its id in the organization that the settings name.
    """
    resume: Any
    """`codegen.resume_agent_run(org_id, run_id, prompt, images=None)` returns the run, which goes on."""


def agent_tasks(app: Celery, config: ClientConfig | None = None) -> AgentTasks:
    """Register the tasks on an application; each process of a worker makes one client, when a task first needs it.

    Arguments and results are JSON. The message of a task is acknowledged when the task is over, so a task whose worker
    dies is run by another one; a create then looks for the run under its request id before it sends anything.

    Args:
        app: The application, with Redis or RabbitMQ as broker.
        config: The settings of the clients; None reads each process's environment. `shared_state` is where the workers
            share limits, and with a Redis also the pages that they read while they wait.

    Raises:
        ConfigurationError: in a task, when the client's settings are wrong, or the broker would hand a task to a second
            worker while the first is still busy with it.

    """
    worker = _Worker(app, config)
    for signal in (worker_process_shutdown, worker_shutdown):
        signal.connect(worker.end, weak=False)

    def create(task: Task, org_id: int, config: Mapping[str, Any]) -> dict[str, Any]:
        client, request_id = worker.get(CodegenClient), _request_id(task)
        made = made_at(request_id)
        # A message that was kept for so long may have been given to another worker too.
        is_old = made is not None and SYSTEM_CLOCK.time() - made >= worker.visibility
        maybe_created = _is_redelivered(task) or task.request.retries > 0 or is_old
        arguments = configured_arguments(client, whole_number("org_id", org_id), config)
        try:
            with worker.fleet.creating(request_id) if worker.fleet else nullcontext(True) as is_alone:
                if is_alone:
                    return create_configured(client, arguments, request_id, maybe_created).dict()
        except RateLimitError as error:
            _again(task, worker.bounded(error.retry_after), error)
        except AmbiguousRequestError as error:
            _again(task, worker.bounded(client.config.create_settle_seconds), error, MAX_SEARCHES)
        busy = "another worker is creating this run, or was until it died"
        failure = AmbiguousRequestError(busy, request_id, operation=operations.CREATE_AGENT_RUN.id)
        _again(task, worker.bounded(BUSY), failure)

    def wait(
        task: Task, run: Mapping[str, Any] | int | str, timeout: float | None = None, poll_interval: float = 5.0
    ) -> dict[str, Any]:
        client, start = worker.get(CodegenClient), SYSTEM_CLOCK.monotonic()
        org_id, run_id = _organization_and_run(run, client.config)
        watch_request(org_id, run_id, poll_interval, timeout)  # of which the client sees a part only
        turn = worker.bounded(LONGEST_TURN)
        last = timeout is not None and timeout <= turn
        try:
            ended = client.wait_for_completion(org_id, run_id, poll_interval, timeout if last else turn)
        except WaitTimeoutError as error:
            if last:
                raise
            spent = SYSTEM_CLOCK.monotonic() - start + SHORTEST_RETURN
            left = None if timeout is None else max(timeout - spent, 0.0)
            options = {"args": (run,), "kwargs": {"timeout": left, "poll_interval": poll_interval}}
            raise task.retry(**options, countdown=SHORTEST_RETURN, exc=error) from error
        return ended.dict()

    def resume(
        task: Task, org_id: int, run_id: int, prompt: str, images: Sequence[str] | None = None
    ) -> dict[str, Any]:
        client = worker.get(CodegenClient)
        if _is_redelivered(task):
            raise AmbiguousRequestError(
                f"the worker that had this task has ended, and may have resumed run {run_id}; it was not repeated",
                operation=operations.RESUME_AGENT_RUN.id,
            )
        try:
            run = client.resume_agent_run(org_id, run_id, prompt, images=encode_images(images))
        except RateLimitError as error:
            _again(task, worker.bounded(error.retry_after), error)
        finally:
            if worker.fleet is not None:
                worker.fleet.forget_pages()
        return run.dict()

    def register(function: Any, name: str) -> Any:
        return app.task(
            function,
            shared=False,  # otherwise every app of the process would get the tasks of this one
            bind=True,
            base=_AgentTask,
            name=f"codegen.{name}",
            acks_late=True,
            reject_on_worker_lost=True,
            max_retries=None,
            serializer="json",
        )

    names = ("create_agent_run", "wait_for_agent_run", "resume_agent_run")
    return AgentTasks(*map(register, (create, wait, resume), names))


class _AgentTask(Task):  # type: ignore[misc] # celery has no types
    """A task whose message carries a request id, the same in every delivery and repetition."""

    abstract = True

    def apply_async(self, args: Any = None, kwargs: Any = None, task_id: str | None = None, **options: Any) -> Any:
        request_id = new_request_id(SYSTEM_CLOCK)
        if task_id is not None:
            # It begins with the time as well; the digits of a UUID look the same, and would tell another time.
            request_id = request_id[:12] + sha256(task_id.encode()).hexdigest()[:20]
        headers = {REQUEST_ID: request_id, **(options.pop("headers", None) or {})}
        return super().apply_async(args, kwargs, task_id=task_id or request_id, headers=headers, **options)


def _request_id(task: Task) -> str:
    sent = (task.request.headers or {}).get(REQUEST_ID)
    # A task that is sent by its name alone has no header; this form says that the time is not known.
    return str(sent) if sent else f"task-{sha256(str(task.request.id).encode()).hexdigest()[:32]}"


def _organization_and_run(run: Any, config: ClientConfig) -> tuple[Any, Any]:
    """Return the ids of a run that was given as a dict or by its number."""
    if isinstance(run, Mapping):
        missing = [name for name in ("id", "organization_id") if run.get(name) is None]
        if missing:
            raise invalid_argument("run", f"the dict of a run lacks {' and '.join(missing)}")
        return run["organization_id"], run["id"]
    if not config.org_id:
        raise ConfigurationError("to wait for a run by its id, set org_id or CODEGEN_ORG_ID, or pass the run", "org_id")
    return config.org_id, run


def _is_redelivered(task: Task) -> bool:
    return bool((task.request.delivery_info or {}).get("redelivered"))


def _again(task: Task, seconds: float, error: Exception, most: int | None = None) -> NoReturn:
    """Put the task back into the queue for so many seconds; beyond `most` times the error is raised."""
    raise task.retry(countdown=max(seconds, SHORTEST_RETURN), exc=error, max_retries=most) from error


class _Worker(SharedClients):
    """The client of this process, made when a task first needs it."""

    def __init__(self, app: Celery, config: ClientConfig | None) -> None:
        super().__init__(self._make_client)
        self._app = app
        self._config = config
        self.visibility = inf
        """Seconds after which the broker gives a message to another worker, infinity where it sees a worker's end."""
        self.fleet: Fleet | None = None
        """What the workers share in Redis; None without a Redis."""

    def bounded(self, seconds: float) -> float:
        """Return these seconds, or fewer where the broker would give the message to another worker."""
        return min(max(seconds, 0.0), self.visibility / 2)

    def end(self, **_signal: Any) -> None:
        """Close the client and the connections to Redis."""
        self.close()
        fleet, self.fleet = self.fleet, None
        if fleet is not None:
            fleet.close()

    def _make_client(self, kind: type[CodegenClient]) -> CodegenClient:
        config = ClientConfig.of(self._config, {})
        self.visibility = _visibility(self._app)
        if self.visibility <= 2 * config.total_timeout:
            raise ConfigurationError(
                f"the broker's visibility_timeout ({self.visibility:g} s) must be more than twice total_timeout "
                f"({config.total_timeout:g} s), or else a task is given to a second worker while the first is busy",
                config_key="total_timeout",
            )
        client = kind(config)
        if config.shared_state and scheme_of(config.shared_state) == "redis":
            self.fleet = Fleet(config.shared_state, client)
            client.run_poller.read_page = self.fleet.read_page
        return client


def _visibility(app: Celery) -> float:
    with app.connection_for_read() as connection:
        channel = getattr(connection.transport, "Channel", None)
        default: float | None = getattr(channel, "visibility_timeout", None)
        options = connection.transport_options or {}
    return inf if default is None else float(options.get("visibility_timeout", default))
