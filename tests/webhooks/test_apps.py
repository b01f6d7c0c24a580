"""The ASGI and the WSGI application, over real HTTP."""

import socket
from io import BytesIO
from urllib.parse import urlsplit

import pytest

from codegen_ext import WebhookError

from ..support import serving
from ..support.serving import ask
from .conftest import BODY, HEADERS, envelope, signed

LONG = envelope(result="x" * 2_000)


@pytest.fixture
def handler(make):
    return make(max_body_bytes=2_000)


@pytest.fixture(params=["asgi", "wsgi"])
def address(request, handler):
    app = handler.asgi_app() if request.param == "asgi" else handler.wsgi_app()
    with getattr(serving, request.param)(app) as address:
        yield address


def test_calls_are_taken_at_any_path_and_refused_with_a_reason(address, handler):
    seen = []
    handler.on("*")(lambda payload: seen.append(payload["id"]))

    @handler.on("*")
    async def also(payload):
        seen.append("async")
        if payload["id"] > 7:
            raise WebhookError("a private word", {8: None, 9: 403, 10: 499}[payload["id"]])

    def post(path, body, **headers):
        answer = ask("POST", address + path, content=body, headers={**signed(body, f"msg_{path}"), **headers})
        return answer.status_code, answer.json()

    for path in ("", "/", "/hooks/codegen?a=b"):
        assert post(path, BODY) == (200, {"status": "accepted"})
    assert post("/", BODY) == (200, {"status": "duplicate"})
    assert seen == [7, "async"] * 3
    for run_id, status in ((8, 500), (9, 403), (10, 499)):
        assert post(f"/{run_id}", envelope(id=run_id)) == (status, {"error": "handler"})
    for body, headers, status, reason in (
        (BODY[:-1], HEADERS, 401, "signature"),
        (BODY, {"webhook-id": ""}, 400, "headers"),
        (LONG, {}, 413, "oversized"),
    ):
        found, answer = post("/refused", body, **headers)
        assert (found, answer["error"], bool(answer["message"])) == (status, reason, True)
    for method in ("GET", "PUT"):
        refused = ask(method, address)
        assert (refused.status_code, refused.headers["allow"]) == (405, "POST")


def test_a_body_that_is_cut_changes_nothing(address, handler):
    seen = []
    handler.on("*")(seen.append)
    lines = [f"{name}: {value}" for name, value in HEADERS.items()]
    head = "\r\n".join(["POST / HTTP/1.1", "host: x", f"content-length: {len(BODY)}", *lines, "", ""])
    parts = urlsplit(address)
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(head.encode() + BODY[:-1])
        connection.shutdown(socket.SHUT_WR)
        connection.settimeout(30)
        assert b" 200 " not in connection.recv(1_000)
    assert seen == []
    assert ask("POST", address, content=BODY, headers=HEADERS).json() == {"status": "accepted"}


async def test_a_flood_is_not_read_to_its_end(handler):
    read = []
    sent = []

    async def receive():
        read.append(1_500)
        return {"type": "http.request", "body": b"x" * 1_500, "more_body": len(read) < 99}

    async def send(message):
        sent.append(message)

    await handler.asgi_app()({"type": "http", "method": "POST", "headers": []}, receive, send)
    assert (len(read), sent[0]["status"]) == (2, 413)


def test_a_body_without_length(handler):
    with serving.asgi(handler.asgi_app()) as address:
        assert ask("POST", address, content=iter([BODY[:9], BODY[9:]]), headers=HEADERS).status_code == 200
    environ = {"REQUEST_METHOD": "POST", "WEBHOOK_ID": "from the machine's environment"}
    environ |= {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in HEADERS.items()}
    for length, terminated, status in (("", True, 200), ("", False, 401), ("x", False, 401)):
        request = {"wsgi.input": BytesIO(BODY), "CONTENT_LENGTH": length, "wsgi.input_terminated": terminated}
        statuses = []
        handler.wsgi_app()({**environ, **request}, lambda line, headers, found=statuses: found.append(line))
        assert statuses[0].startswith(str(status))
