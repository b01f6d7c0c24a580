"""`make generate` and `make check`: nothing but the contract decides what generated/ holds."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools import check, generate, load, public_api

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("fresh") / "codegen_api"
    generate.generate(target)
    return target


def changed(tmp_path: Path, change: Any) -> Path:
    contract = load.load()
    change(contract)
    path = tmp_path / "openapi.yaml"
    YAML().dump(contract, path)
    return path


def test_generated_is_what_the_contract_generates(fresh: Path) -> None:
    assert generate.differences(fresh, load.GENERATED) == []


def test_two_runs_write_the_same_bytes(fresh: Path, tmp_path: Path) -> None:
    generate.generate(tmp_path / "codegen_api")
    assert generate.differences(fresh, tmp_path / "codegen_api") == []


def test_check_names_each_file_that_differs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stale = tmp_path / "codegen_api"
    shutil.copytree(load.GENERATED, stale)
    (stale / "enums.py").write_text("changed", encoding="utf-8")
    (stale / "models" / "user_response.py").unlink()
    (stale / "left_over.py").touch()
    monkeypatch.setattr(load, "GENERATED", stale)
    monkeypatch.setattr(public_api, "missing_tag", lambda: None)
    assert check.main() == 1
    lines = capsys.readouterr().err.splitlines()
    for name in ("enums.py", "models/user_response.py", "left_over.py"):
        assert f"generated/codegen_api/{name} is not what openapi.yaml generates; run `make generate`" in lines
    assert len(lines) == 3


def test_everything_that_is_refused_is_said_at_once_with_its_place(tmp_path: Path) -> None:
    def break_an_operation(contract: dict[str, Any]) -> None:
        operation = contract["paths"][next(iter(contract["paths"]))]["get"]
        operation["parameters"] += [
            {"name": "session", "in": "cookie", "schema": {"type": "string"}},
            {"name": "where", "in": "query", "style": "deepObject", "explode": False, "schema": {"type": "object"}},
        ]
        operation["responses"]["202"] = {"description": "A file.", "content": {"text/csv": {"schema": {}}}}

    with pytest.raises(generate.GenerationError) as caught:
        generate.generate(tmp_path / "out", changed(tmp_path, break_an_operation))
    assert sorted(str(caught.value).splitlines()) == [
        "get_users: the cookie parameter session cannot be sent",
        "get_users: the parameter where has style deepObject with explode False, which no client writes; "
        "leave it out in the overlay",
        "get_users: the response 202 is not JSON but text/csv",
    ]


def test_a_failing_formatter_fails_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = tmp_path / "generator-config.yml"
    config.write_text("post_hooks: [ruff nonsense]", encoding="utf-8")
    monkeypatch.setattr(generate.adapter, "CONFIG", config)
    with pytest.raises(generate.GenerationError, match=r"ruff nonsense: .*unrecognized subcommand"):
        generate.generate(tmp_path / "out")


def test_another_generator_version_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(generate, "version", lambda package: "0.0.1")
    with pytest.raises(generate.GenerationError, match=r"openapi-python-client is 0\.0\.1, but 0\.29\.1 is pinned"):
        generate.generate(tmp_path / "out")


def test_generating_from_a_broken_document_says_what_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text("openapi: [", encoding="utf-8")
    with pytest.raises(generate.GenerationError, match=r"broken\.yaml is neither JSON nor YAML: while parsing"):
        generate.generate(tmp_path / "out", path)


def test_a_new_operation_is_a_method_without_a_handwritten_line(tmp_path: Path) -> None:
    def add(contract: dict[str, Any]) -> None:
        item = contract["paths"][next(iter(contract["paths"]))]
        contract["paths"]["/v1/brand-new"] = {"get": {**item["get"], "operationId": "get_brand_new", "parameters": []}}

    generate.generate(tmp_path / "out", changed(tmp_path, add))
    for name, prefix in (("_sync", "def"), ("_async", "async def")):
        text = (tmp_path / "out" / name / "codegen.py").read_text(encoding="utf-8")
        assert f"    {prefix} get_brand_new(" in text
        assert "    get_brand_new = _raw(" in text


def test_a_model_that_mentions_itself_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def add(contract: dict[str, Any]) -> None:
        user = contract["components"]["schemas"]["UserResponse"]
        user["properties"]["manager"] = {"$ref": "#/components/schemas/UserResponse", "description": "Another user."}

    generate.generate(tmp_path / "cyclic_api", changed(tmp_path, add))
    monkeypatch.syspath_prepend(tmp_path)
    from cyclic_api.models import UserResponse  # type: ignore[import-not-found]

    plain = {"id": 1, "github_user_id": "1", "github_username": "a"}
    assert UserResponse.from_dict({**plain, "manager": plain}).manager.id == 1


def test_fields_of_any_name_and_type_make_a_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["field", "datetime", "from", "to_dict", "from_dict", "additional_properties", "x-y", "value", "d"]
    described = {"description": "One thing."}

    def add(contract: dict[str, Any]) -> None:
        fields = contract["components"]["schemas"]["UserResponse"]["properties"]
        fields |= {name: {"type": "string", **described} for name in names}
        fields["nothing"] = {"type": "null", **described}

    generate.generate(tmp_path / "odd_api", changed(tmp_path, add))
    monkeypatch.syspath_prepend(tmp_path)
    from odd_api.models import UserResponse  # type: ignore[import-not-found]

    plain = {"id": 1, "github_user_id": "1", "github_username": "a", **dict.fromkeys(names, "word")}
    user = UserResponse.from_dict({**plain, "nothing": None})
    assert (user.field, user.to_dict_, user.additional_properties_, user.nothing) == ("word", "word", "word", None)
    assert user.to_dict() == plain


def test_two_schemas_with_the_same_class_name_are_refused(tmp_path: Path) -> None:
    def add(contract: dict[str, Any]) -> None:
        contract["components"]["schemas"]["AgentRunStatus"] = contract["components"]["schemas"]["UserResponse"]

    with pytest.raises(generate.GenerationError, match="AgentRunStatus: two classes would have this name"):
        generate.generate(tmp_path / "out", changed(tmp_path, add))
