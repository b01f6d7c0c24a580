"""`make update-spec`: from the service's document to openapi.yaml, by rules and by the overlay."""

import ast
import copy
import itertools
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.contract import canonical, check, document, generate, merging, operations, overlay, reading, schemas, update

from .upstream_documents import ACTIONS, CURRENT, HISTORY, current, edited, imported, new_operation, operation

pytestmark = pytest.mark.slow

TEXT = document.CONTRACT.read_text(encoding="utf-8")
OURS = document.load()


def fields(data: dict[str, Any], schema: str) -> dict[str, Any]:
    return data["components"]["schemas"][schema]["properties"]


def test_the_service_document_and_the_overlay_yield_our_contract() -> None:
    prepared = update.prepare(reading.read(str(CURRENT)), TEXT)
    assert prepared.text == TEXT
    assert merging.merged(TEXT, prepared.new) == TEXT
    assert [note for note in prepared.notes if "matches nothing" in note] == []


@pytest.fixture(scope="module", params=HISTORY, ids=lambda path: path.stem)
def older(request: pytest.FixtureRequest) -> tuple[dict[str, Any], str]:
    upstream = reading.read(str(request.param))
    return upstream, update.prepare(upstream, TEXT).text


def test_an_older_document_generates_without_a_warning(older: tuple[dict[str, Any], str], tmp_path: Path) -> None:
    upstream, text = older
    path = tmp_path / "openapi.yaml"
    path.write_text(text, encoding="utf-8")
    assert list(check.document_problems(path)) == []
    generate.generate(tmp_path / "out", path)
    facade = (tmp_path / "out" / "facade" / "codegen.py").read_text(encoding="utf-8")
    # Each operation has a method, and with_raw_response is one more.
    methods = [line for line in facade.splitlines() if line.startswith("    def ")]
    assert len([line for line in methods if "_raw" not in line]) >= len(list(document.each_operation(upstream)))


def test_the_second_import_changes_nothing_and_the_way_back_leads_home(older: tuple[dict[str, Any], str]) -> None:
    upstream, text = older
    assert update.prepare(upstream, text).text == text
    assert update.prepare(reading.read(str(CURRENT)), text).text == TEXT


def test_paths_of_the_other_service_are_left_alone(older: tuple[dict[str, Any], str]) -> None:
    def chat(data: dict[str, Any]) -> dict[str, Any]:
        paths = {path: item for path, item in data["paths"].items() if "servers" in item}
        needed = canonical.reachable(data, paths)
        return {"paths": paths, "components": [(at, data["components"][at[0]][at[1]]) for at in sorted(needed)]}

    assert chat(document.parse(older[1])) == chat(OURS)


def test_a_schema_named_like_one_of_the_other_service_is_renamed() -> None:
    def add(data: dict[str, Any]) -> None:
        data["components"]["schemas"]["ModelInfo"] = {"type": "object", "properties": {"size": {"type": "integer"}}}
        fields(data, "UserResponse")["favourite"] = {"$ref": "#/components/schemas/ModelInfo"}

    prepared = update.prepare(edited(add), TEXT)
    data, notes = prepared.new, prepared.notes
    assert document.parse(prepared.text) == data
    assert data["components"]["schemas"]["ModelInfo"] == OURS["components"]["schemas"]["ModelInfo"]
    assert "size" in fields(data, "CodegenModelInfo")
    assert fields(data, "UserResponse")["favourite"]["$ref"] == "#/components/schemas/CodegenModelInfo"
    assert any("ModelInfo is a schema of the other service" in note for note in notes)


def test_comments_order_and_style_stay(tmp_path: Path) -> None:
    commented = TEXT.replace("paths:\n", "# The paths of both services.\npaths:\n", 1)
    commented = commented.replace("      operationId: get_users\n", "      operationId: get_users  # pages\n", 1)

    def change(data: dict[str, Any]) -> None:
        fields(data, "UserResponse")["nickname"] = {"anyOf": [{"type": "string"}, {"type": "null"}]}
        del fields(data, "UserResponse")["role"]

    new = update.prepare(edited(change), commented).text
    before, after = commented.splitlines(), new.splitlines()
    gone = [line.strip() for line in before if line not in after]
    assert gone == [
        f"description: {OURS['components']['schemas']['UserResponse']['properties']['role']['description']}"
    ]
    assert [line.strip() for line in after if line not in before] == ["nickname:", "description: Nickname."]
    assert "# The paths of both services.\npaths:\n" in new
    assert "operationId: get_users  # pages\n" in new
    index = after.index("        nickname:")
    assert after[index + 1 : index + 3] == ["          type: [string, 'null']", "          description: Nickname."]


