"""What a run writes into its log."""

from itertools import cycle, islice

from .contract import Contract
from .wire import Json

OPENING = "USER_MESSAGE"
_ACTION = "ACTION"
_FINAL = "FINAL_ANSWER"
_CLOSINGS = {"completed": _FINAL, "failed": "ERROR", "paused": "PLAN_EVALUATION"}
_TOOLS: tuple[tuple[str, Json, Json], ...] = (
    ("ripgrep_search", {"query": "def main", "file_pattern": "*.py"}, {"matches": 3, "status": "success"}),
    ("view_file", {"filepath": "src/main.py", "start_line": 1}, {"lines": 42, "status": "success"}),
    ("edit_file", {"filepath": "src/main.py", "edit": "..."}, {"changed": True, "status": "success"}),
    ("run_command", {"command": "pytest -q"}, {"exit_code": 0, "stdout": "12 passed", "status": "success"}),
)
_THOUGHTS = {
    "PLAN_EVALUATION": "The plan has three steps; I begin with the first.",
    "ERROR": "A command failed; I try another way.",
    "USER_GITHUB_ISSUE_COMMENT": "The issue says what is wanted.",
    "INITIAL_PR_GENERATION": "I open a first pull request.",
    "DETECT_PR_ERRORS": "I look at the checks of the pull request.",
    "FIX_PR_ERRORS": "I repair what the checks found.",
    "PR_CREATION_FAILED": "The branch was behind; I bring it up to date.",
    "PR_EVALUATION": "The pull request does what was asked.",
    "COMMIT_EVALUATION": "The commit is complete.",
    "AGENT_RUN_LINK": "The details are on the page of this run.",
}


def story(
    contract: Contract, run_id: int, prompt: str, meaning: str | None, answer: str, count: int | None
) -> list[Json]:
    """Return the log of one stretch of a run, in order; without a count, each type of message occurs in it."""
    closing = _CLOSINGS.get(meaning or "", _ACTION)
    others = [kind for kind in contract.message_types if kind not in (OPENING, _ACTION, _FINAL, closing)]
    middle = [kind for other in others for kind in (_ACTION, other)]
    count = len(middle) + 2 if count is None else count
    kinds = [OPENING, *islice(cycle(middle), max(count - 2, 0)), closing][:count]
    return [log_entry(run_id, kind, index, prompt, answer) for index, kind in enumerate(kinds)]


def log_entry(run_id: int, kind: str, index: int, prompt: str, answer: str = "") -> Json:
    """Return one entry, without its time."""
    entry: Json = {
        "agent_run_id": run_id,
        "tool_name": None,
        "message_type": kind,
        "thought": _THOUGHTS.get(kind),
        "observation": None,
        "tool_input": None,
        "tool_output": None,
    }
    if kind == _ACTION:
        # Each tool twice in turn, so that each reports in both of the shapes that the contract allows.
        name, tool_input, tool_output = _TOOLS[index // 4 % len(_TOOLS)]
        observation = dict(tool_output) if index // 2 % 2 else f"{name} succeeded"
        entry |= {
            "tool_name": name,
            "thought": f"Step {index}: I use {name}.",
            "observation": observation,
            "tool_input": dict(tool_input),
            "tool_output": dict(tool_output),
        }
    elif kind == OPENING:
        entry["observation"] = prompt
    elif kind == _FINAL:
        entry |= {"thought": "The task is done.", "observation": answer}
    return entry
