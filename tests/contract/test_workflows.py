"""The GitHub workflows are thin: each step is a make target that runs here, or prepares the machine for one."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from tools import load as documents

from .checkout import make as run_make
from .checkout import without_npm
from .repositories import git, make, write

WORKFLOWS = sorted((documents.ROOT / ".github" / "workflows").glob("*.yml"))
TARGETS = set(re.findall(r"^([a-z-]+):", (documents.ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
PREPARES = {"actions/checkout", "actions/setup-python", "actions/setup-node"}
PUBLISHES = {"actions/upload-artifact", "actions/download-artifact", "pypa/gh-action-pypi-publish"}


def load(path: Path) -> dict[str, Any]:
    return YAML(typ="safe", pure=True).load(path)


def named(name: str) -> dict[str, Any]:
    return load(documents.ROOT / ".github" / "workflows" / name)


def steps(workflow: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in workflow["jobs"].values() for step in job["steps"]]


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_step_is_a_make_target(path: Path) -> None:
    workflow = load(path)
    assert workflow.keys() <= {"name", "on", "permissions", "jobs"}
    for job in workflow["jobs"].values():
        assert job.keys() <= {"runs-on", "steps", "strategy", "if", "needs", "environment", "permissions"}
        for step in job["steps"]:
            assert ("run" in step) != ("uses" in step)
            if "uses" in step:
                action, _, commit = step["uses"].partition("@")
                assert action in (PREPARES | PUBLISHES if path.name == "release.yml" else PREPARES)
                assert re.fullmatch(r"[0-9a-f]{40}", commit), "a tag can be moved, a commit cannot"
            else:
                command, target = step["run"].split()
                assert command == "make"
                assert target in TARGETS


def test_ci_runs_what_runs_here_and_gets_the_tags() -> None:
    run = {step["run"] for step in steps(named("ci.yml")) if "run" in step}
    local = (documents.ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert run == {line for line in local.splitlines() if line.startswith("make ")}
    assert named("ci.yml")["jobs"]["check"]["steps"][0]["with"]["fetch-depth"] == 0


def test_only_the_job_that_publishes_gets_an_identity_and_a_scheduled_one_opens_pull_requests() -> None:
    contents = {"contents": "read"}
    assert named("ci.yml")["permissions"] == named("release.yml")["permissions"] == contents
    jobs = {name: job.get("permissions") for name, job in named("release.yml")["jobs"].items()}
    assert jobs == {"build": None, "publish": {"id-token": "write"}}
    upstream = named("upstream.yml")
    assert upstream["on"]["schedule"][0]["cron"]
    assert upstream["permissions"] == {"contents": "write", "pull-requests": "write"}
    (last,) = (step for step in steps(upstream) if "run" in step)
    assert last["run"] == "make upstream-pull-request"
    assert {"FROM", "GH_TOKEN"} == last["env"].keys()


# The targets


@pytest.fixture
def makefile(tmp_path: Path) -> Path:
    """The Makefile in a folder without what npm installs."""
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / ".installed").touch()
    for name in ("Makefile", "package-lock.json"):
        shutil.copy(documents.ROOT / name, tmp_path)
    return tmp_path


def refused(folder: Path, *arguments: str, **environment: str) -> str:
    finished = run_make(folder, *arguments, **environment)
    assert finished.returncode != 0
    (line,) = (line for line in finished.stderr.splitlines() if not line.startswith("make"))
    return line


@pytest.mark.parametrize("target", ["diff-spec", "update-spec"])
def test_without_npm_documents_are_not_compared(target: str, makefile: Path) -> None:
    line = refused(makefile, target, "OLD=HEAD", "FROM=x.json", PATH=without_npm(makefile))
    assert line == "contracts are compared by redocly, which npm installs; install npm"


@pytest.mark.parametrize("target", ["check", "dist", "generate", "test"])
def test_nothing_else_needs_npm(target: str, makefile: Path) -> None:
    assert re.search(r"\b(npm|npx|node)\b", run_make(makefile, "-n", target).stdout) is None


@pytest.mark.parametrize("target", ["update-spec", "diff-spec", "release"])
def test_a_target_says_what_it_needs(target: str, makefile: Path) -> None:
    write(makefile, "node_modules/.package-lock.json", "{}")
    assert f"make {target} " in refused(makefile, target)


# The pull request


@pytest.fixture
def remote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with a remote, and a program `gh` that writes down what it was asked."""
    clone, bare, tools = tmp_path / "clone", tmp_path / "bare", tmp_path / "bin"
    make(clone, monkeypatch)
    git(clone, "init", "--quiet", "--bare", str(bare))
    git(clone, "remote", "add", "origin", str(bare))
    tools.mkdir()
    (tools / "gh").write_text(
        f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\n[ "$2" != list ] || cat {tmp_path}/open\n', encoding="utf-8"
    )
    (tools / "gh").chmod(0o755)
    (tmp_path / "open").touch()
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    (clone / "report.md").write_text("# Changes\n", encoding="utf-8")
    return clone


def pull_request(clone: Path) -> list[str]:
    script = documents.ROOT / "tools" / "pull-request"
    subprocess.run([script, "report.md"], cwd=clone, check=True, capture_output=True)
    asked = clone.parent / "asked"
    return asked.read_text(encoding="utf-8").splitlines() if asked.exists() else []


@pytest.mark.parametrize(
    ("already", "asked"),
    [
        ("", "pr create --head upstream-contract --title Update the contract --body-file report.md"),
        ("7", "pr edit upstream-contract --body-file report.md"),
    ],
)
def test_the_pull_request_holds_the_update_and_the_report(already: str, asked: str, remote: Path) -> None:
    write(remote, "openapi.yaml", "changed")
    write(remote, "spec/codegen.json", "{}")
    (remote.parent / "open").write_text(already, encoding="utf-8")
    assert pull_request(remote)[1] == asked
    command = ["git", "show", "upstream-contract:openapi.yaml"]
    assert subprocess.check_output(command, cwd=remote.parent / "bare") == b"changed"


def test_without_a_change_there_is_no_pull_request(remote: Path) -> None:
    assert pull_request(remote) == []
    assert not (remote / "report.md").exists()
