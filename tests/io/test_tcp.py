"""Connections of both kinds over real sockets: TLS, proxies, large bodies, and connections that end while idle."""

import gzip
import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest

from codegen_ext import NetworkError, TimeoutError

from ..support.loopback import HANG, Loopback, reply

CERTIFICATE = str(Path(__file__).parents[1] / "support" / "localhost.pem")
"""A certificate of localhost for a hundred years, signed by itself, and its key, which protects nothing."""
USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


@pytest.fixture
def serve_tls(serve: Callable[..., Loopback]) -> Callable[..., str]:
    """Start a server that gives written answers over TLS; returns its address."""

    def start(*answers: bytes) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERTIFICATE)
        server = serve(*answers)
        server.encrypt(context)
        return server.base_url

    return start


class Tunnel:
    """A proxy that knows CONNECT only, and notes what it connected to."""

    def __init__(self, stack: ExitStack) -> None:
        self.connected: list[bytes] = []
        self._stack = stack
        self._listener = stack.enter_context(socket.create_server(("127.0.0.1", 0)))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client = self._stack.enter_context(self._listener.accept()[0])
                target = client.recv(65_536).split()[1]
                self.connected.append(target)
                host, _, port = target.decode().rpartition(":")
                server = self._stack.enter_context(socket.create_connection((host, int(port))))
                client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
                for source, sink in ((client, server), (server, client)):
                    threading.Thread(target=self._copy, args=(source, sink), daemon=True).start()

    @staticmethod
    def _copy(source: socket.socket, sink: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                sink.sendall(data)


@pytest.fixture
def tunnel() -> Iterator[Tunnel]:
    with ExitStack() as stack:
        yield Tunnel(stack)


def test_calls_over_tls_share_a_connection(serve_tls: Callable[..., str], connect: Callable[..., Any]) -> None:
    client = connect(serve_tls(reply(USER)), verify=CERTIFICATE)
    assert [client.get_current_user().id for _ in range(3)] == [1, 1, 1]


def test_calls_over_tls_go_through_a_proxy(
    serve_tls: Callable[..., str], connect: Callable[..., Any], tunnel: Tunnel
) -> None:
    base_url = serve_tls(reply(USER))
    client = connect(base_url, verify=CERTIFICATE, proxy=tunnel.address)
    assert [client.get_current_user().id for _ in range(3)] == [1, 1, 1]
    assert tunnel.connected == [base_url.removeprefix("https://").encode()]


def test_a_certificate_that_nobody_vouches_for_is_refused_at_once(
    serve_tls: Callable[..., str], connect: Callable[..., Any]
) -> None:
    with pytest.raises(NetworkError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(serve_tls(reply(USER)), max_retries=5).get_current_user()


def test_a_handshake_that_is_not_answered_ends(connect: Callable[..., Any]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2, verify=False)
        with pytest.raises(TimeoutError, match="connecting"):
            client.get_current_user()


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_bodies_larger_than_any_buffer_arrive_whole(
    serve: Callable[..., Loopback], serve_tls: Callable[..., str], connect: Callable[..., Any], scheme: str
) -> None:
    large = "x" * 5_000_000
    answer = reply({"text": large})
    client = connect(serve_tls(answer) if scheme == "https" else serve(answer).base_url, verify=CERTIFICATE)
    assert client.request("POST", "/echo", json={"text": large}) == {"text": large}


def test_a_compressed_answer_without_its_end_fails(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    whole = gzip.compress(json.dumps(USER).encode())
    answers = [reply(body, headers={"content-encoding": "gzip"}) for body in (whole, whole[:-8])]
    client = connect(serve(*answers).base_url)
    assert client.get_current_user().id == 1
    with pytest.raises(NetworkError, match="ended early"):
        client.get_current_user()


def test_an_answer_that_does_not_come_ends(serve: Callable[..., Loopback], connect: Callable[..., Any]) -> None:
    with pytest.raises(TimeoutError, match="waiting for the response"):
        connect(serve(HANG).base_url, timeout=0.1).get_current_user()


@pytest.mark.parametrize("farewell", [b"", b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n"])
def test_a_connection_that_the_service_ended_is_not_used_again(connect: Callable[..., Any], farewell: bytes) -> None:
    def answer_once_each() -> None:
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


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["127.0.0.1", "127.0.0.2"]])
def test_what_cannot_be_reached_is_named(
    connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, addresses: list[str]
) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 9)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    with pytest.raises(NetworkError, match=r"cannot reach http://codegen\.invalid:9: connection refused"):
        connect("http://codegen.invalid:9").get_current_user()
