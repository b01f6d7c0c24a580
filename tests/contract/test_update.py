"""`make update-spec` replaces the contract, what is generated from it and the changelog, or nothing at all."""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tools.contract import changelog, diff, document, generate, reporting, update
from tools.contract.changes import BREAKING, DANGEROUS, SAFE, Change

from .upstream_documents import CURRENT, current, edited, written

pytestmark = pytest.mark.slow


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Copies of the files that the command replaces."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in ("CONTRACT", "CHANGELOG"):
        target = folder / getattr(document, name).name
        shutil.copy(getattr(document, name), target)
        monkeypatch.setattr(document, name, target)
    shutil.copytree(
        document.GENERATED, folder / "generated" / "codegen_api", ignore=shutil.ignore_patterns("__pycache__")
    )
    monkeypatch.setattr(document, "GENERATED", folder / "generated" / "codegen_api")
    return folder


def state(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def rename_and_add(data: dict[str, Any]) -> None:
    user = data["components"]["schemas"]["UserResponse"]["properties"]
    user["nickname"] = {"type": "string"}
    del user["role"]
    data["paths"]["/v1/organizations/{org_id}/things"] = {
        "get": {"tags": ["users"], "responses": {"200": {"description": ""}}}
    }


def test_one_command_brings_everything_up_to_date(
    files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, edited(rename_and_add))
    report = tmp_path / "report.md"
    assert update.main([source, "--report", str(report)]) == 0
    printed = capsys.readouterr().out
    assert report.read_text(encoding="utf-8") == printed
    assert "| response field removed | `UserResponse.role` |" in printed
    assert "the overlay's target matches nothing: $.components.schemas.UserResponse.properties.role" in printed
    assert "    def get_things(" in (document.GENERATED / "facade" / "codegen.py").read_text(encoding="utf-8")
    log = changelog.unreleased(document.CHANGELOG.read_text(encoding="utf-8"))
    for line in (
        "- `CodegenClient.get_things` is new.",
        "- `UserResponse.nickname` is new.",
        "- **Breaking:** `UserResponse.role` is gone.",
    ):
        assert line in log.splitlines()
    assert "`Agent` and `Task`" in log
    assert sorted(path.name for path in files.iterdir()) == ["CHANGELOG.md", "generated", "openapi.yaml"]
    before = state(files)
    assert update.main([source]) == 0
    assert state(files) == before


def refuse_to_generate(data: dict[str, Any]) -> None:
    body = {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": {"type": "string"}}}},
    }
    data["paths"]["/v1/things"] = {"post": {"requestBody": body, "responses": {"200": {"description": ""}}}}


def be_invalid(data: dict[str, Any]) -> None:
    data["components"]["schemas"]["UserResponse"]["properties"]["id"] = {"type": "no-such-type"}


def be_hostile(data: dict[str, Any]) -> None:
    data["paths"]["/../../etc/passwd"] = {"get": {"responses": {}}}


def have_a_free_form_body(data: dict[str, Any]) -> None:
    body = {"required": True, "content": {"application/json": {"schema": {"type": "object"}}}}
    data["paths"]["/v1/things"] = {"post": {"requestBody": body, "responses": {"200": {"description": ""}}}}


def take_an_argument_of_every_method(data: dict[str, Any]) -> None:
    parameter = {"name": "timeout", "in": "query", "schema": {"type": "integer"}}
    data["paths"]["/v1/things"] = {"get": {"parameters": [parameter], "responses": {"200": {"description": ""}}}}


def have_no_form(data: dict[str, Any]) -> None:
    data["paths"]["/v1/things"] = {"get": {"parameters": {"a": 1}, "responses": []}}


HARMFUL = [
    refuse_to_generate,
    be_invalid,
    be_hostile,
    have_a_free_form_body,
    take_an_argument_of_every_method,
    have_no_form,
]


@pytest.mark.parametrize("change", HARMFUL)
def test_nothing_is_written_unless_everything_succeeds(
    change: Any, files: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = state(files)
    assert update.main([written(tmp_path, edited(change))]) == 2
    assert state(files) == before
    assert capsys.readouterr().err.startswith("nothing was changed: ")


def test_nothing_is_written_when_the_generator_fails(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise generate.GenerationError("WARNING parsing something")

    monkeypatch.setattr(generate, "generate", fail)
    before = state(files)
    assert update.main([written(tmp_path, edited(rename_and_add))]) == 2
    assert state(files) == before
    assert "WARNING parsing something" in capsys.readouterr().err


def test_the_same_document_changes_no_byte(files: Path) -> None:
    before = state(files)
    assert update.main([str(CURRENT)]) == 0
    assert state(files) == before


def test_a_schema_that_mentions_itself_is_imported() -> None:
    def mention(data: dict[str, Any]) -> None:
        user = data["components"]["schemas"]["UserResponse"]["properties"]
        user["manager"] = {"anyOf": [{"$ref": "#/components/schemas/UserResponse"}, {"type": "null"}]}

    prepared = update.prepare(edited(mention), document.CONTRACT.read_text(encoding="utf-8"))
    manager = prepared.new["components"]["schemas"]["UserResponse"]["properties"]["manager"]
    assert manager["anyOf"][0] == {"$ref": "#/components/schemas/UserResponse"}


# The proposed lines of the changelog

LOG = """# Changelog

## [Unreleased]

### Added

- One thing
  in two lines.

### Fixed

- A fault.

## [1.0.0] - 2026-01-01

- First.
"""


def test_lines_go_to_their_sections_and_are_not_repeated() -> None:
    entry = {"Added": ["- One thing in two lines.", "- Another."], "Removed": ["- Old."]}
    text = changelog.with_entry(LOG, entry)
    assert changelog.unreleased(text).split("\n\n") == [
        "### Added", "- One thing\n  in two lines.\n- Another.", "### Removed", "- Old.", "### Fixed", "- A fault.",
    ]  # fmt: skip
    assert text.endswith("## [1.0.0] - 2026-01-01\n\n- First.\n")
    assert changelog.with_entry(text, entry) == text
    assert changelog.with_entry(LOG, {}) == LOG


def test_what_was_written_since_a_release() -> None:
    assert "- First." not in changelog.since(LOG, "1.0.0")
    assert "- A fault." in changelog.since(LOG, "1.0.0")
    released = changelog.released(LOG, "1.1.0", "2026-02-02")
    assert changelog.unreleased(released) == ""
    assert "## [Unreleased]\n\n## [1.1.0] - 2026-02-02\n\n### Added" in released
    assert changelog.since(released, "1.0.0") == changelog.since(LOG, "1.0.0")
    assert changelog.since(released, "1.1.0") == ""


def test_the_proposal_names_what_users_notice() -> None:
    changes = [
        Change(BREAKING, "operation", "removed", "GET /x", "get_x is gone", ["C.get_x", "AsyncC.get_x"]),
        Change(SAFE, "schema", "added", "X", "X is new", ["X"]),
        Change(DANGEROUS, "limit", "changed", "GET /x", "60 per 30 s (standard) -> 5 per 30 s (x)", ["C.get_y"]),
    ]
    assert reporting.changelog_entry(changes) == {
        "Changed": ["- `C.get_y`: 60 per 30 s (standard) -> 5 per 30 s (x)."],
        "Removed": ["- **Breaking:** `C.get_x` is gone."],
    }


# The make targets


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run make without the installation that every target begins with."""
    command = ["make", "-o", ".venv/.installed", f"BIN={Path(sys.executable).parent}", *arguments]
    return subprocess.run(
        command,
        cwd=Path(diff.__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment},
    )


@pytest.mark.parametrize("target", ["update-spec", "diff-spec", "release"])
def test_a_target_says_what_it_needs(target: str) -> None:
    finished = make(target)
    assert finished.returncode != 0
    assert f"make {target} " in finished.stderr


def test_make_diff_spec_compares(tmp_path: Path) -> None:
    new = current()
    del new["paths"]["/v1/users/me"]
    finished = make("diff-spec", f"OLD={CURRENT}", f"NEW={written(tmp_path, new)}", f"JSON={tmp_path / 'report.json'}")
    assert finished.returncode != 0
    assert "| operation removed | `GET /v1/users/me` | `get_current_user is gone` |" in finished.stdout
    assert (tmp_path / "report.json").exists()


def test_make_update_spec_refuses_with_one_line(tmp_path: Path) -> None:
    finished = make("update-spec", FROM=written(tmp_path, "a: &a [*a]"))
    assert finished.returncode != 0
    assert "nothing was changed: " in finished.stderr
    assert "anchors and aliases are not read" in finished.stderr
