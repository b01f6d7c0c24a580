"""Seed faults into the code, one at a time, and tell which the tests of its room catch.

Run by `make mutants [ROOM=name]`. `tests/mutants.toml` lists the faults: each replaces one piece of text that stands
exactly once in its file. A fault that no test catches is a missing test.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
TABLE = ROOT / "tests" / "mutants.toml"
SECONDS = 300


def copy_of_the_tree(target: Path) -> None:
    """Copy what git knows of the working tree."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout.decode()
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)


def fails(tree: Path, tests: list[str]) -> bool:
    """Run the tests, the fast ones first, and return whether one fails; an end that does not come counts as failing."""
    environment = {**os.environ, "PYTHONPATH": f"{tree}{os.pathsep}{tree / 'generated'}"}
    for chosen in ("not slow", "slow"):
        command = [sys.executable, "-m", "pytest", "-q", "-x", "-n", "2", "-p", "no:cacheprovider", "-m", chosen]
        try:
            done = subprocess.run(
                [*command, *tests], cwd=tree, env=environment, capture_output=True, timeout=SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            return True
        if done.returncode not in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
            return True
    return False


def is_caught(tree: Path, fault: dict[str, str], tests: list[str]) -> bool:
    """Run the tests of a room with one fault in place."""
    path = tree / fault["file"]
    text = path.read_text(encoding="utf-8")
    if text.count(fault["old"]) != 1:
        sys.exit(f"{fault['file']}: {fault['old']!r} stands there {text.count(fault['old'])} times, not once")
    path.write_text(text.replace(fault["old"], fault["new"]), encoding="utf-8")
    try:
        if "/_async/" in fault["file"]:
            subprocess.run([sys.executable, "-m", "tools.make_sync"], cwd=tree, check=True)
        return fails(tree, tests)
    finally:
        path.write_text(text, encoding="utf-8")
        if "/_async/" in fault["file"]:
            subprocess.run([sys.executable, "-m", "tools.make_sync"], cwd=tree, check=True)


def main() -> None:
    """Try the faults of the rooms that the arguments name, or all."""
    table = tomllib.loads(TABLE.read_text(encoding="utf-8"))
    wanted = sys.argv[1:] or list(table)
    survivors = []
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        copy_of_the_tree(tree)
        for room in wanted:
            faults = table[room]["faults"]
            if fails(tree, table[room]["tests"]):
                sys.exit(f"{room}: its tests fail without a fault")
            caught = 0
            for fault in faults:
                if is_caught(tree, fault, table[room]["tests"]):
                    caught += 1
                else:
                    survivors.append(f"{room}: {fault['file']}: {fault['old']!r} -> {fault['new']!r}")
            print(f"{room}: {caught} of {len(faults)} caught", flush=True)
    sys.exit("\n".join(["not caught:", *survivors]) if survivors else 0)


if __name__ == "__main__":
    main()
