"""What the policy beside an operation may say, and which names are free; all problems come at once."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools import validate

from .documents import KITCHEN_SINK, Data

THINGS = KITCHEN_SINK["paths"]["/v1/things"]["get"]
PAGES = THINGS["x-codegen"]["paginate"]
STREAM = {"method": "stream_units", "field": "stream", "event": "Nothing", "description": "Yield them."}


def without(key: str) -> Callable[[Data], object]:
    return lambda node: node.pop(key)


def called(name: str) -> Callable[[Data], object]:
    return lambda operation: operation.update(operationId=name)


def with_policy(**keys: Any) -> Callable[[Data], object]:
    return lambda operation: operation["x-codegen"].update({name.replace("_", "-"): keys[name] for name in keys})


CASES: list[tuple[Callable[[Data], object], list[str]]] = [
    (lambda operation: None, []),
    (without("operationId"), [": 'operationId' is a required property"]),
    (without("x-codegen"), [": 'x-codegen' is a required property"]),
    (with_policy(service="codegn"), ["/x-codegen/service: 'codegn' is not one of ['chatserver', 'codegen']"]),
    (with_policy(rate_limit={"requests": 0, "seconds": 30, "group": "a"}),
     ["/x-codegen/rate-limit/requests: 0 is less than the minimum of 1"]),
    (with_policy(rate_limit={"requests": 1, "seconds": 30, "group": "standard"}),
     ["/x-codegen/rate-limit: the group standard has another limit at "]),
    (with_policy(cache_second=1), ["Additional properties are not allowed ('cache-second' was unexpected)"]),
    (with_policy(invalidates=["get_usurs"]), ["/x-codegen/invalidates: get_usurs is no operation"]),
    (with_policy(paginate={**PAGES, "start": "offset", "total": "sum"}),
     ["/x-codegen/paginate: start names offset, which is no parameter",
      "/x-codegen/paginate: total names sum, which is no field of the answer"]),
    (with_policy(paginate={**PAGES, "items": "total"}), ["/x-codegen/paginate: total is no list"]),
    (with_policy(stream=STREAM), ["/x-codegen/stream: field names stream, which is no field of the body",
                                  "/x-codegen/stream: event names Nothing, which is no schema"]),
    (called("close"), [": CodegenClient has a method of its own that is called close"]),
    (called("import"), [": import is a word of Python"]),
    (called("getUsers"), ["/operationId: 'getUsers' does not match"]),
    (called("list_things"), [": GET /v1/things is called list_things, too"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The problems of a contract with one more operation for each case, and other faults."""
    contract = copy.deepcopy(KITCHEN_SINK)
    for number, (change, _) in enumerate(CASES):
        operation = {**copy.deepcopy(THINGS), "operationId": f"case_{number}"}
        change(operation)
        contract["paths"][f"/v1/things/{number}"] = {"get": operation}
    contract["components"]["schemas"]["Odd"]["x-codegen"] = {"word": 1}
    contract["paths"]["/v1/models"] = {"get": {**copy.deepcopy(THINGS), "operationId": "list_models", "summary": ""}}
    contract["paths"]["/v1/bare/{bare_id}"] = {"get": {**copy.deepcopy(THINGS), "operationId": "get_bare"}}
    contract["paths"]["no-slash"] = {}
    return validate.problems(contract)


@pytest.mark.parametrize(("number", "reasons"), [(number, reasons) for number, (_, reasons) in enumerate(CASES)])
def test_an_operation_says_what_it_lacks(number: int, reasons: list[str], lines: list[str]) -> None:
    where = f"GET /v1/things/{number}"
    found = [line.removeprefix(where) for line in lines if line.startswith((f"{where}:", f"{where}/"))]
    assert len(found) == len(reasons), found
    assert [reason for reason in reasons if not any(reason in line for line in found)] == []
    assert all("; mend it in spec/overlay.yaml: {target: " in line and "\n" not in line for line in found)


@pytest.mark.parametrize(
    "said",
    [
        "#/components/schemas/Odd/x-codegen: Additional properties are not allowed ('word' was unexpected)",
        "GET /v1/models/summary: '' should be non-empty; mend it in spec/chatserver.yaml",
        "Path parameter 'bare_id' for 'get' operation in '/v1/bare/{bare_id}'",
        "'no-slash' was unexpected",
    ],
)
def test_the_document_is_openapi_and_what_is_written_by_hand_is_mended_there(said: str, lines: list[str]) -> None:
    assert [line for line in lines if said in line], lines
