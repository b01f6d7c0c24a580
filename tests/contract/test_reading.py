"""Documents that others wrote are refused with a clear error, or come out as plain data."""

import contextlib
import json
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.contract import reading

from ..support.loopback import reply
from .upstream_documents import CURRENT, edited, written

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


def refusal(source: Any) -> str:
    with pytest.raises(reading.ImportRefusedError) as caught:
        reading.read(source) if isinstance(source, str) else reading.refuse_unsafe(source)
    return str(caught.value)


def schemas(data: dict[str, Any]) -> dict[str, Any]:
    return data["components"]["schemas"]


def test_the_service_document_is_read_as_json_and_as_yaml(tmp_path: Path) -> None:
    from ruamel.yaml import YAML

    as_yaml = tmp_path / "upstream.yaml"
    YAML(typ="safe", pure=True).dump(json.loads(CURRENT.read_text(encoding="utf-8")), as_yaml)
    assert reading.read(str(as_yaml)) == reading.read(str(CURRENT))


def test_a_url_is_read(serve: Any) -> None:
    server = serve(reply(CURRENT.read_bytes()))
    assert reading.read(f"{server.base_url}/openapi.json") == reading.read(str(CURRENT))


def test_what_cannot_be_read_is_said(tmp_path: Path, serve: Any) -> None:
    assert "No such file" in refusal(str(tmp_path / "nowhere.json"))
    assert "404" in refusal(f"{serve(reply(status=404)).base_url}/openapi.json")
    (tmp_path / "latin.json").write_bytes(b'{"openapi": "\xe9"}')
    assert "is not UTF-8" in refusal(str(tmp_path / "latin.json"))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (BOMB, "YAML anchors and aliases are not read"),
        ("a: !!python/object/apply:os.system [id]", "the YAML tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("a: !include /etc/passwd", "the YAML tag !include is not read"),
        ("<<: {a: 1}\na: &x 2", "anchors"),
        ('{"a": 1, "a": 2}', "the key 'a' stands twice"),
        ("a: 1\na: 2", "neither JSON nor YAML"),
        ('{"a": NaN}', "NaN is not a JSON number"),
        ("[" * 100_000, "nested more than 64 levels"),
        ('{"a":' * 100_000, "nested more than 64 levels"),
        ("{a: " * 200, "nested more than 64 levels"),
        ("[]", "an object is expected, not list"),
        ("", "an object is expected, not NoneType"),
        ("\t@", "neither JSON nor YAML"),
        ('{"a": "\\ud800"}', "lone surrogate"),
        (f'{{"a": {"9" * 5000}}}', "a number that is too long"),
        (f"a: {'9' * 5000}", "neither JSON nor YAML"),
        ("a: 2024-13-45", "neither JSON nor YAML"),
        ("swagger: '2.0'\npaths: {/a: {}}", "not OpenAPI 3.0 or 3.1 but 2.0"),
        ("openapi: 3.1.0\npaths: {}", "has no paths"),
    ],
)
def test_hostile_text_is_refused(text: str, reason: str, tmp_path: Path) -> None:
    started = time.process_time()
    assert reason in refusal(written(tmp_path, text))
    assert time.process_time() - started < 5


def test_a_huge_document_is_refused_before_it_is_parsed(tmp_path: Path, serve: Any) -> None:
    huge = json.dumps({"openapi": "3.1.0", "info": {"description": "x" * 5_000_000}, "paths": {}})
    assert "more than 2,000,000 bytes" in refusal(written(tmp_path, huge))
    assert "more than 2,000,000 bytes" in refusal(f"{serve(reply(huge.encode())).base_url}/openapi.json")


@pytest.mark.parametrize(
    "path", ["/../etc", "/v1/..", "/v1/%2e%2e/x", "no-slash", "/a b", '/a"b', "/a\n", "/{a b}", "//../x", "/a\\b"]
)
def test_a_path_that_is_none_is_refused(path: str) -> None:
    assert "is not a path" in refusal(edited(lambda data: data["paths"].update({path: {}})))


@pytest.mark.parametrize("name", ["../../evil", "..", "a/b", "", "a b", "é", "x" * 200, "a\nb", 'a"b'])
def test_a_component_name_that_leads_elsewhere_is_refused(name: str) -> None:
    assert "is not a component's name" in refusal(edited(lambda data: schemas(data).update({name: {}})))


@pytest.mark.parametrize("name", ["", "../", 'a"b', "a'b", "a\nb", "a\\b", "a{{b}}", "x" * 200])
def test_a_field_or_parameter_that_is_no_name_is_refused(name: str) -> None:
    def field(data: dict[str, Any]) -> None:
        schemas(data)["UserResponse"]["properties"][name] = {"type": "string"}

    def parameter(data: dict[str, Any]) -> None:
        data["paths"]["/v1/users/me"]["get"]["parameters"] = [{"name": name, "in": "query", "schema": {}}]

    assert "is not a field's or a parameter's name" in refusal(edited(field))
    assert "is not a field's or a parameter's name" in refusal(edited(parameter))


def test_an_enum_word_with_quotes_is_refused() -> None:
    assert "is not a word of an enum" in refusal(
        edited(lambda data: schemas(data)["EditPRInput"]["properties"]["state"]["enum"].append('"\nimport os'))
    )


@pytest.mark.parametrize(
    "reference",
    ["/etc/passwd", "https://evil.example/x.json", "../x.yaml#/A", "#/components/schemas/Nothing", "#/paths", 7],
)
def test_a_reference_to_elsewhere_is_refused(reference: object) -> None:
    def refer(data: dict[str, Any]) -> None:
        schemas(data)["UserResponse"]["properties"]["id"] = {"$ref": reference}

    assert "/components/schemas/UserResponse/properties/id refers to nothing" in refusal(edited(refer)) or (
        "is not a reference into components" in refusal(edited(refer))
    )


@pytest.mark.parametrize(
    "circle",
    [
        {"A": {"$ref": "#/components/schemas/A"}},
        {"A": {"$ref": "#/components/schemas/B"}, "B": {"$ref": "#/components/schemas/A"}},
        {"A": {"allOf": [{"$ref": "#/components/schemas/B"}]}, "B": {"anyOf": [{"$ref": "#/components/schemas/A"}]}},
        {"A": {"type": "array", "items": {"$ref": "#/components/schemas/A"}}},
    ],
)
def test_a_schema_that_consists_of_itself_is_refused(circle: dict[str, Any]) -> None:
    assert "consists of itself" in refusal(edited(lambda data: schemas(data).update(circle)))


def test_a_schema_may_mention_itself_in_a_field() -> None:
    def mention(data: dict[str, Any]) -> None:
        schemas(data)["UserResponse"]["properties"]["manager"] = {"$ref": "#/components/schemas/UserResponse"}

    reading.refuse_unsafe(edited(mention))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(
    st.text(max_size=60) | JSON.map(json.dumps) | JSON.map(lambda data: json.dumps({"openapi": "3.1.0", "paths": data}))
)
def test_whatever_comes_is_data_or_a_refusal(text: str) -> None:
    with contextlib.suppress(reading.ImportRefusedError):
        reading.refuse_unsafe(reading.parse(text))
