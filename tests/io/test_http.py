"""HTTP/1.1 over one connection, in the clear, over TLS and through a proxy: answers, faults, and what is used again."""

import asyncio
import gc
import json
import os
import select
import socket
import ssl
import sys
import threading
import time
from contextlib import contextmanager, suppress
from unittest.mock import Mock

import httpx
import pytest
from httpcore._backends.sync import SyncStream

from codegen_ext import AsyncCodegenClient, ClientConfig, errors
from codegen_ext._io import asynchronous_tcp
from codegen_ext._request import Timing
from codegen_ext._sync.connection import ConnectionTransport

from ..conftest import TOKEN, once
from ..support.completions import EVENTS, chunk, events
from ..support.loopback import CERTIFICATE, DRIP, HANG, reply
from ..support.waiting import in_background, in_child, until

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}
BODY = reply(USER).partition(b"\r\n\r\n")[2]
CLOSE = {"connection": "close"}
CHUNKED = (
    b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
)


@pytest.mark.parametrize(
    ("answer", "connections"),
    [
        pytest.param(b"HTTP/1.1 103 Early Hints\r\n\r\n" + reply(USER, headers=CLOSE), 2, id="informational"),
        pytest.param(CHUNKED + b"%x\r\n%b\r\n0\r\nx-trailer: 1\r\n\r\n" % (len(BODY), BODY), 2, id="chunked"),
        pytest.param(b"HTTP/1.0 200 OK\r\ncontent-type: application/json\r\n\r\n" + BODY, 2, id="until the end"),
        pytest.param(reply(USER, headers=CLOSE), 2, id="closed"),
        pytest.param(reply(USER), 1, id="kept"),
        pytest.param(reply(USER) + reply({**USER, "id": 2}) + HANG, 2, id="more than one"),
    ],
)
def test_answers_of_every_form_are_read(serve, connect, answer, connections):
    server = serve(answer)
    client = connect(server.base_url)
    assert [client.get_current_user().id for _ in range(2)] == [1, 1]
    assert server.connections == connections


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        pytest.param(b"", "without sending a response", id="nothing"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx-", "without sending a response", id="cut head"),
        pytest.param(b"SMTP ready\r\n\r\n", "illegal status line", id="another protocol"),
        pytest.param(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 200_000, "too long", id="endless head"),
        pytest.param(
            b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd",
            "conflicting Content-Length",
            id="two lengths",
        ),
        pytest.param(
            b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n", "upgrade|UPGRADE", id="unwanted upgrade"
        ),
        pytest.param(reply(USER, length=1_000), "incomplete|closed", id="cut body"),
        pytest.param(CHUNKED + b"lots\r\n" + BODY, "illegal chunk header", id="no size of a chunk"),
    ],
)
def test_an_answer_that_breaks_the_protocol_is_a_network_error(serve, connect, answer, problem):
    server = serve(answer, reply(USER))
    client = connect(server.base_url)
    with pytest.raises(errors.NetworkError, match=problem):
        client.get_current_user()
    assert client.get_current_user().id == 1
    assert server.connections == 2


@contextmanager
def serve_with(answer):
    """Let a function answer the connections to the address, one after the other."""

    def run():
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    answer(client)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=run, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)  # ends the thread, which would go on to wait for a closed one


def test_an_answer_that_comes_before_the_request_was_read_is_received(connect):
    def refuse(client):
        client.recv(1_000)
        client.sendall(reply({"detail": "too large"}, 413, CLOSE))
        client.shutdown(socket.SHUT_WR)  # what is still sent to it resets the connection

    with serve_with(refuse) as address, pytest.raises(errors.CodegenAPIError) as caught:
        connect(address).request("POST", "/echo", json={"text": "x" * 20_000_000})
    assert caught.value.status_code == 413


def test_a_service_that_reads_slowly_does_not_hold_up_a_call_for_longer_than_it_may_take(flavour):
    def read_slowly(client):
        while client.recv(100_000):
            time.sleep(0.1)  # the whole takes 40 s

    with serve_with(read_slowly) as address:
        config = ClientConfig(api_token=TOKEN, base_url=address, total_timeout=0.5, max_retries=0)
        start = time.monotonic()
        with (
            flavour.client(config) as client,
            pytest.raises(errors.TimeoutError, match=r"timed out after 0\.5 s") as caught,
        ):
            client.request("POST", "/echo", json={"text": "x" * 40_000_000})
        assert time.monotonic() - start < 20
    assert caught.value.timeout_duration == 0.5


