"""Check each provider: imports, credentials, reachability, and one cheap call."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from ._sync.base import Unbuilt
from .factory import availability_of, names
from .status import each, problem_of

OK, FAILED, NOT_TRIED = "ok", "failed", "-"
CHECKS = ("imports", "credentials", "reachable", "call")


class Finding(NamedTuple):
    """What was found about one provider; each check is ok, failed or - (not tried, or not set up)."""

    provider: str
    imports: str
    credentials: str
    reachable: str
    call: str
    error: str | None

    @property
    def is_healthy(self) -> bool:
        """Whether a prompt could be sent."""
        return self.call == OK


def examine(name: str, provider: Any) -> Finding:
    """Look at one provider: at most one cheap request, which creates no run."""
    if isinstance(provider, Unbuilt):
        return Finding(name, FAILED, NOT_TRIED, NOT_TRIED, NOT_TRIED, provider.unavailable_because)
    has_credentials, missing = availability_of(provider)
    found = {"imports": NOT_TRIED if missing else OK, "credentials": OK if has_credentials else NOT_TRIED}
    if missing or not has_credentials:
        error = missing or getattr(provider, "unavailable_because", "no credentials")
        return Finding(name, **found, reachable=NOT_TRIED, call=NOT_TRIED, error=f"not set up: {error}")
    reason = problem_of(provider)
    reached = reason is None or getattr(provider, "was_reached", False)
    return Finding(name, **found, reachable=OK if reached else FAILED, call=FAILED if reason else OK, error=reason)


def report(chosen: Sequence[str] = (), **options: Any) -> list[Finding]:
    """Examine the providers of these names, or all; raises ConfigurationError for a name that is none."""
    return [examine(name, provider) for name, provider in each(options, chosen or None)]


def exit_status(findings: Sequence[Finding]) -> int:
    """Return 0 when every provider that is set up works and there is one, otherwise 1."""
    has_failed = any(FAILED in finding for finding in findings)
    return 0 if not has_failed and any(finding.is_healthy for finding in findings) else 1


def table(findings: Sequence[Finding]) -> str:
    """Return the findings for people."""
    rows = [("provider", *CHECKS, ""), *((finding[0], *finding[1:5], finding.error or "") for finding in findings)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return "\n".join(
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[5]]).rstrip()
        for row in rows
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line `doctor [--json] [provider ...]` and return its exit status: 0, 1, or 2 for wrong usage."""
    parser = argparse.ArgumentParser(prog="python -m codegen_ext.providers", description="Check the AI providers.")
    commands = parser.add_subparsers(dest="command", required=True)
    doctor = commands.add_parser("doctor", help="imports, credentials, reachability, one cheap call for each provider")
    doctor.add_argument("provider", nargs="*", help="only these; default all")
    doctor.add_argument("--json", action="store_true", help="for programs")
    given = parser.parse_args(arguments)
    if unknown := [name for name in given.provider if name not in names()]:
        doctor.error(f"no provider is called {unknown[0]!r}; there are {', '.join(names())}")
    findings = report(given.provider)
    status = exit_status(findings)
    if given.json:
        rows = {finding.provider: {**finding._asdict(), "healthy": finding.is_healthy} for finding in findings}
        sys.stdout.write(json.dumps({"healthy": status == 0, "providers": rows}, indent=2) + "\n")
    else:
        sys.stdout.write(table(findings) + "\n")
    return status
