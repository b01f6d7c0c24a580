"""Many runs at once: every configuration gets its own result, and the input is read only as far as it is used."""

import io
import itertools
import re
import sys

import pytest
from codegen_api import operations

from codegen_ext import ClientConfig, errors
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..support.waiting import until, until_async


def prompts(count):
    return [{"prompt": f"job {number}"} for number in range(count)]


class Broken(dict):
    """A configuration that fails where nothing should."""

    def __iter__(self):
        raise RecursionError("no end")


BAD = [
    ({"prompt": "  "}, errors.ValidationError, "prompt: must not be blank"),
    ({"promt": "x"}, errors.ValidationError, "promt: .*did you mean prompt?"),
    ({"prompt": "x", "repository": "no/such"}, errors.ValidationError, "repository: "),
    ({"prompt": "x", "repository": "a/b", "repo_id": 5}, errors.ValidationError, "repository: "),
    ({"prompt": "x", 5: 6}, errors.ValidationError, "5: "),
    ("text", errors.ValidationError, "config: "),
    (Broken(), errors.BulkOperationError, "item 16 failed with RecursionError: no end"),
]


def test_each_configuration_has_its_result_and_one_failure_stops_nothing(client, sandbox, caplog):
    seen = []

    def on_result(result):
        seen.append(result)
        raise KeyError("my mistake")

    configs = [*prompts(10), *(config for config, *_ in BAD), {"prompt": "job 10", "tags": ["t"]}]
    with client.bulk_operations() as bulk:
        results = bulk.create_agent_runs(323, configs, max_concurrent=4, on_result=on_result)
    assert [result.index for result in results] == list(range(18))
    by_id = {run.id: run.prompt for run in sandbox.runs}
    assert [by_id[result.data.id] for result in results if result.success] == [f"job {number}" for number in range(11)]
    assert len(sandbox.runs) == 11
    for result, (_, kind, message) in zip(results[10:-1], BAD, strict=True):
        assert type(result.error) is kind
        assert re.match(message, str(result.error))
    assert sorted(seen, key=lambda result: result.index) == results
    assert caplog.text.count("my mistake") >= 18


@pytest.mark.parametrize(
    ("fault", "error", "seconds"),
    [
        (Fault.status(402), errors.PaymentRequiredError, 0),
        # A refusal that leaves the outcome unknown is looked for, and the run created.
        (Fault.status(503, headers={"Retry-After": "1e20"}), type(None), 0),
        (Fault.status(429, headers={"Retry-After": "400"}), type(None), 400),  # longer than total_timeout
    ],
)
def test_a_refusal_is_the_result_of_its_item_and_a_limit_a_delay(client, sandbox, clock, fault, error, seconds):
    sandbox.inject("create_agent_run", fault, times=1)
    start = clock.monotonic()
    results = client.bulk_create_agent_runs(323, prompts(4), max_concurrent=1)
    assert [type(result.error) for result in results] == [error, *[type(None)] * 3]
    assert clock.monotonic() - start >= seconds


def test_waiting_brings_what_the_runs_ended_as(client, sandbox):
    directives = ("[[seconds=30]] good", " ", "[[seconds=60 outcome=failed]] bad", "[[seconds=5]] quick")
    seen = []
    configs = [{"prompt": prompt} for prompt in directives]
    results = client.bulk_create_agent_runs(323, configs, wait=True, on_result=seen.append)
    assert [result.index for result in results] == [0, 1, 2, 3]
    assert [result.success for result in results] == [True, False, False, True]
    assert [getattr(result.data, "status", None) for result in results] == ["completed", None, "failed", "completed"]
    assert isinstance(results[2].error, errors.TaskError)
    assert results[2].error.task_id == results[2].data.id
    assert [result.index for result in seen] == [1, 3, 0, 2]
    assert seen[-1] == results[2]
    sandbox.inject("get_agent_run", Fault.status(404), times=1)
    sandbox.inject("list_agent_runs", Fault.status(404))
    (vanished,) = client.bulk_create_agent_runs(323, prompts(1), wait=True)
    assert isinstance(vanished.error, errors.NotFoundError)
    assert vanished.data.id == sandbox.runs[-1].id


