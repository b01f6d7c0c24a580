"""The GitHub workflows are thin: each step is a make target that runs here, or prepares the machine for one."""

import re
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools.contract import document

WORKFLOWS = sorted((document.ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (document.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PREPARES = {"actions/checkout", "actions/setup-python", "actions/setup-node"}


def load(path: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(path)


def named(name: str) -> dict[str, Any]:
    return load(document.ROOT / ".github" / "workflows" / name)


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_is_a_make_target(path: Path) -> None:
    workflow = load(path)
    assert workflow.keys() <= {"name", "on", "permissions", "jobs"}
    for job in workflow["jobs"].values():
        assert job.keys() <= {"runs-on", "steps", "strategy", "if"}
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            if "uses" in step:
                assert step["uses"].partition("@")[0] in PREPARES
            else:
                command, target = step["run"].split()
                assert command == "make"
                assert target in TARGETS


def test_ci_runs_what_runs_here() -> None:
    run = {step["run"] for step in steps(named("ci.yml")) if "run" in step}
    local = (document.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert run == {line for line in local.splitlines() if line.startswith("make ")}
    assert named("ci.yml")["permissions"] == {"contents": "read"}


def test_the_check_gets_the_tags() -> None:
    checkout = named("ci.yml")["jobs"]["check"]["steps"][0]
    assert checkout["with"]["fetch-depth"] == 0


def test_a_scheduled_one_opens_a_pull_request() -> None:
    workflow = named("upstream.yml")
    assert workflow["on"]["schedule"][0]["cron"]
    assert workflow["permissions"] == {"contents": "write", "pull-requests": "write"}
    (last,) = (step for step in steps(workflow) if "run" in step)
    assert last["run"] == "make upstream-pull-request"
    assert {"FROM", "GH_TOKEN"} == last["env"].keys()
