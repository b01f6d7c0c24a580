"""mypy --strict and pyright agree with what users may and may not write."""

import json
import re
from pathlib import Path

import pytest

from .checkers import checked

FILES = [str(Path(__file__).with_name(name)) for name in ("accepted.py", "refused.py")]
REFUSED = Path(FILES[1]).read_text(encoding="utf-8").splitlines()
WANTED = {number: line.partition("# error: ")[2] for number, line in enumerate(REFUSED, 1) if "# error: " in line}
pytestmark = pytest.mark.slow


def test_mypy_accepts_what_is_right_and_shows_what_is_wrong() -> None:
    shown = checked("mypy", "--no-pretty", "--no-error-summary", "--show-error-codes", *FILES).stdout
    found = re.findall(r"^\S*?(\w+\.py):(\d+): error: .*\[([\w-]+)\]$", shown, re.MULTILINE)
    assert len(WANTED) > 20
    assert {(name, int(line), code) for name, line, code in found} == {
        ("refused.py", line, code) for line, code in WANTED.items()
    }, shown


@pytest.mark.node
def test_pyright_accepts_what_is_right_and_shows_what_is_wrong() -> None:
    found = json.loads(checked("pyright", "--outputjson", *FILES).stdout)["generalDiagnostics"]
    assert {(Path(item["file"]).name, item["range"]["start"]["line"] + 1) for item in found} == {
        ("refused.py", line) for line in WANTED
    }, found
