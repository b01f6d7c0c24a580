"""The end of a call over TCP: an answer in small pieces does not outlast it, and nothing is sent after it."""

import itertools
import ssl
import time

import httpcore
import httpx
import pytest
from codegen_api.operations import GET_AGENT_RUN

from codegen_ext import ClientConfig, TimeoutError
from codegen_ext._request import Deadline, Timing
from codegen_ext._sync.connection import TimedStream
from codegen_ext.testing import FakeClock

from ..conftest import TOKEN, once
from ..support.loopback import DRIP, reply

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n"


@pytest.mark.parametrize("head", [HEAD + b"x: ", HEAD + b"\r\n"], ids=["head", "body"])
def test_an_answer_that_drips_ends_with_the_call(serve, flavour, head):
    base_url = serve(head + DRIP).base_url
    config = ClientConfig(api_token=TOKEN, base_url=base_url, timeout=600, total_timeout=0.5, max_retries=0)
    with flavour.client(config) as client:
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="waiting for the response"):
            client.get_current_user()
        # Without an end it would drip until the whole body of 1,000 bytes is there, after 50 s.
        assert time.monotonic() - start < 20


@once  # the clock is moved between two reads
def test_a_stream_may_outlast_the_call(serve, clock, connect):
    session = connect(serve(HEAD + b"\r\n" + DRIP).base_url, total_timeout=10).session
    with session.stream("GET", "/") as response:
        clock.advance(60)
        assert list(itertools.islice(response.iter_raw(chunk_size=1), 5)) == [b" "] * 5


class Stream(httpcore.NetworkStream):
    """A stream of httpcore that notes how long each step may take."""

    def __init__(self):
        self.timeouts = []

    def read(self, max_bytes, timeout=None):
        self.timeouts.append(timeout)
        return b" "

    def write(self, buffer, timeout=None):
        self.timeouts.append(timeout)

    def start_tls(self, *args):
        return self


@pytest.mark.parametrize("encrypted", [False, True])
def test_each_step_has_only_the_time_that_is_left(clock, encrypted):
    stream, timing = Stream(), Timing()
    timing.begin(Deadline.after(clock, 40))
    opened = TimedStream(stream, timing)
    opened = opened.start_tls(ssl.create_default_context()) if encrypted else opened
    opened.write(b"GET", 30.0)
    assert timing.sent_at == clock.monotonic()
    for seconds in (25, 14, 2):
        opened.read(1, timeout=30.0)
        clock.advance(seconds)
    assert stream.timeouts == [30.0, 30.0, 15.0, pytest.approx(1.0)]
    with pytest.raises(httpcore.ReadTimeout):
        opened.read(1, timeout=30.0)
    timing.end()
    opened.read(1, timeout=None)


def test_a_request_whose_time_is_over_when_it_would_be_written_was_never_sent(clock):
    stream, timing = Stream(), Timing()
    timing.begin(Deadline.after(clock, 5))
    opened = TimedStream(stream, timing)
    clock.advance(6)
    with pytest.raises(httpcore.ConnectTimeout):
        opened.write(b"POST", 30.0)
    assert stream.timeouts == []


def test_a_create_that_waited_beyond_its_end_is_not_sent(serve, flavour):
    class StoppedProcess(FakeClock):
        """Passes a sleep's time ten times over, as for a process that was stopped meanwhile."""

        def sleep(self, seconds):
            super().sleep(seconds * 10)

        async def sleep_async(self, seconds):
            self.sleep(seconds)

        def wait(self, condition, seconds):
            self.sleep(seconds)

    server = serve(reply({"id": 1, "organization_id": 323}))
    config = ClientConfig(
        api_token=TOKEN,
        base_url=server.base_url,
        total_timeout=6,
        rate_limit_requests_per_period=1,
        rate_limit_period_seconds=4.0,
    )
    with flavour.client(config, clock=StoppedProcess()) as client:
        client.create_agent_run(323, "one")
        with pytest.raises(TimeoutError) as caught:
            client.create_agent_run(323, "two")
    assert "connecting" in str(caught.value)
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
