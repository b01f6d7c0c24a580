"""Our canonical form of the service's document: rules before the overlay, the overlay, rules after it.

The rules before give every operation what can be told from the document itself, so that an overlay only says what
differs; those after it give names to what the overlay named or left inline, and put in what every operation must have.
In an overlay, `x-codegen: {name: X}` on a schema, a field or a parameter moves it to the components under that name.
"""

from __future__ import annotations

import copy
from typing import Any

from tools.contract import document, operations, prose, schemas
from tools.contract.overlay import Action, apply
from tools.contract.reading import ImportRefusedError, nodes

FREE_FORM = "FreeFormObject"
ANY = "AnyValue"
STANDARD_RESPONSES = {"401": "Unauthenticated", "403": "Forbidden", "404": "NotFound", "429": "RateLimited"}
"""What an operation answers even where the service's document forgets it; the overlay describes them."""

Data = dict[str, Any]


class Import:
    """Turns one upstream document into our form; `notes` says what a maintainer should read."""

    def __init__(
        self, actions: list[Action], *, reserved: frozenset[str] = frozenset(), known: Data | None = None
    ) -> None:
        """Take the overlay, the ids that no operation must get, and our schemas, for those that the document lacks."""
        self._actions = actions
        self._reserved = reserved
        self._known = known or {}
        self.notes: list[str] = []
        self.unmatched: list[str] = []

    def run(self, upstream: Data) -> Data:
        """Return the document of the service in our form: paths and components, sorted, nothing unused.

        Raises:
            ImportRefusedError: if the document does not have the form of OpenAPI, or the overlay does not fit.

        """
        try:
            data = self._before(upstream)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise ImportRefusedError(f"the document does not have the form of OpenAPI: {error}") from error
        self.unmatched = apply(data, self._actions)
        self._rename_schemas(data)
        self._name_parameters(data)
        self._name_schemas(data)
        self._complete_operations(data)
        self._borrow(data)
        prose.describe(data)
        prune(data)
        return data

    # Before the overlay

    def _before(self, upstream: Data) -> Data:
        components = upstream.get("components", {})
        data: Data = {
            "openapi": "3.1.0",
            "info": {key: str(upstream.get("info", {}).get(key, "")) for key in ("title", "version")},
            "paths": {},
            "components": {
                "schemas": {name: schemas.canonical(node) for name, node in components.get("schemas", {}).items()}
            },
        }
        group = data["components"]["schemas"]
        group |= {name: schemas.flattened(data, node) for name, node in group.items()}
        known: dict[str, Data] = {}
        paths = {path: document.resolve(upstream, item) for path, item in upstream["paths"].items()}
        for item in paths.values():
            for operation in (item[method] for method in document.METHODS if method in item):
                for raw in operation.get("parameters") or ():
                    parameter = document.resolve(upstream, raw)
                    if parameter.get("in") == "path" and parameter.get("schema"):
                        kept = {key: parameter[key] for key in ("name", "in", "required")}
                        known.setdefault(
                            str(parameter["name"]), {**kept, "schema": schemas.canonical(parameter["schema"])}
                        )
        for path, item in paths.items():
            for method in (method for method in document.METHODS if method in item):
                where = f"{method.upper()} {path}"
                try:
                    operation = self._operation(upstream, data, where, item, known)
                except (AttributeError, KeyError, TypeError, ValueError) as error:
                    raise ImportRefusedError(f"{where} does not have the form of OpenAPI: {error}") from error
                data["paths"].setdefault(path, {})[method] = operation
        return data

    def _operation(self, upstream: Data, data: Data, where: str, item: Data, known: dict[str, Data]) -> Data:
        method, _, path = where.partition(" ")
        method = method.lower()
        raw = item[method]
        own = [document.resolve(upstream, node) for node in (*item.get("parameters", ()), *raw.get("parameters", ()))]
        # The operation's parameter replaces that of its path.
        declared = list({(node.get("name"), node.get("in")): node for node in own}.values())
        declared = [{**node, "schema": schemas.canonical(node.get("schema"))} for node in declared]
        tags = list(dict.fromkeys(operations.slug(str(tag)) for tag in raw.get("tags", ()) or ["other"]))
        result: Data = {"operationId": operations.derived_id(path, method), "tags": tags[:1]}
        said = {key: prose.line(operations.without_limit(str(raw.get(key, "")))) for key in ("summary", "description")}
        result |= {key: text for key, text in said.items() if text}
        limit = operations.stated_limit(raw)
        if limit is None and operations.speaks_of_a_limit(raw):
            self.notes.append(f"{where}: what it says of a rate limit was not understood, so the standard one holds")
        result["x-codegen"] = {
            "service": "codegen",
            "rate-limit": limit or dict(operations.STANDARD_LIMIT),
            "idempotent": method != "post",
        }
        if raw.get("deprecated") is True:
            result["deprecated"] = True
        if shaped := operations.parameters(path, declared, known, self.notes, where):
            result["parameters"] = copy.deepcopy(shaped)
        if "requestBody" in raw:
            body = document.resolve(upstream, raw["requestBody"])
            result["requestBody"] = {"required": bool(body.get("required", False)), **self._content(body, where)}
        responses = {str(status): document.resolve(upstream, node) for status, node in raw.get("responses", {}).items()}
        result["responses"] = {
            status: {"description": prose.line(node.get("description", "")), **self._content(node, where)}
            for status, node in sorted(responses.items())
        }
        if paginate := operations.paginated(result, data):
            result["x-codegen"]["paginate"] = paginate
        return result

    def _content(self, node: Data, where: str) -> Data:
        content = node.get("content", {})
        if not content:
            return {}
        kept = {kind: media for kind, media in content.items() if kind.partition(";")[0] == "application/json"}
        for kind in content.keys() - kept.keys():
            self.notes.append(f"{where}: {kind} is left out; clients speak JSON here")
        media: Data = next(iter(kept.values()), {})
        return {"content": {"application/json": {"schema": schemas.canonical(media.get("schema"))}}} if kept else {}

    # After the overlay

    def _rename_schemas(self, data: Data) -> None:
        group: dict[str, Data] = data["components"]["schemas"]
        renamed = {name: new for name, node in group.items() if (new := node.get("x-codegen", {}).get("name"))}
        for name, new in renamed.items():
            _take_name(group[name])
            if new in group and new not in renamed:
                raise ImportRefusedError(f"the overlay calls {name} {new}, but there is another {new}")
        data["components"]["schemas"] = {renamed.get(name, name): node for name, node in group.items()}
        for _, node in nodes(data):
            kind, _, name = str(node.get("$ref", "")).rpartition("/")
            if kind == "#/components/schemas" and name in renamed:
                node["$ref"] = f"{kind}/{renamed[name]}"

    def _name_parameters(self, data: Data) -> None:
        group: dict[str, Data] = data["components"].setdefault("parameters", {})
        for path, _, operation in document.each_operation(data):
            for index, parameter in enumerate(operation.get("parameters", ())):
                if name := _take_name(parameter):
                    if group.setdefault(name, parameter) == parameter:
                        operation["parameters"][index] = {"$ref": f"#/components/parameters/{name}"}
                    else:
                        self.notes.append(f"{path}: {parameter['name']} differs from {name}, so it stays on its own")

    def _name_schemas(self, data: Data) -> None:
        group: dict[str, Data] = data["components"]["schemas"]
        group.setdefault(
            FREE_FORM,
            {"type": "object", "description": "JSON object with any keys and values.", "additionalProperties": True},
        )
        group.setdefault(ANY, {"description": "Any JSON, since the service does not document this answer."})
        for name in list(group):
            self._name_within(data, group[name], name)
        for name, parameter in data["components"]["parameters"].items():
            parameter["schema"] = self._named(data, parameter["schema"], schemas.class_name(name))
        for _, _, operation in document.each_operation(data):
            base = schemas.class_name(operation["operationId"])
            for parameter in operation.get("parameters", ()):
                if "schema" in parameter:
                    place = schemas.class_name(base, parameter["name"])
                    parameter["schema"] = self._named(data, parameter["schema"], place)
            answers = [(f"{base}Body", operation.get("requestBody", {}), False)]
            answers += [(f"{base}Result", node, status[0] == "2") for status, node in operation["responses"].items()]
            for place, holder, is_result in answers:
                if is_result and place and not holder.get("content") and holder is operation["responses"].get("200"):
                    holder["content"] = {"application/json": {"schema": {}}}
                for media in holder.get("content", {}).values():
                    schema = media["schema"]
                    if is_result and not schema:
                        media["schema"] = {"$ref": f"#/components/schemas/{ANY}"}
                    else:
                        media["schema"] = self._named(data, schema, place)

    def _name_within(self, data: Data, schema: Data, place: str) -> None:
        for name, field in schema.get("properties", {}).items():
            schema["properties"][name] = self._named(data, field, schemas.class_name(place, name))
        for key in ("items", "additionalProperties"):
            if isinstance(schema.get(key), dict):
                schema[key] = self._named(data, schema[key], f"{place}Item")
        for key in ("anyOf", "allOf"):
            if key in schema:
                schema[key] = [
                    self._named(data, branch, f"{place}{index or ''}") for index, branch in enumerate(schema[key])
                ]

    def _named(self, data: Data, schema: Data, place: str) -> Data:
        """Return what stands at a place: the schema itself, or a reference once it has a name."""
        name = _take_name(schema)
        inner, nullable = schemas.core(schema)
        if "$ref" in inner:
            if name:
                self.notes.append(
                    f"{place}: the overlay names it {name}, but it is {inner['$ref'].rpartition('/')[2]} now"
                )
            return schema
        if not name and inner.get("type") == "object" and not inner.get("properties") and "allOf" not in inner:
            name = FREE_FORM if inner.get("additionalProperties", True) in (True, {}) else place
        elif not name and (
            "properties" in inner or "allOf" in inner or ("enum" in inner and inner.get("type", "string") == "string")
        ):
            name = place
        if not name:
            self._name_within(data, schema, place)
            return schema
        self._name_within(data, inner, name)
        if name != FREE_FORM and not self._join(data["components"]["schemas"], name, inner):
            self.notes.append(f"{place}: it differs from {name}, so it is {place} now")
            name = place
            while not self._join(data["components"]["schemas"], name, inner):
                name += "_"
        return schemas.reference(name, schema, nullable=nullable)

    @staticmethod
    def _join(group: dict[str, Data], name: str, inner: Data) -> bool:
        """Put a schema among the components unless another of that name says something else."""
        present = group.setdefault(name, {})
        facts = {key: value for key, value in present.items() if key not in schemas.OUTER and not key.startswith("x-")}
        if facts and facts != inner:
            return False
        present |= inner
        return True

    def _complete_operations(self, data: Data) -> None:
        components = data["components"]
        shared = {
            _schema_of(node): name
            for name, node in components.get("responses", {}).items()
            if _schema_of(node) is not None
        }
        taken = set(self._reserved)
        groups: dict[str, tuple[int, int]] = {}
        for path, method, operation in document.each_operation(data):
            where = f"{method.upper()} {path}"
            if "content" not in operation.get("requestBody", {"content": ""}):
                advice = f"remove the operation in {document.OVERLAY.name}"
                raise ImportRefusedError(f"{where}: its body is not JSON, which clients speak; {advice}")
            inlined = {**operation, "parameters": [document.resolve(data, p) for p in operation.get("parameters", ())]}
            named = operations.names_something(path, inlined, data)
            for status, standard in STANDARD_RESPONSES.items():
                if status in {"401", "429"} or named or status in operation["responses"]:
                    if standard not in components.get("responses", {}):
                        raise ImportRefusedError(f"the overlay does not describe the response {standard}")
                    if "content" not in operation["responses"].get(status, {}):
                        operation["responses"][status] = {"$ref": f"#/components/responses/{standard}"}
            for status, node in operation["responses"].items():
                if not status.startswith("2") and (name := shared.get(_schema_of(node))):
                    operation["responses"][status] = {"$ref": f"#/components/responses/{name}"}
            operation["responses"] = dict(sorted(operation["responses"].items()))
            wanted = [operation["operationId"], operations.derived_id(path, method, whole=True)]
            wanted += [f"{wanted[1]}_{number}" for number in range(2, 100)]
            operation["operationId"] = next(name for name in wanted if name not in taken)
            if operation["operationId"] != wanted[0]:
                self.notes.append(f"{where}: {wanted[0]} is taken, so its id is {operation['operationId']}")
            taken.add(operation["operationId"])
            self._group(operation, groups, where)
        for _, _, operation in document.each_operation(data):
            policy = operation["x-codegen"]
            if "invalidates" in policy:
                policy["invalidates"] = [name for name in policy["invalidates"] if name in taken]
                if not policy["invalidates"]:
                    del policy["invalidates"]
        declared = data.setdefault("tags", [])
        used = dict.fromkeys(tag for _, _, operation in document.each_operation(data) for tag in operation["tags"])
        declared += [
            {"name": tag, "description": f"Operations of the group {tag}."}
            for tag in used
            if tag not in {known["name"] for known in declared}
        ]
        data["tags"] = [tag for tag in declared if tag["name"] in used]

    def _group(self, operation: Data, groups: dict[str, tuple[int, int]], where: str) -> None:
        """One group has one limit, and the limit that most operations have is the group `standard`."""
        limit = operation["x-codegen"]["rate-limit"]
        numbers = (limit["requests"], limit["seconds"])
        name = limit.get("group") or operation["operationId"].replace("_", "-")
        if numbers == (operations.STANDARD_LIMIT["requests"], operations.STANDARD_LIMIT["seconds"]):
            name = "standard"
        elif name == "standard" or groups.get(name, numbers) != numbers:
            self.notes.append(f"{where}: its limit is not that of the group {name}, so it has one of its own")
            name = operation["operationId"].replace("_", "-")
        groups[name] = numbers
        operation["x-codegen"]["rate-limit"] = {"requests": numbers[0], "seconds": numbers[1], "group": name}

    def _borrow(self, data: Data) -> None:
        """Keep those of our schemas that the overlay needs and the service's document lacks, as for its errors."""
        group: dict[str, Data] = data["components"]["schemas"]
        while missing := sorted(
            name for kind, name in reachable(data, data["paths"]) if kind == "schemas" and name not in group
        ):
            for name in missing:
                if name not in self._known:
                    raise ImportRefusedError(f"the overlay refers to the schema {name}, which the document lacks")
                group[name] = copy.deepcopy(self._known[name])
                self.notes.append(f"the document lacks {name}, which stays as it is in {document.CONTRACT.name}")


