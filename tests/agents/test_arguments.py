"""Arguments that make no sense: refused before anything is sent, by an error that names them and what was expected."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codegen_ext import (
    Agent,
    AsyncAgent,
    AsyncCodegenClient,
    AsyncTask,
    BulkJob,
    CodegenAPIError,
    CodegenClient,
    ConfigurationError,
    Task,
    ValidationError,
)
from codegen_ext.testing import Sandbox

ORG = 323
ITEMS = [{"prompt": "hello"}]


class Doors:
    """What users hold: a client, an agent, a task and a health monitor."""

    def __init__(self, sandbox: Sandbox) -> None:
        settings = {"base_url": sandbox.base_url, "rate_limits": False, "max_retries": 0}
        self.client = CodegenClient(api_token=sandbox.token, transport=sandbox.transport(), **settings)
        self.agent = Agent(ORG, client=self.client)
        self.task = self.agent.run("hello")
        self.monitor = self.client.create_health_monitor(5)


@pytest.fixture
def doors(sandbox: Sandbox) -> Iterator[Doors]:
    found = Doors(sandbox)
    with found.client:
        yield found


async def coroutine(*_: object) -> None: ...


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.agent.run("x", tags={"a": 1}), "tags: expected a list of strings, got .'a': 1."),
        (lambda d: d.agent.run("x", tags="a"), "tags: expected a list of strings, got 'a'"),
        (lambda d: d.agent.run("x", tags=["a", 1]), r"tags: expected a list of strings, got \['a', 1\]"),
        (lambda d: d.agent.run("x", model=""), "model: must not be blank"),
        (lambda d: d.client.create_agent_run(ORG, "x", model=" "), "model: must not be blank"),
        (lambda d: d.agent.run("x", agent_type=5), "agent_type: expected a string, got int"),
        (lambda d: d.agent.run("x", branch=""), "branch: must not be blank"),
        (lambda d: d.agent.run("x", repository=" "), "repository: must not be blank"),
        (lambda d: d.agent.run("x", timeout=float("inf")), "timeout: expected a number of seconds .* got inf"),
        (lambda d: d.agent.list_tasks(tag=5), "tag: expected a string, got int"),
        (lambda d: d.agent.list_tasks(repository=5), 'repository: expected a name such as "owner/repo", got int'),
        *((lambda d, n=n: d.agent.list_tasks(n), "limit: expected a whole number") for n in (-1, "5", 1.5, True, None)),
        (lambda d: d.task.wait(timeout=0, cancel_on_timeout="x"), "cancel_on_timeout: expected True or False, got 'x'"),
        (lambda d: d.task.wait(progress_callback=lambda: None), "progress_callback: expected a function that takes 1 "),
        (lambda d: d.task.wait(progress_callback=5), "progress_callback: expected a function, got int"),
        (lambda d: d.task.wait(progress_callback=coroutine), "progress_callback: expected a plain function"),
        (
            lambda d: d.task.add_status_callback(lambda new: None),
            r"takes 2 arguments, got one with \(new\)",
        ),
        (lambda d: d.task.add_status_callback(None), "callback: expected a function, got NoneType"),
        (lambda d: d.monitor.on_change(lambda: None), "callback: expected a function that takes 2 arguments"),
        (lambda d: d.monitor.on_healthy(lambda status: None), "callback: expected a function that takes 0 arguments"),
        (lambda d: d.monitor.on_unhealthy(coroutine), "callback: expected a plain function"),
        (lambda d: d.client.notify_run(5), "run: expected a mapping with id and status, got int"),
        (lambda d: d.client.notify_run({}), "run.id: expected a whole number, got None"),
        (lambda d: d.client.notify_run({"id": "x"}), "run.id: expected a whole number, got 'x'"),
        (
            lambda d: d.client.bulk_create_agent_runs(ORG, ITEMS, journal=5),
            "journal: expected the path of a file, got int",
        ),
        (lambda d: d.client.bulk_create_agent_runs(ORG, ITEMS, wait="no"), "wait: expected True or False, got 'no'"),
        (lambda d: d.client.bulk_create_agent_runs(ORG, iter(ITEMS)), "configs: expected a list of configurations"),
        (lambda d: d.client.bulk_create_agent_runs(ORG, ITEMS, on_result=dict.get), "on_result: expected a function"),
        (
            lambda d: d.client.bulk_create_agent_runs(ORG, ITEMS, max_concurrent="5"),
            "max_concurrent must .* got '5'",
        ),
        (lambda d: d.client.iter_create_agent_runs(ORG, ITEMS[0]), "configs: expected .*, got dict"),
        (lambda d: d.client.iter_create_agent_runs(ORG, 5), "configs: expected .*, got int"),
        (lambda d: d.client.iter_create_agent_runs(ORG, ITEMS, ordered=1), "ordered: expected True or False, got 1"),
        (lambda d: BulkJob.open(5), "journal: expected the path of a file, got int"),
        (lambda d: Task.wait_all(5), "tasks: expected a list of tasks, got int"),
        (lambda d: Task.wait_all([d.task, Task]), "tasks.1: expected type Task, got the class Task"),
        (lambda d: asyncio.run(AsyncTask.wait_all([d.task])), "tasks.0: expected type AsyncTask, got Task"),
        (
            lambda d: Agent(ORG, client=CodegenClient),
            "client must be .* got the class CodegenClient",
        ),
        (lambda d: AsyncAgent(ORG, client=d.client), "client must be of type AsyncCodegenClient, got CodegenClient"),
    ],
)
def test_an_argument_that_makes_no_sense_is_refused_by_its_name(
    doors: Doors, sandbox: Sandbox, call: Callable[[Doors], Any], message: str
) -> None:
    before = len(sandbox.requests)
    with pytest.raises((ValidationError, ConfigurationError), match=message) as caught:
        call(doors)
    named = caught.value.config_key if isinstance(caught.value, ConfigurationError) else caught.value.field
    assert named
    assert str(caught.value).startswith(named)
    assert len(sandbox.requests) == before


@pytest.mark.parametrize("callback", [print, lambda *seen: None, lambda progress, more=1: None, {}.update])
def test_any_function_that_takes_the_arguments_is_accepted(doors: Doors, callback: Any) -> None:
    with pytest.raises(CodegenAPIError, match="not finished after 0 s"):
        doors.task.wait(timeout=0, progress_callback=callback)


def test_coroutine_functions_are_accepted_where_they_are_awaited(sandbox: Sandbox) -> None:
    client = AsyncCodegenClient(api_token=sandbox.token, base_url=sandbox.base_url)
    client.create_health_monitor(5).on_change(coroutine)
