"""The commands: each asks an `AsyncAgent`, because a task can be cancelled at its time-out and a thread cannot.

Results go to stdout, everything else to stderr.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer

from .._async.agent import AsyncAgent
from .._async.task import AsyncTask
from .._version import __version__
from ..errors import CodegenAPIError
from . import output

PAUSED, TIMED_OUT, INTERRUPTED = 3, 124, 130

app = typer.Typer(
    help="Start agent runs, follow them, and read their results. CODEGEN_API_TOKEN holds the token.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

RunId = Annotated[str, typer.Argument(metavar="ID", help="The number of the run.")]
Prompt = Annotated[str, typer.Argument(help="What the agent is to do; - reads it from standard input.")]
Image = Annotated[list[Path] | None, typer.Option(help="A picture to show the agent; may be repeated.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the log.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for the end.")]
Timeout = Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="How long to wait; then exit with 124.")]
Cancel = Annotated[bool, typer.Option("--cancel-on-timeout", help="Stop the run when the time is over.")]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Org = Annotated[str | None, typer.Option("--org", metavar="ID", help="The organisation; default CODEGEN_ORG_ID.")]
BaseUrl = Annotated[str | None, typer.Option(help="Address of the service; default CODEGEN_BASE_URL.")]


def _show_version(wanted: bool) -> None:
    if wanted:
        output.write(f"codegen-sdk {__version__}")
        raise typer.Exit


@app.callback()
def _program(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version.")
    ] = False,
) -> None:
    pass


@app.command()
def run(
    prompt: Prompt,
    repo: Annotated[str | None, typer.Option(metavar="OWNER/REPO", help="The repository to work on.")] = None,
    branch: Annotated[str | None, typer.Option(help="The branch to work on.")] = None,
    image: Image = None,
    model: Annotated[str | None, typer.Option(help="The language model.")] = None,
    priority: Annotated[str | None, typer.Option(help="One of low, normal, high, urgent.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find the run by; may be repeated.")] = None,
    detach: Detach = False,
    timeout: Timeout = None,
    cancel_on_timeout: Cancel = False,
    quiet: Quiet = False,
    json: Json = False,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Create a run, show its log while it works, and print its result."""

    async def work(agent: AsyncAgent) -> None:
        options: dict[str, Any] = {"repository": repo, "branch": branch, "model": model, "priority": priority}
        task = await agent.run(_text(prompt), images=image, tags=tag, **options)
        output.note(f"run {task.id}: {task.web_url or 'created'}")
        if detach:
            output.started(task, json)
        else:
            await _finish(task, 0, timeout, cancel_on_timeout, quiet, json)

    _perform(work, org, base_url)


@app.command()
def resume(
    run_id: RunId,
    prompt: Prompt,
    image: Image = None,
    detach: Detach = False,
    timeout: Timeout = None,
    cancel_on_timeout: Cancel = False,
    quiet: Quiet = False,
    json: Json = False,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Give a paused or ended run a further prompt, and follow it like a new one."""

    async def work(agent: AsyncAgent) -> None:
        task = await agent.get_task(run_id)
        page = await agent.client.get_agent_run_logs(task.org_id, task.id, limit=1)
        await task.resume(_text(prompt), image)
        if detach:
            output.started(task, json)
        else:
            await _finish(task, page.total_logs or 0, timeout, cancel_on_timeout, quiet, json)

    _perform(work, org, base_url)


@app.command()
def wait(
    run_id: RunId,
    timeout: Timeout = None,
    cancel_on_timeout: Cancel = False,
    json: Json = False,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Wait for the end of a run and print its result."""

    async def work(agent: AsyncAgent) -> None:
        await _finish(await agent.get_task(run_id), 0, timeout, cancel_on_timeout, quiet=True, as_json=json)

    _perform(work, org, base_url)


@app.command()
def logs(
    run_id: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    json: Json = False,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Print the log of a run, oldest entry first; with --json one object a line."""

    async def work(agent: AsyncAgent) -> None:
        task = await agent.get_task(run_id)
        async for entry in task.stream_logs(follow):
            output.write(output.json_line(entry.dict()) if json else output.log_line(entry))

    _perform(work, org, base_url)


@app.command()
def status(run_id: RunId, json: Json = False, org: Org = None, base_url: BaseUrl = None) -> None:
    """Print the state of a run."""

    async def work(agent: AsyncAgent) -> None:
        output.state(await agent.get_task(run_id), json)

    _perform(work, org, base_url)


@app.command()
def cancel(run_id: RunId, json: Json = False, org: Org = None, base_url: BaseUrl = None) -> None:
    """Stop a run; the checks of its pull requests are banned with it."""

    async def work(agent: AsyncAgent) -> None:
        output.state(await (await agent.get_task(run_id)).cancel(), json)

    _perform(work, org, base_url)


@app.command("list")
def list_runs(
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 10,
    json: Json = False,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """List the newest runs: id, status, creation, address; separated by tabs where nobody looks."""

    async def work(agent: AsyncAgent) -> None:
        output.listing(await agent.list_tasks(limit), json)

    _perform(work, org, base_url)


def _text(prompt: str) -> str:
    return sys.stdin.read() if prompt == "-" else prompt


def _perform(work: Callable[[AsyncAgent], Awaitable[None]], org: str | None, base_url: str | None) -> None:
    async def with_agent() -> None:
        async with AsyncAgent(org, base_url=base_url) as agent:
            await work(agent)

    try:
        asyncio.run(with_agent())
    except KeyboardInterrupt:
        output.note("interrupted; a run that was created goes on")
        raise typer.Exit(INTERRUPTED) from None


async def _finish(
    task: AsyncTask, skip: int, timeout: float | None, cancel_on_timeout: bool, quiet: bool, as_json: bool
) -> None:
    """Follow a run to its end, print its result, and exit with what it came to."""
    try:
        async with asyncio.timeout(timeout):
            if quiet:
                await task.wait()
            else:
                await _show_log(task, skip)
    except TimeoutError as error:
        if isinstance(error, CodegenAPIError):
            raise
        await _give_up(task, timeout, cancel_on_timeout)
    output.outcome(task, as_json)
    if task.status == "paused":
        raise typer.Exit(PAUSED)
    if task.status != "completed":
        raise typer.Exit(1)


async def _show_log(task: AsyncTask, skip: int) -> None:
    number = 0
    async with aclosing(task.stream_logs()) as entries:  # type: ignore[type-var]
        async for entry in entries:
            number += 1
            if number > skip:
                output.note(output.log_line(entry))


async def _give_up(task: AsyncTask, timeout: float | None, cancel: bool) -> None:
    if cancel:
        await task.cancel()
    what = "it was stopped" if cancel else f"it goes on; `codegen-sdk wait {task.id}` waits again"
    output.note(f"run {task.id} did not end within {timeout:g} s; {what}")
    raise typer.Exit(TIMED_OUT)
