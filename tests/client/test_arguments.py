"""Arguments that make no sense: refused before anything is sent, by an error that names them and what was expected."""

import io
import math
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from codegen_ext import (
    Agent,
    AsyncAgent,
    BulkJob,
    CacheManager,
    CodegenAPIError,
    CodegenClient,
    ConfigurationError,
    RateLimiter,
    Task,
    ValidationError,
    retry_on_error,
)
from codegen_ext.testing import Sandbox
from codegen_ext.webhooks import WebhookHandler

ORG = 323
ITEMS = [{"prompt": "hello"}]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def doors():
    """What users hold: a client, an agent, a task and a health monitor."""
    sandbox = Sandbox(rate_limits=False)
    settings = {"base_url": sandbox.base_url, "rate_limits": False, "max_retries": 0}
    with CodegenClient(api_token=sandbox.token, transport=sandbox.transport(), **settings) as client:
        agent = Agent(ORG, client=client)
        task, monitor = agent.run("hello"), client.create_health_monitor(5)
        yield SimpleNamespace(sandbox=sandbox, client=client, agent=agent, task=task, monitor=monitor)


async def coroutine(*_): ...


def given(options):
    return lambda d: d.agent.run(**{"prompt": "hello", **options})


def job(*configs, **options):
    return lambda d: d.client.bulk_create_agent_runs(ORG, *configs or (ITEMS,), **options)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda d: d.client.create_agent_run(ORG, ""), "prompt: must not be blank"),
        (lambda d: d.client.create_agent_run(ORG, "x", metadata={"codegen_sdk": "mine"}), "metadata: "),
        *(
            (
                lambda d, mark=mark: d.client.create_agent_run(
                    ORG, "x", metadata={"codegen_sdk": {"request_id": mark}}
                ),
                "metadata: codegen_sdk.request_id must be a string that is not blank",
            )
            for mark in (5, "", " \n")
        ),
        (lambda d: d.client.create_agent_run(ORG, "x", metadata="text"), "metadata: "),
        (lambda d: d.client.create_agent_run(ORG, "x", metadata={"a": math.nan}), "metadata: cannot be sent"),
        (lambda d: d.client.create_agent_run(ORG, "half a pair: \ud800"), "prompt: cannot be sent"),
        (lambda d: d.client.get_agent_run(ORG, 10**5000), "agent_run_id: cannot be sent"),
        (lambda d: d.client.revoke_oauth_token("\ud800", ORG), "provider: cannot be sent"),
        (lambda d: d.client.request("GET\n", "/v1"), "method: expected an HTTP method such as 'GET'"),
        *(
            (lambda d, path=path: d.client.request("GET", path), "path: expected a path below the base URL")
            for path in (None, "http://example.com/", "/v1/../../x", "..", "/v1/%2e%2E/x", "/v1/.?a=b")
        ),
        (lambda d: d.client.get_current_user(extra_headers=[("a", "b")]), "extra_headers: expected a mapping"),
        (lambda d: d.client.get_current_user(extra_query=[("a", "b")]), "extra_query: expected a mapping"),
        # It would replace the metadata that holds the request id, without which a lost answer means a second run.
        (
            lambda d: d.client.create_agent_run(ORG, "x", extra_body={"new": 1, "metadata": {"team": "core"}}),
            "metadata: pass it as the argument metadata, not in extra_body",
        ),
        (
            lambda d: d.client.list_agent_runs(ORG, extra_query={"limit": 5}),
            "limit: pass it as the argument limit, not in extra_query",
        ),
        *(
            (lambda d, value=value: d.client.get_current_user(extra_headers=value), "extra_headers: .*does not allow")
            for value in ({"a b": "SECRET"}, {"A": "SECRET\r\nB: y"}, {"A": "SECRET "}, {"A": 5}, {5: "x"})
        ),
        (lambda d: d.client.get_current_user(extra_headers={"content-length": "5"}), "extra_headers: content-length"),
        (lambda d: d.client.request("GET", "/v1", extra_headers="A: b"), "extra_headers: expected a mapping"),
        (lambda d: CodegenClient(api_token="abc", transport=object()), "transport must be an httpx"),
        *((lambda d, page=page: d.client.get_agent_runs(ORG, page=page), "page: ") for page in (0, "x")),
        (lambda d: d.client.get_agent_runs(ORG, per_page=0), "per_page: "),
        (lambda d: d.client.get_agent_runs(ORG, per_page=101), "limit: "),
        (lambda d: d.client.get_current_user(timeout=0), "timeout must be a number of seconds"),
        (lambda d: d.client.with_options(timeout="5"), "timeout must be a number"),
        (lambda d: d.client.request("GET", "/v1/users/me", timeout=float("nan")), "timeout must be a number"),
        *(
            (lambda d, mark=mark: d.client.find_agent_run(ORG, mark), "request_id: .* Ambig")
            for mark in (None, "", " ", 5)
        ),
        (lambda d: d.client.wait_for_completion(ORG, 1, timeout=-1), "timeout must be a number"),
        (lambda d: d.client.wait_for_all(ORG, [1], poll_interval=0), "poll_interval must be a number"),
        *((lambda d, ids=ids: d.client.as_completed(ORG, ids), "agent_run_ids?: expected") for ids in (["x"], "1", 5)),
        (lambda d: d.client.stream_logs(ORG, 1, poll_interval="5"), "poll_interval must be a number"),
        (given({"prompt": " \n\t"}), "prompt: must not be blank"),
        *((given({"priority": wrong}), "priority: expected one of low, normal") for wrong in ("asap", 1)),
        (given({"tags": {"a": 1}}), "tags: expected a list of strings, got .'a': 1."),
        (given({"tags": ["a", 1]}), r"tags: expected a list of strings, got \['a', 1\]"),
        (given({"branch": ""}), "branch: must not be blank"),
        (given({"repository": "owner/repo", "repo_id": 107}), "repository: give either"),
        (given({"repo_id": "abc"}), "repo_id: expected a whole number"),
        (given({"metadata": [1]}), "metadata: expected a dict"),
        (given({"metadata": {1: 2}}), "metadata: expected keys that are strings, got 1"),
        (given({"metadata": {"a": [1, {"b": Path()}]}}), "metadata.a.1.b: cannot be written as JSON: .*Path"),
        (given({"metadata": {"n": 10**5000}}), "metadata.n: cannot be written as JSON: int"),
        (given({"context": {"a": object()}}), "context.a: cannot be written as JSON"),
        (given({"context": 5}), "context: expected a string or a dict, got int"),
        (given({"webhook_url": "foo"}), "webhook_url: expected an address such as"),
        (given({"webhook_url": "https://["}), "webhook_url: expected an address such as"),
        (given({"images": ["https://example.com/a.png"]}), "images.0: https addresses are not fetched"),
        (given({"images": [io.StringIO("text")]}), "images.0: .* got a file that is open as text"),
        (given({"images": io.BytesIO(PNG)}), "images: expected a list of images, got an open file"),
        (given({"images": PNG}), "images: expected a list of images, got bytes"),
        (
            given({"images": "owner/repo"}),
            "images: expected a list .* got a longer string; a repository is named by repository=",
        ),
        (given({"timeout": "5"}), "timeout: expected a number of seconds greater than 0, .* got '5'"),
        (lambda d: d.agent.get_task("x"), "agent_run_id: expected a whole number"),
        (lambda d: d.task.resume(" "), "prompt: must not be blank"),
        (lambda d: d.task.resume("go on", [b"text"]), "images.0: not an image"),
        (lambda d: d.agent.list_tasks(tag=5), "tag: expected a string, got int"),
        (lambda d: d.agent.list_tasks(repository=5), 'repository: expected a name such as "owner/repo", got int'),
        *((lambda d, n=n: d.agent.list_tasks(n), "limit: expected a whole number") for n in (-1, "5", True)),
        (lambda d: d.task.wait(timeout=0, cancel_on_timeout="x"), "cancel_on_timeout: expected True or False, got 'x'"),
        (lambda d: d.task.stream_logs("no"), "follow: expected True or False, got 'no'"),
        (lambda d: d.client.stream_logs(ORG, 1, None), "follow: expected True or False, got None"),
        (lambda d: d.task.wait(progress_callback=lambda: None), "progress_callback: expected a function that takes 1 "),
        (lambda d: d.task.add_status_callback(lambda new: None), r"takes 2 arguments, got one with \(new\)"),
        (lambda d: d.task.add_status_callback(None), "callback: expected a function, got NoneType"),
        (lambda d: d.monitor.on_change(lambda: None), "callback: expected a function that takes 2 arguments"),
        (lambda d: d.monitor.on_healthy(lambda status: None), "callback: expected a function that takes 0 arguments"),
        (lambda d: d.monitor.on_unhealthy(coroutine), "callback: expected a plain function"),
        (lambda d: d.client.create_health_monitor(float("inf")), "interval must be a number of seconds"),
        (lambda d: d.client.create_health_monitor(failure_threshold=0), "failure_threshold must be a whole number"),
        (lambda d: d.client.notify_run(5), "run: expected a mapping with id and status, got int"),
        (lambda d: d.client.notify_run({"id": "x"}), "run.id: expected a whole number, got 'x'"),
        (lambda d: d.client.bulk_create_agent_runs("acme", ITEMS), "org_id: expected a whole number"),
        (job(journal=5), "journal: expected the path of a file, got int"),
        (job(wait="no"), "wait: expected True or False, got 'no'"),
        (job(on_result=dict.get), "on_result: expected a function"),
        *((job(max_concurrent=wrong), "max_concurrent must be a whole number") for wrong in (0, 1.5)),
        (job(iter(ITEMS)), "configs: .*iter_create_agent_runs takes any iterable"),
        (lambda d: d.client.iter_create_agent_runs(ORG, ITEMS[0]), "configs: expected .*, got "),
        (lambda d: d.client.iter_create_agent_runs(ORG, ITEMS, ordered=1), "ordered: expected True or False, got 1"),
        (lambda d: retry_on_error(max_attempts=0), "max_attempts must be a whole number"),
        (lambda d: retry_on_error(print), r"max_attempts must be .*@retry_on_error\(\)"),
        *(
            (lambda d, make=make: make(clock=5), "clock must have the methods .*, got int")
            for make in (partial(CodegenClient, api_token="abc"), partial(WebhookHandler, "secret"), retry_on_error)
        ),
        (lambda d: retry_on_error(delay=math.nan), "delay must be a number that is not negative"),
        *(
            (lambda d, options=options: WebhookHandler("secret", **options), message)
            for options, message in (
                ({"config": {"org_id": ORG}}, "config must be a ClientConfig"),
                ({"lease_seconds": 0}, "lease_seconds must be a number of seconds"),
                ({"accept_legacy_signatures": "no"}, "accept_legacy_signatures must be True or False, got 'no'"),
                ({"max_body_bytes": "1MB"}, "max_body_bytes must be a whole number of at least 1"),
                ({"shared_state": 5}, "shared_state must be a redis://, rediss:// or sqlite:/// address"),
            )
        ),
        *((lambda d, n=n: CacheManager(max_size=n), "max_size must be") for n in (0, "5")),
        *((lambda d, n=n: CacheManager(ttl_seconds=n), "ttl_seconds must be") for n in (-1, True)),
        *((lambda d, n=n: RateLimiter(n, 1), "requests_per_period must be") for n in (0, 1.5)),
        *((lambda d, n=n: RateLimiter(1, n), "period_seconds must be") for n in (0, math.nan, "1")),
        (lambda d: BulkJob.open(5), "journal: expected the path of a file, got int"),
        (lambda d: Task.wait_all(5), "tasks: expected a list of tasks, got int"),
        *((lambda d, n=n: Task.wait_all([d.task], timeout=n), "timeout must be a number") for n in ("5", -1)),
        (lambda d: Task.wait_all([d.task, Task]), "tasks.1: expected type Task, got the class Task"),
        (lambda d: AsyncAgent(ORG, client=d.client), "client must be of type AsyncCodegenClient, got CodegenClient"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_name(doors, call, message):
    before = len(doors.sandbox.requests)
    with pytest.raises((ValidationError, ConfigurationError), match=message) as caught:
        call(doors)
    named = caught.value.config_key if isinstance(caught.value, ConfigurationError) else caught.value.field
    assert named
    assert str(caught.value).startswith(named)
    assert "SECRET" not in str(caught.value)
    assert len(doors.sandbox.requests) == before


@pytest.mark.parametrize("callback", [print, lambda *seen: None, lambda progress, more=1: None, {}.update])
def test_any_function_that_takes_the_arguments_is_accepted(doors, callback):
    with pytest.raises(CodegenAPIError, match="not finished after 0 s"):
        doors.task.wait(timeout=0, progress_callback=callback)