def test_between_two_parts_of_a_stream_any_time_may_pass(flavour, monkeypatch):
    content = events(chunk("a"), chunk("b", "stop"))
    first, separator, rest = content.partition(b"\n\n")
    limits, go_on = [], threading.Event()
    kind = asynchronous_tcp._Stream if flavour.is_async else SyncStream
    read = kind.read

    def read_noting_the_limit(stream, max_bytes, timeout=None):
        limits.append(timeout)
        return read(stream, max_bytes, timeout)

    def pause(client):
        client.recv(65_536)
        client.sendall(reply(first + separator, content_type=EVENTS, length=len(content)))
        go_on.wait(30)
        client.sendall(rest)

    monkeypatch.setattr(kind, "read", read_noting_the_limit)
    with serve_with(pause) as address, flavour.chat(None, address, timeout=20, rate_limits=False) as chat:
        stream = chat.stream_chat_completion("m", [{"role": "user", "content": "x"}])
        assert next(stream) is not None
        go_on.set()
        assert list(stream)[-1] is not None
    assert (limits[0], limits[-1]) == (20, None)


def test_a_connection_that_was_idle_for_too_long_is_not_used_again(serve, connect, monkeypatch):
    for kind in ("_async", "_sync"):
        monkeypatch.setattr(f"codegen_ext.{kind}.network.KEEPALIVE_SECONDS", 0.02)
    server = serve(reply(USER))
    client = connect(server.base_url)
    for _ in range(2):
        client.get_current_user()
        time.sleep(0.04)
    assert server.connections == 2


@pytest.fixture
def plain():
    with httpx.Client(transport=ConnectionTransport(Timing(), None, None)) as client:
        yield client


def test_a_connection_serves_one_origin(serve, plain):
    servers = [serve(reply({"server": number})) for number in range(2)]
    assert [plain.get(servers[number].base_url).json()["server"] for number in (0, 0, 1, 0)] == [0, 0, 1, 0]
    assert [server.connections for server in servers] == [2, 1]


