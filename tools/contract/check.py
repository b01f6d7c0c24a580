"""`make check`: the contract is valid, and everything that is derived from it agrees with it.

Each problem is one line; the exit status is 1 when there is any.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from typing import Any

from tools import load, normalize, validate
from tools.contract import check_api, check_names, document
from tools.generate import GenerationError, stale_files

SOURCES = ("benchmarks", "codegen_ext", "docs", "examples", "tests", "tools")
TEXTS = {".cfg", ".jinja", ".json", ".md", ".py", ".toml", ".yaml", ".yml"}


def contract_problems() -> Iterator[str]:
    """Say what is wrong with the files of spec/, or where openapi.yaml is not what they give, and which to edit."""
    try:
        facts = load.load(load.FACTS)
        if load.facts_text(load.facts(facts)[0]) != load.FACTS.read_text(encoding="utf-8"):
            yield "spec/codegen.json is not as `make update-spec` writes it: facts only, without prose; run it again"
        found = normalize.contract()
    except load.SpecError as error:
        yield from error.problems
        return
    yield from found.problems
    yield from validate.problems(found.data)
    yield from (f"{note}; remove them from spec/overlay.yaml" for note in found.notes if "match nothing" in note)
    if normalize.text(found.data) != load.CONTRACT.read_text(encoding="utf-8"):
        try:
            place = first_difference(load.load(), found.data)
        except load.SpecError as error:
            place = str(error)
        source = "spec/chatserver.yaml" if load.is_of_chatserver(place) else "spec/overlay.yaml"
        yield f"openapi.yaml is not what spec/ gives, at {place}; edit {source} instead, and run `make generate`"


def first_difference(left: Any, right: Any, where: str = "#") -> str:
    """Return the JSON pointer of the first difference; the whole document where only the text differs."""
    keys: list[Any] = []
    if isinstance(left, dict) and isinstance(right, dict):
        keys = [*left, *(key for key in right if key not in left)]
    elif isinstance(left, list) and isinstance(right, list) and len(left) == len(right):
        keys = list(range(len(left)))
    for key in keys:
        try:
            before, after = left[key], right[key]
        except KeyError:
            return f"{where}/{load.escaped(str(key))}"
        if before != after:
            return first_difference(before, after, f"{where}/{load.escaped(str(key))}")
    return where


def generated_problems() -> Iterator[str]:
    """Name the files of generated/ that are not what the contract generates."""
    try:
        for name in stale_files():
            yield f"generated/codegen_api/{name} is not what openapi.yaml generates; run `make generate`"
    except GenerationError as error:
        yield f"openapi.yaml cannot be generated: {error}"


def reachability_problems() -> Iterator[str]:
    """Name the operations that a client of their service does not offer."""
    from codegen_api.operations import OPERATIONS

    from codegen_ext import AsyncChatServerClient, AsyncCodegenClient, ChatServerClient, CodegenClient

    clients = {
        "codegen": (CodegenClient, AsyncCodegenClient),
        "chatserver": (ChatServerClient, AsyncChatServerClient),
    }
    for _, _, operation in document.each_operation(document.load()):
        operation_id, service = operation["operationId"], operation["x-codegen"]["service"]
        if operation_id not in OPERATIONS:
            yield f"operation {operation_id} is not in the table of operations"
        for client in clients.get(service, ()):
            method = getattr(client, operation_id, None)
            asynchronous = client.__name__.startswith("Async")
            if not callable(method) or inspect.iscoroutinefunction(method) is not asynchronous:
                yield f"operation {operation_id} is not reachable as {client.__name__}.{operation_id}"
        if service not in clients:
            yield f"operation {operation_id} belongs to {service}, a service without a client"


def running_problems() -> Iterator[str]:
    """Say what only the running package can tell, or that it does not run, as while it names a lost operation."""
    try:
        yield from reachability_problems()
        yield from check_names.documented_problems()
    except (AttributeError, ImportError) as error:
        yield f"codegen_ext cannot be imported with this contract: {error}"


def path_problems() -> Iterator[str]:
    """Name the files that restate a path of the contract."""
    from codegen_api.operations import OPERATIONS

    paths = sorted({operation.path for operation in OPERATIONS.values() if "{" in operation.path})
    files = [path for path in document.ROOT.iterdir() if path.is_file() and path != document.CONTRACT]
    for folder in SOURCES:
        files += [path for path in (document.ROOT / folder).rglob("*") if path.is_file()]
    for path in sorted(files):
        if path.suffix in TEXTS and document.UPSTREAM not in path.parents:
            text = path.read_text(encoding="utf-8", errors="replace")
            for template in paths:
                if template in text:
                    name = path.relative_to(document.ROOT)
                    yield f"{name} restates the path {template}, which belongs to openapi.yaml alone"


def main() -> int:
    """Run every check; returns the exit status."""
    problems = list(contract_problems())
    if not problems:
        problems = [
            *generated_problems(),
            *path_problems(),
            *check_names.name_problems(),
            *running_problems(),
            *check_names.tested_problems(),
            *check_api.api_problems(),
            *check_api.changelog_problems(),
        ]
        check_api.report_missing_tag()
    for problem in problems:
        print(problem, file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
