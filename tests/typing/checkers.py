"""The type checkers that users' editors have."""

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


def checked(name: str, *arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    """Run mypy or pyright; skip pyright where npm has not installed it, unless all tests are wanted."""
    if name == "pyright" and not PYRIGHT.exists() and "CODEGEN_TEST_ALL" not in os.environ:
        pytest.skip("pyright is not installed: npm ci")
    return subprocess.run([*COMMANDS[name], *arguments], cwd=cwd, capture_output=True, text=True, check=False)
