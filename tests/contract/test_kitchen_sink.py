"""One document with everything that the generator promises: generated, imported, type-checked, sent and received."""

import copy
import datetime
import importlib
import json
import pickle
import shutil
import sys
import uuid
from pathlib import Path

import attrs
import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tools import generate, load

from ..support.text import any_text
from ..typing.test_typing import checked, checkers
from .documents import KITCHEN_SINK as CONTRACT

SCHEMAS = CONTRACT["components"]["schemas"]
THING = {"id": 1, "day": "2026-01-02", "maybe": None, "wanted": None}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sink")
    generate.generate(folder / "sink_api", CONTRACT)
    return folder


@pytest.fixture(scope="module")
def api(folder):
    sys.path.insert(0, str(folder))
    for name in ("codec", "enums", "errors", "models", "requests"):
        importlib.import_module(f"sink_api.{name}")
    yield sys.modules["sink_api"]
    sys.path.remove(str(folder))


def answering(api, *answers, status=200, kind=""):
    """Return a client that gets `answers` in turn, and then things, and the list of its requests."""
    requests, left = [], [*answers]

    def answer(request):
        requests.append(request)
        body = left.pop(0) if left else THING
        return httpx.Response(status, content=b"" if body is None else json.dumps(body).encode())

    http_client = getattr(httpx, f"{kind}Client")(transport=httpx.MockTransport(answer))
    return getattr(api, f"{kind}Client")("http://here/v1", "t", http_client=http_client), requests


SCALARS = {
    "string": any_text(max_size=3),
    "integer": st.integers(),
    "number": st.integers() | st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "null": st.none(),
    "date": st.dates().map(datetime.date.isoformat),
    "date-time": st.datetimes(timezones=st.just(datetime.UTC)).map(datetime.datetime.isoformat),
    "uuid": st.uuids().map(str),
}
FREE = st.one_of(*SCALARS.values(), st.lists(st.integers(), max_size=2))


def values(schema, depth=0):
    """Values of a schema; fields that the contract does not require are left out instead of being null."""
    schema = load.resolve(CONTRACT, schema)
    if "enum" in schema:
        return st.sampled_from(schema["enum"]) | st.from_type(type(schema["enum"][0]))
    if "const" in schema:
        return st.just(schema["const"])
    if branches := schema.get("anyOf", schema.get("oneOf")):
        return st.one_of(*(values(branch, depth) for branch in branches))
    kinds = schema.get("type", "object" if "allOf" in schema else "any")
    if isinstance(kinds, list):
        return st.one_of(*(values({**schema, "type": kind}, depth) for kind in kinds))
    if kinds == "array":
        return st.lists(values(schema["items"], depth), max_size=2)
    if kinds != "object":
        return SCALARS.get(schema.get("format"), SCALARS.get(kinds, FREE))
    parts = [load.resolve(CONTRACT, part) for part in schema.get("allOf", ())] + [schema]
    fields = {name: node for part in parts for name, node in part.get("properties", {}).items()}
    required = {name for part in parts for name in part.get("required", ())}
    if not fields:
        items = schema.get("additionalProperties", True)
        inner = FREE if items is True else st.deferred(lambda: values(items, depth + 1))
        return st.dictionaries(any_text(max_size=3), inner, max_size=2 if depth < 3 else 0)
    kept = {name: st.deferred(lambda node=node: values(node, depth + 1)) for name, node in fields.items()}
    return st.fixed_dictionaries(
        {name: kept[name] for name in kept if name in required},
        optional={
            name: kept[name].filter(lambda value: value is not None)
            for name in kept
            if name not in required and depth < 2 and fields[name] != {"type": "null"}
        },
    )


@pytest.mark.parametrize("name", [name for name in SCHEMAS if "properties" in load.resolve(CONTRACT, SCHEMAS[name])])
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_every_value_of_a_schema_comes_back_as_it_came(api, name, data):
    value = data.draw(values(SCHEMAS[name]))
    model = getattr(api.models, {"Any": "Any_"}.get(name, name)).from_dict({**value, "unknown": [value]})
    assert model.to_dict() == {**value, "unknown": [value]}
    assert json.loads(json.dumps(model.dict())).keys() == dict(model).keys()
    assert type(model).from_dict(model.to_dict()) == model
    assert pickle.loads(pickle.dumps(model)) == copy.deepcopy(model) == attrs.evolve(model)
    del model.additional_properties["unknown"]
    assert model.to_dict() == value


