"""mypy --strict and pyright agree with what users may and may not write."""

from pathlib import Path

import pytest

from .checkers import checked


@pytest.mark.slow
@pytest.mark.parametrize("name", ["mypy", pytest.param("pyright", marks=pytest.mark.node)])
def test_what_is_right_is_accepted_and_what_is_wrong_is_shown(name):
    done = checked(name, str(Path(__file__).with_name("uses.py")))
    assert done.returncode == 0, done.stdout + done.stderr
