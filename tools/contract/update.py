"""`make update-spec FROM=path-or-url`: bring openapi.yaml, generated/ and the changelog to the service's new document.

Everything is prepared beside the files and tried there; only when the new contract is valid and generates without a
warning are the files replaced. A document that is refused changes nothing; the exit status is 2 then.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from attrs import frozen

from tools.contract import changelog, check, diff, document, generate, merging, reading, reporting
from tools.contract.changes import Change


@frozen
class Prepared:
    """A new state of openapi.yaml, the one before it, and notes for whoever reads the change."""

    text: str
    old: dict[str, Any]
    new: dict[str, Any]
    notes: list[str]


def prepare(upstream: dict[str, Any], text: str) -> Prepared:
    """Bring openapi.yaml, whose present text is `text`, to a document of the service.

    Raises:
        reading.ImportRefusedError: if the document and the overlay do not fit together.

    """
    current = document.parse(text)
    target, notes = merging.adopt(upstream, current)
    return Prepared(text if target == current else merging.merged(text, target), current, target, notes)


def update(source: str) -> tuple[list[Change], list[str]]:
    """Import the document at a path or URL and replace the files; returns what changed and notes.

    Raises:
        reading.ImportRefusedError: if the document is refused.
        generate.GenerationError: if the new contract does not generate without a warning.

    """
    text = document.CONTRACT.read_text(encoding="utf-8")
    prepared = prepare(reading.read(source), text)
    if prepared.text == text:
        return [], prepared.notes
    with tempfile.TemporaryDirectory(dir=document.CONTRACT.parent, prefix=".update-spec-") as folder:
        fresh = Path(folder) / document.CONTRACT.name
        fresh.write_text(prepared.text, encoding="utf-8")
        if problems := list(check.document_problems(fresh)):
            raise reading.ImportRefusedError("\n".join(problems))
        generate.generate(Path(folder) / "codegen_api", fresh)
        changes, more = diff.differences(prepared.old, prepared.new)
        log = document.CHANGELOG.read_text(encoding="utf-8")
        proposed = Path(folder) / document.CHANGELOG.name
        proposed.write_text(changelog.with_entry(log, reporting.changelog_entry(changes)), encoding="utf-8")
        shutil.copymode(document.CONTRACT, fresh)
        shutil.copymode(document.CHANGELOG, proposed)
        generate.install(Path(folder) / "codegen_api")
        os.replace(fresh, document.CONTRACT)
        os.replace(proposed, document.CHANGELOG)
    return changes, [*prepared.notes, *more]


def main(arguments: list[str] | None = None) -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="path or URL of the service's document")
    parser.add_argument("--report", metavar="FILE", help="write the report there, too")
    given = parser.parse_args(arguments)
    try:
        changes, notes = update(given.source)
    except (reading.ImportRefusedError, generate.GenerationError, OSError) as error:
        print(f"nothing was changed: {error}", file=sys.stderr)
        return 2
    report = reporting.as_markdown(changes, notes)
    if given.report:
        Path(given.report).write_text(report, encoding="utf-8")
    print(report, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
