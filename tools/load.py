"""Read OpenAPI documents, reduce those of the service to facts, and word refusals with the way to mend them."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

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

Data = dict[str, Any]
Place = tuple[str | int, ...]
"""The keys that lead from a document to a node in it."""


class SpecError(Exception):
    """A document cannot be used; `problems` has one line for each reason, with its place."""

    def __init__(self, *problems: str) -> None:
        self.problems = list(dict.fromkeys(problems))
        super().__init__("\n".join(self.problems))


def load(path: Path | None = None) -> Data:
    """Read an OpenAPI document of ours, the contract if no path is given.

    Raises:
        SpecError: if the file cannot be read or is not an object in JSON or YAML.

    """
    path = path or CONTRACT
    return parse(_content(str(path)), path.name)


def read(source: str) -> Data:
    """Read an OpenAPI 3.1 document from a path or an http(s) URL.

    Raises:
        SpecError: if it cannot be read, is too large, or has another form.

    """
    data = parse(_content(source), source)
    version = data.get("openapi", data.get("swagger", "no version"))
    if not str(version).startswith("3.1"):
        raise SpecError(f"{source} is not OpenAPI 3.1 but {version}")
    if not isinstance(data.get("paths"), dict) or not data["paths"]:
        raise SpecError(f"{source} has no paths")
    odd = [
        path
        for path, item in data["paths"].items()
        if not isinstance(item, dict)
        or not all(isinstance(item.get(key, {}), dict) for key in METHODS)
        or "$ref" in item
    ]
    if odd:
        raise SpecError(*(f"{source}: {path} does not hold operations, which are read nowhere else" for path in odd))
    return data


def _content(source: str) -> str:
    try:
        if re.match(r"https?://", source):
            import httpx

            try:
                raw = httpx.get(source, follow_redirects=True, timeout=30).raise_for_status().content
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise SpecError(f"{source} cannot be read: {one_line(error)}") from None
        else:
            raw = Path(source).read_bytes()
        if len(raw) > MAX_BYTES:
            raise SpecError(f"{source} has more than {MAX_BYTES:,} bytes")
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise SpecError(f"{source} cannot be read: {error.strerror or error}") from None
    except UnicodeDecodeError as error:
        raise SpecError(f"{source} is not UTF-8: {error}") from None


def parse(text: str, source: str = "the document") -> Data:
    """Return the object that a JSON or YAML text holds, as JSON data.

    Raises:
        SpecError: if it is neither, or holds what JSON does not have.

    """
    try:
        data = json.loads(text) if text.lstrip()[:1] == "{" else YAML(typ="safe", pure=True).load(text)
        # Dates become strings and keys too, as in JSON; infinite numbers and half characters do not pass.
        plain = json.loads(json.dumps(data, default=str, allow_nan=False, ensure_ascii=False).encode())
    except (YAMLError, ValueError, TypeError, RecursionError) as error:
        raise SpecError(f"{source} is neither JSON nor YAML: {one_line(error)}") from None
    if not isinstance(plain, dict):
        raise SpecError(f"{source} is not an OpenAPI document: an object is expected, not {type(plain).__name__}")
    return plain


def one_line(error: object) -> str:
    """Return a message in one line, shortened."""
    text = " ".join(str(error).partition("\n\n")[0].split())
    return text if len(text) <= 300 else f"{text[:297]}..."


def refusal(place: Place, reason: str, entry: str = "remove: true", *, is_published: bool | None = None) -> str:
    """Word why the node at a place cannot be used, and what to write where to mend it.

    `entry` is what the overlay's action for the place holds; spec/chatserver.yaml is edited itself.
    """
    if is_published is None:
        is_published = not is_of_chatserver(place)
    target = f'spec/overlay.yaml: {{target: "{json_path(place)}", {entry}}}' if is_published else "spec/chatserver.yaml"
    return f"{shown(place)}: {reason}; mend it in {target}"


def shown(place: Place) -> str:
    """Return a place as people read it: an operation by verb and path."""
    if len(place) <= 2 or place[0] != "paths":
        return pointer(place)
    rest = [str(part) for part in place[3:] if str(part)[:1] != "?"]
    return "/".join([f"{str(place[2]).upper()} {place[1]}", *rest])


def json_path(place: Place) -> str:
    """Return the JSONPath of a place, which targets it in an overlay."""
    parts = (
        f".{part}"
        if re.fullmatch(r"[A-Za-z_]\w*", str(part))
        else f"[{part}]"
        if str(part)[:1] == "?"
        else f"[{part!r}]"
        for part in place
    )
    return "$" + "".join(parts)


def pointer(place: Place) -> str:
    """Return the JSON pointer of a place."""
    return "/".join(["#", *(str(part).replace("~", "~0").replace("/", "~1") for part in place)])


def is_of_chatserver(place: Place) -> bool:
    """Say whether a place in the contract is written in spec/chatserver.yaml."""
    written = _chatserver()
    group = (
        written["paths"]
        if place[:1] == ("paths",)
        else written.get("components", {}).get("".join(map(str, place[1:2])), {})
    )
    return any(part in group for part in place[1:3])


@functools.cache
def _chatserver() -> Data:
    return load(CHATSERVER)


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
        node = {**at(data, reference), **{key: value for key, value in node.items() if key != "$ref"}}
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


def derived_id(path: str, method: str, *, whole: bool = False) -> str:
    """Make an operation id from path and method: `get_repos_check_suite_settings`.

    The version and the organization at the head of a path, which most paths share, are left out unless `whole`.
    """
    parts = [part for part in path.split("/") if part]
    if not whole:
        while len(parts) > 1 and re.fullmatch(r"v\d+|alpha|beta", parts[0]):
            parts.pop(0)
        if len(parts) > 2 and parts[:2] == ["organizations", "{org_id}"]:
            parts = parts[2:]
    words = [method, *(part for part in parts if not part.startswith("{"))]
    if parts and parts[-1].startswith("{"):
        words += ["by", parts[-1].strip("{}")]
    return re.sub(r"\W+|_+", "_", "_".join(words)).strip("_").lower()


def nodes(node: Any) -> Iterator[tuple[Place, Data]]:
    """Yield every object in a document with its place."""
    ahead: list[tuple[Place, Any]] = [((), node)]
    while ahead:
        place, current = ahead.pop()
        if isinstance(current, dict):
            yield place, current
            ahead += [((*place, key), item) for key, item in current.items()]
        elif isinstance(current, list):
            ahead += [((*place, index), item) for index, item in enumerate(current)]


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
    """
    notes = []
    limits: dict[tuple[str, str], Data] = {}
    for path, method, operation in each_operation(document):
        if (limit := stated_limit(operation)) is not None:
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
