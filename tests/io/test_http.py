"""HTTP/1.1 over one connection: what services may send, what they must not, and when a connection is used again."""

import socket
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from codegen_ext import CodegenAPIError, NetworkError
from codegen_ext._request import Timing
from codegen_ext._sync.connection import ConnectionTransport

from ..support.loopback import HANG, Loopback, reply

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}
OTHER = {**USER, "id": 2}
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
    ],
)
def test_answers_of_every_form_are_read(
    serve: Callable[..., Loopback], connect: Callable[..., Any], answer: bytes, connections: int
) -> None:
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
def test_an_answer_that_breaks_the_protocol_is_a_network_error(
    serve: Callable[..., Loopback], connect: Callable[..., Any], answer: bytes, problem: str
) -> None:
    server = serve(answer, reply(USER))
    client = connect(server.base_url)
    with pytest.raises(NetworkError, match=problem):
        client.get_current_user()
    assert client.get_current_user().id == 1
    assert server.connections == 2


def test_what_comes_after_an_answer_is_not_the_answer_to_the_next_request(
    serve: Callable[..., Loopback], connect: Callable[..., Any]
) -> None:
    server = serve(reply(USER) + reply(OTHER) + HANG, reply(USER))
    client = connect(server.base_url)
    assert [client.get_current_user().id for _ in range(2)] == [1, 1]
    assert server.connections == 2


def test_an_answer_that_comes_before_the_request_was_read_is_received(connect: Callable[..., Any]) -> None:
    def refuse() -> None:
        client, _ = listener.accept()
        with client:
            client.recv(1_000)
            client.sendall(reply({"detail": "too large"}, 413, CLOSE))
            client.shutdown(socket.SHUT_WR)  # what is still sent to it resets the connection

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=refuse, daemon=True).start()
        client = connect(f"http://127.0.0.1:{listener.getsockname()[1]}")
        with pytest.raises(CodegenAPIError) as caught:
            client.request("POST", "/echo", json={"text": "x" * 20_000_000})
        assert caught.value.status_code == 413


def test_a_connection_that_was_idle_for_too_long_is_not_used_again(
    serve: Callable[..., Loopback], connect: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in ("_async", "_sync"):
        monkeypatch.setattr(f"codegen_ext.{kind}.network.KEEPALIVE_SECONDS", 0.02)
    server = serve(reply(USER))
    client = connect(server.base_url)
    for _ in range(2):
        client.get_current_user()
        time.sleep(0.04)
    assert server.connections == 2


def test_a_connection_serves_one_origin(serve: Callable[..., Loopback]) -> None:
    servers = [serve(reply({"server": number})) for number in range(2)]
    with httpx.Client(transport=ConnectionTransport(Timing(), None, None)) as client:
        assert [client.get(servers[number].base_url).json()["server"] for number in (0, 0, 1, 0)] == [0, 0, 1, 0]
    assert [server.connections for server in servers] == [2, 1]
