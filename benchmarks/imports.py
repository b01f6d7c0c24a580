"""What the first import costs, each in a fresh interpreter."""

from __future__ import annotations

import compileall
import statistics
import subprocess
import sys
from collections.abc import Iterator

from benchmarks.measure import row

# httpx imports its command line where click and rich are installed, which an installation of the package alone lacks.
PREPARE = (
    "import sys, time; sys.modules.update(dict.fromkeys(('click', 'rich', 'pygments'))); start = time.process_time()"
)


def report(rounds: int = 15) -> Iterator[str]:
    """Yield the lines of the report."""
    # As an installer does; a checkout may never have been compiled.
    for package in ("codegen_ext", "generated"):
        compileall.compile_dir(package, quiet=2)
    bare = "import httpx"
    ours = "from codegen_ext import Agent, CodegenClient"
    pairs = [(_seconds(bare), _seconds(ours)) for _ in range(rounds)]
    ratio = statistics.median(second / first for first, second in pairs)
    yield row(
        "import Agent, CodegenClient / import httpx", min(a for a, _ in pairs), min(b for _, b in pairs), ratio, 1.25
    )


def _seconds(statement: str) -> float:
    code = f"{PREPARE}; {statement}; print(time.process_time() - start)"
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(finished.stdout)
