"""What the commands write: results to stdout, everything else to stderr."""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse
    from rich.table import Table

    from .. import AsyncTask, Change

COLORS = {"completed": "green", "failed": "red", "cancelled": "yellow", "paused": "magenta", "running": "cyan"}


class Closed(Exception):  # noqa: N818 - the reader has what it wanted
    """Raised when the reader of stdout or stderr has gone, as `head` does."""


def replace_unencodable() -> None:
    """Have both streams replace the characters that their encoding lacks."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def is_terminal() -> bool:
    """Return whether results appear on a terminal."""
    return sys.stdout is not None and sys.stdout.isatty()


def write(text: str) -> None:
    """Write a line of the result; a terminal gets no control characters, a file gets every character."""
    _print(harmless(text) if is_terminal() else text, sys.stdout)


def write_json(data: object) -> None:
    """Write JSON (RFC 8259) on one line; NaN and infinite numbers are null."""
    finite = json.loads(json.dumps(data), parse_constant=lambda _: None)
    text = json.dumps(finite, ensure_ascii=False)
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        text = json.dumps(finite)
    _print(text, sys.stdout)


def note(text: str) -> None:
    """Write a line about what happens to stderr, without control characters."""
    _print(harmless(text), sys.stderr)


def _print(text: str, stream: Any) -> None:
    """Print a line; raises Closed when the stream has no reader left, OSError when it cannot be written."""
    if stream is None:  # closed before the program began
        return
    try:
        stream.write(text + "\n")
        stream.flush()
    except OSError as error:
        # What the stream still holds goes to the null device, so that the interpreter's last flush does not fail.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
        if isinstance(error, BrokenPipeError):
            raise Closed from None
        raise


def harmless(text: str) -> str:
    """Return a text without the characters that could command a terminal."""
    return "".join(character for character in text if character.isprintable() or character in "\n\t")


def one_line(text: str) -> str:
    """Return a text as a field of a row: every run of white space is one space."""
    return " ".join(harmless(text).split())


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


def change(change: Change, json_wanted: bool) -> None:
    """Write what happened to a run."""
    if json_wanted:
        write_json({"kind": change.kind, "previous": change.previous, "run": change.run.dict()})
    else:
        _row(change.run.id, change.kind, change.previous, change.run.status)


def listing(tasks: Iterable[AsyncTask], json_wanted: bool) -> None:
    """Write runs: for a terminal as a table, otherwise as rows with tabs."""
    if json_wanted:
        write_json([as_json(task) for task in tasks])
    elif is_terminal():
        from rich.console import Console

        Console().print(table(tasks))
    else:
        for task in tasks:
            _row(task.id, task.status, task.created_at, task.web_url)


def _row(*cells: object) -> None:
    write("\t".join(one_line("" if cell is None else str(cell)) for cell in cells))


def table(tasks: Iterable[AsyncTask]) -> Table:
    """Return a table of runs for a terminal, with a head, ages and colors."""
    from rich.table import Column, Table
    from rich.text import Text

    # What is too long for the terminal is cut off, and the id links to the page, so that a run has one line.
    columns = [Column(name, no_wrap=True) for name in ("id", "status", "age", "repository", "summary")]
    table = Table(*columns, box=None)
    for task in tasks:
        status = str(task.status or "unknown")
        table.add_row(
            Text(str(task.id), f"link {one_line(task.web_url)}" if task.web_url else ""),
            Text(status, COLORS.get(status, "")),
            age(task.created_at),
            Text(one_line(task.repository or "")),
            Text(one_line(task.summary or task.result or "")),
        )
    return table


def age(created_at: str | None, now: datetime | None = None) -> str:
    """Return the time since a timestamp in its largest unit, such as `5 min`; empty when it cannot be read."""
    from codegen_api.codec import parse_timestamp

    try:
        seconds = ((now or datetime.now(UTC)) - parse_timestamp(created_at or "")).total_seconds()
    except (ValueError, OverflowError):
        return ""
    for unit, length in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
