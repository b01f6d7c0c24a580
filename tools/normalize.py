"""Put the contract together: facts of the service in our form, the overlay, and what is written of the ChatServer.

Rules come first, so that the overlay only says what differs: what a limit is, what an id, how null is written.
In the overlay, `x-codegen: {name: X}` on a schema, a field or a parameter moves it to the components under that name.
"""

from __future__ import annotations

import copy
import http
import re
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.compat import StringIO

from tools import load, overlay, validate
from tools.load import Data, SpecError, each_operation, refusal, resolve

HEADER = "# Written by `make generate` from spec/; edit there.\n"
JSON = "application/json"
STANDARD_LIMIT = {"requests": 60, "seconds": 30}
"""What holds for an operation that states no limit."""
STANDARD_RESPONSES = {"401": "Unauthenticated", "403": "Forbidden", "404": "NotFound", "429": "RateLimited"}
"""What an operation answers even where the service's document forgets it; the overlay describes them."""
NULL = {"type": "null"}
OUTER = ("description", "default", "deprecated", "readOnly", "writeOnly")
"""What belongs to the place where a schema is used, and so stays beside a reference to it."""
PARAMETER_KEYS = ("deprecated", "style", "explode", "allowReserved", "content")
FREE_FORM = "FreeFormObject"
ANY = "AnyValue"
"""Schemas of the overlay: of an object without fields, and of an answer that the service does not document."""


class Normalized(NamedTuple):
    """A contract, what a maintainer should read about it, why it cannot be used, and the overlay's idle targets."""

    data: Data
    notes: list[str]
    problems: list[str]
    unmatched: list[str]


def contract(facts: Data | None = None) -> Normalized:
    """Put together what spec/ holds, with other facts of the service if they are given.

    Raises:
        SpecError: if a file of spec/ cannot be read, or does not have its form.

    """
    return normalize(facts or load.load(load.FACTS), load.load(load.CHATSERVER), overlay.read(load.OVERLAY))


def normalize(facts: Data, chatserver: Data, actions: list[overlay.Action]) -> Normalized:
    """Put a contract together.

    Raises:
        SpecError: if a document does not have the form of OpenAPI, or the overlay does not suit what it selects.

    """
    try:
        return _Normalizer(facts, copy.deepcopy(chatserver)).run(actions)
    except (AttributeError, LookupError, TypeError, ValueError) as error:
        raise SpecError(f"the document does not have the form of OpenAPI: {type(error).__name__}: {error}") from error


