"""Results of bulk jobs, and the progress bar that counts them."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, TextIO

from codegen_api.enums import AgentRunStatus

from .errors import BulkOperationError, TaskError

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from .errors import CodegenAPIError


@dataclass(frozen=True, slots=True)
class BulkResult:
    """Result of one configuration; `index` is its position in the input, from 0.

    `data` is the run that was created, `error` why there is none. An `AmbiguousRequestError` there has the request id
    under which a run may exist.
    """

    index: int
    data: AgentRunResponse | None
    error: CodegenAPIError | None

    @property
    def success(self) -> bool:
        """Whether a run was created, and ended well where the job waited for its end."""
        return self.error is None


class BulkInterrupted(KeyboardInterrupt):
    """Ctrl-C ended a bulk job; `results` are those that were not handed out before, by index."""

    def __init__(self, results: list[BulkResult]) -> None:
        created = sum(result.data is not None for result in results)
        super().__init__(
            f"interrupted; {created} runs were created that were not handed out before; "
            "with a journal, a later call goes on from there"
        )
        self.results = results


def by_index(results: list[BulkResult]) -> list[BulkResult]:
    """Return results in the order of the input."""
    return sorted(results, key=lambda result: result.index)


def carrying(error: BaseException, results: list[BulkResult]) -> BaseException:
    """Return the exception to raise instead of `error`, which carries results that were not handed out."""
    results = by_index(results)
    if isinstance(error, KeyboardInterrupt):
        return BulkInterrupted(results)
    if isinstance(error, BulkOperationError):
        error.results = results
    elif results or not isinstance(error, Exception):
        error.__cause__ = BulkInterrupted(results)
    return error


def failure_of(run: AgentRunResponse) -> TaskError | None:
    """Return the error of a run that has not completed, None for one that has."""
    if run.status is AgentRunStatus.COMPLETED:
        return None
    reason = next((text for text in (run.result, run.summary) if text), None)
    problem = f"agent run {run.id} ended as {run.raw_status or run.status}{f': {reason}' if reason else ''}"
    return TaskError(problem, task_id=run.id, task_status=None if run.status is None else str(run.status))


@contextmanager
def progress_bar(total: int, doing: str) -> Iterator[Callable[[BulkResult], object]]:
    """Count results where stderr is a terminal and the extra `cli` is installed."""
    if not _is_terminal(sys.stderr):
        yield bool
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield bool
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(doing, total=total)
        failed = 0

        def advance(result: BulkResult) -> None:
            nonlocal failed
            failed += not result.success
            progress.update(task, advance=1, description=f"{doing} ({failed} failed)" if failed else doing)

        yield advance


def _is_terminal(stream: TextIO | None) -> bool:
    """Return whether a stream is a terminal; a process without console has none, or a closed one."""
    return stream is not None and not stream.closed and stream.isatty()
