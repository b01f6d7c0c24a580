"""What a change of the contract means for users: the matrix of edits, and pairs of documents that were published."""

import copy
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import api_diff, load, overlay, update
from tools.api_diff import BREAKING, DANGEROUS, SAFE, Change

from .documents import HISTORY, OURS, facts, written

HERE = Path(__file__).parent
EDITS = load.load(HERE / "edits.yaml")
pytestmark = [pytest.mark.slow, pytest.mark.node]


@pytest.fixture(autouse=True, scope="module")
def needs_redocly():
    if not api_diff.REDOCLY.exists() and "CODEGEN_TEST_ALL" not in os.environ:
        pytest.skip("@redocly/cli is not installed; `make test-all` installs it")


def with_units(contract):
    """Return a contract with one unit for each edit, before and after all edits."""
    template = load.load(HERE / "unit.yaml")
    old, new = copy.deepcopy(contract), copy.deepcopy(contract)
    for number, edit in enumerate(EDITS.values()):
        edited = copy.deepcopy(template)
        entries = [{"target": target(place), "remove": True} for place in edit.get("remove", ())]
        entries += [{"target": target(place), "update": value} for place, value in edit.get("update", {}).items()]
        assert overlay.apply(edited, overlay.parse({"overlay": "1.0.0", "actions": entries})) == []
        for whole, unit, change in ((old, template, ("", "")), (new, edited, edit.get("rename", ("", "")))):
            named = json.loads(json.dumps(unit).replace(*change).replace("NUMBER", str(number)))
            whole["paths"] |= named["paths"]
            whole["components"]["schemas"] |= named["components"]["schemas"]
    return old, new


def target(place):
    start, rest = re.fullmatch(r"(\w+)(.*)", place).groups()
    return ("$.paths.*.*" if start == "operation" else f"$.components.schemas.UnitNUMBER{start}") + rest


@pytest.fixture(scope="module")
def matrix():
    """The changes of all edits, compared at once, since each has a path and schemas of its own."""
    return api_diff.compare(*with_units({**OURS, "paths": {}}))


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_is_judged_rightly(name, matrix):
    number = list(EDITS).index(name)
    places = re.compile(rf"units/{number}/|Unit{number}(?!\d)|unit_{number}(?!\d)")
    found = [change for change in matrix if places.search(" ".join((change.where, *change.names)))]
    severities = {change.severity for change in found}
    assert min(severities, key=api_diff.SEVERITIES.index, default="none") == EDITS[name]["right"], found
    assert all(change.names for change in found)


def test_changes_of_the_real_contract_are_named_in_python():
    new = copy.deepcopy(OURS)
    new["servers"][0]["url"] = "https://api.example.com"
    new["components"]["schemas"]["RunStatus"]["x-codegen"]["words"].pop("paused")
    new["components"]["parameters"]["Limit"]["schema"]["maximum"] = 50
    new["components"]["schemas"]["UserResponse"]["properties"].pop("role")
    new["components"]["schemas"]["FreeFormObject"] |= {"properties": {"a": {}}, "required": ["a"]}
    new["paths"]["/v1/chat/completions"]["post"]["x-codegen"]["stream"]["method"] = "stream_chat"
    changes = api_diff.compare(OURS, new)
    assert {
        (DANGEROUS, "#/servers/0"),
        (BREAKING, "AgentRunStatus.PAUSED"),
        (BREAKING, "AsyncCodegenClient.get_users(limit)"),
        (BREAKING, "UserResponse.role"),
        (BREAKING, "FreeFormObject"),
        (BREAKING, "ChatServerClient.stream_chat_completion"),
    } <= {(change.severity, name) for change in changes for name in change.names or (change.where,)}


def ids(contract):
    return {operation["operationId"] for _, _, operation in load.each_operation(contract)}


@pytest.mark.parametrize(("pair", "verdicts"), load.load(HERE / "revisions.yaml").items())
def test_published_documents_are_compared(pair, verdicts):
    files = {path.stem: path for path in (*HISTORY, load.FACTS)}
    before, after = (api_diff.read(str(files[name])) for name in pair.split(" and "))
    changes = api_diff.compare(before, after)
    lost = ids(before) - ids(after)
    assert lost <= {change.names[0].rpartition(".")[2] for change in changes if change.severity == BREAKING}
    assert " / ".join(str(count) for count in api_diff.summary(changes).values()) == verdicts["now"]


def test_a_report_is_for_people_machines_and_the_changelog():
    changes = [
        Change(BREAKING, "removed", "A|B", "`x` is\ngone", ("A.b",)),
        Change(DANGEROUS, "changed", "GET /x", "rate-limit: 60 -> 5", ("C.y",)),
        Change(SAFE, "added", "GET /x", "Operation added", ("C.x", "AsyncC.x")),
        Change(SAFE, "changed", "A", "type: integer -> number", ("A",)),
    ]
    text = api_diff.as_markdown(changes, ["read `this`"])
    assert "1 breaking, 1 dangerous, 2 safe." in text
    assert "| `A\\|B` | `x is gone` | `A.b` |" in text
    assert "- `read this`" in text
    data = json.loads(api_diff.as_json(changes))
    assert data["summary"] == {"breaking": 1, "dangerous": 1, "safe": 2}
    assert data["names"] == ["A", "A.b", "AsyncC.x", "C.x", "C.y"]
    assert api_diff.changelog_entry(changes) == {
        "Added": ["- `C.x` is new."],
        "Changed": ["- `C.y`: rate-limit: 60 -> 5."],
        "Removed": ["- **Breaking:** `A.b` is gone."],
    }


# The command


def test_the_command_reports_and_fails_on_a_breaking_change(tmp_path, monkeypatch, capsys):
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
    for command in (api_diff, update):
        monkeypatch.setattr(sys, "argv", ["command", "nowhere"])
        assert command.main() == 2
        (line,) = capsys.readouterr().err.splitlines()
        assert "nowhere" in line


def test_without_node_or_the_pinned_redocly_nothing_is_compared(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", os.devnull)
    with pytest.raises(load.SpecError, match="@redocly/cli, which node runs: "):
        api_diff.compare(OURS, OURS)
    monkeypatch.setattr(api_diff, "REDOCLY", tmp_path)
    for found in ("missing", "1.0.0"):
        with pytest.raises(load.SpecError, match=rf"@redocly/cli [\d.]+, which is {found}; install it with `npm ci`"):
            api_diff.compare(OURS, OURS)
        (tmp_path / "package.json").write_text('{"version": "1.0.0"}', encoding="utf-8")


def test_the_contract_lints_clean():
    command = [load.ROOT / "node_modules" / ".bin" / "redocly", "lint", "openapi.yaml"]
    finished = subprocess.run(command, cwd=load.ROOT, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stdout + finished.stderr