class _Normalizer:
    def __init__(self, facts: Data, chatserver: Data) -> None:
        self._facts, self._chatserver = facts, chatserver
        self._notes: list[str] = []
        self._problems: list[str] = []
        self._data: Data = {}

    def run(self, actions: list[overlay.Action]) -> Normalized:
        self._data = self._own_form()
        unmatched = overlay.apply(self._data, actions)
        self._drop_unusable()
        self._rename_schemas()
        self._move_named()
        for path, _, operation in each_operation(self._data):
            self._complete(path, operation)
        self._name_operations()
        self._group_limits()
        self._describe()
        self._join_chatserver()
        self._prune()
        return Normalized(_ordered(self._data), self._notes, self._problems, unmatched)

    def _refuse(self, place: load.Place, reason: str, entry: str = "remove: true") -> None:
        self._problems.append(refusal(place, reason, entry, is_published=True))

    # Before the overlay

    def _own_form(self) -> Data:
        facts = self._facts
        components = facts.get("components", {})
        schemas = {name: canonical(node) for name, node in components.get("schemas", {}).items()}
        data: Data = {
            key: copy.deepcopy(facts[key]) for key in ("openapi", "info", "servers", "security") if key in facts
        }
        data |= {"paths": {}, "components": {"schemas": schemas, "parameters": {}, "responses": {}}}
        if "securitySchemes" in components:
            data["components"]["securitySchemes"] = copy.deepcopy(components["securitySchemes"])
        for path, method, raw in each_operation(facts):
            where = f"{method.upper()} {path}"
            try:
                operation = self._operation(where, path, method, raw, facts["paths"][path].get("parameters", ()))
            except _UnusableError as error:
                operation = {"x-unusable": str(error)}
            except (AttributeError, LookupError, TypeError, ValueError) as error:
                operation = {"x-unusable": f"it does not have the form of OpenAPI: {type(error).__name__}: {error}"}
            data["paths"].setdefault(path, {})[method] = operation
        return data

    def _drop_unusable(self) -> None:
        """Take out what clients cannot have and the overlay does not remove, before anything gets another place."""
        shared = self._data["components"]["responses"]
        for name in [name for name, node in shared.items() if not self._is_known(node)]:
            del shared[name]  # an older document may lack its schema
        for path, method, operation in each_operation(self._data):
            if reason := operation.get("x-unusable"):
                self._refuse(("paths", path, method), reason)
                del self._data["paths"][path][method]
        for document in (self._data, self._chatserver):
            for place, node, reason in list(validate.unusable(document, self._data)):
                self._problems.append(refusal(place, reason, is_published=document is self._data))
                node.clear()

    def _operation(self, where: str, path: str, method: str, raw: Data, shared: Any) -> Data:
        tag = str((raw.get("tags") or ["other"])[0]).lower()
        limit = raw.get("x-rate-limit", STANDARD_LIMIT)
        result: Data = {
            "tags": [re.sub(r"[^a-z0-9]+", "-", tag).strip("-") or "other"],
            "x-codegen": {
                "service": "codegen",
                "rate-limit": {key: limit.get(key) for key in STANDARD_LIMIT},
                "idempotent": method != "post",
            },
        }
        result |= {key: raw[key] for key in ("deprecated", "security") if key in raw}
        # The operation's parameter replaces that of its path.
        own = [resolve(self._facts, node) for node in (*shared, *raw.get("parameters", ()))]
        declared: dict[tuple[str, str], Data] = {(node["name"], node["in"]): node for node in own}
        if parameters := self._parameters(where, path, list(declared.values())):
            result["parameters"] = parameters
        if "requestBody" in raw:
            body = resolve(self._facts, raw["requestBody"])
            result["requestBody"] = {"required": bool(body.get("required", False)), **self._content(body, where)}
            if "content" not in result["requestBody"]:
                raise _UnusableError("its body is not JSON, which clients speak")
        result["responses"] = {
            str(status): {"description": "", **self._content(resolve(self._facts, node), where)}
            for status, node in sorted(raw.get("responses", {}).items())
        }
        if paginate := self._paginate(result):
            result["x-codegen"]["paginate"] = paginate
        return result

    def _parameters(self, where: str, path: str, declared: list[Data]) -> list[Data]:
        """Return the parameters that a client gives: those of the path in its order, then the others."""
        in_path: dict[str, Data] = {}
        others: list[Data] = []
        names = re.findall(r"\{([^{}]+)\}", path)
        for node in declared:
            name, location = str(node["name"]), str(node["in"])
            kept = {key: node[key] for key in PARAMETER_KEYS if key in node}
            shaped: Data = {"name": name, "in": location, "required": bool(node.get("required", False)), **kept}
            if "content" not in node:
                shaped["schema"] = canonical(node.get("schema")) or {"type": "string"}
            if location == "path" and name in names:
                in_path[name] = {**shaped, "required": True}
            elif location == "path":
                others.append({**shaped, "in": "query"})
                self._notes.append(f"{where}: the path lacks its parameter {name}, which is a query parameter now")
            elif location == "cookie":
                self._notes.append(f"{where}: the cookie {name} is left out; clients send none")
            elif (location, name.lower()) != ("header", "authorization"):
                others.append(shaped)
        for name in names:
            if name not in in_path:
                in_path[name] = {"name": name, "in": "path", "required": True, "schema": self._schema_of_path(name)}
                self._notes.append(f"{where}: {name} is in the path without a declaration; it is declared now")
        return [*(in_path[name] for name in names), *others]

    def _schema_of_path(self, name: str) -> Data:
        """Return the schema that a path parameter of this name has in another operation."""
        for _, _, operation in each_operation(self._facts):
            for raw in operation.get("parameters", ()):
                node = resolve(self._facts, raw)
                if (node.get("in"), node.get("name")) == ("path", name) and node.get("schema"):
                    return canonical(node["schema"])
        return {"type": "string"}

    def _content(self, node: Data, where: str) -> Data:
        content = node.get("content", {})
        kept = [media for kind, media in content.items() if kind.partition(";")[0] == JSON]
        if len(content) > len(kept):
            others = ", ".join(kind for kind in content if kind.partition(";")[0] != JSON)
            self._notes.append(f"{where}: {others} is left out; clients speak JSON here")
        return {"content": {JSON: {"schema": canonical(kept[0].get("schema"))}}} if kept else {}

    def _paginate(self, operation: Data) -> Data | None:
        """Return how a list with `skip`, `limit`, `items` and `total`, as the service writes them, is read in parts."""
        if not {"skip", "limit"} <= {parameter["name"] for parameter in operation.get("parameters", ())}:
            return None
        answer = operation["responses"].get("200", {}).get("content", {}).get(JSON, {}).get("schema", {})
        if not {"items", "total"} <= resolve(self._facts, answer).get("properties", {}).keys():
            return None
        return {"style": "offset", "start": "skip", "size": "limit", "items": "items", "total": "total"}

    # After the overlay

    def _rename_schemas(self) -> None:
        group: dict[str, Data] = self._data["components"]["schemas"]
        renamed = {name: new for name, node in group.items() if (new := _take_name(node))}
        for name, new in renamed.items():
            if new in group and new not in renamed:
                reason = f"the overlay calls it {new}, but there is another {new}"
                self._refuse(("components", "schemas", name), reason, f"update: {{x-codegen: {{name: {new}Model}}}}")
        self._data["components"]["schemas"] = {renamed.get(name, name): node for name, node in group.items()}
        for _, node in load.nodes(self._data):
            kind, _, name = str(node.get("$ref", "")).rpartition("/")
            if kind == "#/components/schemas" and name in renamed:
                node["$ref"] = f"{kind}/{renamed[name]}"

    def _move_named(self) -> None:
        """Move what the overlay names, and objects without fields, to the components."""
        self._data["paths"] = self._moved(self._data["paths"], "paths")
        for kind, group in self._data["components"].items():
            for name in list(group):
                group[name] = {
                    key: self._moved(node, "components", kind, name, key) for key, node in group[name].items()
                }

    def _moved(self, node: Any, *place: str | int) -> Any:
        """Return a node in which references stand for what was moved."""
        if isinstance(node, list):
            return [self._moved(item, *place, index) for index, item in enumerate(node)]
        if not isinstance(node, dict):
            return node
        name = _take_name(node)
        inner, nullable = _without_null(node)
        inner = {key: item for key, item in inner.items() if key not in OUTER and not key.startswith("x-")}
        is_free = inner.get("type") == "object" and inner.get("additionalProperties", True) in (True, {})
        if not name and is_free and not inner.keys() & {"properties", "allOf"}:
            name = FREE_FORM
        if name and "in" in node:
            if self._data["components"]["parameters"].setdefault(name, node) == node:
                return {"$ref": f"#/components/parameters/{name}"}
        elif name and "$ref" not in inner:
            inner = {key: self._moved(item, *place, key) for key, item in inner.items()}
            if name == FREE_FORM or self._put(name, inner):
                outer = {key: node[key] for key in OUTER if key in node}
                return {"anyOf": [_reference_to(name), NULL], **outer} if nullable else {**_reference_to(name), **outer}
        if name:
            self._notes.append(f"{load.shown(place)}: it differs from {name}, so it stays on its own")
        return {key: self._moved(item, *place, key) for key, item in node.items()}

    def _put(self, name: str, inner: Data) -> bool:
        """Put a schema among the components unless another of that name says something else."""
        present = self._data["components"]["schemas"].setdefault(name, {})
        said = {key: value for key, value in present.items() if key not in OUTER and not key.startswith("x-")}
        if said and said != inner:
            return False
        present |= inner
        return True

    def _complete(self, path: str, operation: Data) -> None:
        """Give an operation the answers that it has anyway, and those that are shared by reference."""
        answers = self._data["components"]["responses"]
        shared = {found: name for name, node in answers.items() if (found := _schema_of(node))}
        responses = operation["responses"]
        responses.get("200", {}).setdefault("content", {JSON: {"schema": {}}})
        for response in (node for status, node in responses.items() if status[0] == "2"):
            for media in response.get("content", {}).values():
                media["schema"] = media["schema"] or _reference_to(ANY)
        names_something = self._names_something(path, operation)
        for status, standard in STANDARD_RESPONSES.items():
            applies = status in {"401", "429"} or names_something or status in responses
            if applies and standard in answers and "content" not in responses.get(status, {}):
                responses[status] = {"$ref": f"#/components/responses/{standard}"}
        for status, node in responses.items():
            if not status.startswith("2") and (name := shared.get(_schema_of(node) or "")):
                responses[status] = {"$ref": f"#/components/responses/{name}"}
        operation["responses"] = dict(sorted(responses.items()))

    def _is_known(self, response: Data) -> bool:
        return str(_schema_of(response)).rpartition("/")[2] in self._data["components"]["schemas"]

    def _names_something(self, path: str, operation: Data) -> bool:
        """Say whether a call names a thing that may be missing (404) or forbidden (403)."""
        names = [str(resolve(self._data, node)["name"]) for node in operation.get("parameters", ())]
        body = operation.get("requestBody", {}).get("content", {}).get(JSON, {}).get("schema", {})
        names += resolve(self._data, body).get("required", ())
        return "{" in path or any(name.endswith("_id") for name in names)

    def _name_operations(self) -> None:
        """Give an id to each operation to which the overlay gives none; those that are given never move."""
        operations = each_operation(self._data)
        taken = {
            str(operation.get("operationId")): "another operation"
            for _, _, operation in (*operations, *each_operation(self._chatserver))
        }
        given = set(taken)
        for path, method, operation in operations:
            if "operationId" not in operation:
                names = [
                    load.derived_id(path, method),
                    whole := load.derived_id(path, method, whole=True),
                    f"{whole}_2",
                ]
                name, other, *_ = (name for name in names if name not in given)
                if name in taken:
                    reason = f"its id would be {name}, which {taken[name]} has"
                    entry = f"update: {{operationId: {other}}}"
                    self._refuse(("paths", path, method), reason, entry)
                    name = other
                taken[name] = f"{method.upper()} {path}"
                operation["operationId"] = name

    def _group_limits(self) -> None:
        """Name the groups of limits: `standard` for the limit that most have, and an operation's own otherwise."""
        for _, _, operation in each_operation(self._data):
            limit = operation["x-codegen"]["rate-limit"]
            group = limit.get("group") or operation["operationId"].replace("_", "-")
            is_standard = {key: limit[key] for key in STANDARD_LIMIT} == STANDARD_LIMIT
            operation["x-codegen"]["rate-limit"] = {**limit, "group": "standard" if is_standard else group}

    def _describe(self) -> None:
        """Make the words that the overlay does not give from the names of things."""
        data = self._data
        for _, _, operation in each_operation(data):
            operation.setdefault("summary", _words(operation["operationId"]))
            operation.setdefault("description", f"{operation['summary']}.")
            for status, response in operation["responses"].items():
                if "$ref" not in response and not response.get("description"):
                    phrase = http.HTTPStatus(int(status)).phrase if status in _STATUSES else "Answer"
                    response["description"] = f"{phrase.capitalize()}."
            for parameter in operation.get("parameters", ()):
                if "$ref" not in parameter:
                    parameter.setdefault("description", f"{_words(parameter['name'])}.")
        for kind in ("parameters", "schemas"):
            for name, node in data["components"][kind].items():
                node.setdefault("description", f"{_words(name)}.")
        for place, node in load.nodes(data):
            if place[-2:-1] == ("properties",):
                node.setdefault("description", f"{_words(str(place[-1]))}.")
        tags = data.setdefault("tags", [])
        known = {tag["name"] for tag in tags}
        used = list(dict.fromkeys(tag for _, _, operation in each_operation(data) for tag in operation["tags"]))
        tags += [{"name": tag, "description": f"Operations of the group {tag}."} for tag in used if tag not in known]
        data["tags"] = [tag for tag in tags if tag["name"] in used]

    def _join_chatserver(self) -> None:
        data, other = self._data, self._chatserver
        for path in other["paths"].keys() & data["paths"].keys():
            self._refuse(("paths", path), "it is in spec/chatserver.yaml, too")
        for kind, group in other.get("components", {}).items():
            mine = data["components"].setdefault(kind, {})
            for name in group:
                if mine.get(name, group[name]) != group[name]:
                    entry = f"update: {{x-codegen: {{name: Codegen{name}}}}}"
                    self._refuse(("components", kind, name), "it has another meaning in spec/chatserver.yaml", entry)
            mine |= group
        data["paths"] |= other["paths"]
        known = {tag["name"] for tag in data["tags"]}
        data["tags"] += [tag for tag in other.get("tags", ()) if tag["name"] not in known]

    def _prune(self) -> None:
        """Drop the components that nothing needs; what is written of the ChatServer stays."""
        written = self._chatserver.get("components", {})
        needed = reachable(self._data, [self._data["paths"], written])
        for kind, group in self._data["components"].items():
            if kind != "securitySchemes":
                kept = {
                    name: node
                    for name, node in group.items()
                    if (kind, name) in needed or name in written.get(kind, {})
                }
                self._data["components"][kind] = kept


