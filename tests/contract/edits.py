"""Edits of a contract, each with what it means for users of this client: the matrix that the diff is held to."""

from __future__ import annotations

import copy
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML

Data = dict[str, Any]
BREAKING, DANGEROUS, SAFE, NONE = "breaking", "dangerous", "safe", "none"


class Unit:
    """One operation as unit.yaml describes it, with schemas of its own."""

    def __init__(self, number: int) -> None:
        self.number = number
        unit = json.loads(_template().replace("NUMBER", str(number)))
        ((self.path, item),) = unit["paths"].items()
        ((self.verb, self.operation),) = item.items()
        schemas: dict[str, Data] = unit["components"]["schemas"]
        self.schemas = {name.removeprefix(f"Unit{number}"): schema for name, schema in schemas.items()}
        self.body, self.result = self.schemas["Body"], self.schemas["Result"]
        self.limit, self.word = self.parameter("limit")["schema"], self.parameter("word")["schema"]

    def ref(self, kind: str) -> str:
        return f"#/components/schemas/Unit{self.number}{kind}"

    def put_into(self, contract: Data) -> None:
        contract["paths"].setdefault(self.path, {})[self.verb] = self.operation
        named = {f"Unit{self.number}{kind}": schema for kind, schema in self.schemas.items()}
        contract["components"]["schemas"] |= named

    def parameter(self, name: str) -> Data:
        return next(item for item in self.operation["parameters"] if item["name"] == name)


@functools.cache
def _template() -> str:
    return json.dumps(YAML(typ="safe", pure=True).load(Path(__file__).with_name("unit.yaml")))


class Edit(NamedTuple):
    """One edit, the right verdict on it, and that of the first version (commit 4278ec6) where it was another."""

    name: str
    apply: Callable[[Unit], object]
    right: str
    first: str = ""


def _without(node: Data, *keys: str) -> None:
    for key in keys:
        del node[key]


def _new_parameter(**keywords: Any) -> Data:
    return {"name": "fresh", "in": "query", "description": "It.", "schema": {"type": "string"}, **keywords}


def _rename_class(unit: Unit) -> None:
    unit.schemas["Person"] = unit.schemas.pop("Owner")
    unit.result["properties"]["owner"]["$ref"] = unit.ref("Person")


def _field(node: Data, name: str, **schema: Any) -> None:
    node["properties"][name] = {"description": "It.", **schema}


def _drop(node: Data, name: str) -> None:
    del node["properties"][name]
    node["required"] = [other for other in node["required"] if other != name]


