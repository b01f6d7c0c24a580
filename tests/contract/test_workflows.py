"""The GitHub workflows are thin: each step is a make target that runs here, or prepares the machine for one."""

import os
import re
import subprocess

import pytest
from ruamel.yaml import YAML

from tools import load

from .checkout import git, initialize, write

WORKFLOWS = {
    path.stem: YAML(typ="safe", pure=True).load(path) for path in (load.ROOT / ".github" / "workflows").glob("*.yml")
}
TARGETS = set(re.findall(r"^([a-z-]+):", (load.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PREPARES = {"actions/checkout", "actions/setup-python", "actions/setup-node"}
PUBLISHES = {"actions/upload-artifact", "actions/download-artifact", "pypa/gh-action-pypi-publish"}


def runs(name):
    return [step for job in WORKFLOWS[name]["jobs"].values() for step in job["steps"] if "run" in step]


@pytest.mark.parametrize("name", WORKFLOWS)
def test_every_step_is_a_make_target(name):
    assert WORKFLOWS[name].keys() <= {"name", "on", "permissions", "jobs"}
    for job in WORKFLOWS[name]["jobs"].values():
        assert job.keys() <= {"runs-on", "steps", "strategy", "if", "needs", "environment", "permissions"}
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            if "uses" in step:
                action, _, commit = step["uses"].partition("@")
                assert action in (PREPARES | PUBLISHES if name == "release" else PREPARES)
                assert re.fullmatch(r"[0-9a-f]{40}", commit), "a tag can be moved, a commit cannot"
            else:
                command, target = step["run"].split()
                assert command == "make"
                assert target in TARGETS


def test_ci_runs_what_runs_here_and_gets_the_tags():
    local = (load.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert {step["run"] for step in runs("ci")} == set(re.findall(r"^make .*", local, re.MULTILINE))
    assert WORKFLOWS["ci"]["jobs"]["check"]["steps"][0]["with"]["fetch-depth"] == 0


def test_only_the_job_that_publishes_gets_an_identity_and_a_scheduled_one_opens_pull_requests():
    assert WORKFLOWS["ci"]["permissions"] == WORKFLOWS["release"]["permissions"] == {"contents": "read"}
    jobs = {name: job.get("permissions") for name, job in WORKFLOWS["release"]["jobs"].items()}
    assert jobs == {"build": None, "publish": {"id-token": "write"}}
    upstream = WORKFLOWS["upstream"]
    assert upstream["on"]["schedule"][0]["cron"]
    assert upstream["permissions"] == {"contents": "write", "pull-requests": "write"}
    (last,) = runs("upstream")
    assert last["run"] == "make upstream-pull-request"
    assert {"FROM", "GH_TOKEN"} == last["env"].keys()


def test_the_pull_request_holds_the_update_and_the_report(tmp_path, monkeypatch):
    clone, bare = tmp_path / "clone", tmp_path / "bare"
    # A program `gh` that writes down what it was asked, and lists what `open` holds.
    write(tmp_path, "bin/gh", f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$2" != list ] || cat {tmp_path}/open\n')
    (tmp_path / "bin" / "gh").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:{os.environ['PATH']}")
    for name in ("openapi.yaml", "generated/a.py", "CHANGELOG.md", "spec/codegen.json"):
        write(clone, name, "")
    initialize(clone)
    git(clone, "init", "--quiet", "--bare", str(bare))
    git(clone, "remote", "add", "origin", str(bare))

    def asked(content, already):
        write(clone, "openapi.yaml", content)
        write(clone, "report.md", "# Changes\n")
        for name, text in (("asked", ""), ("open", already)):
            write(tmp_path, name, text)
        subprocess.run([load.ROOT / "tools" / "pull-request", "report.md"], cwd=clone, check=True, capture_output=True)
        assert not (clone / "report.md").exists()
        return "".join((tmp_path / "asked").read_text(encoding="utf-8").splitlines()[1:])

    assert asked("", "") == ""
    report = "--body-file report.md"
    assert asked("new", "") == f"pr create --head upstream-contract --title Update the contract {report}"
    assert asked("newer", "7") == f"pr edit upstream-contract {report}"
    assert git(bare, "show", "upstream-contract:openapi.yaml") == "newer"