_STATUSES = {str(int(status)) for status in http.HTTPStatus}


class _UnusableError(Exception):
    """Clients cannot have an operation."""


def canonical(schema: Any) -> Data:
    """Return a schema in our form.

    Null is a further type where there is one type, and a branch of `anyOf` where there is a reference or an object. An
    `allOf` with nothing but a reference is that reference.
    """
    if not isinstance(schema, dict):
        return {}
    kept = {
        key: copy.deepcopy(value) for key, value in schema.items() if key not in load.PROSE and not key.startswith("x-")
    }
    if "array" in _types(kept):
        kept.setdefault("items", {})
    if isinstance(kept.get("properties"), dict):
        kept["properties"] = {name: canonical(value) for name, value in kept["properties"].items()}
    for key in ("items", "additionalProperties"):
        if isinstance(kept.get(key), dict):
            kept[key] = canonical(kept[key])
    for key in ("anyOf", "oneOf", "allOf"):
        if isinstance(kept.get(key), list):
            kept[key] = [canonical(value) for value in kept[key]]
    if len(kept.get("allOf", ())) == 1 and kept.keys() <= {"allOf", *OUTER}:
        kept = {**kept.pop("allOf")[0], **kept}
    if not kept.get("required", True):
        del kept["required"]
    kept = {
        key: int(value) if isinstance(value, float) and value.is_integer() else value for key, value in kept.items()
    }
    inner, is_nullable = _without_null(kept)
    return _with_null(inner) if is_nullable else inner


