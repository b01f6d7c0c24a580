"""`make update-spec FROM=path-or-url`: bring spec/codegen.json, and all that follows from it, to a new document.

Everything is prepared beside the files and tried there. A document that is refused changes nothing; the exit status is
2 then.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tools import api_diff, changelog, generate, load, normalize


def update(source: str) -> tuple[list[api_diff.Change], list[str]]:
    """Import the document at a path or URL and replace the files; returns what changed, and notes.

    Raises:
        load.SpecError: if the document is refused, with all reasons.

    """
    api_diff.require_redocly()
    facts, notes = load.facts(load.read(source))
    text = load.facts_text(facts)
    if text == load.FACTS.read_text(encoding="utf-8"):
        return [], notes
    normalized = normalize.contract(facts)
    with tempfile.TemporaryDirectory(dir=load.ROOT, prefix=".update-spec-") as name:
        folder = Path(name)
        generate.prepare(normalized, folder)
        changes = api_diff.compare(load.load(), normalized.data)
        log = changelog.with_entry(load.CHANGELOG.read_text(encoding="utf-8"), api_diff.changelog_entry(changes))
        (folder / load.CHANGELOG.name).write_text(log, encoding="utf-8")
        (folder / load.FACTS.name).write_text(text, encoding="utf-8")
        generate.replace(folder)
    idle = [f"spec/overlay.yaml: {target} matches nothing; see `make check`" for target in normalized.unmatched]
    return changes, [*notes, *normalized.notes, *idle]


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("source", help="path or URL of the service's document")
    parser.add_argument("--report", metavar="FILE", help="write the report there, too")
    given = parser.parse_args()
    try:
        changes, notes = update(given.source)
    except (load.SpecError, OSError) as error:
        print(f"nothing was changed: {error}", file=sys.stderr)
        return 2
    report = api_diff.as_markdown(changes, notes)
    if given.report:
        Path(given.report).write_text(report, encoding="utf-8")
    print(report, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
