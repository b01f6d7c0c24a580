"""The commands; each uses an `AsyncAgent`, because a task can be cancelled at its time-out and a thread cannot."""

import asyncio
import inspect
import logging
import math
import sys
import webbrowser
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer
from codegen_api.operations import OPERATIONS

from .. import AsyncAgent, AsyncChatServerClient, AsyncCodegenClient, AsyncTask, CodegenAPIError, ValidationError
from .._version import __version__
from ..changes import KnownRuns
from ..run_watch import is_settled
from . import INTERRUPTED, operations, output

FAILED, PAUSED, TIMED_OUT = 1, 3, 124
SHOWN = 20
"""Runs in the table of `watch`."""

app = typer.Typer(
    help="Start agent runs, follow them, and read their results. CODEGEN_API_TOKEN holds the token.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and so secrets
)


def _finite(seconds: float | None) -> float | None:
    if seconds is not None and not math.isfinite(seconds):  # which typer's bounds let through
        raise typer.BadParameter("expected a number of seconds")
    return seconds


RunId = Annotated[str, typer.Argument(metavar="ID", help="The number of the run.")]
Prompt = Annotated[str, typer.Argument(help="The prompt for the agent; - reads it from standard input.")]
Image = Annotated[list[Path] | None, typer.Option(help="An image for the agent; may be repeated.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the log.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for the end.")]
Timeout = Annotated[
    float | None,
    typer.Option(min=0, callback=_finite, metavar="SECONDS", help="How long to wait; then exit with 124."),
]
Cancel = Annotated[bool, typer.Option("--cancel-on-timeout", help="Stop the run when the time is over.")]
Web = Annotated[bool, typer.Option("--web", help="Open the page of the run in the browser.")]
Repository = Annotated[
    str | None, typer.Option("--repository", "--repo", metavar="OWNER/REPO", help="The repository of the run.")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Org = Annotated[str | None, typer.Option("--org", metavar="ID", help="The organization; default CODEGEN_ORG_ID.")]
BaseUrl = Annotated[str | None, typer.Option(help="Address of the service; default CODEGEN_BASE_URL.")]


@app.callback()
def _program(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    if version:  # beside a command; alone it needs none of this
        output.write(f"codegen-sdk {__version__}")
        raise typer.Exit


def _command(work: Callable[..., Awaitable[None]], name: str = "") -> None:
    """Register a coroutine function as a command; its first argument is the agent of --org and --base-url."""

    async def with_agent(org: Org = None, base_url: BaseUrl = None, **arguments: Any) -> None:
        async with AsyncAgent(org, base_url=base_url) as agent:
            await work(agent, **arguments)

    def command(**arguments: Any) -> None:
        if arguments.get("prompt") == "-":
            arguments["prompt"] = _read_prompt()  # here, where Ctrl-C ends it: a running loop would only note it
        _perform(with_agent(**arguments))

    _, *own = inspect.signature(work).parameters.values()
    parameters = [*own, *list(inspect.signature(with_agent).parameters.values())[:2]]
    # typer looks at both.
    command.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    command.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    app.command(name or work.__name__, help=inspect.getdoc(work))(command)


@_command
async def run(
    agent: AsyncAgent,
    prompt: Prompt,
    repository: Repository = None,
    branch: Annotated[str | None, typer.Option(help="The branch to work on.")] = None,
    image: Image = None,
    model: Annotated[str | None, typer.Option(help="The language model.")] = None,
    priority: Annotated[str | None, typer.Option(help="One of low, normal, high, urgent.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A word to find the run by; may be repeated.")] = None,
    detach: Detach = False,
    timeout: Timeout = None,
    cancel_on_timeout: Cancel = False,
    quiet: Quiet = False,
    web: Web = False,
    json: Json = False,
) -> None:
    """Create a run, show its log while it works, and print its result."""
    options: dict[str, Any] = {"repository": repository, "branch": branch, "model": model, "priority": priority}
    task = await agent.run(prompt, images=image, tags=tag, **options)
    output.note(f"run {task.id}: {task.web_url or 'created'}")
    if web:
        _open(task)
    if detach:
        output.created(task, json)
    else:
        await _finish(task, 0, timeout, cancel_on_timeout, quiet, json)


@_command
async def resume(
    agent: AsyncAgent,
    run_id: RunId,
    prompt: Prompt,
    image: Image = None,
    detach: Detach = False,
    timeout: Timeout = None,
    cancel_on_timeout: Cancel = False,
    quiet: Quiet = False,
    json: Json = False,
) -> None:
    """Give a paused or ended run a further prompt, and follow it like a new one."""
    task = await agent.get_task(run_id)
    page = await agent.client.get_agent_run_logs(task.org_id, task.id, limit=1)
    await task.resume(prompt, image)
    if detach:
        output.created(task, json)
    else:
        await _finish(task, page.total_logs or 0, timeout, cancel_on_timeout, quiet, json)


@_command
async def wait(
    agent: AsyncAgent, run_id: RunId, timeout: Timeout = None, cancel_on_timeout: Cancel = False, json: Json = False
) -> None:
    """Wait for the end of a run and print its result."""
    await _finish(await agent.get_task(run_id), 0, timeout, cancel_on_timeout, quiet=True, json_wanted=json)


@_command
async def logs(
    agent: AsyncAgent,
    run_id: RunId,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on until the run has ended.")] = False,
    json: Json = False,
) -> None:
    """Print the log of a run, oldest entry first; with --json one object a line."""
    async for entry in (await agent.get_task(run_id)).stream_logs(follow):
        if json:
            output.write_json(entry.dict())
        else:
            output.write(output.log_line(entry))


@_command
async def status(agent: AsyncAgent, run_id: RunId, web: Web = False, json: Json = False) -> None:
    """Print the state of a run."""
    task = await agent.get_task(run_id)
    output.state(task, json)
    if web:
        _open(task)


@_command
async def cancel(agent: AsyncAgent, run_id: RunId, json: Json = False) -> None:
    """Stop a run; the checks of its pull requests are banned with it."""
    output.state(await (await agent.get_task(run_id)).cancel(), json)


async def list_runs(
    agent: AsyncAgent,
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, help="How many.")] = 10,
    status: Annotated[str | None, typer.Option(help="Only runs in this state, such as running.")] = None,
    repository: Repository = None,
    tag: Annotated[str | None, typer.Option(help="Only runs with this tag.")] = None,
    json: Json = False,
) -> None:
    """List the newest runs; rows of id, status, creation and address with tabs where stdout is no terminal."""
    output.listing(await agent.list_tasks(limit, status=status, repository=repository, tag=tag), json)