def _types(schema: Data) -> list[str]:
    kinds = schema.get("type", [])
    return kinds if isinstance(kinds, list) else [kinds]


def _without_null(schema: Data) -> tuple[Data, bool]:
    """Return what a schema allows besides null, and whether it allows null."""
    branches, kinds = schema.get("anyOf", ()), _types(schema)
    others, rest = [branch for branch in branches if branch != NULL], [kind for kind in kinds if kind != "null"]
    if len(others) < len(branches):
        schema = {key: value for key, value in schema.items() if key != "anyOf"}
        schema = {**others[0], **schema} if len(others) == 1 else {**schema, "anyOf": others}
    if rest and len(rest) < len(kinds):
        schema = {**schema, "type": rest[0] if len(rest) == 1 else rest}
    return schema, len(others) < len(branches) or (bool(rest) and len(rest) < len(kinds))


def _with_null(schema: Data) -> Data:
    """Allow null besides what a schema allows."""
    outer = {key: schema[key] for key in OUTER if key in schema}
    inner = {key: value for key, value in schema.items() if key not in OUTER}
    if not inner:
        return schema
    if "anyOf" in inner:
        return {"anyOf": [*inner.pop("anyOf"), NULL], **inner, **outer}
    if {"enum", "$ref", "oneOf", "allOf"} & inner.keys() or inner.get("type") in ("object", None):
        return {"anyOf": [inner, NULL], **outer}
    return {**schema, "type": [*_types(inner), "null"]}


