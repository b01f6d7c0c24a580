"""What the commands write: text for people, JSON and tabs for programs."""

import json
import sys
from collections.abc import Sequence
from typing import Any

from codegen_api.models import AgentRunLogResponse

from .._async.task import AsyncTask as TaskState


def write(text: str) -> None:
    """Write a line of the result."""
    sys.stdout.write(f"{_harmless(text, sys.stdout)}\n")
    sys.stdout.flush()


def note(text: str) -> None:
    """Write a line about what happens."""
    sys.stderr.write(f"{_harmless(text, sys.stderr)}\n")
    sys.stderr.flush()


def _harmless(text: str, stream: Any) -> str:
    """Leave out what could command a terminal; a file gets everything."""
    return "".join(c for c in text if c.isprintable() or c in "\n\t") if stream.isatty() else text


def json_line(data: object) -> str:
    """Return JSON on one line."""
    return json.dumps(data, ensure_ascii=False)


def log_line(entry: AgentRunLogResponse) -> str:
    """Return one line for an entry of a log."""
    text = entry.thought or entry.observation or entry.tool_input or ""
    shown = text if isinstance(text, str) else json_line(text)
    tool = f" {entry.tool_name}" if entry.tool_name else ""
    return f"{entry.created_at}  {entry.message_type}{tool}  {' '.join(shown.split())}".rstrip()


def started(task: TaskState, as_json: bool) -> None:
    """Write the number of a run for which nobody waits."""
    write(json_line(task.run.dict()) if as_json else str(task.id))


def outcome(task: TaskState, as_json: bool) -> None:
    """Write what a run came to."""
    note(f"run {task.id}: {task.status}")
    for request in task.github_pull_requests:
        note(f"pull request: {request.url}")
    if as_json:
        write(json_line(task.run.dict()))
    elif task.result or task.summary:
        write(task.result or task.summary or "")


def state(task: TaskState, as_json: bool) -> None:
    """Write how a run stands."""
    if as_json:
        write(json_line(task.run.dict()))
        return
    lines = {"id": task.id, "status": task.status, "created": task.created_at, "url": task.web_url}
    requests = {f"pull request {number}": each.url for number, each in enumerate(task.github_pull_requests, 1)}
    for name, value in {**lines, **requests, "result": task.result}.items():
        if value is not None:
            write(f"{name}: {value}")


def listing(tasks: Sequence[TaskState], as_json: bool) -> None:
    """Write a table of runs: for a terminal with a head, otherwise with tabs between the columns."""
    if as_json:
        write(json_line([task.run.dict() for task in tasks]))
        return
    rows = [(str(task.id), str(task.status), task.created_at or "", task.web_url or "") for task in tasks]
    if not sys.stdout.isatty():
        for row in rows:
            write("\t".join(row))
        return
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("id", "status", "created", "url", box=None)
    for row in rows:
        table.add_row(*(Text(_harmless(cell, sys.stdout)) for cell in row))
    Console().print(table)
