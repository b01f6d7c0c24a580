"""Which failures are repeated, how often, how soon, inside which budget, and the same policy for any function."""

import asyncio
import gzip

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import (
    AmbiguousRequestError,
    CodegenAPIError,
    ConfigurationError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    TimeoutError,
    WaitTimeoutError,
    retry_on_error,
)
from codegen_ext._sync.locks import Event
from codegen_ext.clock import Cancelled
from codegen_ext.retry import LONGEST_PAUSE, RetryPolicy
from codegen_ext.testing import Fault, Sandbox

from ..conftest import once
from ..support.calls import attempts, required
from ..support.loopback import reply

PASSING = [
    *(Fault.status(status) for status in (429, 500, 502, 503, 504)),
    *(Fault.reset_before(), Fault.reset_after(), Fault.truncate(10)),
]


@pytest.mark.parametrize("fault", PASSING)
def test_a_read_is_repeated_after_what_may_pass(sandbox, connect, fault):
    sandbox.inject("get_current_user", fault, times=3)
    assert connect(max_retries=3).get_current_user().id == 1
    assert attempts(sandbox, "get_current_user") == 4


@pytest.mark.parametrize("status", [400, 401, 402, 403, 404, 409, 418, 422, 501])
def test_other_statuses_are_not_repeated(sandbox, connect, status):
    sandbox.inject("get_current_user", Fault.status(status))
    with pytest.raises(CodegenAPIError):
        connect(max_retries=3).get_current_user()
    assert attempts(sandbox, "get_current_user") == 1


def test_what_may_have_been_processed_is_repeated_only_where_that_does_no_harm(sandbox, connect):
    client = connect(max_retries=2, exactly_once=False)
    client.create_agent_run(323, "Make something to work on")
    for operation in OPERATIONS.values():
        if operation.service == "codegen":
            before = attempts(sandbox, operation.id)
            sandbox.inject(operation.id, Fault.reset_after())
            with pytest.raises(NetworkError):
                getattr(client, operation.id)(**required(operation))
            assert attempts(sandbox, operation.id) - before == (3 if operation.idempotent else 1)


def test_429_is_repeated_for_every_operation_as_it_asks(sandbox, connect, clock):
    sandbox.inject("create_agent_run", Fault.status(429, retry_after=7.5), times=1)
    assert connect(max_retries=1, retry_delay=0.1).create_agent_run(323, "x").id == 1
    assert clock.slept == [7.5]


def test_an_address_where_nobody_listens_is_tried_again_for_every_operation(connect, clock):
    client = connect("http://127.0.0.1:9", max_retries=2)
    with pytest.raises(NetworkError):
        client.create_agent_run(323, "x")
    assert len(clock.slept) == 2


def test_pauses_grow_with_full_jitter(sandbox, connect, clock):
    sandbox.inject("get_current_user", Fault.status(503))
    with pytest.raises(ServerError):
        connect(max_retries=5, retry_delay=2.0, retry_backoff_factor=3.0).get_current_user()
    bounds = [2.0, 6.0, 18.0, 54.0, LONGEST_PAUSE]
    assert len(clock.slept) == 5
    assert all(0 <= slept <= bound for slept, bound in zip(clock.slept, bounds, strict=True))


@pytest.mark.parametrize("factor", [10, 10.0])
def test_any_number_of_attempts_has_a_pause(factor):
    assert RetryPolicy(0.5, factor, draw=lambda: 0.5).pause(5_000) == LONGEST_PAUSE / 2


@once
def test_a_call_that_was_cancelled_waits_for_no_repetition(sandbox, connect, clock):
    sandbox.inject("get_current_user", Fault.status(503, retry_after=100))
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        connect(max_retries=3).perform(OPERATIONS["get_current_user"], {}, cancel=cancel)
    assert (attempts(sandbox, "get_current_user"), clock.slept) == (1, [])


def test_a_wait_that_is_longer_than_the_budget_fails_at_once(sandbox, connect, clock):
    sandbox.inject("get_current_user", Fault.status(429, retry_after=301))
    with pytest.raises(RateLimitError) as caught:
        connect(max_retries=3).get_current_user()
    assert caught.value.retry_after == 301
    assert clock.slept == []


