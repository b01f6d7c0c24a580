"""What the policy beside an operation may say, and which names are free; all problems come at once."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from tools import validate

from .documents import OURS, Data

USERS = next(path for path in OURS["paths"] if path.endswith("/users"))
PAGES = {"style": "offset", "start": "skip", "size": "limit", "items": "items", "total": "total"}
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
    (without("description"), [": 'description' is a required property"]),
    (without("x-codegen"), [": 'x-codegen' is a required property"]),
    (with_policy(service="codegn"), ["/x-codegen/service: 'codegn' is not one of ['chatserver', 'codegen']"]),
    (with_policy(rate_limit={"requests": 60, "seconds": 30}),
     ["/x-codegen/rate-limit: 'group' is a required property"]),
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
    (called("get_users"), [f": GET {USERS} is called get_users, too"]),
]  # fmt: skip


@pytest.fixture(scope="module")
def lines() -> list[str]:
    """The problems of the contract with one more operation for each case."""
    contract = copy.deepcopy(OURS)
    for number, (change, _) in enumerate(CASES):
        operation = copy.deepcopy(OURS["paths"][USERS]["get"])
        operation["operationId"] = f"case_{number}"
        change(operation)
        contract["paths"][f"{USERS}/{number}"] = {"get": operation}
    contract["components"]["schemas"]["Odd"] = {"x-codegen": {"word": 1}}
    return validate.problems(contract)


@pytest.mark.parametrize(("number", "reasons"), [(number, reasons) for number, (_, reasons) in enumerate(CASES)])
def test_an_operation_says_what_it_lacks(number: int, reasons: list[str], lines: list[str]) -> None:
    where = f"GET {USERS}/{number}"
    found = [line.removeprefix(where) for line in lines if line.startswith((f"{where}:", f"{where}/"))]
    assert len(found) == len(reasons), found
    assert [reason for reason in reasons if not any(reason in line for line in found)] == []
    assert all("; mend it in spec/overlay.yaml: {target: " in line and "\n" not in line for line in found)


def test_a_schema_says_what_its_extension_lacks(lines: list[str]) -> None:
    assert any(line.startswith("#/components/schemas/Odd/x-codegen: Additional properties") for line in lines)


def test_the_document_is_openapi_and_what_is_written_by_hand_is_mended_there() -> None:
    contract = copy.deepcopy(OURS)
    contract["paths"]["no-slash"] = {}
    contract["paths"]["/v1/models"]["get"]["x-codegen"]["service"] = "codegn"
    contract["paths"][USERS]["get"]["parameters"].pop(0)
    found = validate.problems(contract)
    service = "GET /v1/models/x-codegen/service: 'codegn' is not one of ['chatserver', 'codegen']"
    assert f"{service}; mend it in spec/chatserver.yaml" in found
    assert [line for line in found if "Path parameter 'org_id' for 'get' operation" in line], found
    assert [line for line in found if "'no-slash' was unexpected" in line], found
