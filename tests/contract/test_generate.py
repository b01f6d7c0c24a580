"""`make generate`: nothing but the contract decides what generated/ holds, and what is refused is said in one line."""

import copy
from pathlib import Path

import pytest

from tools import adapter, generate, load

from .documents import OURS


@pytest.mark.slow
def test_generated_is_what_the_contract_generates(tmp_path: Path) -> None:
    generate.generate(tmp_path / "codegen_api", OURS)
    assert generate.differences(tmp_path / "codegen_api", load.GENERATED) == []


def test_what_only_people_write_is_refused_with_its_place() -> None:
    contract = copy.deepcopy(OURS)
    get, post = contract["paths"]["/v1/models"]["get"], contract["paths"]["/v1/chat/completions"]["post"]
    get["parameters"] = [{"name": "session", "in": "cookie", "schema": {"type": "string"}}]
    get["responses"]["202"] = {"description": "A file.", "content": {"text/csv": {"schema": {}}}}
    post["requestBody"]["content"] = {"multipart/form-data": {"schema": {"type": "object"}}}
    post["x-codegen"].pop("stream")
    sessions = contract["paths"]["/atoms/chat/sessions"]["get"]
    sessions["parameters"].append({"name": "x", "in": "query", "schema": {"type": "integer", "default": "abc"}})
    contract["components"]["schemas"]["RunMetadata"]["x-codegen"] = {"reserved": "other"}
    with pytest.raises(load.SpecError) as caught:
        adapter.read(contract)
    found = [line.removesuffix("; mend it in spec/chatserver.yaml") for line in caught.value.problems]
    assert "Invalid int value: abc" in found.pop(0)
    assert sorted(found) == [
        "GET /v1/models/parameters: the cookie parameter session cannot be sent",
        "GET /v1/models/responses/202/content: the response 202 is not JSON but text/csv",
        "POST /v1/chat/completions: the request body is not JSON but multipart/form-data",
        "x-codegen.reserved is 'other', not 'codegen_sdk'",
    ]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("RUFF", ("nonsense",), "what was generated cannot be formatted: "),
        ("_IMPORTS", "import nonsense", "what was generated cannot be imported: ModuleNotFoundError: No module named "),
        ("version", lambda package: "0.0.1", "openapi-python-client is 0.0.1, but 0.29.1 is pinned; run `make setup`"),
    ],
)
def test_what_fails_is_one_line(
    name: str, value: object, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generate, name, value)
    with pytest.raises(load.SpecError) as caught:
        generate.generate(tmp_path / "codegen_api", {**OURS, "paths": {"/v1/models": OURS["paths"]["/v1/models"]}})
    assert str(caught.value).startswith(reason)
    assert "\n" not in str(caught.value)
