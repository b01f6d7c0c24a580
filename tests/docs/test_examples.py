"""The examples run as programs of their own, over real HTTP, and print what they promise."""

import re
import subprocess
import sys

import pytest

from .pages import ROOT

# Applications are started and called in tests/integrations.
EXAMPLES = sorted(path.name for path in (ROOT / "examples").glob("*.py") if not path.stem.endswith("_app"))
EXPECTED = {
    "first_run.py": [
        r"listens on http://127\.0\.0\.1:\d+",
        r"created .* is pending",
        r"log +USER_MESSAGE: Add a --version option",
        r"log +ACTION: Step 1",
        r"log +FINAL_ANSWER: The task is done\.",
        r"result +Done: Add a --version option to the command line",
        r"the run took \d+\.\d s and \d+ HTTP requests",
    ],
    "async_run.py": [
        r"run \d created: ",
        r"run \d .*-> completed\n",
        r"run \d result: Done: Write the release notes\n",
        r"run \d result: Done: Find the flaky test\n",
        r"run \d error: No such version\n",
    ],
}


def test_every_example_has_expectations():
    assert sorted(EXPECTED) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example(name):
    command = [sys.executable, "-W", "error", str(ROOT / "examples" / name), "0.15"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (finished.returncode, finished.stderr) == (0, "")
    position = 0
    for pattern in EXPECTED[name]:
        found = re.compile(pattern).search(finished.stdout, position)
        assert found, f"{pattern} is missing after {finished.stdout[:position]!r} in\n{finished.stdout}"
        position = found.end()
    if name == "first_run.py":
        assert re.findall(r"status +\w+ -> (\w+)\n", finished.stdout)[-1] == "completed"
