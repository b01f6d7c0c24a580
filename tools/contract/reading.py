"""Reading documents that others wrote: bounded in size and depth, without tags, aliases or references to elsewhere.

Whatever comes out is plain JSON data whose names are safe to build file names and Python names from.
"""

from __future__ import annotations

import datetime
import io
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent, ScalarEvent

from tools.contract import document

MAX_BYTES = 2_000_000
"""About twenty times the size of the service's document."""

MAX_DEPTH = 64
"""The service's document is 14 levels deep."""

_COMPONENT = re.compile(r"[A-Za-z_][A-Za-z0-9._-]{0,120}")
_FIELD = re.compile(r"[^\x00-\x1f\x7f\"'`\\{}]{1,120}")
_WORD = re.compile(r"[^\x00-\x1f\x7f\"'`\\{}]{0,200}")
_PATH = re.compile(r"(/([A-Za-z0-9_~:@!$&()*+,;=%.-]|\{[A-Za-z_][A-Za-z0-9_]*\})*)+")
_SEGMENT_UP = re.compile(r"/(\.|%2e){1,2}(/|$)", re.IGNORECASE)


class ImportRefusedError(Exception):
    """The document cannot be imported; the message says what is wrong, where, and what was expected."""


def fetch(source: str) -> str:
    """Return the text at a path or an http(s) URL.

    Raises:
        ImportRefusedError: if it cannot be read, has more than MAX_BYTES, or is not UTF-8.

    """
    try:
        raw = _download(source) if re.match(r"https?://", source) else _open(Path(source))
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise ImportRefusedError(f"{source} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ImportRefusedError(f"{source} is not UTF-8: {error}") from error


def _open(path: Path) -> bytes:
    with path.open("rb") as file:
        return _bounded(file.read(MAX_BYTES + 1), str(path))


def _download(url: str) -> bytes:
    import httpx

    received = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=30) as response:
            response.raise_for_status()
            for chunk in response.iter_bytes():
                received += chunk
                _bounded(received, url)
    except httpx.HTTPError as error:
        raise ImportRefusedError(f"{url} cannot be read: {error}") from error
    return bytes(received)


def _bounded(raw: bytes | bytearray, source: str) -> bytes:
    if len(raw) > MAX_BYTES:
        raise ImportRefusedError(f"{source} has more than {MAX_BYTES:,} bytes; a description of an API is smaller")
    return bytes(raw)


def parse(text: str, source: str = "the document") -> dict[str, Any]:
    """Return the data of a JSON or YAML document.

    Raises:
        ImportRefusedError: if it is neither, is nested deeper than MAX_DEPTH, repeats a key, or uses what only a YAML
            document can do: anchors, aliases and tags.

    """
    try:
        data = _parse_json(text) if text.lstrip()[:1] == "{" else None
    except json.JSONDecodeError:
        data = None  # a YAML document may begin with a brace, too
    except RecursionError:
        _too_deep(source)
    except ValueError as error:
        raise ImportRefusedError(f"{source} holds a number that is too long: {error}") from error
    if data is None:
        try:
            data = _parse_yaml(text, source)
        except (YAMLError, ValueError) as error:  # ValueError: dates that are none, endless numbers
            raise ImportRefusedError(f"{source} is neither JSON nor YAML: {_one_line(error)}") from error
    if not isinstance(data, dict):
        raise ImportRefusedError(
            f"{source} is not an OpenAPI document: an object is expected, not {type(data).__name__}"
        )
    return _plain(data, source, 0)  # type: ignore[no-any-return]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:300]


def _too_deep(source: str) -> NoReturn:
    raise ImportRefusedError(f"{source} is nested more than {MAX_DEPTH} levels deep")


def _parse_json(text: str) -> Any:
    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) != len(pairs):
            names = [key for key, _ in pairs]
            repeated = next(key for key in names if names.count(key) > 1)
            raise ImportRefusedError(f"the key {repeated!r} stands twice in one object")
        return found

    def refuse(word: str) -> NoReturn:
        raise ImportRefusedError(f"{word} is not a JSON number")

    return json.loads(text, object_pairs_hook=unique, parse_constant=refuse)


def _parse_yaml(text: str, source: str) -> Any:
    """Look at the events first: an alias that would be expanded a billion times is seen before anything is built."""
    depth = 0
    for event in YAML(typ="safe", pure=True).parse(io.StringIO(text)):
        where = f"{source}, line {event.start_mark.line + 1}"
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None):
            raise ImportRefusedError(f"{where}: YAML anchors and aliases are not read; write the value out")
        if isinstance(event, ScalarEvent | CollectionStartEvent) and event.ctag is not None:
            raise ImportRefusedError(f"{where}: the YAML tag {event.ctag} is not read; write a plain value")
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        if depth > MAX_DEPTH:
            _too_deep(source)
    return YAML(typ="safe", pure=True).load(text)


