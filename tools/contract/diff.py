"""`make diff-spec OLD=… NEW=…`: what a change of the contract means for users of this client.

Each side is a path, a URL, or a git ref such as v1.2.0, at which openapi.yaml is taken. A document of the service is
brought into our form first. The exit status is 1 for a breaking change, unless the major version was raised since the
last tag, and 2 where a document cannot be read.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from tools import load as documents
from tools import normalize, overlay
from tools.contract import document, reporting, second_opinion, versions
from tools.contract.changes import Change
from tools.contract.comparing import compare


def load(source: str) -> dict[str, Any]:
    """Return the document at a path, URL or git ref in our form.

    Raises:
        documents.SpecError: if there is no such thing, or it is not safe to work with.

    """
    if not Path(source).exists() and "://" not in source:
        text = versions.at(source, document.CONTRACT.name)
        if text is None:
            raise documents.SpecError(f"{source} is no file, no URL and no git ref that has openapi.yaml")
        data = document.parse(text)
    elif Path(source).resolve() == document.CONTRACT:
        data = document.load()
    else:
        data = documents.read(source)
    is_ours = all("x-codegen" in operation for _, _, operation in document.each_operation(data))
    if is_ours:
        return data
    facts, _ = documents.facts(data)
    return normalize.normalize(facts, documents.load(documents.CHATSERVER), overlay.read()).data


def differences(old: dict[str, Any], new: dict[str, Any]) -> tuple[list[Change], list[str]]:
    """Return what changed, and notes on how it was found."""
    changes = compare(old, new)
    if second_opinion.is_available():
        changes += second_opinion.unseen(old, new, changes)
        return changes, []
    return changes, ["redocly is not installed (npm ci), so nobody gave a second opinion"] if changes else []


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", help="path, URL or git ref")
    parser.add_argument("new", nargs="?", default=str(document.CONTRACT), help="the same; openapi.yaml if left out")
    parser.add_argument("--json", metavar="FILE", help="write the report for machines there; - is standard output")
    given = parser.parse_args(arguments)
    try:
        changes, notes = differences(load(given.old), load(given.new))
    except documents.SpecError as error:
        print(error, file=sys.stderr)
        return 2
    report = reporting.as_json(changes, notes)
    if given.json and given.json != "-":
        Path(given.json).write_text(report, encoding="utf-8")
    print(report if given.json == "-" else reporting.as_markdown(changes, notes), end="")
    if reporting.summary(changes)["breaking"] and not versions.major_raised():
        print("breaking changes need a higher major version than the last tag has", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