# The rules


def test_a_new_operation_gets_an_id_a_limit_and_the_refusals() -> None:
    data, _ = imported(new_operation(tags=["things", "Things", "other"], operationId="x" * 80))
    made = operation(data, "get_things")
    assert made["tags"] == ["things"]
    assert made["x-codegen"]["rate-limit"] == {"requests": 60, "seconds": 30, "group": "standard"}
    assert made["x-codegen"]["idempotent"] is True
    assert [parameter["$ref"] for parameter in made["parameters"]] == ["#/components/parameters/OrgId"]
    assert list(made["responses"]) == ["200", "401", "403", "404", "429"]
    assert made["responses"]["404"] == {"$ref": "#/components/responses/NotFound"}
    assert {"name": "things", "description": "Operations of the group things."} in data["tags"]
    assert made["summary"] == "Get things"
    assert made["description"] == "Get things."


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("List them.\n\nRate limit: 10 requests per minute.", (10, 60)),
        ("Rate limit: 60 requests per 30 seconds.", (60, 30)),
        ("Rate Limit: 1 request per hour", (1, 3600)),
        ("rate limit: 7 requests per 2 minutes", (7, 120)),
        ("**Rate limit:** 8 requests/minute", (8, 60)),
        ("Rate limits: **1,000 requests** a day.", (1000, 86400)),
        ("Rate limited to 5 calls every 10s.", (5, 10)),
        ("There is a rate limit.", (60, 30)),
        ("Rate limit: 0 requests per minute.", (60, 30)),
    ],
)
def test_a_limit_is_read_out_of_the_description(text: str, limit: tuple[int, int]) -> None:
    made = operation(imported(new_operation(description=text))[0], "get_things")
    assert "requests" not in made["description"]
    found = made["x-codegen"]["rate-limit"]
    assert (found["requests"], found["seconds"]) == limit
    assert found["group"] == ("standard" if limit == (60, 30) else "get-things")


def test_a_group_whose_members_differ_is_split() -> None:
    def change(data: dict[str, Any]) -> None:
        path = next(path for path in data["paths"] if path.endswith("/repos/{repo_id}/prs/{pr_id}"))
        data["paths"][path]["patch"]["x-rate-limit"] = {"requests": 5, "seconds": 60}

    data, notes = imported(edited(change))
    assert operation(data, "edit_pull_request")["x-codegen"]["rate-limit"]["group"] == "pull-requests"
    assert operation(data, "edit_repo_pull_request")["x-codegen"]["rate-limit"]["group"] == "edit-repo-pull-request"
    assert any("is not that of the group pull-requests" in note for note in notes)


def test_authorization_headers_go_and_other_headers_are_reported() -> None:
    given_ = [
        {"name": "Authorization", "in": "header", "required": True, "schema": {}},
        {"name": "x-trace", "in": "header", "schema": {"type": "string"}},
    ]
    data, notes = imported(new_operation(parameters=given_))
    assert [document.resolve(data, item)["name"] for item in operation(data, "get_things")["parameters"]] == ["org_id"]
    assert any("header parameter x-trace is left out" in note for note in notes)
    assert not any("authorization" in note.lower() for note in notes)


def test_a_path_parameter_that_the_path_lacks_goes_into_the_query() -> None:
    given_ = [{"name": "thing_id", "in": "path", "required": True, "schema": {"type": "integer"}}]
    data, notes = imported(new_operation(parameters=given_))
    made = operation(data, "get_things")["parameters"]
    assert (made[1]["name"], made[1]["in"], made[1]["required"]) == ("thing_id", "query", True)
    assert any("it is a query parameter now" in note for note in notes)


def test_a_parameter_of_the_path_is_declared_like_elsewhere_or_as_text() -> None:
    def add(data: dict[str, Any]) -> None:
        data["paths"]["/v1/organizations/{org_id}/things/{word}"] = {
            "delete": {"responses": {"204": {"description": ""}}}
        }

    data, _ = imported(edited(add))
    found = [document.resolve(data, item) for item in operation(data, "delete_things_by_word")["parameters"]]
    assert [(item["name"], item["schema"]) for item in found] == [
        ("org_id", {"type": "integer"}),
        ("word", {"type": "string"}),
    ]