_command(list_runs, "list")


@_command
async def watch(
    agent: AsyncAgent,
    json: Json = False,
    poll_interval: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Pause between two polls.")] = 5.0,
) -> None:
    """Show the runs of the organization live, until Ctrl-C; where stdout is no terminal, a line for each change."""
    if json or not output.is_terminal():
        async for change in agent.client.watch(agent.org_id, poll_interval=poll_interval):
            output.change(change, json)
        return
    from rich.live import Live

    tasks = {task.id: task for task in await agent.list_tasks(SHOWN)}
    unfinished = {run_id: str(task.status) for run_id, task in tasks.items() if not task.is_terminal}
    listed = KnownRuns(agent.org_id, max(tasks, default=0), unfinished)
    changes = agent.client.watch(agent.org_id, listed.cursor, poll_interval=poll_interval)

    def newest() -> list[AsyncTask]:
        return [tasks[run_id] for run_id in sorted(tasks, reverse=True)[:SHOWN]]

    # Drawn again every second, since ages grow without a change.
    with Live(get_renderable=lambda: output.table(newest()), refresh_per_second=1):
        async for change in changes:
            tasks = {**tasks, change.run.id: AsyncTask(agent.client, agent.org_id, change.run)}


@app.command("api")
def api(
    operation: Annotated[
        str, typer.Argument(help="The id of an operation, such as get_agent_run.", autocompletion=lambda: [*OPERATIONS])
    ] = "",
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Its arguments; a value may be JSON.")
    ] = None,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Call any operation and print its response as JSON, with org_id filled in; without an operation, list all."""
    if not operation:
        for known in OPERATIONS.values():
            output.write(f"{operations.usage(known)}\n    {operations.summary(known)}")
        return
    called = operations.named(operation)

    async def work() -> None:
        if called.service == "codegen":
            given: dict[str, Any] = {"org_id": org, "base_url": base_url}
            settings = {name: value for name, value in given.items() if value is not None}
            async with AsyncCodegenClient(**settings) as client:
                values = operations.arguments(called, arguments or [], org_id=client.config.org_id)
                response = await getattr(client, operation)(**values)
        else:
            async with AsyncChatServerClient(base_url=base_url) as chat:
                response = await getattr(chat, operation)(**operations.arguments(called, arguments or []))
        output.write_json(response.dict() if hasattr(response, "dict") else response)

    _perform(work())


def _read_prompt() -> str:
    if sys.stdin is None:
        raise ValidationError("prompt: standard input is closed")
    try:
        return sys.stdin.read()
    except UnicodeDecodeError as error:
        raise ValidationError(f"prompt: standard input is not text in {error.encoding}") from error
    except KeyboardInterrupt:
        output.note("interrupted; nothing was created")
        raise typer.Exit(INTERRUPTED) from None


def _open(task: AsyncTask) -> None:
    if task.web_url is None:
        output.note(f"run {task.id} has no page")
    elif not webbrowser.open(task.web_url):
        output.note(f"there is no browser here; the page is {task.web_url}")


def _perform(work: Coroutine[Any, Any, None]) -> None:
    """Run the work of a command; records of the package appear on stderr."""
    handler = output.NoteHandler(logging.INFO)
    logger = logging.getLogger("codegen_ext")
    logger.addHandler(handler)
    try:
        asyncio.run(work)
    except KeyboardInterrupt as error:
        output.note("\n".join(["interrupted", *_notes(error)]))
        raise typer.Exit(INTERRUPTED) from None
    finally:
        logger.removeHandler(handler)


def _notes(error: BaseException | None) -> list[str]:
    """Return the notes of an exception and of what led to it: the request id of a create that was interrupted."""
    return [] if error is None else [*getattr(error, "__notes__", ()), *_notes(error.__context__)]


async def _finish(
    task: AsyncTask, skip: int, timeout: float | None, cancel_on_timeout: bool, quiet: bool, json_wanted: bool
) -> None:
    """Follow a run to its end, print its result, and exit with the status that stands for it."""
    number = 0
    try:
        async with asyncio.timeout(timeout):
            if quiet:
                await task.wait()
            else:
                async with aclosing(task.stream_logs()) as entries:  # type: ignore[type-var]
                    async for entry in entries:
                        number += 1
                        if number > skip:
                            output.note(output.log_line(entry))
    except TimeoutError as error:
        if isinstance(error, CodegenAPIError):
            raise
        if not is_settled(task.status):
            if cancel_on_timeout:
                await task.cancel()
            state = "was stopped" if cancel_on_timeout else f"goes on; `codegen-sdk wait {task.id}` waits again"
            output.note(f"run {task.id} did not end within {timeout:g} s; it {state}")
            raise typer.Exit(TIMED_OUT) from None
    except asyncio.CancelledError:  # Ctrl-C
        output.note(f"interrupted; run {task.id} goes on: `codegen-sdk wait {task.id}` waits again")
        raise typer.Exit(INTERRUPTED) from None
    output.outcome(task, json_wanted)
    if task.status != "completed":
        raise typer.Exit(PAUSED if task.status == "paused" else FAILED)
