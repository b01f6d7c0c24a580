"""`make update-spec` replaces spec/codegen.json and all that follows from it, or nothing at all."""

from pathlib import Path

import pytest

from tools import changelog, load
from tools.api_diff import BREAKING, DANGEROUS, SAFE, Change, changelog_entry

from .checkout import contents, make, make_copy
from .documents import THINGS, Data, answering, facts, written

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_copy(tmp_path_factory.mktemp("repository"))


def rename_and_add(data: Data) -> None:
    user = data["components"]["schemas"]["UserResponse"]["properties"]
    user["nickname"] = {"type": "string"}
    del user["role"]
    added = {"tags": ["users"], "description": "Rate limit: 5 requests per minute."}
    data["paths"][THINGS] = {"get": {**added, "responses": answering({"type": "string"})}}


def test_the_same_document_changes_no_byte(copy: Path) -> None:
    before = contents(copy)
    finished = make(copy, "update-spec", f"FROM={load.FACTS}")
    assert finished.returncode == 0, finished.stderr
    assert contents(copy) == before


def test_a_document_that_is_refused_changes_nothing(copy: Path, tmp_path: Path) -> None:
    before = contents(copy)
    form = {"requestBody": {"content": {"text/csv": {}}}, "responses": {}}
    odd = {"/v1/things": {"get": form}, "/v1/models": {"get": {"responses": {}}}}
    finished = make(copy, "update-spec", f"FROM={written(tmp_path, facts(lambda data: data['paths'].update(odd)))}")
    assert finished.returncode != 0
    assert finished.stderr.startswith("nothing was changed: GET /v1/things: its body is not JSON")
    assert (
        "\n#/paths/~1v1~1models: it is in spec/chatserver.yaml, too; mend it in spec/overlay.yaml: " in finished.stderr
    )
    assert "Traceback" not in finished.stderr
    assert contents(copy) == before


def test_one_command_brings_everything_up_to_date(tmp_path: Path) -> None:
    copy = make_copy(tmp_path / "repository")
    source = written(tmp_path, facts(rename_and_add))
    finished = make(copy, "update-spec", f"FROM={source}", f"REPORT={tmp_path / 'report.md'}")
    assert finished.returncode == 0, finished.stderr
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == finished.stdout
    assert "UserResponse.role" in finished.stdout
    assert "$.components.schemas.UserResponse.properties.role matches nothing" in finished.stdout
    published = load.load(copy / "spec" / "codegen.json")
    added = published["paths"][THINGS]["get"]
    assert added["x-rate-limit"] == {"requests": 5, "seconds": 60}
    assert "description" not in added
    assert "operationId: get_things\n" in (copy / "openapi.yaml").read_text(encoding="utf-8")
    assert any("def get_things(" in path.read_text("utf-8") for path in (copy / "generated").rglob("*.py"))
    log = changelog.unreleased((copy / "CHANGELOG.md").read_text(encoding="utf-8")).splitlines()
    assert "- `CodegenClient.get_things` is new." in log
    assert [line for line in log if "UserResponse.role" in line and line.startswith("- **Breaking:** ")]
    before = contents(copy)
    again = make(copy, "update-spec", f"FROM={source}")
    assert again.returncode == 0
    assert contents(copy) == before


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
        "### Added", "- Another.\n- One thing\n  in two lines.", "### Fixed", "- A fault.", "### Removed", "- Old.",
    ]  # fmt: skip
    assert text.endswith("\n\n## [1.0.0] - 2026-01-01\n\n- First.\n")
    assert changelog.with_entry(text, entry) == text
    assert changelog.with_entry(LOG, {}) == LOG
    assert changelog.unreleased(changelog.with_entry("## [Unreleased]\n", entry)).startswith("### Added\n\n- One thing")


def test_what_was_unreleased_belongs_to_the_version() -> None:
    released = changelog.released(LOG, "1.1.0", "2026-02-02")
    assert changelog.unreleased(released) == ""
    assert "## [Unreleased]\n\n## [1.1.0] - 2026-02-02\n\n### Added" in released


def test_the_proposal_names_what_users_notice() -> None:
    changes = [
        Change(BREAKING, "removed", "GET /x", "Operation was removed.", ("C.get_x", "AsyncC.get_x")),
        Change(SAFE, "changed", "X", "type: integer -> number", ("X",)),
        Change(SAFE, "added", "X.y", "Schema added", ("X.y",)),
        Change(DANGEROUS, "changed", "GET /x", "rate-limit: 60 -> 5", ("C.get_y",)),
    ]
    assert changelog_entry(changes) == {
        "Added": ["- `X.y` is new."],
        "Changed": ["- `C.get_y`: rate-limit: 60 -> 5."],
        "Removed": ["- **Breaking:** `C.get_x` is gone."],
    }
