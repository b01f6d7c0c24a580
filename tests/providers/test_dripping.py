"""An answer that drips byte by byte, each in time, ends with its deadline all the same."""

import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codegen_ext.providers import ProviderTimeoutError
from codegen_ext.testing import FakeClock

from .conftest import chunk, events

DRIPS = 100
"""So many bytes, one in every second of the fake clock, and then it is over."""
TYPES = {False: "application/json", True: "text/event-stream"}


@pytest.fixture
def dripping(clock: FakeClock) -> Iterator[str]:
    over = threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = self.rfile.read(int(self.headers["content-length"]))
            streams = b'"stream":true' in asked.replace(b" ", b"")
            self.send_response(200)
            self.send_header("content-type", TYPES[streams])
            self.end_headers()
            self.wfile.write(events(chunk("From ")) if streams else b"{")
            for _ in range(DRIPS):
                clock.advance(1)
                self.wfile.write(b" ")
                if over.wait(0.001):
                    return

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.005,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/v1"
    over.set()
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("streams", [False, True])
def test_a_dripping_answer_ends_with_its_deadline(streams: bool, named: Callable[..., Any], dripping: str) -> None:
    provider = named("openai", base_url=dripping)
    with pytest.raises(ProviderTimeoutError) as caught:
        list(provider.stream_response("Hi", timeout=30)) if streams else provider.generate_response("Hi", timeout=30)
    assert caught.value.timeout_duration == 30
    assert caught.value.partial == ("From " if streams else "")