def _take_name(node: Data) -> str | None:
    """Remove and return the name that the overlay gave."""
    extension = node.get("x-codegen", {})
    name: str | None = extension.pop("name", None)
    if not extension:
        node.pop("x-codegen", None)
    return name


def _reference_to(name: str) -> Data:
    return {"$ref": f"#/components/schemas/{name}"}


def _schema_of(response: Data) -> str | None:
    reference: str | None = response.get("content", {}).get(JSON, {}).get("schema", {}).get("$ref")
    return reference


def _words(name: str) -> str:
    return " ".join(re.sub(r"[_\W]+", " ", name).split()).capitalize()


def reachable(data: Data, roots: Any) -> set[tuple[str, str]]:
    """Return the components, as kind and name, that something needs, whether they are there or not."""
    found: set[tuple[str, str]] = set()
    ahead: list[Any] = [roots]
    while ahead:
        for _, node in load.nodes(ahead.pop()):
            parts = str(node.get("$ref", "")).split("/")
            if len(parts) == 4 and tuple(parts[2:]) not in found:
                found.add((parts[2], parts[3]))
                ahead.append(data["components"].get(parts[2], {}).get(parts[3]))
    return found


# The text of openapi.yaml

ORDER = (
    "openapi", "info", "$ref", "url", "operationId", "servers", "security", "tags", "paths", "components", "title",
    "version", "summary", "name", "in", "method", "field", "event", "type", "scheme", "anyOf", "oneOf", "allOf",
    "description", "deprecated", "enum", "required", "properties", "items", "additionalProperties", "x-codegen",
    "securitySchemes", "parameters", "requestBody", "responses", "content", "headers", "schema", "schemas", "service",
    "rate-limit", "idempotent", "reconcile", "cache-seconds", "invalidates", "paginate", "stream",
)  # fmt: skip
"""The order of keywords; others follow in their own."""
PARAMETER_ORDER = ("name", "in", "required", "description", "schema")
NAMES = {*load.NAMES, "words", "callbacks", "variables", "mapping"}
FLOW = {"rate-limit", "paginate"}


