"""`make check`: every link of the chain from spec/ to the clients is what the one before it gives.

Each problem is one line that says which file to edit; the exit status is 1 when there is any.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from typing import Any

from tools import generate, load, normalize, public_api, validate, versions
from tools.load import Data, SpecError

SOURCES = ("benchmarks", "codegen_ext", "docs", "examples", "tests", "tools")
TEXTS = {".cfg", ".jinja", ".json", ".md", ".py", ".toml", ".yaml", ".yml"}


def contract_problems() -> Iterator[str]:
    """Say what is wrong with the files of spec/, or where openapi.yaml is not what they give, and which to edit."""
    facts = load.read(str(load.FACTS))
    if load.facts_text(load.facts(facts)[0]) != load.FACTS.read_text(encoding="utf-8"):
        yield "spec/codegen.json is not as `make update-spec` writes it: facts without prose; run it on that file"
    found = normalize.contract(facts)
    yield from found.problems
    yield from validate.problems(found.data)
    for target in found.unmatched:
        yield f"spec/overlay.yaml: {target} matches nothing; delete the action or mend its target"
    if normalize.text(found.data) != load.CONTRACT.read_text(encoding="utf-8"):
        place = first_difference(load.load(), found.data)
        source = "spec/chatserver.yaml" if load.is_of_chatserver(place) else "spec/overlay.yaml"
        yield (
            f"openapi.yaml is not what spec/ gives, at {load.pointer(place)}; edit {source}, and run `make generate`"
        )


def first_difference(left: Any, right: Any, *place: str | int) -> load.Place:
    """Return the place of the first difference; that of the whole where only the text differs."""
    pairs: list[tuple[str | int, Any, Any]] = []
    if isinstance(left, dict) and isinstance(right, dict):
        pairs = [(key, left.get(key), right.get(key)) for key in [*left, *right]]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        pairs = [(index, *pair) for index, pair in enumerate(zip(left, right, strict=True))]
    return next((first_difference(was, now, *place, key) for key, was, now in pairs if was != now), place)


def generated_problems(contract: Data) -> Iterator[str]:
    """Name the files of generated/ that are not what the contract generates."""
    for name in generate.stale_files(contract):
        yield f"generated/codegen_api/{name} is not what openapi.yaml generates; run `make generate`"


def path_problems(contract: Data) -> Iterator[str]:
    """Name the files that restate a path of the contract."""
    paths = sorted(path for path in contract["paths"] if "{" in path)
    files = [path for path in load.ROOT.iterdir() if path.is_file() and path != load.CONTRACT]
    for folder in SOURCES:
        files += [path for path in (load.ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        if path.suffix in TEXTS and "upstream" not in path.parts:
            text = path.read_text(encoding="utf-8", errors="replace")
            for template in paths:
                if template in text:
                    yield f"{path.relative_to(load.ROOT)} restates the path {template}, which belongs to spec/ alone"


def untested_operations(contract: Data) -> Iterator[str]:
    """Name the operations that no test outside tests/contract mentions."""
    folder = load.ROOT / "tests"
    files = [path for path in folder.rglob("*.py") if "contract" not in path.relative_to(folder).parts]
    words = set(re.findall(r"\w+", "\n".join(path.read_text(encoding="utf-8") for path in files)))
    for _, _, operation in load.each_operation(contract):
        if operation["operationId"] not in words:
            yield f"operation {operation['operationId']} is not named by any test"


def problems() -> Iterator[str]:
    """Run every check; where spec/ and openapi.yaml disagree, the others would only repeat that."""
    try:
        found = list(contract_problems())
        yield from found
        if not any("matches nothing" not in problem for problem in found):
            contract = load.load()
            yield from generated_problems(contract)
            yield from path_problems(contract)
            yield from untested_operations(contract)
            yield from public_api.problems()
    except SpecError as error:
        yield from error.problems


def main() -> int:
    """Print all problems; returns the exit status."""
    if not (found := list(problems())) and versions.last_tag() is None:
        print("no release tag in this clone, so the public API is not compared", file=sys.stderr)
    for problem in found:
        print(problem, file=sys.stderr)
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
