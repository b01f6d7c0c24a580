"""Start an agent run on the bundled sandbox and watch it, from created to completed. No account is needed.

Run as `python examples/first_run.py [SECONDS]`; SECONDS is how long the run takes, 3 when left out.
"""

import sys
import time

from codegen_ext import Agent
from codegen_ext.testing import Sandbox

run_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 3.0
start = time.monotonic()


def say(kind: str, text: object) -> None:
    """Print one line with the seconds since the start."""
    print(f"{time.monotonic() - start:5.1f} s  {kind:8}  {text}", flush=True)


# The sandbox imitates the service over HTTP on a free port of this machine.
with Sandbox(run_seconds=run_seconds) as sandbox:
    sandbox.script(logs=10)  # the next run writes 10 log entries
    say("sandbox", f"listens on {sandbox.base_url}")

    # Against the real service, `Agent()` reads CODEGEN_API_TOKEN and CODEGEN_ORG_ID.
    with Agent(org_id=sandbox.org_id, token=sandbox.token, base_url=sandbox.base_url) as agent:
        task = agent.run("Add a --version option to the command line", repository="owner/repo")
        say("created", f"{task.web_url} is {task.status}")
        task.add_status_callback(lambda old, new: say("status", f"{old} -> {new}"))

        # Each log entry arrives once, as soon as it is there; the loop ends with the run.
        for entry in task.stream_logs(follow=True, poll_interval=0.5):
            task.refresh()  # looks whether the status has changed
            say("log", f"{entry.message_type}: {entry.thought or entry.observation}")

        task.raise_for_status()
        say("result", task.result)
        for artifact in task.get_artifacts():
            say("artifact", artifact["url"])
        say("finished", f"the run took {task.duration:.1f} s and {len(sandbox.requests)} HTTP requests")
