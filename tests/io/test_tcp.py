"""Connections of both kinds over real sockets: TLS, proxies, large bodies, and connections that end while idle."""

import asyncio
import json
import select
import socket
import socketserver
import sys
import threading
import time
from contextlib import suppress

import httpx
import pytest

from codegen_ext import AsyncCodegenClient, NetworkError, TimeoutError
from codegen_ext._request import Timing
from codegen_ext._sync.connection import ConnectionTransport

from ..support.loopback import CERTIFICATE, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


@pytest.fixture
def tunnel():
    """A proxy that knows CONNECT only: its address, and what it connected to."""
    connected = []

    class Handler(socketserver.BaseRequestHandler):
        def handle(self):
            target = self.request.recv(65_536).split()[1].decode()
            connected.append(target)
            host, _, port = target.rpartition(":")
            with socket.create_connection((host, int(port))) as server:
                self.request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                others = {self.request: server, server: self.request}
                while True:
                    for ready in select.select(others, [], [])[0]:
                        if not (data := ready.recv(65_536)):
                            return
                        others[ready].sendall(data)

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as proxy:
        proxy.daemon_threads = True
        threading.Thread(target=proxy.serve_forever, args=(0.01,)).start()
        yield f"http://127.0.0.1:{proxy.server_address[1]}", connected
        proxy.shutdown()


def test_calls_over_tls_go_through_a_proxy(serve, connect, tunnel):
    base_url, (address, connected) = serve(reply(USER)).encrypt().base_url, tunnel
    client = connect(base_url, verify=CERTIFICATE, proxy=address)
    assert [client.get_current_user().id for _ in range(3)] == [1, 1, 1]
    assert connected == [base_url.removeprefix("https://")]


def test_nothing_is_sent_in_the_clear_to_an_https_address(serve):
    with (
        httpx.Client(transport=ConnectionTransport(Timing(), None, None)) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get(serve(reply(USER)).encrypt().base_url)


def test_a_handshake_that_is_not_answered_ends(connect):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2, verify=False)
        with pytest.raises(TimeoutError, match="connecting"):
            client.get_current_user()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_bodies_larger_than_any_buffer_arrive_whole(serve, connect, scheme):
    large = "x" * 5_000_000
    server = serve(reply({"text": large}))
    if scheme == "https":
        server.encrypt()
    client = connect(server.base_url, verify=CERTIFICATE)
    assert client.request("POST", "/echo", json={"text": large}) == {"text": large}


@pytest.mark.skipif(sys.platform == "win32", reason="uvloop is not for Windows")
def test_on_uvloop_an_answer_over_tls_is_read_whole_although_the_service_then_disconnects(serve):
    import uvloop

    async def read():
        for _ in range(5):
            async with AsyncCodegenClient(
                api_token="t", base_url=server.base_url, verify=CERTIFICATE, max_retries=0
            ) as client:
                assert await client.request("GET", "/large") == {"text": large}

    large = "x" * 3_000_000
    server = serve(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + json.dumps({"text": large}).encode())
    server.encrypt()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(read())


@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"])
def test_a_connection_that_the_service_ended_is_not_used_again(connect, farewell):
    def answer_once_each():
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client:
                    client.recv(65_536)
                    client.sendall(reply(USER))
                    time.sleep(0.02)
                    client.sendall(farewell)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=answer_once_each, daemon=True).start()
        client = connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        for _ in range(3):
            assert client.get_current_user().id == 1
            time.sleep(0.1)  # while no loop runs: what has come by then is seen by the system only


def test_what_cannot_be_reached_at_any_address_is_named(connect, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 9)) for address in ("127.0.0.1", "127.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    with pytest.raises(NetworkError, match=r"cannot reach http://codegen\.invalid:9: connection refused"):
        connect("http://codegen.invalid:9").get_current_user()
