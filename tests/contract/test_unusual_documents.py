"""`make update-spec` with documents that are written in another way than the service writes its own."""

import sys
from pathlib import Path
from typing import Any

import pytest

from tools.contract import check, document, generate, merging, overlay, reading, schemas, update

from .upstream_documents import ACTIONS, current, edited, imported, new_operation, operation

pytestmark = pytest.mark.slow

TEXT = document.CONTRACT.read_text(encoding="utf-8")
OURS = document.load()


def test_a_limit_that_is_not_understood_is_reported() -> None:
    _, notes = imported(new_operation(description="Rate limit: half a request per fortnight."))
    assert any("a rate limit was not understood" in note for note in notes)
    assert not any("rate limit" in note for note in imported(new_operation(description="Things."))[1])


def test_a_parameter_of_the_operation_replaces_that_of_its_path() -> None:
    def add(data: dict[str, Any]) -> None:
        query = {"name": "deep", "in": "query", "schema": {"type": "boolean"}}
        own = {**query, "schema": {"type": "integer"}}
        data["paths"]["/v1/things"] = {"parameters": [query], "get": {"parameters": [own], "responses": {}}}

    (found,) = operation(imported(edited(add))[0], "get_things")["parameters"]
    assert found["schema"] == {"type": "integer"}


def test_references_to_references_and_whole_paths_are_followed() -> None:
    def add(data: dict[str, Any]) -> None:
        json_text = {"content": {"application/json": {"schema": {"type": "string"}}}}
        data["components"]["responses"] = {
            "First": {"$ref": "#/components/responses/Second"},
            "Second": {"description": "", **json_text},
        }
        responses = {"200": {"$ref": "#/components/responses/First"}}
        data["components"]["pathItems"] = {"Things": {"get": {"responses": responses}}}
        data["paths"]["/v1/things"] = {"$ref": "#/components/pathItems/Things"}

    made = operation(imported(edited(add))[0], "get_things")
    assert made["responses"]["200"]["content"]["application/json"]["schema"] == {"type": "string"}


def test_a_body_that_is_not_json_is_refused_by_name_and_the_overlay_can_remove_it() -> None:
    form = {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}
    path = "/v1/uploads"
    upstream = edited(lambda data: data["paths"].update({path: {"post": {"requestBody": form, "responses": {}}}}))
    with pytest.raises(reading.ImportRefusedError, match="POST /v1/uploads: its body is not JSON"):
        imported(upstream)
    data, _ = imported(upstream, [*ACTIONS, overlay.Action(f"$.paths['{path}'].post", None, True)])
    assert path not in [path for path, _, _ in document.each_operation(data)]


def test_an_operation_without_form_is_named() -> None:
    upstream = edited(lambda data: data["paths"].update({"/v1/things": {"get": {"responses": {"200": None}}}}))
    with pytest.raises(reading.ImportRefusedError, match="GET /v1/things does not have the form of OpenAPI"):
        imported(upstream)


def test_a_small_document_keeps_our_errors_and_generates(tmp_path: Path) -> None:
    limit = "Rate limit: 10 requests per minute."
    get = {"description": limit, "responses": {"200": {"description": ""}}}
    small = {
        "openapi": "3.0.3",
        "info": {"title": "A", "version": "1"},
        "paths": {"/v1/things/{thing_id}": {"get": get}},
    }
    prepared = update.prepare(small, TEXT)
    assert any("the document lacks APIRateLimitErrorResponse" in note for note in prepared.notes)
    name = "APIRateLimitErrorResponse"
    assert prepared.new["components"]["schemas"][name] == OURS["components"]["schemas"][name]
    path = tmp_path / "openapi.yaml"
    path.write_text(prepared.text, encoding="utf-8")
    assert list(check.document_problems(path)) == []
    generate.generate(tmp_path / "out", path)
    assert "get_things_by_thing_id" in (tmp_path / "out" / "facade" / "codegen.py").read_text(encoding="utf-8")
    assert update.prepare(small, prepared.text).text == prepared.text


def test_a_schema_that_only_the_overlay_knows_is_refused() -> None:
    mention = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Nobody"}}}}
    action = overlay.Action("$.paths['/v1/users/me'].get.responses['200']", mention, False)
    with pytest.raises(reading.ImportRefusedError, match="refers to the schema Nobody, which the document lacks"):
        imported(current(), [*ACTIONS, action])


def test_the_clients_are_read_and_not_imported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "codegen_ext", None)  # as while it names what the contract has lost
    names = merging.handwritten_names(OURS)
    assert {"get_stats", "wait_for_all", "config", "list_models"} <= names
    assert "get_user" not in names


def test_an_object_that_is_put_together_is_one_object(tmp_path: Path) -> None:
    def add(data: dict[str, Any]) -> None:
        text = {"type": "string"}
        things = data["components"]["schemas"]
        things["Base"] = {"type": "object", "required": ["id"], "properties": {"id": {"type": "integer"}}}
        own = {"type": "object", "properties": {"word": text}}
        things["Thing"] = {"allOf": [{"$ref": "#/components/schemas/Base"}, own], "required": ["word"]}
        thing = {"content": {"application/json": {"schema": {"$ref": "#/components/schemas/Thing"}}}}
        data["paths"]["/v1/things"] = {
            "post": {"requestBody": thing, "responses": {"200": {"description": "", **thing}}}
        }

    prepared = update.prepare(edited(add), TEXT)
    thing = prepared.new["components"]["schemas"]["Thing"]
    assert (list(thing["properties"]), thing["required"]) == (["id", "word"], ["id", "word"])
    path = tmp_path / "openapi.yaml"
    path.write_text(prepared.text, encoding="utf-8")
    generate.generate(tmp_path / "out", path)
    facade = (tmp_path / "out" / "facade" / "codegen.py").read_text(encoding="utf-8")
    assert "        word: str,\n" in facade[facade.index("def post_things(") :]


def test_types_in_any_notation_have_one_form() -> None:
    assert schemas.canonical({"type": ["string", "integer", "null"]}) == {"type": ["string", "integer", "null"]}
    assert schemas.canonical({"type": "array"}) == {"type": "array", "items": {}}
    assert schemas.canonical({"anyOf": [{"type": "integer"}, {"type": "null", "description": "None."}]}) == {
        "type": ["integer", "null"]
    }
