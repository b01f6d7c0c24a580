"""`make check`: every link of the chain from spec/ to the clients is what the one before it gives.

Each problem is one line that says which file to edit; the exit status is 1 when there is any.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from tools import generate, handwritten, load, normalize, public_api, validate

SOURCES = ("benchmarks", "codegen_ext", "docs", "examples", "tests", "tools")
TEXTS = {".cfg", ".jinja", ".json", ".md", ".py", ".toml", ".yaml", ".yml"}


def contract_problems() -> Iterator[str]:
    """Say what is wrong with the files of spec/, or where openapi.yaml is not what they give, and which to edit."""
    try:
        facts = load.load(load.FACTS)
        if load.facts_text(load.facts(facts)[0]) != load.FACTS.read_text(encoding="utf-8"):
            yield "spec/codegen.json is not as `make update-spec` writes it: facts without prose; run it on that file"
        found = normalize.contract()
    except load.SpecError as error:
        yield from error.problems
        return
    yield from found.problems
    yield from validate.problems(found.data)
    if normalize.text(found.data) != load.CONTRACT.read_text(encoding="utf-8"):
        try:
            place = first_difference(load.load(), found.data)
        except load.SpecError as error:
            place = str(error)
        source = "spec/chatserver.yaml" if load.is_of_chatserver(place) else "spec/overlay.yaml"
        yield f"openapi.yaml is not what spec/ gives, at {place}; edit {source}, and run `make generate`"


def overlay_problems() -> Iterator[str]:
    """Name the actions of the overlay that match nothing, such as those for an operation that is gone."""
    for target in normalize.contract().unmatched:
        yield f"spec/overlay.yaml: {target} matches nothing; delete the action or mend its target"


def first_difference(left: Any, right: Any, where: str = "#") -> str:
    """Return the JSON pointer of the first difference; that of the whole where only the text differs."""
    keys: list[Any] = []
    if isinstance(left, dict) and isinstance(right, dict):
        keys = [*left, *(key for key in right if key not in left)]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        keys = list(range(len(left)))
    for key in keys:
        inner = f"{where}/{load.escaped(str(key))}"
        if isinstance(left, dict) and (key not in left or key not in right):
            return inner
        if left[key] != right[key]:
            return first_difference(left[key], right[key], inner)
    return where


def generated_problems() -> Iterator[str]:
    """Name the files of generated/ that are not what the contract generates."""
    try:
        for name in generate.stale_files():
            yield f"generated/codegen_api/{name} is not what openapi.yaml generates; run `make generate`"
    except generate.GenerationError as error:
        yield f"openapi.yaml cannot be generated: {error}"


def path_problems() -> Iterator[str]:
    """Name the files that restate a path of the contract."""
    paths = sorted(path for path in load.load()["paths"] if "{" in path)
    files = [path for path in load.ROOT.iterdir() if path.is_file() and path != load.CONTRACT]
    for folder in SOURCES:
        files += [path for path in (load.ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        if path.suffix in TEXTS and "upstream" not in path.parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            for template in paths:
                if template in text:
                    yield f"{path.relative_to(load.ROOT)} restates the path {template}, which belongs to spec/ alone"


def main() -> int:
    """Run every check; returns the exit status."""
    problems = list(contract_problems())
    if not problems:
        problems = [*overlay_problems(), *generated_problems(), *path_problems(), *handwritten.problems()]
        problems += public_api.problems()
        if message := public_api.missing_tag():
            print(message, file=sys.stderr)
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
