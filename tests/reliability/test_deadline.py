"""The end of a call over TCP: an answer that comes in small pieces does not outlast it."""

import contextlib
import itertools
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest
from codegen_ext.transport.deadline import SOON, TimeLeft, Timeouts, keep_deadlines
from codegen_ext.transport.extensions import STREAM
from codegen_ext.transport.network import network_transport
from codegen_ext.transport.retry import RetryPolicy, RetryTransport

from codegen_ext import ClientConfig, TimeoutError
from codegen_ext.testing import FakeClock

from ..conftest import TOKEN, Flavour
from ..support.loopback import Loopback, reply

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n"


class Dripping:
    """A server that sends what comes first, and then a byte every 50 ms until the test is over."""

    def __init__(self, first: bytes, drop: bytes) -> None:
        over = self.over = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                with contextlib.suppress(OSError):
                    self.wfile.write(first)
                    while not over.wait(0.05):
                        self.wfile.write(drop)

            def log_message(self, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.005,), daemon=True)
        self.thread.start()
        self.base_url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self) -> None:
        self.over.set()
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture(params=["head", "body"])
def dripping(request: pytest.FixtureRequest) -> Iterator[Dripping]:
    server = Dripping(HEAD + b"x: ", b"y") if request.param == "head" else Dripping(HEAD + b"\r\n", b" ")
    yield server
    server.close()


def test_an_answer_that_drips_ends_with_the_call(dripping: Dripping, flavour: Flavour) -> None:
    config = ClientConfig(api_token=TOKEN, base_url=dripping.base_url, timeout=600, total_timeout=1, max_retries=0)
    with flavour.client(config) as client:
        start = time.monotonic()
        with pytest.raises(TimeoutError, match="waiting for the response"):
            client.get_current_user()
        # Without an end it would drip until the whole body of 1,000 bytes is there, after 50 s.
        assert time.monotonic() - start < 20


def test_what_stalls_after_a_late_beginning_gets_only_what_is_left(clock: FakeClock) -> None:
    stream = Stalling(clock)
    transport = Fake(stream)
    keep_deadlines(transport)
    timeouts = Timeouts({"read": 30.0}, clock.monotonic() + 40, clock)
    opened = transport._pool._network_backend.connect_tcp("host", 80)
    phase = timeouts.get("read")
    for seconds in (25, 14):
        opened.read(1, timeout=phase)
        clock.advance(seconds)
    opened.read(1, timeout=phase)
    assert stream.timeouts == [30.0, 15.0, pytest.approx(1.0)]
    clock.advance(2)
    with pytest.raises(Exception, match="did not end in time"):
        opened.read(1, timeout=phase)
    assert timeouts.get("read") == SOON
    opened.read(1, timeout=5.0)
    assert stream.timeouts[3:] == [5.0]


def test_a_stream_may_outlast_the_call(clock: FakeClock) -> None:
    server = Dripping(HEAD + b"\r\n", b" ")
    transport = RetryTransport(network_transport(server.base_url), RetryPolicy(budget=10), clock)
    with (
        contextlib.closing(server),
        httpx.Client(transport=transport) as client,
        client.stream("GET", server.base_url, extensions={STREAM: True}) as response,
    ):
        clock.advance(60)
        assert list(itertools.islice(response.iter_raw(chunk_size=1), 5)) == [b" "] * 5


def test_httpx_tells_when_a_request_goes(serve: Callable[..., Loopback]) -> None:
    base_url = serve(reply(b"text")).base_url
    with httpx.Client(transport=RetryTransport(network_transport(base_url), RetryPolicy(budget=10))) as client:
        before = time.monotonic()
        timeouts = client.get(base_url).request.extensions["timeout"]
    assert before < timeouts.sent_at < time.monotonic()


def test_an_encrypted_stream_has_the_same_end(clock: FakeClock) -> None:
    stream = Stalling(clock)
    backend = keep_deadlines(Fake(stream))._pool._network_backend
    opened = backend.connect_tcp("host", 443).start_tls("context")
    phase = Timeouts({"read": 30.0}, clock.monotonic() + 40, clock).get("read")
    clock.advance(35)
    opened.read(1, timeout=phase)
    assert stream.timeouts == [pytest.approx(5.0)]


def test_time_left_is_a_number(clock: FakeClock) -> None:
    timeouts = Timeouts({"read": 30.0, "write": None, "pool": 2.0}, clock.monotonic() + 10, clock)
    assert dict(timeouts) == {"read": 10.0, "write": 10.0, "pool": 2.0}
    assert isinstance(timeouts.get("read"), TimeLeft)
    assert timeouts.get("unknown") is None


class Stalling:
    """A stream of httpcore that notes how long it may take."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.timeouts: list[float] = []

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        assert timeout is not None
        self.timeouts.append(timeout)
        return b" "

    def start_tls(self, *args: Any) -> "Stalling":
        return self


class Fake:
    """As much of a transport of httpx as there is to wrap."""

    def __init__(self, stream: Stalling) -> None:
        self._pool: Any = self
        self._network_backend: Any = self
        self.stream = stream

    def connect_tcp(self, *args: Any) -> Stalling:
        return self.stream
