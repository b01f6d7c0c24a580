"""`make generate` says all at once of what no client can be made, each reason with its place and what to write."""

import copy
import shutil
from pathlib import Path

import jinja2
import pytest

from tools import adapter, generate, load, normalize, overlay, validate

from .documents import KITCHEN_SINK, actions

GOLDEN = Path(__file__).with_name("refusals")
PUBLISHED, CONTRACT = (
    (GOLDEN / name).read_text(encoding="utf-8").splitlines() for name in ("published.txt", "contract.txt")
)


def normalized(*more):
    published, _ = load.facts(load.read(str(GOLDEN / "published.yaml")))
    chatserver = load.load(GOLDEN / "chatserver.yaml")
    return normalize.normalize(published, chatserver, [*overlay.read(GOLDEN / "overlay.yaml"), *more])


def refused(made, folder):
    with pytest.raises(load.SpecError) as caught:
        generate.prepare(made, folder)
    assert not list(folder.iterdir())
    return caught.value.problems


def test_each_reason_has_its_place_and_what_to_write_which_mends_everything_but_what_people_wrote(tmp_path):
    assert refused(normalized(), tmp_path) == PUBLISHED
    (written,) = (line for line in PUBLISHED if line.endswith("; mend it in spec/chatserver.yaml"))
    entries = [line.partition("; mend it in spec/overlay.yaml: ")[2] for line in PUBLISHED if line != written]
    made = normalized(*actions("\n".join(entries)))
    adapter.read(made.data)
    assert [*made.problems, *validate.problems(made.data)] == [written]


def test_an_operation_says_what_it_lacks():
    path, operation_id, parameter, *found = validate.problems(load.load(GOLDEN / "contract.yaml"))
    assert "'no-slash' was unexpected" in path
    assert "'list_things'" in operation_id
    assert "'undeclared'" in parameter
    assert found == CONTRACT


def test_a_policy_that_leads_nowhere_is_refused_though_nothing_can_be_read_of_it(tmp_path):
    contract = copy.deepcopy(KITCHEN_SINK)
    contract["paths"]["/v1/things"]["get"]["x-codegen"]["paginate"]["items"] = "nothing"
    (line,) = refused(normalize.Normalized(contract, [], [], []), tmp_path)
    assert line.startswith("GET /v1/things/x-codegen/paginate: items names nothing, which is no field of the answer")


def test_what_only_people_write_is_refused_with_its_place():
    contract = copy.deepcopy(KITCHEN_SINK)
    things, lists = contract["paths"]["/v1/things"], contract["paths"]["/v1/lists"]
    things["get"]["parameters"].append({"name": "x", "in": "query", "schema": {"type": "integer", "default": "abc"}})
    things["post"]["requestBody"]["content"] = {"multipart/form-data": {"schema": {"type": "object"}}}
    lists["delete"]["parameters"] = [{"name": "session", "in": "cookie", "schema": {"type": "string"}}]
    lists["delete"]["responses"]["202"] = {"description": "A file.", "content": {"text/csv": {"schema": {}}}}
    contract["components"]["schemas"]["Meta"]["x-codegen"] = {"reserved": "other"}
    with pytest.raises(load.SpecError) as caught:
        adapter.read(contract)
    wrong, *found = caught.value.problems
    assert wrong.startswith("GET /v1/things: ")
    assert "Invalid int value: abc" in wrong
    assert sorted(line.partition("; mend it in spec/overlay.yaml: ")[0] for line in found) == [
        "DELETE /v1/lists/parameters: the cookie parameter session cannot be sent",
        "DELETE /v1/lists/responses/202/content: the response 202 is not JSON but text/csv",
        "POST /v1/things: the request body is not JSON but multipart/form-data",
        "x-codegen.reserved is 'other', not 'codegen_sdk'",
    ]


@pytest.fixture
def templates(tmp_path, monkeypatch):
    """A copy of the templates, from which is generated."""
    copied = shutil.copytree(generate.TEMPLATES, tmp_path / "templates")
    monkeypatch.setattr(generate, "TEMPLATES", copied)
    monkeypatch.setattr(generate, "STATIC", copied / "static")
    return copied


def test_a_template_that_names_something_undefined_fails(templates, tmp_path):
    (templates / "enums.py.jinja").write_text("{{ package.enumz }}", encoding="utf-8")
    with pytest.raises(jinja2.UndefinedError, match="enumz"):
        generate.generate(tmp_path / "codegen_api", KITCHEN_SINK)


@pytest.mark.slow
def test_a_package_that_cannot_be_used_replaces_nothing(templates, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(load, "GENERATED", tmp_path / "generated" / "codegen_api")
    monkeypatch.setattr(load, "CONTRACT", tmp_path / "openapi.yaml")
    monkeypatch.setattr(normalize, "contract", lambda: normalize.Normalized(KITCHEN_SINK, [], [], []))
    assert generate.main() == 0
    before = load.CONTRACT.read_bytes(), load.GENERATED.stat()
    for name, old, new, reason in (
        ("model.py.jinja", "{{ field.annotation }}", "Nonsense", "imported: NameError: name 'Nonsense' is not defined"),
        ("folder_init.py.jinja", '"""The', "def", "formatted: "),
    ):
        whole = (templates / name).read_text(encoding="utf-8")
        (templates / name).write_text(whole.replace(old, new), encoding="utf-8")
        assert generate.main() == 1
        (line,) = capsys.readouterr().err.splitlines()
        assert line.startswith(f"what was generated cannot be {reason}")
        assert (load.CONTRACT.read_bytes(), load.GENERATED.stat()) == before


def test_other_tools_than_pinned_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(generate, "version", lambda package: "0.0.1")
    with pytest.raises(load.SpecError, match=r"^openapi-\S+ is 0.0.1, but [\d.]+ is pinned; run `make setup`"):
        generate.generate(tmp_path / "codegen_api", KITCHEN_SINK)
