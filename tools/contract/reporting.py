"""The differences of two contracts for people (Markdown), for machines (JSON) and for the changelog."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

from tools.contract.changes import BREAKING, SEVERITIES, Change

HEADINGS = {"breaking": "Breaking", "dangerous": "Dangerous", "safe": "Safe"}


def summary(changes: list[Change]) -> dict[str, int]:
    """Count the changes of each severity."""
    counted = Counter(change.severity for change in changes)
    return {severity: counted[severity] for severity in SEVERITIES}


def as_json(changes: list[Change], notes: list[str]) -> str:
    """Return the report for machines."""
    report: dict[str, Any] = {
        "summary": summary(changes),
        "changes": [change.to_dict() for change in changes],
        "notes": notes,
    }
    return json.dumps(report, indent=2, ensure_ascii=False) + "\n"


def plain(text: str) -> str:
    """A word from a document as Markdown code, so that it stays text wherever it is shown."""
    return "`" + re.sub(r"[`\s]+", " ", text).strip() + "`"


def as_markdown(changes: list[Change], notes: list[str]) -> str:
    """Return the report for people."""
    counts = summary(changes)
    lines = [
        "# Changes of the contract",
        "",
        ", ".join(f"{counts[severity]} {severity}" for severity in SEVERITIES) + ".",
    ]
    for severity in SEVERITIES:
        chosen = [change for change in changes if change.severity == severity]
        if chosen:
            lines += ["", f"## {HEADINGS[severity]}", "", "| what | where | change | in Python |", "|---|---|---|---|"]
            lines += [_row(change) for change in chosen]
    if notes:
        lines += ["", "## To read", ""] + [f"- {plain(note)}" for note in notes]
    return "\n".join(lines) + "\n"


def _row(change: Change) -> str:
    cells = (
        f"{change.kind} {change.action}",
        plain(change.where),
        plain(change.detail),
        ", ".join(plain(name) for name in change.python),
    )
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


SECTIONS = {"added": "Added", "changed": "Changed", "removed": "Removed"}


def changelog_entry(changes: list[Change]) -> dict[str, list[str]]:
    """Return lines for the sections Added, Changed and Removed of the changelog, one for each thing that users notice.

    Classes are mentioned only where they go, because a new one comes with what uses it.
    """
    entry: dict[str, list[str]] = {}
    for change in changes:
        if change.kind in {"schema", "status code", "policy"} and change.severity != BREAKING:
            continue
        names = [name for name in change.python if not name.startswith("Async")]
        subject = plain(names[0] if names else change.where)
        verb = {"added": "is new", "removed": "is gone", "changed": change.detail}[change.action]
        breaking = "**Breaking:** " if change.severity == BREAKING else ""
        line = f"- {breaking}{subject}: {verb}." if change.action == "changed" else f"- {breaking}{subject} {verb}."
        entry.setdefault(SECTIONS[change.action], []).append(re.sub(r"\s+", " ", line))
    return {title: list(dict.fromkeys(entry[title])) for title in SECTIONS.values() if title in entry}
