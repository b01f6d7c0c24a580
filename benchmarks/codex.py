"""What a completion over the running app-server costs beside one `codex exec` per call, as other wrappers do it."""

from __future__ import annotations

import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.codex.responses import Responses
from tests.support.programs import find_codex

CALLS = 15
KEY = "benchmark"


def report() -> Iterator[str]:
    """Yield the lines of the report."""
    program = find_codex()
    if program is None:
        yield "codex: skipped, the Codex CLI is missing (make codex)"
        return
    from codegen_ext import CodexClient
    from codegen_ext.codex.command import Command

    messages = [{"role": "user", "content": "hi"}]
    with Responses() as service, tempfile.TemporaryDirectory() as folder:
        settings = {"codex_path": program, "codex_home": folder, "base_url": service.base_url, "api_key": KEY}
        cli = Command(**settings, max_retries=0, start_timeout=30)
        native, options = cli.executable(), cli.arguments()
        command = [native, "exec", "--json", "--skip-git-repo-check", "-m", "gpt-5", *options, "hi"]
        environment = cli.environment(folder)
        with CodexClient(
            KEY, program, folder, "gpt-5", base_url=service.base_url, max_retries=0, approval_policy="never"
        ) as client:

            def complete() -> object:
                return client.chat.completions.create(messages=messages)

            def execute() -> object:
                return subprocess.run(
                    command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, check=True
                )

            complete()
            execute()
            server = client.server_pid
            assert server is not None
            # The two take turns, so that whatever else the machine does disturbs both.
            pairs = [
                (_measure(execute, _of_children), _measure(complete, lambda: _of_process(server) + time.process_time()))
                for _ in range(CALLS)
            ]
    for at, what in enumerate(("wall", "CPU of CLI and client")):
        base = statistics.median(pair[0][at] for pair in pairs)
        ours = statistics.median(pair[1][at] for pair in pairs)
        name = f"completion, {what} / codex exec"
        yield f"{name:44} {base * 1e6:9.1f} {ours * 1e6:9.1f} {ours / base:7.2f}  "


def _measure(function: Callable[[], object], cpu: Callable[[], float]) -> tuple[float, float]:
    start, used = time.perf_counter(), cpu()
    function()
    return time.perf_counter() - start, cpu() - used


def _of_children() -> float:
    times = os.times()
    return times.children_user + times.children_system + time.process_time()


def _of_process(pid: int) -> float:
    """Return the CPU seconds of a process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
