"""Read OpenAPI documents: ours, and those of others, which are bounded, plain and reduced to facts."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).resolve().parents[1]
FACTS = ROOT / "spec" / "codegen.json"
CHATSERVER = ROOT / "spec" / "chatserver.yaml"
OVERLAY = ROOT / "spec" / "overlay.yaml"
CONTRACT = ROOT / "openapi.yaml"
GENERATED = ROOT / "generated" / "codegen_api"
CHANGELOG = ROOT / "CHANGELOG.md"

CLIENTS = {"codegen": "CodegenClient", "chatserver": "ChatServerClient"}
"""The services, and the client of each."""
METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
MAX_BYTES = 2_000_000
"""About twenty times the size of the service's document."""
MAX_NODES = 200_000
MAX_DEPTH = 64

Data = dict[str, Any]


class SpecError(Exception):
    """A document cannot be used; `problems` has one line for each reason, with its place."""

    def __init__(self, *problems: str) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


def load(path: Path = CONTRACT) -> Data:
    """Read an OpenAPI document of ours.

    Raises:
        SpecError: if the file cannot be read or is not an object in JSON or YAML.

    """
    return parse(_text(path.read_bytes(), path.name), path.name) if path.exists() else _refuse(f"{path} does not exist")


def read(source: str) -> Data:
    """Read an OpenAPI 3.1 document from a path or an http(s) URL.

    Raises:
        SpecError: if it cannot be read, is too large, or has another form.

    """
    data = parse(fetch(source), source)
    version = data.get("openapi", data.get("swagger", "no version"))
    if not str(version).startswith("3.1"):
        _refuse(f"{source} is not OpenAPI 3.1 but {version}")
    if not isinstance(data.get("paths"), dict) or not data["paths"]:
        _refuse(f"{source} has no paths")
    odd = [path for path, item in data["paths"].items() if not isinstance(item, dict) or "$ref" in item]
    if odd:
        raise SpecError(
            *(f"{source}: {path} does not hold operations, which are read only where they stand" for path in odd)
        )
    return data


def fetch(source: str) -> str:
    """Return the text at a path or an http(s) URL.

    Raises:
        SpecError: if it cannot be read, has more than MAX_BYTES, or is not UTF-8.

    """
    try:
        if not re.match(r"https?://", source):
            with Path(source).open("rb") as file:
                return _text(file.read(MAX_BYTES + 1), source)
        return _text(_download(source), source)
    except OSError as error:
        _refuse(f"{source} cannot be read: {error.strerror or error}")


def _download(url: str) -> bytes:
    import httpx

    received = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                received += chunk
                if len(received) > MAX_BYTES:
                    break
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        _refuse(f"{url} cannot be read: {_one_line(error)}")
    return bytes(received)


def _text(raw: bytes, source: str) -> str:
    if len(raw) > MAX_BYTES:
        _refuse(f"{source} has more than {MAX_BYTES:,} bytes")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(f"{source} is not UTF-8: {error}")


def parse(text: str, source: str = "the document") -> Data:
    """Return the object that a JSON or YAML text holds, as JSON data.

    Raises:
        SpecError: if it is neither, repeats a key, is nested too deep, or holds what JSON does not have.

    """

    def unique(pairs: list[tuple[str, Any]]) -> Data:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [key for key, _ in pairs]
            _refuse(
                f"{source}: the key {next(key for key in names if names.count(key) > 1)!r} stands twice in an object"
            )
        return found

    try:
        is_json = text.lstrip()[:1] == "{"
        data = json.loads(text, object_pairs_hook=unique) if is_json else YAML(typ="safe", pure=True).load(text)
        _bound(data, source)
        # Dates become strings and keys too, as in JSON; infinite numbers and half characters do not pass.
        plain = json.loads(json.dumps(data, default=str, allow_nan=False, ensure_ascii=False).encode())
    except RecursionError:
        _refuse(f"{source} is nested more than {MAX_DEPTH} levels deep")
    except (YAMLError, ValueError, TypeError) as error:
        _refuse(f"{source} is neither JSON nor YAML: {_one_line(error)}")
    if not isinstance(plain, dict):
        _refuse(f"{source} is not an OpenAPI document: an object is expected, not {type(plain).__name__}")
    return plain


def _bound(data: Any, source: str) -> None:
    """Refuse what is nested too deep, or multiplies by YAML aliases."""
    ahead, count = [(data, 0)], 0
    while ahead:
        node, depth = ahead.pop()
        count += 1
        if depth > MAX_DEPTH or count > MAX_NODES:
            _refuse(f"{source} has more than {MAX_NODES:,} values or is nested more than {MAX_DEPTH} levels deep")
        inner = node.values() if isinstance(node, dict) else node if isinstance(node, list) else ()
        ahead += [(value, depth + 1) for value in inner]


def _refuse(problem: str) -> NoReturn:
    raise SpecError(problem) from None


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def resolve(data: Data, node: Data) -> Data:
    """Follow local `$ref`s; keywords beside them win over the target's, as in OpenAPI 3.1.

    Raises:
        KeyError: if a reference leads nowhere, to another document, or back to itself.

    """
    followed = set()
    while (reference := node.get("$ref")) is not None:
        if reference in followed:
            raise KeyError(reference)
        followed.add(reference)
        target = at(data, reference)
        node = {**target, **{key: value for key, value in node.items() if key != "$ref"}}
    return node


