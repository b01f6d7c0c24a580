"""Which failures are repeated, how often and how soon, and when a call ends at the latest."""

import asyncio
import gzip
import itertools
import ssl
from unittest.mock import Mock

import httpcore
import httpx
import pytest
from codegen_api.operations import GET_AGENT_RUN, OPERATIONS

from codegen_ext import errors, retry_on_error
from codegen_ext._request import Deadline, Timing
from codegen_ext._sync.connection import TimedStream
from codegen_ext._sync.locks import Event
from codegen_ext.clock import Cancelled
from codegen_ext.retry import LONGEST_PAUSE, RetryPolicy
from codegen_ext.testing import Fault, Sandbox

from ..conftest import once
from ..support.calls import attempts, required
from ..support.loopback import DRIP, reply
from ..support.waiting import in_background, until

READ_AGAIN = [
    *(Fault.status(status) for status in (429, 500, 502, 503, 504)),
    *(Fault.reset_before(), Fault.reset_after(), Fault.truncate(10)),
]


@pytest.mark.parametrize(
    ("fault", "options", "sent"),
    [
        *((fault, {}, 4) for fault in READ_AGAIN),
        *((Fault.status(status), {}, 1) for status in (400, 401, 402, 403, 404, 409, 418, 422, 501)),
        (Fault.status(503), {"retry_on_status": [429]}, 1),
        (Fault.status(429, retry_after=301), {}, 1),  # the call may take 300 s
    ],
)
def test_a_read_is_repeated_after_what_may_pass_in_time_and_after_nothing_else(
    sandbox, connect, clock, fault, options, sent
):
    sandbox.inject("get_current_user", fault, times=3)
    client = connect(max_retries=3, **options)
    if sent == 4:
        assert client.get_current_user().id == 1
    else:
        with pytest.raises(errors.CodegenAPIError):
            client.get_current_user()
        assert clock.slept == []
    assert attempts(sandbox, "get_current_user") == sent


def test_what_may_have_been_processed_is_repeated_only_where_that_does_no_harm(sandbox, connect):
    client = connect(max_retries=2, exactly_once=False)
    client.create_agent_run(323, "Make something to work on")
    for operation in OPERATIONS.values():
        if operation.service == "codegen":
            before = attempts(sandbox, operation.id)
            sandbox.inject(operation.id, Fault.reset_after())
            with pytest.raises(errors.NetworkError):
                getattr(client, operation.id)(**required(operation))
            assert attempts(sandbox, operation.id) - before == (3 if operation.idempotent else 1)


def test_what_was_not_accepted_or_not_sent_is_repeated_for_every_operation(sandbox, connect, clock):
    sandbox.inject("create_agent_run", Fault.status(429, retry_after=7.5), times=1)
    assert connect(max_retries=1, retry_delay=0.1).create_agent_run(323, "x").id == 1
    assert clock.slept == [7.5]
    with pytest.raises(errors.NetworkError):
        connect("http://127.0.0.1:9", max_retries=2).create_agent_run(323, "x")
    assert len(clock.slept) == 1 + 2


def test_pauses_grow_with_full_jitter(sandbox, connect, clock):
    sandbox.inject("get_current_user", Fault.status(503))
    with pytest.raises(errors.ServerError):
        connect(max_retries=5, retry_delay=2.0, retry_backoff_factor=3.0).get_current_user()
    bounds = [2.0, 6.0, 18.0, 54.0, LONGEST_PAUSE]
    assert len(clock.slept) == 5
    assert all(0 <= slept <= bound for slept, bound in zip(clock.slept, bounds, strict=True))
    for factor in (10, 10.0):
        assert RetryPolicy(0.5, factor, draw=lambda: 0.5).pause(5_000) == LONGEST_PAUSE / 2


def test_a_pause_that_does_not_fit_into_the_call_is_not_made(sandbox, connect, clock):
    client = connect(max_retries=3, total_timeout=300)
    for status in (429, 503):
        sandbox.inject("get_current_user", Fault.status(status, retry_after=400), times=1)
        with pytest.raises((errors.RateLimitError, errors.ServerError)) as caught:
            client.get_current_user()
        assert (caught.value.status_code, caught.value.retry_after) == (status, 400)
    assert clock.slept == []