def test_fields_have_the_types_of_their_annotations(api):
    thing = api.models.Everything.from_dict(
        {
            **THING,
            "moment": "2026-01-02T03:04:05Z",
            "key": str(uuid.UUID(int=5)),
            "wanted": "dark-blue",
            "level": -3,
            "levels": [1, 9],
            "mood": "Great",
            "metadata": {"mine": 1, "codegen_sdk": {"tags": ["a"]}},
            "shape": {"kind": "wolf", "bark": 1},
            "shapes": [{"kind": "cat", "meow": 1}, None, {"kind": "newt", "a": 1}],
            "figure": {"side": 2},
            "place": {"country": "FR"},
            "days": ["2026-01-02"],
            "derived": {"id": 1, "size": 2, "extra": "x"},
            "node": {"name": "a", "parent": None, "children": [{"name": "b"}], "named": {"c": {"name": "c"}}},
            "odd": {"class": "x", "x-y": "y", "models": {"ok": True}},
        }
    )
    models, enums = api.models, api.enums
    assert thing.day == datetime.date(2026, 1, 2)
    assert thing.moment == datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.UTC)
    assert thing.key == uuid.UUID(int=5)
    assert thing.wanted is enums.Colour.DARK_BLUE
    assert thing.level is enums.Level.VALUE_NEGATIVE_3
    assert [type(level) for level in thing.levels] == [enums.Level, int]
    assert (thing.mood, thing.raw_mood) == (enums.MoodWord.GOOD, "Great")
    assert (thing.metadata, thing.reserved_metadata) == ({"mine": 1}, {"tags": ["a"]})
    assert type(thing.figure) is models.Square
    assert thing.place.country == "FR"
    assert thing.days == [datetime.date(2026, 1, 2)]
    assert (thing.derived.id, thing.derived.extra) == (1, "x")
    with pytest.raises(api.errors.InvalidModel, match="Derived: the required field 'id' is missing"):
        models.Derived.from_dict({"size": 2})
    assert thing.node.children[0].name + thing.node.named["c"].name == "bc"
    assert (thing.odd.class_, thing.odd.x_y, thing.odd.models.ok) == ("x", "y", True)
    assert "secret" not in repr(thing)
    assert models.Everything(1, datetime.date(2026, 1, 2), None, None, mood="BAD").mood is enums.MoodWord.BAD


WRONG = {
    "the required field 'day' is missing": {"day": ...},
    "day: expected a string, got int": {"day": 5},
    "day: ": {"day": "2026-13-01"},
    "id: expected a whole number, got bool": {"id": True},
    "number: expected a number, got str": {"number": "1"},
    "flag: expected true or false, got int": {"flag": 1},
    "fixed: 'other' is not the value that the contract has": {"fixed": "other"},
    "metadata: expected an object, got list": {"metadata": []},
    "grid: expected a list, got int": {"grid": [1]},
    "counts: expected a whole number, got str": {"counts": {"a": "b"}},
    "either: ": {"either": {}},
    "figure: expected a string, got dict": {"figure": {"depth": 1}},
}


@pytest.mark.parametrize(("problem", "fields"), WRONG.items())
def test_a_value_of_another_type_names_model_and_field(api, problem, fields):
    value = {name: field for name, field in {**THING, **fields}.items() if field is not ...}
    with pytest.raises(api.errors.InvalidModel) as caught:
        api.models.Everything.from_dict(value)
    assert str(caught.value).startswith(f"Everything: {problem}")
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_the_status_decides_what_is_decoded(api):
    given = (datetime.date(2026, 1, 2), None, None)
    assert answering(api, THING)[0].make_thing(*given).id == 1
    assert answering(api, {"ticket": "x"}, status=202)[0].make_thing(*given).ticket == "x"
    empty, _ = answering(api, None, None, status=204)
    assert empty.make_thing(*given) is empty.drop_list() is None
    with pytest.raises(api.errors.UnexpectedStatus):
        answering(api, {}, status=404)[0].drop_list()
    with pytest.raises(api.errors.InvalidModel, match="the body is not valid JSON"):
        answering(api, None)[0].show_thing(1, ["a"])


QUERIES = [
    ({"day": datetime.date(2026, 1, 2)}, [("day", "2026-01-02")]),
    ({"moment": datetime.datetime(2026, 1, 2)}, [("moment", "2026-01-02T00:00:00+00:00")]),  # noqa: DTZ001
    ({"key": uuid.UUID(int=5)}, [("key", str(uuid.UUID(int=5)))]),
    ({"level": 2}, [("level", "2")]),
    ({"colours": ["red", "dark-blue"]}, [("colours", "red"), ("colours", "dark-blue")]),
    ({"ids": [1, 2]}, [("ids", "1,2")]),
    ({"words": ["a", "b"]}, [("words", "a|b")]),
    ({"spaced": ["a", "b"]}, [("spaced", "a b")]),
    ({"filter_": {"a": "x", "b": 1}}, [("filter[a]", "x"), ("filter[b]", "1")]),
    ({"form": {"a": "x", "b": 1}}, [("a", "x"), ("b", "1")]),
    ({"where": {"a": "x", "b": 1}}, [("where", '{"a":"x","b":1}')]),
    ({"is_new": True}, [("is_new", "true")]),
    ({"timeout_": "t", "self_": "s"}, [("timeout", "t"), ("self", "s")]),
    ({"extra_query": {"a": 1, "b": [True]}}, [("a", "1"), ("b", "true")]),
]


