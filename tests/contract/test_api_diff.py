"""What a change of the contract means for users: the matrix of edits, and pairs of documents that were published."""

import copy
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tools import api_diff, load, update
from tools.api_diff import BREAKING, DANGEROUS, SAFE, Change

from .documents import OURS, Data, facts, written
from .edits import EDITS, REVISIONS, Edit, pair

HAS_REDOCLY = api_diff.REDOCLY.exists()
pytestmark = [pytest.mark.slow, pytest.mark.node]


@pytest.fixture(autouse=True, scope="module")
def needs_redocly() -> None:
    if not HAS_REDOCLY and "CODEGEN_TEST_ALL" not in os.environ:
        pytest.skip("@redocly/cli is not installed; `make test-all` installs it")


def worst(changes: list[Change]) -> str:
    return min((change.severity for change in changes), key=api_diff.SEVERITIES.index, default="none")


@pytest.fixture(scope="module")
def matrix() -> list[Change]:
    """The changes of all edits, compared at once, since each has a path and schemas of its own."""
    return api_diff.compare(*pair({**OURS, "paths": {}}))


@pytest.mark.parametrize(("number", "edit"), list(enumerate(EDITS)), ids=[edit.name for edit in EDITS])
def test_an_edit_is_judged_rightly(number: int, edit: Edit, matrix: list[Change]) -> None:
    places = re.compile(rf"units/{number}/|Unit{number}(?!\d)|unit_{number}(?!\d)")
    found = [change for change in matrix if places.search(" ".join((change.where, *change.names)))]
    assert worst(found) == edit.right, found
    assert all(change.names for change in found)


def compared(change: Callable[[Data], object]) -> list[Change]:
    new = copy.deepcopy(OURS)
    change(new)
    return api_diff.compare(OURS, new)


def test_changes_of_the_real_contract_are_named_in_python() -> None:
    def change(contract: Data) -> None:
        contract["servers"][0]["url"] = "https://api.example.com"
        contract["components"]["schemas"]["RunStatus"]["x-codegen"]["words"].pop("paused")
        contract["components"]["parameters"]["Limit"]["schema"]["maximum"] = 50
        contract["components"]["schemas"]["UserResponse"]["properties"].pop("role")
        contract["components"]["schemas"]["FreeFormObject"] |= {"properties": {"a": {}}, "required": ["a"]}
        stream = contract["paths"]["/v1/chat/completions"]["post"]["x-codegen"]["stream"]
        stream["method"] = "stream_chat"

    found = {(item.severity, name) for item in compared(change) for name in item.names or (item.where,)}
    assert {
        (DANGEROUS, "#/servers/0"),
        (BREAKING, "AgentRunStatus.PAUSED"),
        (BREAKING, "AsyncCodegenClient.get_users(limit)"),
        (BREAKING, "UserResponse.role"),
        (BREAKING, "FreeFormObject"),
        (BREAKING, "ChatServerClient.stream_chat_completion"),
    } <= found


def published(name: str) -> Data:
    return api_diff.read(str(load.FACTS if name == "codegen" else Path(__file__).parent / "upstream" / f"{name}.json"))


@pytest.mark.parametrize(("old", "new", "first", "now", "right"), REVISIONS)
def test_published_documents_are_compared(old: str, new: str, first: str, now: str, right: str) -> None:
    before, after = published(old), published(new)
    changes = api_diff.compare(before, after)
    lost = {name for _, _, name in operations(before)} - {name for _, _, name in operations(after)}
    gone = {change.names[0].rpartition(".")[2] for change in changes if change.severity == BREAKING and change.names}
    assert lost <= gone
    assert " / ".join(str(count) for count in api_diff.summary(changes).values()) == now


def operations(contract: Data) -> list[tuple[str, str, str]]:
    return [(path, method, operation["operationId"]) for path, method, operation in load.each_operation(contract)]


def test_a_report_is_for_people_and_machines() -> None:
    changes = [
        Change(BREAKING, "removed", "A|B", "`x` is\ngone", ("A.b",)),
        Change(SAFE, "added", "GET /x", "Operation added", ("C.x", "AsyncC.x")),
    ]
    text = api_diff.as_markdown(changes, ["read `this`"])
    assert "1 breaking, 0 dangerous, 1 safe." in text
    assert "| `A\\|B` | `x is gone` | `A.b` |" in text
    assert "- `read this`" in text
    data = json.loads(api_diff.as_json(changes))
    assert (data["summary"], data["names"]) == ({"breaking": 1, "dangerous": 0, "safe": 1}, ["A.b", "AsyncC.x", "C.x"])


# The command


def test_the_command_reports_and_fails_on_a_breaking_change(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, facts(lambda data: data["paths"].pop("/v1/users/me")))
    report = tmp_path / "report.json"
    monkeypatch.setattr(sys, "argv", ["api_diff", str(load.FACTS), source, "--json", str(report)])
    assert api_diff.main() == 1
    shown = capsys.readouterr()
    assert "Path /v1/users/me was removed" in shown.out.replace("`", "")
    assert shown.err == "breaking changes need a higher major version than the last tag has\n"
    assert "AsyncCodegenClient.get_current_user" in json.loads(report.read_text())["names"]
    monkeypatch.setattr(sys, "argv", ["api_diff", str(load.FACTS)])
    assert api_diff.main() == 0
    assert capsys.readouterr().out == "# Changes of the contract\n\n0 breaking, 0 dangerous, 0 safe.\n"


@pytest.mark.parametrize("command", [api_diff, update])
def test_what_cannot_be_read_is_one_line(
    command: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["command", "nowhere"])
    assert command.main() == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "nowhere" in line


@pytest.mark.parametrize(
    ("manifest", "reason"),
    [
        ('{"version": "1.0.0"}', r"@redocly/cli [\d.]+, which is 1\.0\.0; install it with `npm ci`"),
        (None, r"@redocly/cli [\d.]+, which is missing; install it with `npm ci`"),
    ],
)
def test_another_version_of_redocly_is_refused(
    manifest: str | None, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(api_diff, "REDOCLY", tmp_path)
    if manifest:
        (tmp_path / "package.json").write_text(manifest, encoding="utf-8")
    with pytest.raises(load.SpecError, match=reason):
        api_diff.compare(OURS, OURS)


def test_node_is_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(load.SpecError, match="@redocly/cli, which node runs: "):
        api_diff.compare(OURS, OURS)


def test_the_contract_lints_clean() -> None:
    linter = load.ROOT / "node_modules" / ".bin" / "redocly"
    command = [linter, "lint", "openapi.yaml"]
    finished = subprocess.run(command, cwd=load.ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