def _plain(node: Any, source: str, depth: int) -> Any:
    if depth > MAX_DEPTH:
        _too_deep(source)
    match node:
        case dict():
            return {_plain(str(key), source, depth): _plain(value, source, depth + 1) for key, value in node.items()}
        case list():
            return [_plain(value, source, depth + 1) for value in node]
        case datetime.date():
            return node.isoformat()
        case str():
            if not node.isascii() and any("\ud800" <= letter <= "\udfff" for letter in node):
                raise ImportRefusedError(f"{source} holds half a character (a lone surrogate) in {node[:40]!a}")
            return node
        case bool() | int() | float() | None:
            return node
        case _:
            raise ImportRefusedError(f"{source} holds a {type(node).__name__}, which JSON does not have")


def read(source: str) -> dict[str, Any]:
    """Read an OpenAPI document from a path or URL and make sure that it is safe to work with.

    Raises:
        ImportRefusedError: for everything that `fetch`, `parse` and `refuse_unsafe` refuse.

    """
    data = parse(fetch(source), source)
    refuse_unsafe(data, source)
    return data


def refuse_unsafe(data: dict[str, Any], source: str = "the document") -> None:
    """Refuse what is not OpenAPI 3.0 or 3.1, names that are no names, and references that lead nowhere or in circles.

    Raises:
        ImportRefusedError: naming the place.

    """
    version = str(data.get("openapi", data.get("swagger", "no version")))
    if not version.startswith(("3.0", "3.1")):
        raise ImportRefusedError(f"{source} is not OpenAPI 3.0 or 3.1 but {version}")
    paths = data.get("paths")
    if not isinstance(paths, dict) or not paths:
        raise ImportRefusedError(f"{source} has no paths")
    for path, item in paths.items():
        if not _PATH.fullmatch(path) or _SEGMENT_UP.search(path):
            raise ImportRefusedError(f"{source}: {path!r} is not a path that a request could have")
        if not isinstance(item, dict) or not all(
            isinstance(item[name], dict) for name in document.METHODS if name in item
        ):
            raise ImportRefusedError(f"{source}: {path} does not hold operations")
    components = data.get("components", {})
    if not isinstance(components, dict) or not all(isinstance(group, dict) for group in components.values()):
        raise ImportRefusedError(f"{source}: components must be objects of objects")
    for kind, group in components.items():
        for name in group:
            if not _COMPONENT.fullmatch(name):
                raise ImportRefusedError(f"{source}: {name!r} in components/{kind} is not a component's name")
    for where, node in nodes(data):
        _refuse_names(where, node, source)
        _refuse_reference(data, where, node, source)
    _refuse_circles(data, source)


def nodes(node: Any, where: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every object in a document with the JSON pointer that leads to it, without recursion."""
    ahead = [(where, node)]
    while ahead:
        place, current = ahead.pop()
        if isinstance(current, dict):
            yield place, current
            ahead += [(f"{place}/{key}", value) for key, value in current.items()]
        elif isinstance(current, list):
            ahead += [(f"{place}/{index}", value) for index, value in enumerate(current)]


def _refuse_names(where: str, node: dict[str, Any], source: str) -> None:
    names = list(node["properties"]) if isinstance(node.get("properties"), dict) else []
    if isinstance(node.get("in"), str):
        names.append(str(node.get("name")))
    for word in node["enum"] if isinstance(node.get("enum"), list) else ():
        if isinstance(word, str) and not _WORD.fullmatch(word):
            raise ImportRefusedError(f"{source}: {word[:60]!r} at {where} is not a word of an enum")
    for name in names:
        if not _FIELD.fullmatch(name) or not re.search(r"[A-Za-z0-9]", name):
            raise ImportRefusedError(f"{source}: {name!r} at {where} is not a field's or a parameter's name")


def _refuse_reference(data: dict[str, Any], where: str, node: dict[str, Any], source: str) -> None:
    reference = node.get("$ref")
    if reference is None or where.endswith("/properties"):
        return
    if not isinstance(reference, str) or not re.fullmatch(r"#/components/\w+/[^/]+", reference):
        raise ImportRefusedError(
            f"{source}: {reference!r} at {where} is not a reference into components of this document"
        )
    _, _, kind, name = reference.split("/")
    if name not in data.get("components", {}).get(kind, {}):
        raise ImportRefusedError(f"{source}: {reference} at {where} refers to nothing")


def _refuse_circles(data: dict[str, Any], source: str) -> None:
    """An object may mention itself in a field; anything else that consists of itself has no end."""
    edges: dict[str, set[str]] = {}
    for kind, group in data.get("components", {}).items():
        for name, component in group.items():
            without_fields = [component]
            found: set[str] = set()
            while without_fields:
                node = without_fields.pop()
                if isinstance(node, dict):
                    if isinstance(node.get("$ref"), str):
                        found.add(node["$ref"])
                    without_fields += [value for key, value in node.items() if key != "properties"]
                elif isinstance(node, list):
                    without_fields += node
            edges[f"#/components/{kind}/{name}"] = found
    done: set[str] = set()
    for start, targets in edges.items():
        trail: list[tuple[str, Iterator[str]]] = [(start, iter(sorted(targets)))]
        on_trail = {start}
        while trail:
            name, ahead = trail[-1]
            step = next((target for target in ahead if target not in done), None)
            if step is None:
                done.add(name)
                on_trail.discard(name)
                trail.pop()
            elif step in on_trail:
                raise ImportRefusedError(f"{source}: {step} consists of itself, by way of {name}")
            else:
                on_trail.add(step)
                trail.append((step, iter(sorted(edges[step]))))
