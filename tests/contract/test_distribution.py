"""What users install: a wheel that runs in an environment with nothing else, built only from agreeing sources."""

import os
import subprocess
import sys
import zipfile

import pytest

from tools.mutants import copy_of_the_tree

from .checkout import write

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("CODEGEN_TEST_ALL" not in os.environ, reason="installs from the index; `make test-all`"),
]

QUICK_START = """
import sys
from codegen_ext import Agent, CodegenClient, ConfigPresets

config = ConfigPresets.testing()
config.api_token = "any"
with CodegenClient(config) as client, Agent(org_id=323, client=client) as agent:
    task = agent.run("Say hello").wait(poll_interval=0.05)
    print(task.status, task.result)
assert not {"starlette", "uvicorn", "httpx_sse", "rich", "typer"} & set(sys.modules)
"""
OLD_NAMES = """
import warnings
warnings.simplefilter("ignore")
import codegen.agents.agent, backend.api, chatserver_sdk
from backend.api import *
from importlib.metadata import packages_distributions
owners = packages_distributions()
for name in ("codegen", "backend", "claif_cod", "chatserver_sdk"):
    assert owners[name] == ["codegen-sdk-compat"], owners[name]
for name in ("codegen_ext", "codegen_api"):
    assert owners[name] == ["codegen-sdk"], owners[name]
with MockCodegenClient() as client:
    print(client.create_agent_run(323, "Hello").status)
"""


@pytest.fixture
def source(tmp_path):
    copy_of_the_tree(tmp_path / "source")
    return tmp_path / "source"


def build(source, target):
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    without_npm = {**os.environ, "PATH": os.devnull}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=without_npm)


def names_in(wheel):
    """Return the names of a wheel's files, and those of its packages."""
    names = zipfile.ZipFile(wheel).namelist()
    return set(names), {name.split("/")[0] for name in names if ".dist-info" not in name}


def test_the_wheel_runs_the_quick_start_in_an_empty_environment_and_the_old_names_beside_it(source, tmp_path):
    for folder in (source, source / "compat"):
        finished = build(folder, tmp_path)
        assert finished.returncode == 0, finished.stdout + finished.stderr
    compat, wheel = sorted(tmp_path.glob("*.whl"), key=lambda path: "compat" not in path.name)
    names, packages = names_in(wheel)
    assert packages == {"codegen_api", "codegen_ext"}
    assert {"codegen_ext/py.typed", "codegen_api/py.typed", "codegen_api/contract.json"} <= names
    names, packages = names_in(compat)
    assert packages == {"backend", "chatserver_sdk", "claif_cod", "codegen"}
    assert {"codegen/py.typed", "backend/api/py.typed"} <= names
    assert "backend/__init__.py" not in names, "it stays open to others' modules"

    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    programs = tmp_path / "venv" / "bin"
    for installed, program, printed in ((wheel, QUICK_START, "completed "), (compat, OLD_NAMES, "pending\n")):
        pip = [programs / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", installed]
        subprocess.run(pip, check=True)
        command = [programs / "python", "-c", program]
        finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
        assert finished.returncode == 0, finished.stderr
        assert finished.stdout.startswith(printed)
    with subprocess.Popen([programs / "codegen-sandbox", "--port", "0"], stdout=subprocess.PIPE) as sandbox:
        assert b"base_url" in sandbox.stdout.readline()
        sandbox.terminate()
    assert sandbox.returncode == 0


def test_what_is_stale_is_not_built(source, tmp_path):
    for name in ("openapi.yaml", "generated/codegen_api/enums.py"):
        write(source, name, f"{(source / name).read_text(encoding='utf-8')}# changed\n")
    finished = build(source, tmp_path / "dist")
    assert finished.returncode != 0
    assert "not what `make generate` writes: openapi.yaml, enums.py" in finished.stdout + finished.stderr
