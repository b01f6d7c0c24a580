# Generated from codegen_ext/_async/bulk.py by make generate; edit there.
"""Bulk jobs: create many runs, as many at a time as the limits allow, each of them once."""

from __future__ import annotations

import inspect
import logging
import os
from collections.abc import (
    Callable,
    Collection,
    Generator,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import closing, suppress
from difflib import get_close_matches
from functools import partial
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations

from .._io import synchronous as io
from .._request import check_flag, whole_number
from ..bulk_journal import Claim, Journal, digest_of
from ..bulk_results import BulkResult, by_index, carrying, failure_of, progress_bar
from ..clock import Cancelled
from ..errors import (
    BulkOperationError,
    CodegenAPIError,
    ConfigurationError,
    RateLimitError,
    invalid_argument,
    kind_of,
)
from ..redact import shown
from ..request_ids import new_request_id, with_request_id
from ..run_options import check_repository, run_arguments
from ..run_watch import WatchRequest
from . import create_once
from .callbacks import call_back, check_callback
from .locks import Event, Queue, QueueClosed, sleep

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from .client import CodegenClient

Config = Mapping[str, Any]
"""The options of `Agent.run` but for its timeout."""

OPTIONS = (*inspect.signature(run_arguments).parameters, "repo_id")
_SHORTEST_PAUSE = 1.0
"""Seconds before a refused create is sent again when the service does not say when."""
_logger = logging.getLogger("codegen_ext.bulk")


class BulkOperations:
    """Creates many runs with one client; made by `CodegenClient.bulk_operations`."""

    def __init__(self, client: CodegenClient) -> None:
        client.config.require("bulk_operations")
        self._client = client

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        pass

    def create_agent_runs(
        self,
        org_id: int | str,
        configs: Sequence[Config],
        max_concurrent: int | None = None,
        *,
        wait: bool = False,
        on_result: Callable[[BulkResult], object] | None = None,
        journal: str | os.PathLike[str] | None = None,
    ) -> list[BulkResult]:
        """Create a run for each configuration and return the results in the same order; one failure stops nothing.

        When it is interrupted, creates that were sent end first, and the exception carries the results: Ctrl-C becomes
        a `BulkInterrupted`, any other interruption has one as its `__cause__`. A second one does not wait.

        Args:
            org_id: The organization.
            configs: Each a dict with the options of `Agent.run` but for its timeout.
            max_concurrent: Creates in flight at once; default `bulk_max_workers`.
            wait: Whether to return only when the runs have ended, with what they ended as.
            on_result: Called with each result as it comes; what it raises is logged.
            journal: A file that remembers the job. A later call with the same list goes on, and creates nothing twice.

        Raises:
            BulkOperationError: when the journal is in use, or belongs to another list, organization or service.
            BulkInterrupted: (a KeyboardInterrupt) after Ctrl-C.

        """
        items = list(_checked(configs, Collection))
        check_flag("wait", wait)
        if on_result is not None:
            check_callback("on_result", on_result, 1)
        job = _Job(self._client, org_id, max_concurrent)
        created: list[BulkResult] = []
        try:
            with progress_bar(len(items), "creating runs") as advance:
                with closing(job.run(items, journal, ordered=False)) as results:
                    for result in results:
                        created.append(result)
                        advance(result)
                        if on_result is not None and not wait:
                            call_back(on_result, result)
        except BaseException as error:  # noqa: BLE001 - raised again
            raise carrying(error, [*created, *job.not_handed_out])  # noqa: B904
        return self._ended(job.org_id, created, on_result) if wait else by_index(created)

    def iter_create_agent_runs(
        self,
        org_id: int | str,
        configs: Iterable[Config],
        max_concurrent: int | None = None,
        *,
        ordered: bool = True,
        journal: str | os.PathLike[str] | None = None,
    ) -> Iterator[BulkResult]:
        """Yield results while runs are created; `configs` may be unending and is read as results are consumed.

        At most `bulk_batch_size` items are read ahead. When `configs` raises, the results of what was read come first.
        Closing the iterator stops reading and waits for the creates that were sent; runs that it did not hand out are
        logged. Otherwise like `create_agent_runs`.

        Args:
            org_id: The organization.
            configs: Configurations as in `create_agent_runs`.
            max_concurrent: Creates in flight at once; default `bulk_max_workers`.
            ordered: Whether results come in the order of the input, or as they are completed.
            journal: A file that remembers the job.

        Raises:
            BulkOperationError: when the journal knows another configuration at the same index.

        """
        check_flag("ordered", ordered)
        configs = _checked(configs, Iterable, Iterable)
        return self._iterate(_Job(self._client, org_id, max_concurrent), configs, journal, ordered)

    def _iterate(
        self,
        job: _Job,
        configs: Iterable[Config],
        journal: str | os.PathLike[str] | None,
        ordered: bool,
    ) -> Generator[BulkResult, None, None]:
        try:
            with closing(job.run(configs, journal, ordered=ordered)) as results:
                for result in results:
                    yield result
        except GeneratorExit:
            created = [result.data.id for result in job.not_handed_out if result.data is not None]
            if created:
                _logger.warning("a bulk job was left before it handed out the runs %s", created)
            raise
        except BaseException as error:  # noqa: BLE001 - raised again
            raise carrying(error, job.not_handed_out)  # noqa: B904

    def _ended(
        self,
        org_id: int,
        created: list[BulkResult],
        on_result: Callable[[BulkResult], object] | None,
    ) -> list[BulkResult]:
        """Wait for the end of the runs that were created."""
        results = {result.index: result for result in created}
        indexes = {result.data.id: result.index for result in created if result.data is not None}
        try:
            with progress_bar(len(created), "waiting for runs") as advance:

                def report(result: BulkResult) -> None:
                    results[result.index] = result
                    advance(result)
                    if on_result is not None:
                        call_back(on_result, result)

                for result in created:
                    if result.data is None:
                        report(result)
                requests = [WatchRequest(org_id, run_id) for run_id in indexes]
                with self._client.run_poller.subscribe(*requests) as updates:
                    for update in updates:
                        if update.final:
                            index = indexes[update.request.run_id]
                            run = update.run or results[index].data
                            error = update.error or (run and failure_of(run))
                            report(BulkResult(index, run, error))  # type: ignore[arg-type]
        except BaseException as error:  # noqa: BLE001 - raised again
            raise carrying(error, list(results.values()))  # noqa: B904
        return by_index(list(results.values()))


class _Job:
    """One bulk call: reads configurations, has workers create their runs, and hands out the results."""

    def __init__(self, client: CodegenClient, org_id: int | str, max_concurrent: int | None) -> None:
        config = client.config
        self._width = config.bulk_max_workers if max_concurrent is None else max_concurrent
        if type(self._width) is not int or self._width < 1:
            problem = f"max_concurrent must be a whole number greater than 0, got {shown(self._width)}"
            raise ConfigurationError(problem, "max_concurrent")
        self.org_id = whole_number("org_id", org_id)
        self.not_handed_out: list[BulkResult] = []
        """Results that came after the job was interrupted."""
        self._client = client
        self._journal: Journal | None = None
        self._cancel = Event()
        """Set when nothing more is to be sent."""
        self._items: Queue[tuple[int, Config]] = Queue()
        self._events: Queue[Callable[[], None]] = Queue()
        self._workers: list[io.Worker[None]] = []
        self._read = 0
        self._unfinished = 0
        self._is_reading = False
        self._is_read = False
        self._failure: Exception | None = None
        self._results: dict[int, BulkResult] = {}

    def run(
        self,
        configs: Iterable[Config],
        journal: str | os.PathLike[str] | None,
        *,
        ordered: bool,
    ) -> Generator[BulkResult, None, None]:
        """Yield the results; what reading the input or writing the journal raises comes after all of them."""
        reader = io.Reader(configs, lambda *read: self._events.put_nowait(partial(self._was_read, *read)))
        self._open(journal, configs)
        window, expected = max(self._width, self._client.config.bulk_batch_size), 0
        try:
            while True:
                if not self._is_reading and not self._is_read and self._unfinished + len(self._results) < window:
                    self._is_reading = True
                    reader.read_next()
                gap_stays = self._is_read and not self._unfinished
                index = expected if ordered and not gap_stays else min(self._results, default=expected)
                result = self._results.pop(index, None)
                if result is not None:
                    expected = index + 1
                    yield result
                elif gap_stays:
                    break
                if result is None or len(self._events):
                    for event in self._events.get_all():
                        event()
        finally:
            reader.stop()
            self._stop()
        if self._failure is not None:
            raise self._failure

    def _open(self, path: str | os.PathLike[str] | None, configs: object) -> None:
        """Open the journal, and compare a whole list with it before anything is created."""
        if path is None:
            return
        config = self._client.config
        if not config.exactly_once:
            raise ConfigurationError("a journal needs exactly_once, which is off", "exactly_once")
        job = {"organization": str(self.org_id), "service": config.service_url}
        journal = io.run_blocking(Journal, path, job, partial(new_request_id, self._client.clock))
        try:
            if isinstance(configs, list):
                io.run_blocking(lambda: journal.expect([digest_of(item) for item in configs]))
        except BaseException:
            journal.close()
            raise
        self._journal = journal

    def _stop(self) -> None:
        """Send nothing more, wait for the creates that were sent, and keep their results."""
        self._cancel.set()
        self._items.close()
        try:
            for worker in self._workers:
                worker.join()
            while len(self._events):
                for event in self._events.get_all():
                    event()
        finally:
            self.not_handed_out = by_index(list(self._results.values()))
            if self._journal is not None:
                self._journal.close()

    def _was_read(self, config: Any, is_item: bool, error: Exception | None) -> None:
        """Begin to create the run of an item of the input, or note its end."""
        self._is_reading = False
        self._is_read = self._is_read or not is_item
        self._failure = self._failure or error
        if is_item and not self._cancel.is_set():
            self._items.put_nowait((self._read, config))
            self._read += 1
            self._unfinished += 1
            if len(self._workers) < min(self._width, self._unfinished):
                self._workers.append(io.start_in_context(self._work))

    def _finished(self, result: BulkResult | None, failure: Exception | None) -> None:
        """Take the result of an item, None where nothing was sent."""
        self._unfinished -= 1
        if result is not None:
            self._results[result.index] = result
        if failure is not None:
            self._failure, self._is_read = self._failure or failure, True
            self._cancel.set()

    def _work(self) -> None:
        with suppress(QueueClosed):
            while True:
                index, config = self._items.get()
                claim, result, failure, journal = None, None, None, self._journal
                try:
                    if self._cancel.is_set():
                        raise Cancelled
                    if journal is not None:
                        claim = io.run_blocking(journal.claim, index, digest_of(config))
                        result = claim.result
                    if result is None:
                        result = self._create(index, config, claim)
                        if journal is not None:
                            io.run_blocking(journal.record, result)
                except Cancelled:
                    pass
                except Exception as error:  # noqa: BLE001 - raised to the caller after all results
                    failure = error
                self._events.put_nowait(partial(self._finished, result, failure))

    def _create(self, index: int, config: Config, claim: Claim | None) -> BulkResult:
        """Create the run of an item; its failure, whatever it is, is the result."""
        try:
            arguments = configured_arguments(self._client, self.org_id, config)
            return BulkResult(index, self._create_patiently(arguments, claim), None)
        except CodegenAPIError as error:
            return BulkResult(index, None, error)
        except Cancelled:
            if self._journal is not None and claim is not None and not claim.maybe_created:
                io.run_blocking(self._journal.forget, index)
            raise
        except Exception as error:  # noqa: BLE001 - one item stops no other
            failure = BulkOperationError(f"item {index} failed with {type(error).__name__}: {error}")
            failure.__cause__ = error
            return BulkResult(index, None, failure)

    def _create_patiently(self, arguments: dict[str, Any], claim: Claim | None) -> AgentRunResponse:
        """Create a run; a limit delays it for as long as it takes, because a job has more patience than a call."""
        request_id, maybe_created = (claim.request_id, claim.maybe_created) if claim else (None, False)
        while True:
            try:
                return create_configured(self._client, arguments, request_id, maybe_created, self._cancel)
            except RateLimitError as error:
                sleep(self._client.clock, max(error.retry_after, _SHORTEST_PAUSE), self._cancel)


def create_configured(
    client: CodegenClient,
    arguments: dict[str, Any],
    request_id: str | None = None,
    maybe_created: bool = False,
    cancel: Event | None = None,
) -> AgentRunResponse:
    """Create a run, under a request id where one is given; with `maybe_created` look for it first.

    Raises:
        Cancelled: when `cancel` was set before anything was sent.
        CodegenAPIError: when there is no run, or it is unknown whether there is one.

    """
    if not client.config.exactly_once:
        return (client.perform(operations.CREATE_AGENT_RUN, arguments, cancel=cancel)).parsed
    if request_id is not None:
        _, arguments = with_request_id(arguments, client.clock, request_id)
        if maybe_created:
            found = create_once.recover(client, arguments["org_id"], request_id, cancel=cancel)
            if found is not None:
                return found.parsed
    return (create_once.create(client, arguments, cancel=cancel)).parsed


def configured_arguments(client: CodegenClient, org_id: int, config: Config) -> dict[str, Any]:
    """Return the arguments of a create.

    Raises:
        ValidationError: naming the option that does not fit.

    """
    options = checked_options(config)
    repository, repo_id = options.get("repository"), options.pop("repo_id", None)
    check_repository(repository, repo_id)
    arguments = {"org_id": org_id, "repo_id": repo_id, **run_arguments(**options)}
    if repository is not None:
        arguments["repo_id"] = client.repositories.resolve(client, org_id, repository)
    return arguments


def checked_options(config: object) -> dict[str, Any]:
    """Return the options of a configuration.

    Raises:
        ValidationError: for what is no dict of options, naming the option that was perhaps meant.

    """
    if not isinstance(config, Mapping):
        raise invalid_argument("config", f"expected a dict with a prompt, got {kind_of(config)}")
    for name in config:
        if name not in OPTIONS:
            close = get_close_matches(str(name), OPTIONS, 1)
            hint = f"did you mean {close[0]}?" if close else f"there are {', '.join(OPTIONS)}"
            raise invalid_argument(str(name), f"is no option of a run; {hint}")
    return {"prompt": None, **config}


def _checked(configs: Any, *kinds: type) -> Any:
    """Return configurations that are of one of these kinds; raises ValidationError for what is not."""
    if isinstance(configs, str | bytes | Mapping) or not isinstance(configs, kinds):
        hint = "a list of configurations; iter_create_agent_runs takes any iterable"
        raise invalid_argument("configs", f"expected {hint}, got {kind_of(configs)}")
    return configs
