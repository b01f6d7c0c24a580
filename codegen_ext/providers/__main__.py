"""`python -m codegen_ext.providers doctor`: check each provider."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any

from .registry import names
from .status import statuses


def report(chosen: Sequence[str] = (), **options: Any) -> dict[str, dict[str, Any]]:
    """Return the status of the providers of these names, or all, by name, with whether each is set up."""
    return {
        provider.name: {**status, "is_set_up": provider.unavailable_because is None}
        for provider, status in statuses(options, chosen)
    }


def is_healthy(rows: dict[str, dict[str, Any]]) -> bool:
    """Whether every provider that is set up works, and there is one."""
    set_up = [row for row in rows.values() if row["is_set_up"]]
    return bool(set_up) and all(row["is_available"] for row in set_up)


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Return the statuses for people."""
    lines = [("provider", "credentials", "call", "")]
    for name, row in rows.items():
        call = ("ok" if row["is_available"] else "failed") if row["is_set_up"] else "-"
        reason = row.get("error", "") if row["is_set_up"] else f"not set up: {row['error']}"
        lines.append((name, "ok" if row["has_credentials"] else "-", call, reason))
    return "\n".join(f"{name:12}{credentials:13}{call:8}{reason}".rstrip() for name, credentials, call, reason in lines)


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
    rows = report(given.provider)
    healthy = is_healthy(rows)
    shown = json.dumps({"healthy": healthy, "providers": rows}, indent=2) if given.json else table(rows)
    sys.stdout.write(f"{shown}\n")
    return 0 if healthy else 1


if __name__ == "__main__":
    sys.exit(main())