def test_parameters_of_the_path_item_and_references_are_taken_in() -> None:
    def add(data: dict[str, Any]) -> None:
        data["components"]["parameters"] = {"Deep": {"name": "deep", "in": "query", "schema": {"type": "boolean"}}}
        item = {"parameters": [{"$ref": "#/components/parameters/Deep"}], "get": {"responses": {}}}
        data["paths"]["/v1/things"] = item

    data, _ = imported(edited(add))
    assert [item["name"] for item in operation(data, "get_things")["parameters"]] == ["deep"]


def test_equal_ids_are_told_apart_and_members_of_the_client_are_not_taken() -> None:
    def add(data: dict[str, Any]) -> None:
        for path in ("/v1/things", "/v2/things", "/v2/beta/things", "/v1/stats", "/v1/models"):
            data["paths"][path] = {"get": {"responses": {}}}

    importing = canonical.Import(ACTIONS, reserved=merging.handwritten_names(OURS))
    ids = [item["operationId"] for _, _, item in document.each_operation(importing.run(edited(add)))]
    assert len(set(ids)) == len(ids)
    assert ids[-5:] == ["get_things", "get_v2_things", "get_v2_beta_things", "get_v1_stats", "get_models"]
    assert any("get_stats is taken" in note for note in importing.notes)


def test_a_path_of_the_other_service_is_not_overwritten() -> None:
    path = next(path for path, item in OURS["paths"].items() if "servers" in item)
    prepared = update.prepare(edited(lambda data: data["paths"].update({path: {"get": {"responses": {}}}})), TEXT)
    assert prepared.text == TEXT
    assert any("belongs to the other service" in note for note in prepared.notes)


def test_extensions_of_the_service_are_not_ours() -> None:
    evil = {"service": "chatserver", "stream": {"method": "x(): import os"}, "name": "Evil"}
    data, _ = imported(new_operation(**{"x-codegen": evil, "x-anything": 1}))
    assert operation(data, "get_things")["x-codegen"].keys() == {"service", "rate-limit", "idempotent"}
    assert operation(data, "get_things")["x-codegen"]["service"] == "codegen"


def test_inline_objects_and_enums_get_names() -> None:
    def add(data: dict[str, Any]) -> None:
        inner = {
            "type": "object",
            "properties": {"mode": {"type": "string", "enum": ["a", "b"]}, "any": {"type": "object"}},
        }
        fields(data, "CreateAgentRunInput")["options"] = {"anyOf": [inner, {"type": "null"}]}

    data, _ = imported(edited(add))
    options = fields(data, "CreateAgentRunInput")["options"]
    assert options["anyOf"] == [{"$ref": "#/components/schemas/CreateAgentRunInputOptions"}, {"type": "null"}]
    inner = fields(data, "CreateAgentRunInputOptions")
    assert inner["mode"] == {"$ref": "#/components/schemas/CreateAgentRunInputOptionsMode", "description": "Mode."}
    assert inner["any"]["$ref"] == "#/components/schemas/FreeFormObject"


def test_openapi_3_0_is_read_as_3_1() -> None:
    def downgrade(data: dict[str, Any]) -> None:
        data["openapi"] = "3.0.3"

        def walk(node: Any) -> Any:
            if isinstance(node, dict):
                node = {key: walk(value) for key, value in node.items()}
                branches = [branch for branch in node.get("anyOf", ()) if branch != {"type": "null"}]
                if len(branches) < len(node.get("anyOf", ())):
                    rest = {key: value for key, value in node.items() if key != "anyOf"}
                    if len(branches) > 1:
                        return {**rest, "anyOf": branches, "nullable": True}
                    return {**rest, **({"allOf": branches} if "$ref" in branches[0] else branches[0]), "nullable": True}
                return node
            return [walk(item) for item in node] if isinstance(node, list) else node

        data["components"] = walk(data["components"])
        data["paths"] = walk(data["paths"])

    assert update.prepare(edited(downgrade), TEXT).text == TEXT
    assert schemas.canonical({"type": "integer", "minimum": 1, "exclusiveMinimum": True}) == {
        "type": "integer",
        "exclusiveMinimum": 1,
    }