@pytest.mark.parametrize(("given", "wanted"), QUERIES)
def test_query_parameters_are_written_in_their_style(api, given, wanted):
    client, requests = answering(api)
    client.show_thing(7, ["a/b", "c"], **given)
    (sent,) = requests
    wanted = wanted if "is_new" in dict(wanted) else [("is_new", "false"), *wanted]
    assert sorted(sent.url.params.multi_items()) == sorted(wanted)
    assert sent.url.raw_path.partition(b"?")[0] == b"/v1/things/7/parts/a%2Fb,c"


def test_headers_and_bodies_are_sent_and_a_discriminator_decides_what_comes_back(api):
    shapes = [{"kind": "wolf", "bark": 1}, {"kind": "cat", "meow": 1}, {"kind": "newt", "a": 1}]
    client, requests = answering(api, THING, THING, shapes, {}, {})
    client.show_thing(7, ["a"], x_trace="t", x_tags=["a", "b"], extra_headers={"X-Own": "1"})
    headers = requests[-1].headers
    assert (headers["x-trace"], headers["x-tags"], headers["x-own"]) == ("t", "a,b", "1")
    assert headers["authorization"] == "Bearer t"
    models = api.models
    client.make_thing(
        datetime.date(2026, 1, 2), None, "red", shape=models.Cat("cat", 1), shapes=[{"kind": "dog", "bark": 2}, None],
        node={"name": "a", "children": [models.Node("b")]}, levels=[api.enums.Level.VALUE_2], extra_body={"new": 1},
    )  # fmt: skip
    assert json.loads(requests[-1].content) == {
        "day": "2026-01-02", "maybe": None, "wanted": "red", "flag": True, "levels": [2], "new": 1,
        "shape": {"kind": "cat", "meow": 1}, "shapes": [{"kind": "dog", "bark": 2}, None],
        "node": {"name": "a", "children": [{"name": "b"}]},
    }  # fmt: skip
    found = client.send_list([models.Cat("cat", 1)])
    assert [type(shape).__name__ for shape in found] == ["Dog", "Cat", "dict"], "a new kind of a union survives"
    assert api.codec.encode(found) == shapes
    assert json.loads(requests[-1].content) == [{"kind": "cat", "meow": 1}]
    client.send_map({"a": {"name": "a"}})
    assert json.loads(requests[-1].content) == {"a": {"name": "a"}}
    client.send_map()
    assert requests[-1].content == b""


@pytest.mark.parametrize(
    ("name", "given", "problem"),
    [
        ("thing-id", {"thing_id": "x"}, "expected a whole number, got 'x'"),
        ("names", {"names": "abc"}, "expected a list, got str"),
        ("is_new", {"is_new": "yes"}, "expected true or false, got str"),
        ("filter", {"filter_": ["a"]}, "expected an object, got list"),
        ("ids", {"ids": [[1]]}, "expected a single value, got list"),
        ("is_new", {"extra_query": {"is_new": True}}, "pass it as the argument is_new, not in extra_query"),
        ("X-Trace", {"extra_headers": {"x-TRACE": "t"}}, "pass it as the argument x_trace, not in extra_headers"),
        ("where", {"where": {"a": object()}}, "cannot be sent: Object of type object is not JSON serializable"),
    ],
)
def test_arguments_that_do_not_fit_are_named(api, name, given, problem):
    with pytest.raises(api.requests.InvalidArguments) as caught:
        answering(api)[0].show_thing(**{"thing_id": 1, "names": ["a"], **given})
    assert caught.value.problems == {name: [problem]}


def test_pages_go_on_by_themselves(api):
    rows = [{"id": number} for number in range(5)]
    client, requests = answering(api, *({"rows": rows[start : start + 2], "total": 5} for start in (0, 2, 4)))
    with pytest.warns(DeprecationWarning, match="list_things is deprecated"):
        page = client.list_things()
    assert (len(page), page[0].id, [thing.id for thing in page], page[1:][0] in page) == (2, 0, [0, 1], True)
    assert [thing.id for thing in page.auto_paging_iter()] == [0, 1, 2, 3, 4]
    assert [request.url.params["page"] for request in requests] == ["1", "2", "3"]
    assert list(api.models.Things(page.rows, 5).auto_paging_iter()) == page.rows
    assert dict(page)["total"] == page["total"] == 5
    with pytest.raises(TypeError, match="not iterable"):
        iter(page[0])


async def test_the_asynchronous_client_does_the_same(api):
    client, requests = answering(api, *({"rows": [{"id": number}], "total": 3} for number in (1, 2, 3)), kind="Async")
    async with client:
        with pytest.warns(DeprecationWarning, match="list_things"):
            page = (await client.with_raw_response.list_things(size=1)).parsed
        assert [thing.id async for thing in page.auto_paging_iter()] == [1, 2, 3]
        with pytest.raises(TypeError, match="async for"):
            iter(page.auto_paging_iter())
    assert [request.url.params["page"] for request in requests] == ["1", "2", "3"]
    assert "t'" not in repr(client)


@checkers
def test_strict_type_checkers_accept_it(folder, name):
    shutil.copy(Path(__file__).with_name("kitchen_sink_uses.py"), folder / "uses.py")
    options = ["--no-incremental"] if name == "mypy" else []
    done = checked(name, *options, "uses.py", "sink_api", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
