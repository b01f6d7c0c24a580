"""Whatever no client can be made of is one line with its place and what to write where, and all lines come at once."""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tools import adapter, generate, load, normalize, validate

from .documents import ACTIONS, CHATSERVER, KITCHEN_SINK, Data, actions, answering, facts, normalized

ODD = "/v1/odd"


class Case(NamedTuple):
    """A schema or an operation of a published document, why it is refused, and the action that mends that."""

    reason: str
    target: str
    schema: Any = None
    operation: Data | None = None
    verb: str = "get"
    name: str = ""
    update: str = "remove: true"


WHERE = {"name": "where", "in": "query", "style": "deepObject", "explode": False, "schema": {"type": "object"}}
FORM = {"content": {"multipart/form-data": {"schema": {"type": "object"}}}}
LOST = answering({"$ref": "#/components/schemas/Nothing"})
OBJECT = {"type": "object", "properties": {"a": {"type": "string"}}}


def word(**keywords: Any) -> Data:
    return {"type": "object", "properties": {"word": {"type": "string", **keywords}}}


CASES = [
    Case("its body is not JSON, which clients speak", ".post", operation={"requestBody": FORM, "responses": {}},
         verb="post"),
    Case("it does not have the form of OpenAPI", ".get", operation={"responses": {"200": None}}),
    Case("the parameter where has style deepObject with explode False, which no client writes",
         ".get.parameters[?@.name=='where']", operation={"parameters": [WHERE], "responses": answering({})}),
    Case("#/components/schemas/Nothing refers to nothing",
         ".get.responses['200'].content['application/json'].schema['$ref']", operation={"responses": LOST}),
    Case("refers to nothing", "['$ref']", {"$ref": "other.json#/components/schemas/UserResponse"}),
    Case("[] is not of type 'object'", ".properties", {"type": "object", "properties": []}),
    Case("'no-such-type' is not valid", ".type", {"type": "no-such-type"}),
    Case("'txt' and 'TXT' would both be called TXT", ".properties.word.enum", word(enum=["txt", "TXT"])),
    Case("['a', 1] has values of several types, int and str", ".enum", {"enum": ["a", 1]}),
    Case("files (format binary) are not sent or received as JSON", ".format", {"type": "string", "format": "binary"}),
    Case("5 is none of ['a']", ".properties.word.default", word(enum=["a"], default=5)),
    Case("two classes would be called AgentRunStatus", "", OBJECT, name="AgentRunStatus",
         update="update: {x-codegen: {name: AgentRunStatusModel}}"),
    Case("it has another meaning in spec/chatserver.yaml", "", OBJECT, name="ModelInfo",
         update="update: {x-codegen: {name: CodegenModelInfo}}"),
]  # fmt: skip


def publish(data: Data) -> None:
    """Add all cases, and two operations that get one id and one that the ChatServer has, to a short document."""
    data["paths"] = {path: item for path, item in data["paths"].items() if path.endswith(("/users", "/{agent_run_id}"))}
    for number, case in enumerate(CASES):
        path, name = f"{ODD}/{number}", case.name or f"Odd{number}"
        if case.schema is not None:
            data["components"]["schemas"][name] = case.schema
        used = {"responses": answering({"$ref": f"#/components/schemas/{name}"})}
        data["paths"][path] = {case.verb: case.operation or used}
    for path in ("/v1/things", "/v2/things", "/v1/models"):
        data["paths"][path] = {"get": {"responses": answering({})}}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return refused(normalized(facts(publish)), tmp_path_factory.mktemp("refused"))


def refused(made: normalize.Normalized, folder: Path) -> list[str]:
    with pytest.raises(load.SpecError) as caught:
        generate.prepare(made, folder)
    assert not list(folder.iterdir())
    return caught.value.problems


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[case.reason for case in CASES])
def test_each_reason_has_its_place_and_what_to_write(number: int, case: Case, lines: list[str]) -> None:
    name = case.name or f"Odd{number}"
    place = f"$.components.schemas.{name}" if case.operation is None else f"$.paths['{ODD}/{number}']"
    entry = f'{{target: "{place}{case.target}", {case.update}}}'
    found = [line for line in lines if entry in line]
    assert len(found) == 1, lines
    assert case.reason in found[0]
    assert found[0].endswith(f"; mend it in spec/overlay.yaml: {entry}")


def test_what_is_written_mends_everything(lines: list[str], tmp_path: Path) -> None:
    written = "\n".join(line.partition("spec/overlay.yaml: ")[2] for line in lines)
    assert "$.paths['/v2/things'].get\", update: {operationId: get_v2_things}" in written
    assert "$.paths['/v1/models']\", remove: true" in written
    made = normalized(facts(publish), *actions(written, tmp_path))
    adapter.read(made.data)
    assert [*made.problems, *validate.problems(made.data)] == []


def test_a_policy_that_leads_nowhere_is_refused_though_nothing_can_be_read_of_it(tmp_path: Path) -> None:
    contract = copy.deepcopy(KITCHEN_SINK)
    contract["paths"]["/v1/things"]["get"]["x-codegen"]["paginate"]["items"] = "nothing"
    (line,) = refused(normalize.Normalized(contract, [], [], []), tmp_path)
    assert line.startswith("GET /v1/things/x-codegen/paginate: items names nothing, which is no field of the answer")


def test_what_people_wrote_wrongly_is_mended_where_they_wrote_it() -> None:
    chatserver = copy.deepcopy(CHATSERVER)
    chatserver["paths"]["/v1/new"] = {"get": {"responses": LOST}}
    said = normalize.normalize(facts(), chatserver, ACTIONS).problems
    assert [line.partition("; mend it in ")[2] for line in said] == ["spec/chatserver.yaml"]
