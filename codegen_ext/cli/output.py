"""What the commands write: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import logging
import math
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from codegen_api.codec import parse_timestamp

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse
    from rich.table import Table

    from .. import AsyncTask

COLOURS = {"completed": "green", "failed": "red", "cancelled": "yellow", "paused": "magenta", "running": "cyan"}
SUMMARY_WIDTH = 60


class Closed(Exception):  # noqa: N818 - the reader has what it wanted
    """Raised when the reader of stdout or stderr has gone, as `head` does."""


def write(text: str) -> None:
    """Write a line of the result; a terminal gets no control characters, a file gets every character."""
    _print(harmless(text) if sys.stdout is not None and sys.stdout.isatty() else text, sys.stdout)


def write_json(data: object) -> None:
    """Write JSON (RFC 8259) on one line; NaN and infinite numbers are null."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    text = json.dumps(_finite(data), ensure_ascii=False, allow_nan=False)
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        text = json.dumps(_finite(data), allow_nan=False)
    _print(text, sys.stdout)


def note(text: str) -> None:
    """Write a line about what happens to stderr, without control characters."""
    _print(harmless(text), sys.stderr)


def _print(text: str, stream: Any) -> None:
    """Print a line; what the stream cannot encode is replaced.

    Raises:
        Closed: when the stream has no reader left.
        OSError: when the line cannot be written, such as to a full disk.

    """
    if stream is None:  # closed before the program began
        return
    encoding = getattr(stream, "encoding", None) or "utf-8"
    try:
        stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
        stream.flush()
    except BrokenPipeError:
        _drop(stream)
        raise Closed from None
    except OSError:
        _drop(stream)
        raise


def _drop(stream: Any) -> None:
    """Send what the stream still holds to the null device, so that the interpreter's last flush does not fail."""
    import os

    try:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
    except (OSError, ValueError):
        pass


def harmless(text: str) -> str:
    """Return a text without the characters that could command a terminal."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def one_line(text: str) -> str:
    """Return a text as a field of a row: every run of white space is one space."""
    return " ".join(harmless(text).split())


def _finite(data: object) -> object:
    if isinstance(data, float) and not math.isfinite(data):
        return None
    if isinstance(data, dict):
        return {key: _finite(value) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [_finite(value) for value in data]
    return data


class NoteHandler(logging.Handler):
    """Shows the package's records of INFO and above, such as waits for a rate limit and retries, on stderr."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record."""
        note(f"codegen-sdk: {record.getMessage()}")


def log_line(entry: AgentRunLogResponse) -> str:
    """Return one line for an entry of a log."""
    text = entry.thought or entry.observation or entry.tool_input or ""
    shown = text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)
    tool = f" {entry.tool_name}" if entry.tool_name else ""
    return f"{entry.created_at}  {entry.message_type}{tool}  {one_line(shown)}".rstrip()


def as_json(task: AsyncTask) -> dict[str, Any]:
    """Return a run for --json: the contract's fields, and the options that travel in its metadata."""
    return {**task.run.dict(), "repository": task.repository, "tags": task.tags, "priority": task.priority}


def created(task: AsyncTask, json_wanted: bool) -> None:
    """Write the id of a run that is not waited for."""
    if json_wanted:
        write_json(as_json(task))
    else:
        write(str(task.id))


def outcome(task: AsyncTask, json_wanted: bool) -> None:
    """Write the result of a run, and to stderr its status, its pull requests and why it did not complete."""
    note(f"run {task.id}: {task.status}")
    for request in task.github_pull_requests:
        note(f"pull request: {request.url}")
    completed = task.status == "completed"
    said = task.result or task.summary or ""
    if not completed and said:
        note(f"run {task.id} says: {said}")
    if task.status == "paused":
        note(f"it needs input: codegen-sdk resume {task.id} PROMPT")
    if json_wanted:
        write_json(as_json(task))
    elif completed and said:
        write(said)


def state(task: AsyncTask, json_wanted: bool) -> None:
    """Write the state of a run, a field on a line."""
    if json_wanted:
        write_json(as_json(task))
        return
    fields = {
        "id": task.id,
        "status": task.status,
        "created": task.created_at,
        "url": task.web_url,
        "repository": task.repository,
        "priority": task.priority,
        "tags": ", ".join(task.tags) or None,
        **{f"pull request {number}": each.url for number, each in enumerate(task.github_pull_requests, 1)},
    }
    for name, value in fields.items():
        if value is not None:
            write(f"{name}: {one_line(str(value))}")
    if task.result is not None:
        write(f"result: {task.result}")


def listing(tasks: Sequence[AsyncTask], json_wanted: bool) -> None:
    """Write a table of runs: for a terminal with a head, ages and colours, otherwise rows with tabs."""
    if json_wanted:
        write_json([as_json(task) for task in tasks])
    elif sys.stdout is not None and sys.stdout.isatty():
        from rich.console import Console

        table = table_of_runs()
        for task in tasks:
            table.add_row(*row(task.run, task.repository))
        Console().print(table)
    else:
        for task in tasks:
            write(
                "\t".join(one_line(cell or "") for cell in (str(task.id), task.status, task.created_at, task.web_url))
            )


def table_of_runs() -> Table:
    """Return an empty table for `row`."""
    from rich.table import Table

    return Table("id", "status", "age", "repository", "summary", "url", box=None)


def row(run: Any, repository: str | None) -> list[Any]:
    """Return the cells of a run for a terminal."""
    from rich.text import Text

    status = str(run.status or "unknown")
    summary = one_line(run.summary or run.result or "")
    cells = [age(run.created_at), repository or "", summary[:SUMMARY_WIDTH], run.web_url or ""]
    return [Text(str(run.id)), Text(status, COLOURS.get(status, "")), *(Text(one_line(cell)) for cell in cells)]


def age(created_at: str | None, now: datetime | None = None) -> str:
    """Return the time since a timestamp in its largest unit, such as `5 min`; empty when it cannot be read."""
    try:
        seconds = ((now or datetime.now(UTC)) - parse_timestamp(created_at or "")).total_seconds()
    except (ValueError, OverflowError):
        return ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
