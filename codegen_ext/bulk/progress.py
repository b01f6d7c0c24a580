"""A progress bar on the terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TextIO

from .results import BulkResult


def _is_terminal(stream: TextIO | None) -> bool:
    """Whether somebody sees what is written; processes without a console have no stderr, or a closed one."""
    return stream is not None and not stream.closed and stream.isatty()


@contextmanager
def bar(total: int, doing: str) -> Iterator[Callable[[BulkResult], None]]:
    """Show how many results have come where stderr is a terminal and the extra `cli` is installed."""
    if _is_terminal(sys.stderr):
        try:
            from rich.console import Console
            from rich.progress import Progress
        except ImportError:
            pass
        else:
            with Progress(console=Console(stderr=True), transient=True) as progress:
                task = progress.add_task(doing, total=total)
                failed = 0

                def advance(result: BulkResult) -> None:
                    nonlocal failed
                    failed += not result.success
                    shown = f"{doing} ({failed} failed)" if failed else doing
                    progress.update(task, advance=1, description=shown)

                yield advance
                return
    yield _ignore


def _ignore(_result: BulkResult) -> None:
    pass