@pytest.mark.parametrize(
    ("path", "method", "name"),
    [
        ("/v1/organizations/{org_id}/things/{thing_id}", "get", "get_things_by_thing_id"),
        ("/v1/alpha/organizations/{org_id}/Big-Things", "put", "put_big_things"),
        ("/v1/organizations/{org_id}", "delete", "delete_organizations_by_org_id"),
        ("/", "get", "get"),
    ],
)
def test_an_id_is_derived_from_path_and_method(path: str, method: str, name: str) -> None:
    assert operations.derived_id(path, method) == name


# Any edit of the service's document

PATHS = sorted(current()["paths"])


@settings(max_examples=5)
@given(st.data())
def test_any_import_is_valid_and_stable(data: st.DataObject) -> None:
    upstream = current()
    for path in data.draw(st.lists(st.sampled_from(PATHS), max_size=6, unique=True)):
        del upstream["paths"][path]
    for name in data.draw(st.lists(st.text("abc_-", min_size=1, max_size=5), max_size=2, unique=True)):
        tags = data.draw(st.lists(st.text(max_size=5), max_size=3))
        prose = data.draw(st.text(max_size=30))
        upstream["paths"][f"/v1/{name}"] = {
            "get": {"tags": tags, "description": prose, "responses": {"200": {"description": prose}}}
        }
    reading.refuse_unsafe(upstream)
    first, _ = merging.combine(imported(upstream)[0], OURS)
    again, _ = merging.combine(imported(upstream)[0], copy.deepcopy(first))
    assert json.dumps(again) == json.dumps(first)
    ids = [item["operationId"] for _, _, item in document.each_operation(first)]
    assert len(set(ids)) == len(ids)
    for _, _, item in document.each_operation(first):
        assert item["operationId"].isidentifier()
        assert len(item["tags"]) == 1
        assert item["description"].endswith((".", "!", "?"))


# Code in descriptions

HOSTILE = (
    '"""\nimport os\nos.system("touch pwned")\n"""',
    "'''; import os; '''",
    '\\"""\\',
    "x \\N{BELL} \\x00 \\u0022\\u0022\\u0022 \\",
    "{{ 7 * 7 }} {% for x in () %} {# #}",
    'x\x00\x1b\u2028"""\r\nimport os',
)


def hostile(words: list[str]) -> dict[str, Any]:
    """The service's document with each word in turn wherever prose may stand."""
    word = itertools.cycle(words).__next__

    def change(data: dict[str, Any]) -> None:
        for item in data["paths"].values():
            for method in item.values():
                method |= {
                    "summary": word(),
                    "description": word(),
                    "tags": [method["tags"][0], word()],
                    "x-evil": word(),
                }
                for parameter in method.get("parameters", ()):
                    parameter["description"] = word()
                for response in method["responses"].values():
                    response["description"] = word()
        for schema in data["components"]["schemas"].values():
            schema |= {"title": word(), "description": word(), "x-codegen": {"enum": word()}}
            for field in schema.get("properties", {}).values():
                field |= {"description": word(), "title": word(), "example": word()}
        for number in range(12):
            field = {"type": "string", "default": word(), "description": word()}
            fields(data, "OrganizationSettings")[f"field_{number}"] = field

    return edited(change)


def skeleton(folder: Path) -> dict[str, str]:
    """The code of a package without what its strings say."""
    found = {}
    for path in sorted(folder.rglob("*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                node.value = ""
        found[str(path.relative_to(folder))] = ast.dump(tree)
    return found


def without_prose(update: Any) -> Any:
    if not isinstance(update, dict):
        return update
    return {key: without_prose(value) for key, value in update.items() if key not in {"summary", "description"}}


def generated_from(upstream: dict[str, Any], folder: Path) -> Path:
    reading.refuse_unsafe(upstream)
    bare = [
        overlay.Action(action.target, without_prose(action.update), action.remove)
        if len(action.target) > 12
        else action
        for action in ACTIONS
    ]
    data, _ = merging.combine(imported(upstream, bare)[0], OURS)
    folder.mkdir()
    path = folder / "openapi.yaml"
    path.write_text(merging.merged(TEXT, data), encoding="utf-8")
    generate.generate(folder / "out", path)
    return folder / "out"


def test_code_in_prose_and_defaults_stays_text(tmp_path: Path) -> None:
    harmless = skeleton(generated_from(hostile(["Harmless"]), tmp_path / "harmless"))
    evil = generated_from(hostile(list(HOSTILE)), tmp_path / "evil")
    assert skeleton(evil) == harmless
    texts = "".join(path.read_text(encoding="utf-8") for path in evil.rglob("*.py"))
    assert "os.system" in texts
    assert "\x00" not in texts
