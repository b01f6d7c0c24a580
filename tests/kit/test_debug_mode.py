"""Debug mode as seed 1 shows it: a program that sees a line for each request and each response, and no secret."""

import os
import re
import subprocess
import sys

import pytest

from codegen_ext.testing import Sandbox

from ..conftest import TOKEN

PROGRAM = """
import logging
logging.basicConfig(level=logging.DEBUG, format="%(name)s %(levelname)s %(message)s")

from codegen_ext import CodegenClient, CodegenConfig, NotFoundError

with CodegenClient(CodegenConfig({settings})) as client:
    client.get_current_user()
    client.create_agent_run(323, "a prompt with password=hunter2-hunter2")
    try:
        client.get_agent_run(323, 99)
    except NotFoundError:
        pass
"""


def logged(settings: str, **environment: str) -> list[str]:
    """Run the program on a sandbox, and return what our logger wrote to the error stream."""
    with Sandbox(rate_limits=False, run_seconds=0, token=TOKEN) as sandbox:
        names = {"CODEGEN_BASE_URL": sandbox.base_url, "CODEGEN_API_TOKEN": TOKEN, **environment}
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM.format(settings=settings)],
            env={**os.environ, **names},
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stderr
    assert TOKEN not in done.stderr
    assert "hunter2-hunter2" not in done.stderr
    return [line.partition(" ")[2] for line in done.stderr.splitlines() if line.startswith("codegen_ext ")]


@pytest.mark.parametrize(
    ("settings", "environment"),
    [('log_level="DEBUG", log_responses=True', {}), ("", {"CODEGEN_LOG_LEVEL": "DEBUG"})],
    ids=["arguments", "environment"],
)
def test_a_line_for_each_request_and_each_response(settings: str, environment: dict[str, str]) -> None:
    lines = logged(settings, **environment)
    operations = ["GET get_current_user", "POST create_agent_run", "GET get_agent_run"]
    for operation, status in zip(operations, (200, 200, 404), strict=True):
        requests = [line for line in lines if re.match(rf"DEBUG {operation}\b(?! ->)", line)]
        responses = [line for line in lines if line.startswith(f"DEBUG {operation} -> {status} in ")]
        assert (len(requests), len(responses)) == (1, 1), lines
    assert len(lines) == 6
    text = "\n".join(lines)
    assert ('"octocat"' in text, "password=[redacted]" in text) == (bool(settings), bool(settings)), "bodies if asked"


def test_nothing_at_other_levels() -> None:
    assert logged("") == []