def at(data: Data, reference: str) -> Any:
    """Return what a JSON pointer such as `#/components/schemas/User` leads to.

    Raises:
        KeyError: if it leads nowhere or to another document.

    """
    target: Any = data
    start, *parts = str(reference).split("/")
    for part in parts:
        key = part.replace("~1", "/").replace("~0", "~")
        try:
            target = target[int(key)] if isinstance(target, list) else target[key]
        except (IndexError, KeyError, TypeError, ValueError):
            raise KeyError(reference) from None
    if start != "#":
        raise KeyError(reference)
    return target


def each_operation(data: Data) -> list[tuple[str, str, Data]]:
    """Return path, method and operation of everything that a document offers."""
    return [
        (path, method, item[method]) for path, item in data["paths"].items() for method in METHODS if method in item
    ]


def is_of_chatserver(pointer: str) -> bool:
    """Say whether a JSON pointer into the contract leads to what spec/chatserver.yaml says."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    written = load(CHATSERVER)
    group = written["paths"] if parts[:1] == ["paths"] else written.get("components", {}).get("".join(parts[1:2]), {})
    return any(part in group for part in parts[1:3])


def nodes(node: Any, where: str = "#") -> Iterator[tuple[str, Data]]:
    """Yield every object in a document with the JSON pointer that leads to it."""
    ahead = [(where, node)]
    while ahead:
        place, current = ahead.pop()
        if isinstance(current, dict):
            yield place, current
            ahead += [
                (f"{place}/{str(key).replace('~', '~0').replace('/', '~1')}", item) for key, item in current.items()
            ]
        elif isinstance(current, list):
            ahead += [(f"{place}/{index}", item) for index, item in enumerate(current)]


def escaped(key: str) -> str:
    """Return a key as a part of a JSON pointer."""
    return key.replace("~", "~0").replace("/", "~1")


PROSE = {"description", "summary", "title", "example", "examples", "externalDocs", "contact", "license"}
NAMES = {
    "properties", "schemas", "paths", "responses", "parameters", "requestBodies", "content", "headers", "$defs",
    "securitySchemes",
}  # fmt: skip
"""Keys whose children are names and not keywords."""
VALUES = {"default", "enum", "const", "required", "mapping", "security", "scopes"}
"""Keys that hold data."""


def facts(document: Data) -> tuple[Data, list[str]]:
    """Return what a published document says without its prose, and notes for a maintainer.

    Limits that only the prose states become `x-rate-limit`.

    Raises:
        SpecError: if an operation is not an object.

    """
    notes = []
    limits: dict[tuple[str, str], Data] = {}
    for path, method, operation in each_operation(document):
        if not isinstance(operation, dict):
            _refuse(f"{method.upper()} {path} is not an object")
        limit = stated_limit(operation)
        if limit is not None:
            limits[path, method] = limit
        elif re.search(r"rate.?limit", _prose(operation), re.IGNORECASE):
            notes.append(
                f"{method.upper()} {path}: the limit in its description was not understood; the standard one holds"
            )
    kept = {key: document[key] for key in ("info", "servers", "security", "paths", "components") if key in document}
    result: Data = {"openapi": document["openapi"], **_without_prose(kept)}
    result["info"] = {key: str(document.get("info", {}).get(key, "")) for key in ("title", "version")}
    for (path, method), limit in limits.items():
        result["paths"][path][method]["x-rate-limit"] = limit
    return result, notes


def _without_prose(node: Any, key: str = "", *, is_names: bool = False) -> Any:
    """Return what stands at a key; below `properties` and its like, keys are names, whatever they read."""
    if isinstance(node, list):
        return [_without_prose(item, key) for item in node]
    if not isinstance(node, dict) or (key in VALUES and not is_names):
        return node
    if is_names:
        return {name: _without_prose(value, key) for name, value in node.items()}
    kept = {
        name: _without_prose(value, name, is_names=name in NAMES and isinstance(value, dict))
        for name, value in node.items()
        if name not in PROSE and not name.startswith("x-")
    }
    return {**kept, "description": ""} if key == "responses" and "$ref" not in node else kept


_LIMIT = re.compile(
    r"rate limit(?:s|ed)?\W*(?:(?:of|is|to) +)?(?P<requests>\d[\d,]*)\W+(?:requests?|calls?)\W*"
    r"(?:per|every|an?)?\s*(?P<count>\d+)?\s*(?P<unit>s|m|h|d)(?:ec|econd|in|inute|our|ay)?s?\b",
    re.IGNORECASE,
)
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


def stated_limit(operation: Data) -> Data | None:
    """Return the limit in `x-rate-limit`, or in prose such as "Rate limit: 60 requests per 30 seconds."."""
    if isinstance(limit := operation.get("x-rate-limit"), dict):
        return limit
    found = _LIMIT.search(_prose(operation))
    if found is None:
        return None
    seconds = int(found["count"] or 1) * _SECONDS[found["unit"].lower()]
    requests = int(found["requests"].replace(",", ""))
    return {"requests": requests, "seconds": seconds} if requests and seconds else None


def _prose(operation: Data) -> str:
    return " ".join(str(operation.get(key, "")) for key in ("summary", "description"))


def facts_text(data: Data) -> str:
    """Return facts as the text of spec/codegen.json."""
    return json.dumps(data, indent=1) + "\n"