def test_what_can_be_switched_off(connect, sandbox, tmp_path):
    client = connect(exactly_once=False)
    client.bulk_create_agent_runs(323, prompts(2))
    assert [run.metadata for run in sandbox.runs] == [None, None]
    with pytest.raises(errors.ConfigurationError, match="a journal needs exactly_once"):
        client.bulk_create_agent_runs(323, prompts(1), journal=tmp_path / "runs.db")
    client = connect(enable_bulk_operations=False)
    for call in (client.bulk_operations, lambda: client.iter_create_agent_runs(323, [])):
        with pytest.raises(errors.ConfigurationError, match="enable_bulk_operations"):
            call()


def test_an_unending_input_is_read_as_it_is_consumed_and_in_order(connect, sandbox):
    sandbox.inject("create_agent_run", Fault.status(429), rate=0.5)  # so that items are created in another order
    read = itertools.count()
    configs = ({"prompt": f"job {number}"} for number in read)
    # The time for which one create waits passes for the one beside it too.
    client = connect(bulk_batch_size=7, total_timeout=86_400)
    results = client.iter_create_agent_runs(323, configs, max_concurrent=2)
    for number in range(10):
        result = next(results)
        assert (result.index, result.success) == (number, True)
    results.close()
    assert len(sandbox.runs) <= next(read) <= 17


def test_a_slow_input_does_not_hold_results_back(connect, flavour, sandbox):
    read = itertools.count()

    def slow():
        for number in read:
            until(lambda number=number: len(sandbox.runs) == number)
            yield {"prompt": f"job {number}"}

    async def slow_async():
        for number in read:
            await until_async(lambda number=number: len(sandbox.runs) == number)
            yield {"prompt": f"job {number}"}

    results = connect(bulk_batch_size=50).iter_create_agent_runs(323, slow_async() if flavour.is_async else slow())
    assert next(results).index == 0
    results.close()
    assert next(read) < 25


@pytest.mark.parametrize("ordered", [True, False])
def test_a_source_that_fails_costs_nothing_of_what_it_gave(client, sandbox, ordered):
    def source():
        yield from prompts(7)
        raise OSError("the file ended")

    results = client.iter_create_agent_runs(323, source(), max_concurrent=4, ordered=ordered)
    handed_out = {next(results).data.id for _ in range(7)}
    with pytest.raises(OSError, match="the file ended"):
        next(results)
    assert handed_out == {run.id for run in sandbox.runs}


def test_the_limit_of_creates_is_used_up_and_never_exceeded(flavour):
    clock = FakeClock()
    sandbox = Sandbox(clock=clock, run_seconds=0)
    config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, transport=sandbox.transport())
    limit = operations.CREATE_AGENT_RUN.rate_limit
    count = 6 * limit.requests
    with flavour.client(config, clock=clock) as client:
        start = clock.monotonic()
        results = client.bulk_create_agent_runs(sandbox.org_id, prompts(count), max_concurrent=1)
        took = clock.monotonic() - start
    assert all(result.success for result in results)
    assert {record.status for record in sandbox.requests} == {200}
    # The first window's worth goes at once, so that so many windows must pass for the rest.
    assert limit.seconds * (count - limit.requests) / limit.requests / took >= 0.95


def stream(*, is_terminal):
    made = io.StringIO()
    made.isatty = lambda: is_terminal
    return made


def test_a_terminal_shows_progress(client, monkeypatch):
    terminal, file, closed, without_extra = (stream(is_terminal=number != 1) for number in range(4))
    closed.close()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stderr", terminal)
    configs = [{"prompt": "a"}, {"prompt": " "}, {"prompt": "[[outcome=failed]]"}]
    client.bulk_create_agent_runs(323, configs)
    assert "creating runs (1 failed)" in terminal.getvalue()
    assert "100%" in terminal.getvalue()
    assert "waiting" not in terminal.getvalue()
    client.bulk_create_agent_runs(323, configs, wait=True)
    assert "waiting for runs (2 failed)" in terminal.getvalue()
    for stderr in (None, closed, file, without_extra):
        if stderr is without_extra:
            monkeypatch.setitem(sys.modules, "rich.progress", None)
        monkeypatch.setattr(sys, "stderr", stderr)
        assert all(result.success for result in client.bulk_create_agent_runs(323, prompts(2)))
    assert file.getvalue() == without_extra.getvalue() == ""
