"""Whatever is wrong with a contract is one line with its place, and all lines come at once."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools import load, validate

from .documents import Data

OURS = load.load()
USERS = next(path for path in OURS["paths"] if path.endswith("/users"))
GET = f"GET {USERS} (get_users)"


def problems(change: Callable[[Data], object]) -> list[str]:
    contract = copy.deepcopy(OURS)
    change(contract)
    return validate.problems(contract)


def in_operation(change: Callable[[Data], object]) -> list[str]:
    return problems(lambda contract: change(contract["paths"][USERS]["get"]))


def without(key: str) -> Callable[[Data], object]:
    return lambda node: node.pop(key)


def with_policy(**keys: Any) -> Callable[[Data], object]:
    return lambda operation: operation["x-codegen"].update({name.replace("_", "-"): keys[name] for name in keys})


PAGES = {"style": "offset", "start": "skip", "size": "limit", "items": "items", "total": "total"}
STREAM = {"method": "stream_users", "field": "stream", "event": "Nothing", "description": "Yield them."}


def test_the_contract_has_none() -> None:
    assert problems(lambda contract: None) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (without("operationId"), [f"GET {USERS} (no operationId): 'operationId' is a required property"]),
        (without("description"), [f"{GET}: 'description' is a required property"]),
        (without("x-codegen"), [f"{GET}: 'x-codegen' is a required property"]),
        (with_policy(service="codegn"), [f"{GET}: x-codegen/service: 'codegn' is not one of ['chatserver', "]),
        (with_policy(rate_limit={"requests": 60, "seconds": 30}),
         [f"{GET}: x-codegen/rate-limit: 'group' is a required property"]),
        (with_policy(rate_limit={"requests": 0, "seconds": 30, "group": "a"}),
         [f"{GET}: x-codegen/rate-limit/requests: 0 is less than the minimum of 1"]),
        (with_policy(rate_limit={"requests": 1, "seconds": 30, "group": "standard"}), ["the group standard has "]),
        (with_policy(cache_second=1), ["Additional properties are not allowed ('cache-second' was unexpected)"]),
        (with_policy(invalidates=["get_usurs"]), [f"{GET}: x-codegen/invalidates names get_usurs, which"]),
        (with_policy(paginate={**PAGES, "start": "offset", "total": "sum"}),
         ["start names offset, which is no parameter", "total names sum, which is no field of the answer"]),
        (with_policy(stream=STREAM), ["field names stream, which", "event names Nothing, which"]),
        (lambda operation: operation["parameters"].pop(0), [f"{GET}: the parameter org_id is only in the path"]),
        (lambda operation: operation.update(operationId="close"),
         [f"GET {USERS} (close): CodegenClient has a method of its own that is called close"]),
        (lambda operation: operation.update(operationId="import"), ["import is a word of Python"]),
        (lambda operation: operation.update(operationId="getUsers"), ["operationId: 'getUsers' does not match"]),
    ],
)  # fmt: skip
def test_an_operation_says_what_it_lacks(change: Callable[[Data], object], expected: list[str]) -> None:
    found = in_operation(change)
    assert all(any(line in said for said in found) for line in expected), found
    assert all("\n" not in line for line in found)


def test_two_operations_cannot_have_one_name() -> None:
    def rename(contract: Data) -> None:
        contract["paths"]["/v1/users/me"]["get"]["operationId"] = "get_users"

    assert f"GET /v1/users/me (get_users): GET {USERS} has the same name" in problems(rename)


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        ({"type": "object", "properties": []}, "#/components/schemas/Odd/properties: [] is not of type 'object'"),
        ({"type": "no-such-type"}, "#/components/schemas/Odd"),
        ({"enum": ["txt", "TXT"]}, "#/components/schemas/Odd/enum: 'txt' and 'TXT' would both be called TXT"),
        ({"enum": ["a", 1]}, "#/components/schemas/Odd/enum: ['a', 1] has values of several types, int and str"),
        ({"x-codegen": {"word": 1}}, "#/components/schemas/Odd/x-codegen: Additional properties"),
        (
            {"$ref": "#/components/schemas/Nothing"},
            "#/components/schemas/Odd: #/components/schemas/Nothing refers to no",
        ),
        ({"$ref": "/etc/passwd"}, "#/components/schemas/Odd: /etc/passwd refers to nothing"),
        (
            {"$ref": "https://example.com/x.json"},
            "#/components/schemas/Odd: https://example.com/x.json refers to nothing",
        ),
    ],
)
def test_a_schema_is_named_with_its_place(schema: Data, expected: str) -> None:
    found = problems(lambda contract: contract["components"]["schemas"].update(Odd=schema))
    assert any(line.startswith(expected) for line in found), found


def test_problems_of_all_kinds_come_at_once() -> None:
    def change(contract: Data) -> None:
        contract["components"]["schemas"]["Odd"] = {"type": "object", "properties": []}
        contract["components"]["schemas"]["Lost"] = {"$ref": "#/components/schemas/Nothing"}
        contract["paths"][USERS]["get"]["x-codegen"]["service"] = "codegn"
        del contract["paths"]["/v1/users/me"]["get"]["summary"]

    found = "\n".join(problems(change))
    assert [word for word in ("Odd", "Nothing", "codegn", "'summary'") if word not in found] == []


@pytest.mark.parametrize("name", ["..", "a/b", "a b", "é"])
def test_a_component_has_a_name(name: str) -> None:
    assert problems(lambda contract: contract["components"]["schemas"].update({name: {"type": "string"}}))


@pytest.mark.parametrize("path", ["/../etc", "/v1/%2e%2e/x", "no-slash", "/a b", '/a"b', "/a\n", "//../x"])
def test_a_path_is_one_that_a_request_can_have(path: str) -> None:
    def move(contract: Data) -> None:
        contract["paths"][path] = contract["paths"].pop("/v1/users/me")

    assert any("is not a path" in line for line in problems(move))
