"""`python -m codegen_ext.providers doctor`: check each provider."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from .registry import names
from .status import statuses


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `doctor [--json] [provider ...]` and return its exit status: 0, 1, or 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m codegen_ext.providers", description="Check the AI providers.")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser("doctor", help="credentials, package, program, and one cheap call of each provider")
    doctor.add_argument("provider", nargs="*", help="only these; default all")
    doctor.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.provider if name not in names()]:
        doctor.error(f"no provider is called {unknown[0]!r}; there are {', '.join(names())}")
    found = statuses({}, given.provider)
    rows = {one.name: {**status, "is_set_up": one.unavailable_because is None} for one, status in found}
    set_up = [row for row in rows.values() if row["is_set_up"]]
    healthy = bool(set_up) and all(row["is_available"] for row in set_up)
    shown = json.dumps({"healthy": healthy, "providers": rows}, indent=2) if given.json else _table(rows)
    sys.stdout.write(f"{shown}\n")
    return 0 if healthy else 1


def _table(rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = [("provider", "credentials", "call", "")]
    for name, row in rows.items():
        call = ("ok" if row["is_available"] else "failed") if row["is_set_up"] else "-"
        reason = row.get("error", "") if row["is_set_up"] else f"not set up: {row['error']}"
        lines.append((name, "ok" if row["has_credentials"] else "-", call, reason))
    return "\n".join(f"{name:12}{credentials:13}{call:8}{reason}".rstrip() for name, credentials, call, reason in lines)


if __name__ == "__main__":
    sys.exit(main())
