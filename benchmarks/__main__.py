"""Run every measurement and print one table."""

from benchmarks import cache, calls, codex, imports

print(f"{'measurement':44} {'base µs':>9} {'ours µs':>9} {'ratio':>7}")
for report in (imports.report, calls.report, cache.report, codex.report):
    for line in report():
        print(line, flush=True)