EDITS = [
    # Operations
    Edit("prose", lambda u: u.operation.update(description="Other.", summary="Other"), NONE),
    Edit("operation removed", lambda u: setattr(u, "verb", ""), BREAKING),
    Edit("operation renamed", lambda u: u.operation.update(operationId=f"post_unit_{u.number}"), BREAKING),
    Edit("name moved to another path", lambda u: setattr(u, "path", f"{u.path}/moved"), BREAKING, SAFE),
    Edit("name moved to another verb", lambda u: setattr(u, "verb", "patch"), BREAKING, SAFE),
    Edit("operation deprecated", lambda u: u.operation.update(deprecated=True), DANGEROUS),
    Edit("security added", lambda u: u.operation.update(security=[{"bearer": []}]), BREAKING, NONE),
    Edit("limit lower", lambda u: u.operation["x-codegen"]["rate-limit"].update(requests=5), DANGEROUS),
    Edit("limit higher", lambda u: u.operation["x-codegen"]["rate-limit"].update(requests=90), SAFE),
    Edit("no longer idempotent", lambda u: u.operation["x-codegen"].update(idempotent=False), DANGEROUS),
    Edit("limit group renamed", lambda u: u.operation["x-codegen"]["rate-limit"].update(group=f"g{u.number}"), SAFE),
    Edit("may be cached", lambda u: u.operation["x-codegen"].update({"cache-seconds": 60}), SAFE),
    # Parameters
    Edit("optional parameter added", lambda u: u.operation["parameters"].append(_new_parameter()), SAFE),
    Edit("required parameter added",
         lambda u: u.operation["parameters"].append(_new_parameter(required=True)), BREAKING),
    Edit("required header added",
         lambda u: u.operation["parameters"].append(_new_parameter(**{"in": "header", "required": True})), BREAKING),
    Edit("parameter removed", lambda u: u.operation["parameters"].remove(u.parameter("word")), BREAKING),
    Edit("parameter required", lambda u: u.parameter("word").update(required=True), BREAKING),
    Edit("parameter first", lambda u: u.operation["parameters"].insert(1, u.operation["parameters"].pop(2)), DANGEROUS),
    Edit("parameter into the header", lambda u: u.parameter("word").update({"in": "header"}), BREAKING, DANGEROUS),
    Edit("explode", lambda u: u.parameter("kinds").update(explode=False), BREAKING, NONE),
    Edit("style", lambda u: u.parameter("kinds").update(style="pipeDelimited"), BREAKING, NONE),
    Edit("maximum lower", lambda u: u.limit.update(maximum=50), BREAKING),
    Edit("maximum higher", lambda u: u.limit.update(maximum=500), SAFE),
    Edit("maximum removed", lambda u: _without(u.limit, "maximum"), SAFE),
    Edit("maximum added", lambda u: u.word.update(maxLength=5), BREAKING),
    Edit("minimum higher", lambda u: u.limit.update(minimum=5), BREAKING),
    Edit("minimum lower", lambda u: u.limit.update(minimum=0), SAFE),
    Edit("exclusive minimum added", lambda u: u.limit.update(exclusiveMinimum=3), BREAKING),
    Edit("multiple added", lambda u: u.limit.update(multipleOf=5), BREAKING),
    Edit("pattern added", lambda u: u.word.update(pattern="^a"), BREAKING),
    Edit("parameter of another type", lambda u: u.word.update(type="boolean"), BREAKING),
    Edit("parameter wider", lambda u: u.word.update(type=["string", "integer"]), SAFE),
    Edit("parameter null too", lambda u: u.limit.update(type=["integer", "null"]), SAFE, NONE),
    Edit("default changed", lambda u: u.limit.update(default=20), DANGEROUS),
    Edit("path parameter of another type",
         lambda u: u.parameter("unit_id").update(schema={"type": "string"}), BREAKING),
    Edit("elements of another type",
         lambda u: u.parameter("kinds")["schema"]["items"].update(type="integer"), BREAKING),
    # Bodies
    Edit("optional field added", lambda u: _field(u.body, "fresh", type="string"), DANGEROUS),
    Edit("required field added",
         lambda u: (_field(u.body, "fresh", type="string"), u.body["required"].append("fresh")), BREAKING),
    Edit("body field removed", lambda u: _drop(u.body, "tags"), BREAKING),
    Edit("body field required", lambda u: u.body["required"].append("tags"), BREAKING),
    Edit("body field optional", lambda u: u.body["required"].remove("name"), DANGEROUS),
    Edit("body field of another type", lambda u: _field(u.body, "name", type="integer"), BREAKING),
    Edit("body field not null", lambda u: _field(u.body, "note", type="string"), BREAKING, NONE),
    Edit("body field null too", lambda u: _field(u.body, "size", type=["integer", "null"]), SAFE),
    Edit("maximum behind a reference lower", lambda u: u.schemas["Count"].update(maximum=5), BREAKING, NONE),
    Edit("maximum behind a reference higher", lambda u: u.schemas["Count"].update(maximum=50), SAFE, NONE),
    Edit("maximum of map values lower",
         lambda u: u.body["properties"]["sizes"]["additionalProperties"].update(maximum=5), BREAKING, NONE),
    Edit("map values of another type",
         lambda u: u.body["properties"]["sizes"]["additionalProperties"].update(type="string"), BREAKING),
    Edit("body field of another class",
         lambda u: u.body["properties"]["part"].update({"$ref": u.ref("Owner")}), BREAKING),
    Edit("elements shorter", lambda u: u.body["properties"]["tags"]["items"].update(maxLength=5), BREAKING),
    Edit("fewer elements", lambda u: u.body["properties"]["tags"].update(maxItems=5), BREAKING),
    Edit("unique elements", lambda u: u.body["properties"]["tags"].update(uniqueItems=True), BREAKING),
    Edit("required in a part of allOf",
         lambda u: u.schemas["Part"]["allOf"][1]["required"].append("a"), BREAKING, NONE),
    Edit("body enum loses a value", lambda u: u.schemas["Mode"]["enum"].pop(), BREAKING),
    Edit("body enum gains a value", lambda u: u.schemas["Mode"]["enum"].append("medium"), SAFE),
    Edit("integer enum loses a value", lambda u: u.schemas["Level"]["enum"].pop(), BREAKING),
    Edit("integer enum gains a value", lambda u: u.schemas["Level"]["enum"].append(4), SAFE),
    Edit("body optional", lambda u: u.operation["requestBody"].update(required=False), SAFE, NONE),
    # Answers
    Edit("answer field added", lambda u: _field(u.result, "fresh", type="string"), SAFE),
    Edit("answer field removed", lambda u: _drop(u.result, "title"), BREAKING),
    Edit("answer field optional", lambda u: u.result["required"].remove("title"), BREAKING),
    Edit("nullable answer field optional", lambda u: u.result["required"].remove("remark"), SAFE),
    Edit("answer field null too", lambda u: _field(u.result, "title", type=["string", "null"]), BREAKING),
    Edit("answer field always there", lambda u: u.result["required"].append("owner"), SAFE),
    Edit("answer field of another type", lambda u: _field(u.result, "title", type="integer"), BREAKING),
    Edit("answer field wider", lambda u: _field(u.result, "id", type="number"), BREAKING),
    Edit("answer enum gains a value", lambda u: u.schemas["State"]["enum"].append("broken"), SAFE),
    Edit("answer enum loses a value", lambda u: u.schemas["State"]["enum"].pop(), BREAKING),
    Edit("answer field deprecated",
         lambda u: u.result["properties"]["title"].update(deprecated=True), DANGEROUS, NONE),
    Edit("answer bounded", lambda u: u.result["properties"]["title"].update(maxLength=5), SAFE, NONE),
    Edit("answer of another class",
         lambda u: u.operation["responses"]["200"]["content"]["application/json"].update(
             schema={"$ref": u.ref("Owner")}), BREAKING),
    Edit("class renamed", _rename_class, BREAKING),
    Edit("success removed", lambda u: _without(u.operation["responses"], "200"), BREAKING),
    Edit("error status added", lambda u: u.operation["responses"].update({"409": {"description": "No."}}), SAFE),
    Edit("error status removed", lambda u: _without(u.operation["responses"], "404"), SAFE),
]  # fmt: skip


REVISIONS = [
    ("01-5e160952", "05-bf5f7a08", "0 / 0 / 17", "0 / 0 / 11", "both; redocly counts a schema once"),
    ("05-bf5f7a08", "16-736a31da", "5 / 0 / 34", "5 / 0 / 23",
     "both: two arguments became integers, two attributes may be None"),
    ("16-736a31da", "codegen", "0 / 0 / 17", "0 / 0 / 11", "both"),
]  # fmt: skip
"""Pairs of published documents: breaking, dangerous and safe changes as the first version counted, as now, and why."""


def pair(contract: Data) -> tuple[Data, Data]:
    """Return a contract with one unit for each edit, before and after all edits."""
    old, new = copy.deepcopy(contract), copy.deepcopy(contract)
    for number, edit in enumerate(EDITS):
        Unit(number).put_into(old)
        unit = Unit(number)
        edit.apply(unit)
        if unit.verb:
            unit.put_into(new)
    return old, new
