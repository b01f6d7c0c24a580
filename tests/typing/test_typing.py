"""mypy --strict and pyright, which users' editors have, agree with what users may and may not write."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PYRIGHT = ROOT / "node_modules" / ".bin" / "pyright"
COMMANDS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict"],
    "pyright": [str(PYRIGHT), "--pythonpath", sys.executable],
}
checkers = pytest.mark.parametrize("name", ["mypy", pytest.param("pyright", marks=pytest.mark.node)])


def checked(name, *arguments, cwd=ROOT):
    """Run mypy or pyright; skip pyright where npm has not installed it, unless all tests are wanted."""
    if name == "pyright" and not PYRIGHT.exists() and "CODEGEN_TEST_ALL" not in os.environ:
        pytest.skip("pyright is not installed: npm ci")
    return subprocess.run([*COMMANDS[name], *arguments], cwd=cwd, capture_output=True, text=True, check=False)


@checkers
@pytest.mark.slow
def test_what_is_right_is_accepted_and_what_is_wrong_is_shown(name):
    done = checked(name, str(Path(__file__).with_name("uses.py")))
    assert done.returncode == 0, done.stdout + done.stderr