def test_the_budget_counts_requests_as_well_as_pauses(clock, connect):
    sandbox = Sandbox(rate_limits=False, clock=clock, token=None)
    sandbox.inject("get_current_user", Fault.latency(9))
    sandbox.inject("get_current_user", Fault.status(503))
    start = clock.monotonic()
    client = connect(sandbox.base_url, max_retries=100, total_timeout=60, transport=sandbox.transport())
    with pytest.raises((ServerError, TimeoutError)):
        client.get_current_user()
    assert clock.monotonic() - start <= 60
    assert 3 <= attempts(sandbox, "get_current_user") <= 7


def test_an_answer_that_drips_does_not_outlast_the_budget(clock, connect):
    sandbox = Sandbox(rate_limits=False, clock=clock, token=None)
    sandbox.inject("get_current_user", Fault.drip(1, 1.0))
    client = connect(sandbox.base_url, total_timeout=20, transport=sandbox.transport())
    with pytest.raises(TimeoutError):
        client.get_current_user()
    assert clock.monotonic() <= 22


def test_statuses_to_repeat_can_be_chosen(sandbox, connect):
    sandbox.inject("get_current_user", Fault.status(503), times=1)
    with pytest.raises(ServerError):
        connect(max_retries=3, retry_on_status=[429]).get_current_user()


@pytest.mark.parametrize(("method", "sent"), [("GET", 3), ("POST", 1), ("PUT", 3), ("PATCH", 1), ("DELETE", 3)])
def test_other_requests_are_judged_by_their_method(serve, connect, method, sent):
    server = serve(reply({}, 503))
    with pytest.raises(ServerError):
        connect(server.base_url, max_retries=2).request(method, "/new")
    assert len(server.requests) == sent


def test_a_compressed_body_that_was_cut_is_asked_for_again(connect):
    whole = gzip.compress(b'{"id": 1, "email": null, "github_user_id": "1", "github_username": "octocat"}')
    bodies = [whole[:-9], b"\x1f\x8bnonsense", whole]

    def answer(request):
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(bodies.pop(0)))

    assert connect(max_retries=2, transport=httpx.MockTransport(answer)).get_current_user().id == 1
    assert bodies == []


def test_failed_answers_give_their_connection_back(serve, connect):
    server = serve(*[reply({}, 503)] * 10, reply({"id": 1, "organization_id": 323}))
    connect(server.base_url, max_retries=50).get_agent_run(323, 1)
    assert len({request.port for request in server.requests}) == 1


# The errors of the calls, what the decorator is told, and the pauses between the calls; the error after them is raised.
OF_USERS = [
    ([ServerError("a", 503), NetworkError("b")], {"delay": 2.0}, [2.0, 3.0]),
    ([RateLimitError("a", retry_after=17)], {}, [17.0]),
    ([NetworkError("a", operation="GET /x")], {}, [1.0]),
    ([ServerError("a"), ServerError("b"), ServerError("last")], {"max_attempts": 3}, [1.0, 1.5]),
    ([AmbiguousRequestError("unknown", request_id="id")], {}, []),
    ([NotFoundError("gone")], {}, []),
    ([WaitTimeoutError("late")], {}, []),
    ([ServerError("a create that may have happened", operation="create_agent_run")], {}, []),
    ([ServerError("a", 501)], {}, []),
    ([NetworkError("a", operation="POST /x")], {}, []),
]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("errors", "options", "pauses"), OF_USERS)
def test_functions_of_users_are_repeated_after_what_may_pass(kind, clock, errors, options, pauses):
    rest = list(errors)
    repeat = retry_on_error(draw=lambda: 1.0, clock=clock, **options)

    @repeat
    def function():
        """Say what it does."""
        if rest:
            raise rest.pop(0)
        return f"{function.__name__}: {function.__doc__}"

    @repeat
    async def coroutine():
        return function.__wrapped__()

    call = function if kind == "sync" else lambda: asyncio.run(coroutine())
    if len(errors) > len(pauses):
        with pytest.raises(type(errors[-1])) as caught:
            call()
        assert caught.value is errors[-1]
    else:
        assert call() == "function: Say what it does."
    assert clock.slept == pauses


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"backoff_factor": -1.0}, {"delay": float("nan")}])
def test_wrong_arguments_are_refused(wrong):
    with pytest.raises(ConfigurationError, match=next(iter(wrong))) as caught:
        retry_on_error(**wrong)
    assert caught.value.config_key == next(iter(wrong))
    with pytest.raises(ConfigurationError, match=r"@retry_on_error\(\)"):
        retry_on_error(print)
