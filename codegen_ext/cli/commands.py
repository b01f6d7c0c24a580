"""The commands; each uses an `AsyncAgent`, because a task can be cancelled at its time-out and a thread cannot."""

import asyncio
import json as json_module
import logging
import sys
import webbrowser
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import AsyncAgent, AsyncTask, CodegenAPIError, ValidationError
from .._version import __version__
from . import INTERRUPTED, output

FAILED, PAUSED, TIMED_OUT = 1, 3, 124

app = typer.Typer(
    help="Start agent runs, follow them, and read their results. CODEGEN_API_TOKEN holds the token.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,  # they show local variables, and so secrets
)

RunId = Annotated[str, typer.Argument(metavar="ID", help="The number of the run.")]
Prompt = Annotated[str, typer.Argument(help="The prompt for the agent; - reads it from standard input.")]
Image = Annotated[list[Path] | None, typer.Option(help="An image for the agent; may be repeated.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Do not show the log.")]
Detach = Annotated[bool, typer.Option("--detach", "-d", help="Do not wait for the end.")]
Timeout = Annotated[float | None, typer.Option(min=0, metavar="SECONDS", help="How long to wait; then exit with 124.")]
Cancel = Annotated[bool, typer.Option("--cancel-on-timeout", help="Stop the run when the time is over.")]
Web = Annotated[bool, typer.Option("--web", help="Open the page of the run in the browser.")]
Repository = Annotated[
    str | None, typer.Option("--repository", "--repo", metavar="OWNER/REPO", help="The repository of the run.")
]
Json = Annotated[bool, typer.Option("--json", help="Write JSON.")]
Org = Annotated[str | None, typer.Option("--org", metavar="ID", help="The organization; default CODEGEN_ORG_ID.")]
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
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Create a run, show its log while it works, and print its result."""

    async def work(agent: AsyncAgent) -> None:
        options: dict[str, Any] = {"repository": repository, "branch": branch, "model": model, "priority": priority}
        task = await agent.run(_text(prompt), images=image, tags=tag, **options)
        output.note(f"run {task.id}: {task.web_url or 'created'}")
        if web:
            _open(task)
        if detach:
            output.created(task, json)
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
            output.created(task, json)
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
        await _finish(await agent.get_task(run_id), 0, timeout, cancel_on_timeout, quiet=True, json_wanted=json)

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
            if json:
                output.write_json(entry.dict())
            else:
                output.write(output.log_line(entry))

    _perform(work, org, base_url)


@app.command()
def status(run_id: RunId, web: Web = False, json: Json = False, org: Org = None, base_url: BaseUrl = None) -> None:
    """Print the state of a run."""

    async def work(agent: AsyncAgent) -> None:
        task = await agent.get_task(run_id)
        output.state(task, json)
        if web:
            _open(task)

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
    status: Annotated[str | None, typer.Option(help="Only runs in this state, such as running.")] = None,
    repository: Repository = None,
    tag: Annotated[str | None, typer.Option(help="Only runs with this tag.")] = None,
    json: Json = False,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """List the newest runs; rows of id, status, creation and address with tabs where stdout is no terminal."""

    async def work(agent: AsyncAgent) -> None:
        output.listing(await agent.list_tasks(limit, status=status, repository=repository, tag=tag), json)

    _perform(work, org, base_url)


@app.command()
def watch(
    json: Json = False,
    poll_interval: Annotated[float, typer.Option(min=1, metavar="SECONDS", help="Pause between two polls.")] = 5.0,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Show the runs of the organization live, until Ctrl-C; where stdout is no terminal, a line for each change."""

    async def work(agent: AsyncAgent) -> None:
        changes = agent.client.watch(agent.org_id, poll_interval=poll_interval)
        if json or sys.stdout is None or not sys.stdout.isatty():
            async for change in changes:
                _show_change(change, json)
            return
        from rich.live import Live

        recent = {task.id: task.run for task in await agent.list_tasks(20)}
        with Live(_table(recent), auto_refresh=False) as live:
            async for change in changes:
                recent[change.run.id] = change.run
                live.update(_table(recent), refresh=True)

    _perform(work, org, base_url)


@app.command()
def api(
    operation: Annotated[str, typer.Argument(help="The id of an operation, such as get_agent_run.")],
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="NAME=VALUE", help="Its arguments; a value may be JSON.")
    ] = None,
    org: Org = None,
    base_url: BaseUrl = None,
) -> None:
    """Call any operation of the Codegen API and print its response as JSON; org_id is filled in."""

    async def work(agent: AsyncAgent) -> None:
        from codegen_api.operations import OPERATIONS

        known = {one.id: one for one in OPERATIONS.values() if one.service == "codegen"}
        if operation not in known:
            raise ValidationError(f"{operation} is no operation; there are {', '.join(sorted(known))}")
        values = dict(_argument(text) for text in arguments or ())
        if any(argument.python_name == "org_id" for argument in known[operation].arguments):
            values.setdefault("org_id", agent.org_id)
        try:
            response = await getattr(agent.client, operation)(**values)
        except TypeError as error:
            raise ValidationError(str(error).partition("() ")[2] or str(error), operation=operation) from error
        output.write_json(response.dict() if hasattr(response, "dict") else response)

    _perform(work, org, base_url)


def _argument(text: str) -> tuple[str, Any]:
    name, separator, value = text.partition("=")
    if not separator:
        raise ValidationError(f"expected NAME=VALUE, got {text!r}")
    try:
        return name, json_module.loads(value)
    except ValueError:
        return name, value


def _text(prompt: str) -> str:
    return sys.stdin.read() if prompt == "-" else prompt


def _open(task: AsyncTask) -> None:
    if task.web_url is None:
        output.note(f"run {task.id} has no page")
    elif not webbrowser.open(task.web_url):
        output.note(f"there is no browser here; the page is {task.web_url}")


def _table(runs: dict[int, Any]) -> Any:
    table = output.table_of_runs()
    for run_id in sorted(runs, reverse=True)[:20]:
        table.add_row(*output.row(runs[run_id], None))
    return table


def _show_change(change: Any, json_wanted: bool) -> None:
    if json_wanted:
        output.write_json({"kind": change.kind, "previous": change.previous, "run": change.run.dict()})
    else:
        output.write(f"{change.run.id}\t{change.kind}\t{change.previous or ''}\t{change.run.status or ''}")


def _perform(work: Callable[[AsyncAgent], Awaitable[None]], org: str | None, base_url: str | None) -> None:
    """Run the work of a command with an agent; records of the package appear on stderr."""
    handler = output.NoteHandler(logging.INFO)
    logger = logging.getLogger("codegen_ext")

    async def with_agent() -> None:
        async with AsyncAgent(org, base_url=base_url) as agent:
            await work(agent)

    logger.addHandler(handler)
    try:
        asyncio.run(with_agent())
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
    except asyncio.CancelledError:  # Ctrl-C
        output.note(f"interrupted; run {task.id} goes on: `codegen-sdk wait {task.id}` waits again")
        raise typer.Exit(INTERRUPTED) from None
    output.outcome(task, json_wanted)
    if task.status != "completed":
        raise typer.Exit(PAUSED if task.status == "paused" else FAILED)


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
    outcome = "it was stopped" if cancel else f"it goes on; `codegen-sdk wait {task.id}` waits again"
    output.note(f"run {task.id} did not end within {timeout:g} s; {outcome}")
    raise typer.Exit(TIMED_OUT)