@once
def test_a_call_that_was_cancelled_waits_for_no_repetition(sandbox, connect, clock):
    sandbox.inject("get_current_user", Fault.status(503, retry_after=100))
    cancel = Event()
    cancel.set()
    with pytest.raises(Cancelled):
        connect(max_retries=3).perform(OPERATIONS["get_current_user"], {}, cancel=cancel)
    assert (attempts(sandbox, "get_current_user"), clock.slept) == (1, [])


def test_the_budget_counts_requests_that_last_and_answers_that_drip_as_well_as_pauses(clock, connect):
    sandbox = Sandbox(rate_limits=False, clock=clock, token=None)
    sandbox.inject("get_current_user", Fault.latency(9))
    sandbox.inject("get_current_user", Fault.status(503))
    start = clock.monotonic()
    client = connect(sandbox.base_url, max_retries=100, total_timeout=60, transport=sandbox.transport())
    with pytest.raises((errors.ServerError, errors.TimeoutError)):
        client.get_current_user()
    assert clock.monotonic() - start <= 60
    assert 3 <= attempts(sandbox, "get_current_user") <= 7
    sandbox.clear_faults()
    sandbox.inject("get_current_user", Fault.drip(1, 1.0))
    start = clock.monotonic()
    with pytest.raises(errors.TimeoutError):
        client.with_options(total_timeout=20).get_current_user()
    assert clock.monotonic() - start <= 22


@pytest.mark.parametrize(("method", "sent"), [("GET", 3), ("POST", 1), ("PUT", 3), ("PATCH", 1), ("DELETE", 3)])
def test_other_requests_are_judged_by_their_method(serve, connect, method, sent):
    server = serve(reply({}, 503))
    with pytest.raises(errors.ServerError):
        connect(server.base_url, max_retries=2).request(method, "/new")
    assert (len(server.requests), server.connections) == (sent, 1)


def test_a_compressed_body_that_was_cut_is_asked_for_again(connect):
    whole = gzip.compress(b'{"id": 1, "email": null, "github_user_id": "1", "github_username": "octocat"}')
    bodies = [b"\x1f\x8bnonsense", whole[:-9], b"\x1f\x8bnonsense", whole]

    def answer(request):
        headers = {"content-encoding": "gzip", "content-type": "application/json"}
        return httpx.Response(200, headers=headers, stream=httpx.ByteStream(bodies.pop(0)))

    client = connect(max_retries=2, transport=httpx.MockTransport(answer))
    with pytest.raises(errors.NetworkError):
        client.with_options(max_retries=0).get_current_user()
    assert client.get_current_user().id == 1
    assert bodies == []


BUSY = errors.ServerError("busy", 503)
BUSY.retry_after = 25.0
# The errors of the calls, what the decorator is told, and the pauses between the calls; the error after them is raised.
OF_USERS = [
    ([errors.ServerError("a", 503), errors.NetworkError("b")], {"delay": 2.0}, [2.0, 3.0]),
    ([errors.RateLimitError("a", retry_after=17), BUSY], {}, [17.0, 25.0]),
    ([errors.NetworkError("a", operation="GET /x")], {}, [1.0]),
    ([errors.ServerError("a"), errors.ServerError("b"), errors.ServerError("last")], {"max_attempts": 3}, [1.0, 1.5]),
    ([errors.AmbiguousRequestError("unknown", request_id="id")], {}, []),
    ([errors.WaitTimeoutError("late")], {}, []),
    ([errors.ServerError("a create that may have happened", operation="create_agent_run")], {}, []),
    ([errors.ServerError("a", 501)], {}, []),
    ([errors.NetworkError("a", operation="POST /x")], {}, []),
]


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("failures", "options", "pauses"), OF_USERS)
def test_functions_of_users_are_repeated_after_what_may_pass(kind, clock, failures, options, pauses):
    rest = list(failures)
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
    if len(failures) > len(pauses):
        with pytest.raises(type(failures[-1])) as caught:
            call()
        assert caught.value is failures[-1]
    else:
        assert call() == "function: Say what it does."
    assert clock.slept == pauses


HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n"


@pytest.mark.parametrize("head", [HEAD + b"x: ", HEAD + b"\r\n"], ids=["head", "body"])
def test_an_answer_that_drips_ends_with_the_call(serve, connect, clock, head):
    def end_the_call():
        until(lambda: server.requests)
        clock.advance(60)

    server = serve(head + DRIP)  # until 1,000 bytes are there, after 50 s
    in_background(end_the_call)
    with pytest.raises(errors.TimeoutError, match="waiting for the response"):
        connect(server.base_url, timeout=600, total_timeout=60, enable_caching=True).get_current_user()


@once  # the clock is moved between two reads
def test_a_stream_may_outlast_the_call(serve, clock, connect):
    session = connect(serve(HEAD + b"\r\n" + DRIP).base_url, total_timeout=10).session
    with session.stream("GET", "/") as response:
        clock.advance(60)
        assert list(itertools.islice(response.iter_raw(chunk_size=1), 5)) == [b" "] * 5


@pytest.mark.parametrize("encrypted", [False, True])
def test_each_step_has_only_the_time_that_is_left_and_without_any_nothing_is_written(clock, encrypted):
    stream, timing = Mock(httpcore.NetworkStream), Timing()
    stream.start_tls.return_value = stream
    timing.begin(Deadline.after(clock, 40))
    opened = TimedStream(stream, timing)
    opened = opened.start_tls(ssl.create_default_context()) if encrypted else opened
    opened.write(b"GET", 30.0)
    assert timing.sent_at == clock.monotonic()
    for seconds in (25, 14, 2):
        opened.read(1, timeout=30.0)
        clock.advance(seconds)
    limits = [arguments[1] for step, arguments, _ in stream.method_calls if step != "start_tls"]
    assert limits == [30.0, 30.0, 15.0, pytest.approx(1.0)]
    with pytest.raises(httpcore.ReadTimeout):
        opened.read(1, timeout=30.0)
    timing.begin(Deadline.after(clock, 5))
    clock.advance(6)
    with pytest.raises(httpcore.ConnectTimeout):  # which says that nothing was sent
        opened.write(b"POST", 30.0)
    assert (stream.write.call_count, stream.read.call_count) == (1, 3)
    timing.end()
    opened.read(1, timeout=None)


def test_a_create_that_waited_beyond_its_end_is_not_sent(serve, connect, clock, monkeypatch):
    server = serve(reply({"id": 1, "organization_id": 323}))
    limit = {"rate_limits": True, "rate_limit_requests_per_period": 1, "rate_limit_period_seconds": 4.0}
    client = connect(server.base_url, total_timeout=6, max_retries=3, **limit)
    client.create_agent_run(323, "one")
    sleep = clock.sleep
    monkeypatch.setattr(clock, "sleep", lambda seconds: sleep(seconds * 10))  # for a process that is stopped meanwhile
    with pytest.raises(errors.TimeoutError, match="connecting"):
        client.create_agent_run(323, "two")
    assert len(server.requests) == 1


def test_every_phase_over_a_transport_of_the_user_has_only_the_time_that_is_left(connect):
    seen = []

    def serve(request):
        seen.append(dict(request.extensions["timeout"]))
        return httpx.Response(200, json={"id": 1, "organization_id": 323})

    client = connect(transport=httpx.MockTransport(serve), timeout=30, total_timeout=7)
    client.get_agent_run(323, 1)
    client.with_options(total_timeout=100).get_agent_run(323, 1)
    for seconds in (3, 1000):  # a deadline of the caller's counts where it comes first
        client.perform(GET_AGENT_RUN, {"org_id": 323, "agent_run_id": 1}, deadline=client.deadline(seconds))
    assert [set(timeouts.values()) for timeouts in seen] == [{7.0}, {30}, {3.0}, {7.0}]
