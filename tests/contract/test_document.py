"""What the contract promises about itself."""

from collections.abc import Iterator
from typing import Any

import pytest

from tools.contract import document
from tools.contract.check import document_problems

CONTRACT = document.load()
OPERATIONS = {
    item[method]["operationId"]: (path, method, item[method])
    for path, item in CONTRACT["paths"].items()
    for method in document.METHODS
    if method in item
}
CODEGEN = {name for name, (_, _, operation) in OPERATIONS.items() if operation["x-codegen"]["service"] == "codegen"}


def nodes(node: Any, where: str = "") -> Iterator[tuple[str, Any]]:
    yield where, node
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield from nodes(value, f"{where}/{key}")


def parameters(operation: dict[str, Any]) -> list[dict[str, Any]]:
    return [document.resolve(CONTRACT, raw) for raw in operation.get("parameters", ())]


def test_it_is_valid_openapi() -> None:
    assert list(document_problems()) == []


def test_it_has_the_operations_of_both_services() -> None:
    assert len(CODEGEN) == 25
    assert len(OPERATIONS) == 34


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_has_one_tag_and_prose(name: str) -> None:
    operation = OPERATIONS[name][2]
    assert len(operation["tags"]) == 1
    assert operation["tags"][0] in {tag["name"] for tag in CONTRACT["tags"]}
    assert operation["summary"]
    assert operation["description"].endswith(".")


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_documents_refusals_in_named_schemas(name: str) -> None:
    path, _, operation = OPERATIONS[name]
    names_an_id = "{" in path or any(parameter["name"].endswith("_id") for parameter in parameters(operation))
    for status in ("401", "429", *(("403", "404") if names_an_id else ())):
        response = document.resolve(CONTRACT, operation["responses"][status])
        assert "$ref" in response["content"]["application/json"]["schema"]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_path_parameter_is_declared_and_no_header_carries_the_credential(name: str) -> None:
    path, _, operation = OPERATIONS[name]
    declared = {parameter["name"] for parameter in parameters(operation) if parameter["in"] == "path"}
    assert declared == {part.strip("{}") for part in path.split("/") if part.startswith("{")}
    assert not [parameter for parameter in parameters(operation) if parameter["in"] == "header"]
    assert CONTRACT["security"] == [{"bearer": []}]


@pytest.mark.parametrize("name", OPERATIONS)
def test_every_operation_carries_its_policy(name: str) -> None:
    _, method, operation = OPERATIONS[name]
    policy = operation["x-codegen"]
    assert policy["rate-limit"]["requests"] > 0
    assert policy["rate-limit"]["seconds"] > 0
    if (policy["rate-limit"]["requests"], policy["rate-limit"]["seconds"]) == (60, 30):
        assert policy["rate-limit"]["group"] == "standard"
    assert isinstance(policy["idempotent"], bool)
    assert policy["idempotent"] or method == "post"
    assert "cache-seconds" not in policy or method == "get"
    names = {parameter["name"] for parameter in parameters(operation)}
    assert ("paginate" in policy) == ({"skip", "limit"} <= names or "page" in names or {"limit", "offset"} <= names)


def test_the_status_of_a_run_is_never_cached() -> None:
    for name in ("get_agent_run", "list_agent_runs", "get_agent_run_logs"):
        assert "cache-seconds" not in OPERATIONS[name][2]["x-codegen"]


def test_a_limit_group_has_one_limit() -> None:
    groups: dict[str, set[tuple[int, int]]] = {}
    for _, _, operation in OPERATIONS.values():
        limit = operation["x-codegen"]["rate-limit"]
        groups.setdefault(limit["group"], set()).add((limit["requests"], limit["seconds"]))
    assert all(len(limits) == 1 for limits in groups.values()), groups


def test_no_object_is_inline() -> None:
    for where, node in nodes(CONTRACT["paths"], "paths"):
        assert not (isinstance(node, dict) and node.get("type") == "object"), where
    for name, schema in CONTRACT["components"]["schemas"].items():
        for where, node in nodes(schema.get("properties", {}), name):
            assert not (isinstance(node, dict) and node.get("type") == "object"), where


def test_every_schema_field_and_parameter_is_described() -> None:
    components = CONTRACT["components"]
    for kind in ("schemas", "responses", "parameters"):
        for name, node in components[kind].items():
            assert node["description"], f"{kind}/{name}"
    for name, schema in components["schemas"].items():
        for field, node in schema.get("properties", {}).items():
            assert node["description"], f"{name}.{field}"
    assert "TODO" not in document.CONTRACT.read_text(encoding="utf-8")


def test_the_chat_server_has_its_own_address() -> None:
    for name, (path, _, _) in OPERATIONS.items():
        servers = CONTRACT["paths"][path].get("servers", CONTRACT["servers"])
        expected = "https://api.codegen.com" if name in CODEGEN else "http://localhost:3284"
        assert [server["url"] for server in servers] == [expected], name