def _ordered(data: Data) -> Data:
    """Return the document with its parts and schemas in one order, so that nothing but its content decides its text."""
    components = {kind: group for kind, group in data["components"].items() if group}
    if "schemas" in components:
        components["schemas"] = dict(sorted(components["schemas"].items()))
    return {**data, "components": components}


def text(data: Data) -> str:
    """Return a contract as the text of openapi.yaml, the same on every machine."""
    yaml = YAML()
    yaml.width = 120
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = StringIO()
    yaml.dump(_node("", data), out)
    return HEADER + out.getvalue()


def _node(key: str, value: Any, *, is_names: bool = False) -> Any:
    """Return a node in the style of the file: keywords in order, short things on one line."""
    if isinstance(value, list):
        items = CommentedSeq(_node(key, item) for item in value)
        if not any(isinstance(item, dict | list) for item in value):
            items.fa.set_flow_style()
        return items
    if not isinstance(value, dict):
        return value
    order = () if is_names or key in FLOW else PARAMETER_ORDER if "in" in value else ORDER
    keys = sorted(value, key=lambda name: order.index(name) if name in order else len(order))
    node = CommentedMap()
    for name in keys:
        holds_names = not is_names and name in NAMES and isinstance(value[name], dict)
        node[name] = _node("" if is_names else name, value[name], is_names=holds_names)
    if key in FLOW or (not is_names and len(value) == 1 and value.keys() <= {"$ref", "type"}):
        node.fa.set_flow_style()
    return node
