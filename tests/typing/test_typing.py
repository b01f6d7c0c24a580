"""mypy --strict and pyright agree with what users may and may not write."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
REFUSED = (HERE / "refused.py").read_text(encoding="utf-8").splitlines()
WANTED = {number: line.partition("# error: ")[2] for number, line in enumerate(REFUSED, 1) if "# error: " in line}
pytestmark = pytest.mark.slow


def checked(*command: str | Path) -> str:
    files = [HERE / name for name in ("accepted.py", "refused.py")]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout


def test_mypy_accepts_what_is_right_and_shows_what_is_wrong() -> None:
    shown = checked(
        sys.executable, *["-m", "mypy", "--strict", "--no-pretty", "--no-error-summary", "--show-error-codes"]
    )
    found = re.findall(r"^\S*?(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", shown, re.MULTILINE)
    assert len(WANTED) > 20
    assert {(name, int(line), code) for name, line, code in found} == {
        ("refused.py", line, code) for line, code in WANTED.items()
    }, shown


@pytest.mark.node
def test_pyright_accepts_what_is_right_and_shows_what_is_wrong() -> None:
    command = ROOT / "node_modules" / ".bin" / "pyright"
    if not command.exists() and "CODEGEN_TEST_ALL" not in os.environ:
        pytest.skip("pyright is not installed: npm ci")
    found = json.loads(checked(command, "--outputjson", "--pythonpath", sys.executable))["generalDiagnostics"]
    assert {(Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in found} == {
        ("refused.py", line) for line in WANTED
    }, found
