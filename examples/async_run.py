"""Start three agent runs at once on the bundled sandbox and wait for all of them; one of them fails.

Run as `python examples/async_run.py [SECONDS]`; SECONDS is how long each run takes, 2 when left out.
"""

import asyncio
import sys

from codegen_ext import AsyncAgent, AsyncTask, TaskError
from codegen_ext.testing import Sandbox

run_seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 2.0

PROMPTS = [
    "Write the release notes",
    "Find the flaky test",
    "Upgrade the linter [[outcome=failed result='No such version']]",  # tells the sandbox how this run ends
]


async def follow(agent: AsyncAgent, prompt: str) -> AsyncTask:
    """Create a run, print each change of its status, and return it when it has ended."""
    task = await agent.run(prompt)
    print(f"run {task.id} created: {prompt.partition(' [[')[0]}", flush=True)
    task.add_status_callback(lambda old, new: print(f"run {task.id} {old} -> {new}", flush=True))
    return await task.wait(poll_interval=0.5, timeout=30)


async def main() -> None:
    """Follow all prompts at once."""
    with Sandbox(run_seconds=run_seconds) as sandbox:
        async with AsyncAgent(sandbox.org_id, sandbox.token, sandbox.base_url) as agent:
            tasks = await asyncio.gather(*(follow(agent, prompt) for prompt in PROMPTS))
        for task in tasks:
            try:
                task.raise_for_status()
                print(f"run {task.id} result: {task.result}")
            except TaskError as error:
                print(f"run {error.task_id} error: {task.error}")


asyncio.run(main())
