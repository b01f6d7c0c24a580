"""CHANGELOG.md in the format of Keep a Changelog 1.1: what is unreleased, adding lines to it, and releasing it."""

from __future__ import annotations

import re

UNRELEASED = "## [Unreleased]"


def unreleased(text: str) -> str:
    """Return the body of the section Unreleased, without blank ends."""
    _, _, rest = text.partition(UNRELEASED)
    return re.split(r"^## \[", rest, maxsplit=1, flags=re.MULTILINE)[0].strip()


def with_entry(text: str, entry: dict[str, list[str]]) -> str:
    """Return the changelog with lines added to sections of Unreleased; lines that are there are not repeated."""
    head, _, rest = text.partition(UNRELEASED)
    body, *older = re.split(r"^(?=## \[)", rest, maxsplit=1, flags=re.MULTILINE)
    for title, lines in entry.items():
        new = "".join(f"{line}\n" for line in lines if " ".join(line.split()) not in " ".join(body.split()))
        heading = f"### {title}\n\n"
        if new and heading in body:
            body = body.replace(heading, f"{heading}{new}")
        elif new:
            body = f"{body.rstrip()}\n\n{heading}{new}\n"
    return "".join([head, UNRELEASED, body, *older])


def released(text: str, version: str, date: str) -> str:
    """Return the changelog in which what was unreleased belongs to `version`."""
    return text.replace(UNRELEASED, f"{UNRELEASED}\n\n## [{version}] - {date}", 1)