def test_extensions_of_httpx_are_respected(serve, plain):
    server = serve(reply({}), b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n")
    plain.get(server.base_url, extensions={"target": b"/a/../b", "timeout": {"read": 5}})
    assert server.requests[0].path == "/a/../b"
    with plain.stream("GET", server.base_url, headers={"connection": "upgrade", "upgrade": "x"}) as response:
        assert response.status_code == 101
        _, port = response.extensions["network_stream"].get_extra_info("server_addr")
        assert server.base_url.endswith(f":{port}")
    tls = ssl.create_default_context(cafile=CERTIFICATE)
    verified = httpx.Client(transport=ConnectionTransport(Timing(), None, tls))
    with verified, pytest.raises(httpx.ConnectError, match=r"'other\.example'"):
        verified.get(serve(reply({})).encrypt().base_url, extensions={"sni_hostname": "other.example"})


def test_a_connection_that_was_interrupted_before_its_handshake_is_closed(serve, plain, monkeypatch):
    server = serve(reply({}))
    monkeypatch.setattr("codegen_ext._sync.connection.default_tls", Mock(side_effect=KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt) as caught:
        plain.get(server.base_url.replace("http", "https"))
    until(lambda: server.connections and not server.open)
    assert caught.tb  # which keeps the frames alive, and so whatever was not closed


@pytest.mark.parametrize("scheme", ["ftp", "ws", "wss"])
def test_other_protocols_than_http_are_refused(serve, plain, scheme):
    server = serve(reply({}))
    with pytest.raises(httpx.UnsupportedProtocol, match=f"not {scheme}://"):
        plain.get(server.base_url.replace("http", scheme))
    assert server.connections == 0


@once
@pytest.mark.parametrize("encrypted", [False, True])
def test_closing_a_client_ends_the_call_of_another_thread(serve, connect, encrypted):
    server = serve(HANG)
    client = connect((server.encrypt() if encrypted else server).base_url, verify=False)
    call = in_background(client.get_current_user)
    until(lambda: server.requests)
    client.close()
    with pytest.raises(errors.NetworkError, match="the client was closed while the request was under way"):
        call.result(30)


@once
def test_whatever_a_connection_raises_that_is_closed_under_way_is_a_network_error(connect):
    def read(request):
        client.close()
        raise ValueError("Read on closed or unwrapped SSL socket.")

    client = connect(transport=httpx.MockTransport(read))
    with pytest.raises(errors.NetworkError, match="the client was closed while the request was under way"):
        client.get_current_user()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
def test_a_child_that_closes_a_response_leaves_it_open_in_its_parent(serve, plain):
    with plain.stream("GET", serve(reply(b"first", length=9) + DRIP).base_url) as response:
        parts = response.iter_raw()
        received = next(parts)
        assert in_child(lambda: response.close() is None) == 0
        assert received + b"".join(parts) == b"first    "


def test_calls_over_tls_go_through_a_proxy(serve, connect):
    connected = []

    def tunnel(client):
        target = client.recv(65_536).split()[1].decode()  # after CONNECT
        connected.append(target)
        host, _, port = target.rpartition(":")
        with socket.create_connection((host, int(port))) as service:
            client.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
            others = {client: service, service: client}
            while True:
                for ready in select.select(others, [], [])[0]:
                    if not (data := ready.recv(65_536)):
                        return
                    others[ready].sendall(data)

    base_url = serve(reply(USER)).encrypt().base_url
    with serve_with(tunnel) as address:
        client = connect(base_url, verify=CERTIFICATE, proxy=address)
        assert [client.get_current_user().id for _ in range(3)] == [1, 1, 1]
    assert connected == [base_url.removeprefix("https://")]


def test_a_handshake_that_is_not_answered_ends(connect):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = connect(f"https://127.0.0.1:{silent.getsockname()[1]}", timeout=0.2, verify=False)
        with pytest.raises(errors.TimeoutError, match="connecting"):
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
    received, ended = threading.Semaphore(0), threading.Semaphore(0)

    def answer_once(client):
        client.recv(65_536)
        client.sendall(reply(USER))
        received.acquire(timeout=30)
        client.sendall(farewell)
        client.close()
        ended.release()

    with serve_with(answer_once) as address:
        client = connect(address)
        for _ in range(3):
            assert client.get_current_user().id == 1
            received.release()
            assert ended.acquire(timeout=30)  # while no loop runs: only the system has seen the end


def test_what_cannot_be_reached_at_any_address_is_named(connect, monkeypatch):
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 9)) for address in ("127.0.0.1", "127.0.0.2")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    with pytest.raises(errors.NetworkError, match=r"cannot reach http://codegen\.invalid:9: connection refused"):
        connect("http://codegen.invalid:9").get_current_user()


async def test_calls_that_are_cancelled_while_they_connect_leave_no_socket_open(serve, recwarn):
    server = serve(reply(USER))
    gc.collect()  # what other tests have left
    recwarn.clear()
    for host in ("127.0.0.1", "localhost"):
        address = server.base_url.replace("127.0.0.1", host)
        async with AsyncCodegenClient(ClientConfig(api_token=TOKEN, base_url=address, rate_limits=False)) as client:
            calls = [asyncio.ensure_future(client.get_user(323, number)) for number in range(100)]
            for call in calls:
                await asyncio.sleep(0)
                call.cancel()
            await asyncio.gather(*calls, return_exceptions=True)
    gc.collect()
    assert [str(warning.message) for warning in recwarn] == []


async def test_an_address_that_does_not_answer_is_left_for_the_next(serve, monkeypatch):
    server = serve(reply(USER))
    port = int(server.base_url.rpartition(":")[2])
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("127.0.0.2", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **options: found)
    monkeypatch.setattr(asynchronous_tcp, "_LONGEST_ATTEMPT", 0.1)
    with socket.create_server(("127.0.0.2", port), backlog=0), socket.create_connection(("127.0.0.2", port)):
        async with AsyncCodegenClient(api_token=TOKEN, base_url=f"http://codegen.invalid:{port}") as client:
            assert (await client.get_current_user()).id == 1
