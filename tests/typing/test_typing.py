"""mypy --strict agrees with what users may and may not write."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]


@pytest.mark.slow
def test_editors_accept_what_is_right_and_show_what_is_wrong() -> None:
    command = [sys.executable, "-m", "mypy", "--strict", "--no-pretty", "--no-error-summary", "--show-error-codes"]
    files = [str(HERE / name) for name in ("accepted.py", "refused.py")]
    done = subprocess.run([*command, *files], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    found = re.findall(r"^\S*?(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", done.stdout, re.MULTILINE)
    shown = {(name, int(line), code) for name, line, code in found}
    lines = enumerate((HERE / "refused.py").read_text().splitlines(), 1)
    wanted = {("refused.py", number, line.partition("# error: ")[2]) for number, line in lines if "# error: " in line}
    assert len(wanted) > 20
    assert shown == wanted, done.stdout
