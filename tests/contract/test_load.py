"""Documents of others are refused in one line, or come out as plain data, reduced to facts."""

import contextlib
import copy
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools import load

from ..support.loopback import reply
from ..support.text import any_text
from .documents import written


def test_json_yaml_and_urls_are_read(tmp_path, serve):
    text = "openapi: 3.1.0\npaths: {/v1/things: {get: {responses: {200: {description: 2026-01-02}}}}}"
    data = {"openapi": "3.1.0", "paths": {"/v1/things": {"get": {"responses": {"200": {"description": "2026-01-02"}}}}}}
    (tmp_path / "published.yaml").write_text(text, encoding="utf-8")
    server = serve(reply(data))
    for source in (str(tmp_path / "published.yaml"), written(tmp_path, data), f"{server.base_url}/openapi.json"):
        assert load.read(source) == data


def refusal(source):
    with pytest.raises(load.SpecError) as caught:
        load.read(str(source))
    (line,) = str(caught.value).splitlines()
    return line


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"a: &a [*a]", "neither JSON nor YAML"),
        (b"a: !!python/object/apply:os.system [id]", "neither JSON nor YAML"),
        (b"a: 1\na: 2", "neither JSON nor YAML"),
        (b'{"a": NaN}', "neither JSON nor YAML"),
        (b'{"a":' * 100_000, "neither JSON nor YAML"),
        (b'{"a": ' + b"9" * 5000 + b"}", "neither JSON nor YAML"),
        (b"", "an object is expected, not NoneType"),
        (b'{"a": "\\ud800"}', "surrogates not allowed"),
        (b'{"openapi": "\xe9"}', "is not UTF-8"),
        (b"openapi: 3.0.3\npaths: {/a: {}}", "not OpenAPI 3.1 but 3.0.3"),
        (b"openapi: 3.1.0\npaths: {}", "has no paths"),
        (b"openapi: 3.1.0\npaths: {/a: []}", "/a does not hold operations"),
        (b"openapi: 3.1.0\npaths: {/a: {get: x}}", "/a does not hold operations"),
        (b"x" * 5_000_000, "more than 2,000,000 bytes"),
    ],
)
def test_what_cannot_be_used_is_refused(content, reason, tmp_path):
    (tmp_path / "published.json").write_bytes(content)
    assert reason in refusal(tmp_path / "published.json")


def test_what_cannot_be_fetched_is_refused(tmp_path, serve):
    assert "No such file" in refusal(tmp_path / "nowhere.json")
    assert "404" in refusal(f"{serve(reply(status=404)).base_url}/openapi.json")
    assert "more than 2,000,000 bytes" in refusal(f"{serve(reply(b'x' * 5_000_000)).base_url}/openapi.json")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | any_text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(any_text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=15)
@given(any_text(max_size=60) | JSON.map(json.dumps))
def test_whatever_comes_is_data_or_a_refusal(text):
    with contextlib.suppress(load.SpecError):
        assert json.loads(json.dumps(data := load.parse(text))) == data


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("List them.\n\nRate limit: 10 requests per minute.", (10, 60)),
        ("Rate Limit: 1 request per hour", (1, 3600)),
        ("rate limit: 7 requests per 2 minutes", (7, 120)),
        ("**Rate limit:** 8 requests/minute", (8, 60)),
        ("Rate limits: **1,000 requests** a day.", (1000, 86400)),
        ("Rate limited to 5 calls every 10s.", (5, 10)),
        ("Things.", None),
        ("There is a rate limit.", None),
        ("Rate limit: 0 requests per minute.", None),
    ],
)
def test_a_limit_is_read_out_of_the_prose(text, limit):
    found, notes = load.facts({"openapi": "3.1.0", "paths": {"/v1/things": {"get": {"description": text}}}})
    said = found["paths"]["/v1/things"]["get"]
    assert "description" not in said
    assert said.get("x-rate-limit") == (limit and {"requests": limit[0], "seconds": limit[1]})
    assert bool(notes) == (limit is None and "imit" in text)


def test_prose_goes_and_names_stay():
    names = ["title", "description", "example", "x-word"]
    facts = {"type": "object", "required": names, "properties": {name: {"default": "x"} for name in names}}
    published = copy.deepcopy(facts) | {"title": "T", "description": "Prose.", "x-codegen": {"enum": "Evil"}}
    for node in published["properties"].values():
        node["title"] = "T"
    document = {"openapi": "3.1.0", "paths": {}, "components": {"schemas": {"Thing": published}}}
    assert load.facts(document)[0]["components"]["schemas"]["Thing"] == facts
