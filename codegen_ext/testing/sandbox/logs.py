"""The log entries of a run."""

from itertools import cycle, islice

from codegen_api.enums import MessageType

from .messages import Json

OPENING = "USER_MESSAGE"
_ACTION, _FINAL = "ACTION", "FINAL_ANSWER"
_CLOSINGS = {"completed": _FINAL, "failed": "ERROR", "paused": "PLAN_EVALUATION"}
_THOUGHTS = {
    "PLAN_EVALUATION": "The plan has three steps; I begin with the first.",
    "ERROR": "A command failed; I try another way.",
}
_TOOLS: tuple[tuple[str, Json, Json], ...] = (
    ("ripgrep_search", {"query": "def main", "file_pattern": "*.py"}, {"matches": 3, "status": "success"}),
    ("view_file", {"filepath": "src/main.py", "start_line": 1}, {"lines": 42, "status": "success"}),
    ("edit_file", {"filepath": "src/main.py", "edit": "..."}, {"changed": True, "status": "success"}),
    ("run_command", {"command": "pytest -q"}, {"exit_code": 0, "stdout": "12 passed", "status": "success"}),
)


def log_kinds(meaning: str | None, count: int | None) -> list[str]:
    """Return the types of the log entries from a prompt to a status; without a count, every type occurs."""
    closing = _CLOSINGS.get(meaning or "", _ACTION)
    others = [str(kind) for kind in MessageType if kind not in (OPENING, _ACTION, _FINAL, closing)]
    middle = [kind for other in others for kind in (_ACTION, other)]
    count = len(middle) + 2 if count is None else count
    return [OPENING, *islice(cycle(middle), max(count - 2, 0)), closing][:count]


def log_entry(run_id: int, kind: str, index: int, prompt: str, result: str) -> Json:
    """Return one log entry without its time."""
    entry: Json = {
        "agent_run_id": run_id,
        "tool_name": None,
        "message_type": kind,
        "thought": _THOUGHTS.get(kind, f"Step {index}: {kind.replace('_', ' ').lower()}."),
        "observation": None,
        "tool_input": None,
        "tool_output": None,
    }
    if kind == _ACTION:
        # Each tool twice in turn, so that each reports in both of the shapes that the contract allows.
        name, tool_input, tool_output = _TOOLS[index // 4 % len(_TOOLS)]
        observation = dict(tool_output) if index // 2 % 2 else f"{name} succeeded"
        entry |= {"tool_name": name, "thought": f"Step {index}: I use {name}.", "observation": observation}
        entry |= {"tool_input": dict(tool_input), "tool_output": dict(tool_output)}
    elif kind in (OPENING, _FINAL):
        entry["observation"] = prompt if kind == OPENING else result
        entry["thought"] = None if kind == OPENING else "The task is done."
    return entry
