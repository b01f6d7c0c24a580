"""The ASGI and the WSGI application, over real HTTP."""

import http.client
import json
import socket
from collections.abc import Iterator
from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

import pytest

from codegen_ext import WebhookError, WebhookHandler

from ..support import serving
from ..support.serving import ask
from .conftest import BODY, Make, envelope, signed

LONG = envelope(result="x" * 2_000)


@pytest.fixture
def handler(make: Make) -> WebhookHandler:
    return make(max_body_bytes=2_000)


@pytest.fixture(params=["asgi", "wsgi"])
def address(request: pytest.FixtureRequest, handler: WebhookHandler) -> Iterator[str]:
    app = handler.asgi_app() if request.param == "asgi" else handler.wsgi_app()
    with getattr(serving, request.param)(app) as address:
        yield address


def test_calls_are_taken_at_any_path_and_refused_with_a_reason(address: str, handler: WebhookHandler) -> None:
    seen: list[Any] = []
    handler.on("*")(lambda payload: seen.append(payload["id"]))

    @handler.on("*")
    async def also(payload: Any) -> None:
        seen.append("async")

    def post(path: str = "", body: bytes = BODY, message_id: str = "msg_0", **headers: str) -> tuple[int, Any]:
        answer = ask("POST", address + path, content=body, headers={**signed(BODY, message_id), **headers})
        return answer.status_code, answer.json()

    for number, path in enumerate(("", "/", "/hooks/codegen?a=b")):
        assert post(path, message_id=f"msg_{number}") == (200, {"status": "accepted"})
    assert seen == [7, "async"] * 3
    assert post() == (200, {"status": "duplicate"})
    for body, headers, status, reason in (
        (BODY[:-1], {}, 401, "signature"),
        (BODY, {"webhook-id": ""}, 400, "headers"),
        (LONG, signed(LONG), 413, "oversized"),
    ):
        found, answer = post(body=body, **headers)
        assert (found, answer["error"]) == (status, reason)
        assert answer["message"]
    for method in ("GET", "PUT"):
        refused = ask(method, address)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")
    assert len(seen) == 6


@pytest.mark.parametrize("status", [None, 403, 499])
def test_a_failing_handler(address: str, handler: WebhookHandler, status: int | None) -> None:
    @handler.on("*")
    def fail(payload: Any) -> None:
        raise WebhookError("a private word", status)

    answer = ask("POST", address, content=BODY, headers=signed(BODY))
    assert (answer.status_code, answer.json()) == (status or 500, {"error": "handler"})


def test_headers_that_come_twice(address: str) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc)
    for name, value in signed(BODY).items():
        connection.putrequest("POST", "/")
        for key, text in (("content-length", str(len(BODY))), *signed(BODY).items(), (name.upper(), value)):
            connection.putheader(key, text)
        connection.endheaders(BODY)
        answer = connection.getresponse()
        assert (answer.status, json.loads(answer.read())["error"]) in [(400, "headers"), (401, "signature")]
    connection.close()


def test_a_body_that_is_cut_changes_nothing(address: str, handler: WebhookHandler) -> None:
    seen: list[Any] = []
    handler.on("*")(seen.append)
    lines = [f"{name}: {value}" for name, value in signed(BODY).items()]
    head = "\r\n".join(["POST / HTTP/1.1", "host: x", f"content-length: {len(BODY)}", *lines, "", ""])
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(head.encode() + BODY[:-1])
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(30)
        assert b" 200 " not in connection.recv(1_000)
    assert seen == []
    assert ask("POST", address, content=BODY, headers=signed(BODY)).status_code == 200
    assert len(seen) == 1


def test_a_body_without_length(handler: WebhookHandler) -> None:
    with serving.asgi(handler.asgi_app()) as address:
        assert ask("POST", address, content=iter([BODY[:9], BODY[9:]]), headers=signed(BODY)).status_code == 200


async def test_a_flood_is_not_read_to_its_end(handler: WebhookHandler) -> None:
    read: list[int] = []
    sent: list[Any] = []

    async def receive() -> Any:
        read.append(1_500)
        return {"type": "http.request", "body": b"x" * 1_500, "more_body": len(read) < 99}

    async def send(message: Any) -> None:
        sent.append(message)

    await handler.asgi_app()({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert (len(read), sent[0]["status"]) == (2, 413)


@pytest.mark.parametrize(("length", "terminated", "status"), [("", True, 200), ("", False, 401), ("x", False, 401)])
def test_a_wsgi_server_that_names_no_length(
    handler: WebhookHandler, length: str, terminated: bool, status: int
) -> None:
    environ = {"REQUEST_METHOD": "POST", "wsgi.input": BytesIO(BODY), "CONTENT_LENGTH": length}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in signed(BODY).items()}
    environ |= {"wsgi.input_terminated": terminated, "WEBHOOK_ID": "from the machine's environment"}
    statuses: list[str] = []
    handler.wsgi_app()(environ, lambda line, headers: statuses.append(line))
    assert statuses[0].startswith(str(status))
