"""What users install: a wheel that runs in an environment with nothing else, built only from agreeing sources."""

import os
import subprocess
import sys
import zipfile

import pytest

from .checkout import copy_sources, write

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


def build(source, target):
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), str(source)]
    without_npm = {**os.environ, "PATH": os.devnull}
    return subprocess.run(command, capture_output=True, text=True, check=False, env=without_npm)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source, target = copy_sources(tmp_path_factory.mktemp("source")), tmp_path_factory.mktemp("dist")
    finished = build(source, target)
    assert finished.returncode == 0, finished.stdout + finished.stderr
    return next(target.glob("*.whl"))


def installed(folder, *wheels):
    """Install wheels into an environment with nothing else, and return the folder of its programs."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    command = [folder / "bin" / "python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *wheels]
    subprocess.run(command, check=True)
    return folder / "bin"


def test_the_wheel_runs_the_quick_start_in_an_empty_environment(wheel, tmp_path):
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names if ".dist-info" not in name} == {"codegen_api", "codegen_ext"}
    assert {"codegen_ext/py.typed", "codegen_api/py.typed", "codegen_api/contract.json"} <= set(names)
    programs = installed(tmp_path / "venv", wheel)
    command = [programs / "python", "-c", QUICK_START]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert finished.returncode == 0, finished.stderr
    assert finished.stdout.startswith("completed ")
    with subprocess.Popen([programs / "codegen-sandbox", "--port", "0"], stdout=subprocess.PIPE) as sandbox:
        assert sandbox.stdout is not None
        assert b"base_url" in sandbox.stdout.readline()
        sandbox.terminate()
    assert sandbox.returncode == 0


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


def test_the_old_names_are_a_distribution_of_their_own(wheel, tmp_path):
    copy_sources(tmp_path / "source")
    finished = build(tmp_path / "source" / "compat", tmp_path / "dist")
    assert finished.returncode == 0, finished.stdout + finished.stderr
    compat = next((tmp_path / "dist").glob("*.whl"))
    names = zipfile.ZipFile(compat).namelist()
    tops = {name.split("/")[0] for name in names if ".dist-info" not in name}
    assert tops == {"backend", "chatserver_sdk", "claif_cod", "codegen"}
    assert {"codegen/py.typed", "backend/api/py.typed"} <= set(names)
    assert "backend/__init__.py" not in names, "it stays open to others' modules"
    python = installed(tmp_path / "venv", wheel, compat) / "python"
    finished = subprocess.run([python, "-c", OLD_NAMES], capture_output=True, text=True, check=False, cwd=tmp_path)
    assert (finished.returncode, finished.stdout) == (0, "pending\n"), finished.stderr


def test_what_is_stale_is_not_built(tmp_path):
    source = copy_sources(tmp_path / "source")
    for name in ("openapi.yaml", "generated/codegen_api/enums.py"):
        write(source, name, f"{(source / name).read_text(encoding='utf-8')}# changed\n")
    finished = build(source, tmp_path / "dist")
    assert finished.returncode != 0
    assert "not what `make generate` writes: openapi.yaml, enums.py" in finished.stdout + finished.stderr