def _take_name(node: Data) -> str | None:
    """Remove and return the name that the overlay gave."""
    extension = node.get("x-codegen", {})
    name: str | None = extension.pop("name", None)
    if not extension:
        node.pop("x-codegen", None)
    return name


def _schema_of(response: Data) -> str | None:
    schema = response.get("content", {}).get("application/json", {}).get("schema", {})
    reference: str | None = schema.get("$ref")
    return reference


def reachable(data: Data, paths: Data) -> set[tuple[str, str]]:
    """The components, as kind and name, that paths need, whether they are there or not."""
    found: set[tuple[str, str]] = set()
    ahead: list[Any] = [paths]
    while ahead:
        for _, node in nodes(ahead.pop()):
            reference = node.get("$ref")
            if isinstance(reference, str):
                _, _, kind, name = reference.split("/")
                if (kind, name) not in found:
                    found.add((kind, name))
                    ahead.append(data["components"].get(kind, {}).get(name))
    return found


def prune(data: Data) -> None:
    """Drop components that nothing needs, and sort schemas by name."""
    needed = reachable(data, data["paths"])
    for kind in list(data["components"]):
        if kind != "securitySchemes":
            group = data["components"][kind]
            kept = {name: node for name, node in group.items() if (kind, name) in needed}
            data["components"][kind] = dict(sorted(kept.items())) if kind == "schemas" else kept
            if not kept:
                del data["components"][kind]
