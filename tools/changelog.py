"""CHANGELOG.md in the format of Keep a Changelog 1.1: what is unreleased, adding lines to it, and releasing it."""

from __future__ import annotations

import re

UNRELEASED = "## [Unreleased]"
_SECTION = re.compile(r"^## \[(?P<version>[^\]]+)\]", re.MULTILINE)
ORDER = ("Added", "Changed", "Deprecated", "Removed", "Fixed", "Security")


def since(text: str, version: str | None) -> str:
    """Return what stands above the section of `version`: all that was written since that release."""
    start = _SECTION.search(text)
    if start is None:
        return ""
    end = next((found.start() for found in _SECTION.finditer(text) if found["version"] == version), len(text))
    return "\n".join(line for line in text[start.start() : end].splitlines() if line.startswith(("-", "  ", "*")))


def unreleased(text: str) -> str:
    """Return the body of the section Unreleased, without blank ends."""
    _, found, rest = text.partition(UNRELEASED)
    following = _SECTION.search(rest)
    return rest[: following.start() if following else len(rest)].strip() if found else ""


def with_entry(text: str, entry: dict[str, list[str]]) -> str:
    """Return the changelog with lines added to sections of Unreleased; lines that are there are not repeated."""
    body = unreleased(text)
    sections: dict[str, list[str]] = {}
    title = ""
    for line in body.splitlines():
        if line.startswith("### "):
            title = line.removeprefix("### ").strip()
        sections.setdefault(title, [])
        if not line.startswith("### "):
            sections[title].append(line)
    written = "\n".join(body.split())
    for name, lines in entry.items():
        new = [line for line in lines if "\n".join(line.split()) not in written]
        if new:
            present = "\n".join(sections.get(name, [])).strip()
            sections[name] = [*([present] if present else []), *new]
    order = ["", *ORDER, *(name for name in sections if name not in ORDER and name)]
    blocks = [
        (f"### {name}\n\n" if name else "") + "\n".join(sections[name]).strip()
        for name in order
        if name in sections and "\n".join(sections[name]).strip()
    ]
    return _replaced(text, "\n\n".join(blocks))


def _replaced(text: str, body: str) -> str:
    before, _, rest = text.partition(UNRELEASED)
    following = _SECTION.search(rest)
    after = rest[following.start() :] if following else ""
    return f"{before}{UNRELEASED}\n" + (f"\n{body}\n" if body else "") + (f"\n{after}" if after else "")


def released(text: str, version: str, date: str) -> str:
    """Return the changelog in which what was unreleased belongs to `version`."""
    return text.replace(UNRELEASED, f"{UNRELEASED}\n\n## [{version}] - {date}", 1)
