"""A second opinion on what breaks, from `redocly diff` where `make test-all` or `npm ci` has installed it.

redocly knows the specification, not this client: it rates a removed error status or a new enum value as major, which
this client survives, and has no words for limits, directions of shared schemas or Python names. So our comparison
decides, on every machine alike; where redocly finds something major that ours has not seen, a reader is told.
"""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from tools.contract import document
from tools.contract.changes import DANGEROUS, Change

REDOCLY = document.ROOT / "node_modules" / ".bin" / "redocly"

SURVIVED = {
    "enum-values-added",  # unknown words stay strings
    "response-removed",  # errors are typed by their status, documented or not
    "response-header-removed",  # no model has headers
    "security-requirement-changed",  # the overlay decides how requests are signed
    "server-removed",  # base_url decides
}
"""Rules of redocly whose findings are no matter for users of this client, and why."""


def is_available() -> bool:
    """Whether redocly is installed."""
    return REDOCLY.exists()


def major_findings(old: dict[str, Any], new: dict[str, Any]) -> list[tuple[str, str]]:
    """Return rule and JSON pointer of what redocly rates as major and this client does not survive.

    Raises:
        RuntimeError: if redocly fails.

    """
    with tempfile.TemporaryDirectory() as folder:
        for name, data in (("old.json", old), ("new.json", new)):
            (Path(folder) / name).write_text(json.dumps(data), encoding="utf-8")
        command = [str(REDOCLY), "diff", "old.json", "new.json", "--format", "json", "--fail-on", "none"]
        quiet = {**os.environ, "REDOCLY_TELEMETRY": "off", "REDOCLY_SUPPRESS_NOTIFICATIONS": "true"}
        done = subprocess.run(command, cwd=folder, env=quiet, capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise RuntimeError(f"redocly diff failed: {done.stderr.strip()[-300:]}")
    return [
        (verdict["ruleId"], change["path"])
        for change in json.loads(done.stdout)["changes"]
        for verdict in change["verdicts"]
        if change["impact"] == "major" and verdict["ruleId"] not in SURVIVED
    ]


def unseen(old: dict[str, Any], new: dict[str, Any], changes: list[Change]) -> list[Change]:
    """Return what only redocly finds: major changes at places about which `changes` say nothing."""
    if not is_available():
        return []
    found = []
    for rule, pointer in major_findings(old, new):
        parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.removeprefix("#/").split("/")]
        if not _is_known(rule, parts, changes):
            place = f"{parts[2].upper()} {parts[1]}" if parts[0] == "paths" and len(parts) > 2 else pointer
            found.append(Change(DANGEROUS, "redocly", "changed", place, f"{rule} at {pointer}"))
    return found


KINDS = {
    "enum-values-removed": {"enum value"},
    "required-properties-added": {"request field"},
    "required-properties-removed": {"response field", "request field"},
}
"""Rules whose pointers end above the thing that changed, and how our comparison calls what they find."""


def _is_known(rule: str, parts: list[str], changes: list[Change]) -> bool:
    """Whether a change is of the operation or of the field to which the pointer leads."""
    return any(
        change.where.partition(" ")[2] in parts
        or change.where.partition(".")[2] in parts
        or change.kind in KINDS.get(rule, ())
        for change in changes
    )
