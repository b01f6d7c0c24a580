"""Run the measurements that are named, or all that take seconds, and print a table of each.

    python -m benchmarks [imports decoding calls limits codex bulk sandbox waiting streams]

`streams` and the larger rows of `waiting` take minutes: `python -m benchmarks.waiting 1000 5000`.
"""

import sys
from importlib import import_module

NAMES = ("imports", "decoding", "calls", "limits", "codex", "bulk", "sandbox", "waiting")

print(f"{'measurement':44} {'base µs':>9} {'ours µs':>9} {'ratio':>7}", flush=True)
for name in sys.argv[1:] or NAMES:
    module = import_module(f"benchmarks.{name}")
    for line in module.report((1, 10, 100)) if name == "waiting" else module.report():
        print(line, flush=True)
