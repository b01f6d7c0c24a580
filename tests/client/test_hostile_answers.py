"""What the other side says is believed only as far as it makes sense: sizes, media types, identities, messages."""

import gzip
import json
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from codegen_ext import (
    AmbiguousRequestError,
    CodegenAPIError,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    PermissionDeniedError,
)

from ..conftest import Flavour

Connect = Callable[..., Any]
RUN = {"id": 1, "organization_id": 323, "status": "RUNNING"}


def answering(*responses: Any) -> httpx.MockTransport:
    """Give these responses in turn; the last one stays."""
    rest = list(responses)
    return httpx.MockTransport(lambda request: rest.pop(0) if len(rest) > 1 else rest[0])


class Endless(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of any number of parts; counts those that were taken."""

    def __init__(self, part: bytes, parts: int) -> None:
        self.part = part
        self.parts = parts
        self.taken = 0

    def __iter__(self) -> Iterator[bytes]:
        while self.taken < self.parts:
            self.taken += 1
            yield self.part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_that_is_too_large_after_decoding_is_not_read_on(connect: Connect, packed: bool) -> None:
    headers = {"content-type": "application/json"}
    body = Endless(b" " * 1_000, 10_000)
    if packed:
        whole = gzip.compress(b" " * 10_000_000)
        body = Endless(whole, 1)
        headers["content-encoding"] = "gzip"
    client = connect(transport=answering(httpx.Response(200, headers=headers, stream=body)), max_response_bytes=50_000)
    with pytest.raises(InvalidResponseError, match="max_response_bytes"):
        client.get_agent_run(323, 1)
    assert body.taken <= 51


@pytest.mark.parametrize("part", [b"x" * 1_000, b"data: " + b"x" * 990 + b"\n"])
def test_an_event_that_is_too_large_ends_its_stream(flavour: Flavour, part: bytes) -> None:
    body = Endless(part, 10_000)
    response = httpx.Response(200, headers={"content-type": "Text/Event-Stream; charset=utf-8"}, stream=body)
    with (
        flavour.chat("key", "http://service.invalid", transport=answering(response), max_response_bytes=50_000) as chat,
        pytest.raises(CodegenAPIError, match="more than 50000 bytes"),
    ):
        list(chat.stream_chat_completion("gpt-4o", [{"role": "user", "content": "Hi"}]))
    assert body.taken <= 60


@pytest.mark.parametrize("kind", ["Application/JSON", "application/problem+JSON; Charset=UTF-8", "APPLICATION/json"])
def test_media_types_ignore_case(connect: Connect, kind: str) -> None:
    response = httpx.Response(200, headers={"content-type": kind}, content=json.dumps(RUN))
    assert connect(transport=answering(response)).get_agent_run(323, 1).id == 1


def test_a_charset_that_is_none_does_no_harm_to_a_logged_create(connect: Connect) -> None:
    response = httpx.Response(200, headers={"content-type": "application/json; charset=hex"}, content=json.dumps(RUN))
    client = connect(transport=answering(response), log_level="DEBUG", log_responses=True)
    assert client.create_agent_run(323, "x").id == 1


def test_an_answer_about_another_run_is_refused(connect: Connect) -> None:
    client = connect(transport=answering(httpx.Response(200, json={**RUN, "id": 99})))
    with pytest.raises(InvalidResponseError, match=r"asked for 1, the response is about 99"):
        client.get_agent_run(323, 1)
    assert client.get_agent_run(323, "99").id == 99


@pytest.mark.parametrize("total", [None, "x", 2.5, [1]])
def test_a_create_whose_answer_was_lost_stays_in_doubt_while_lists_make_no_sense(connect: Connect, total: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            raise httpx.ReadError("lost", request=request)
        return httpx.Response(200, json={"items": [RUN], "total": total, "page": 1, "size": 100, "pages": 1})

    with pytest.raises(AmbiguousRequestError) as caught:
        connect(transport=httpx.MockTransport(answer)).create_agent_run(323, "x")
    assert caught.value.request_id


@pytest.mark.parametrize(
    "body",
    [
        {"message": "no quota"},
        {"detail": "no quota"},
        {"detail": {"msg": "no quota"}},
        {"detail": ["no quota"]},
        {"detail": [{"message": "no quota"}]},
        {"error": "no quota"},
        {"error": {"message": "no quota"}},
        {"errors": [{"message": "no quota"}]},
        {"errors": ["no quota", {"detail": "at all"}]},
    ],
)
def test_the_services_message_is_found_in_any_usual_shape(connect: Connect, body: Any) -> None:
    client = connect(transport=answering(httpx.Response(403, json=body)))
    with pytest.raises(PermissionDeniedError, match="no quota"):
        client.get_agent_run(323, 1)


def test_a_status_that_redirects_nowhere_does_not_say_so(connect: Connect) -> None:
    with pytest.raises(CodegenAPIError) as caught:
        connect(transport=answering(httpx.Response(304))).get_agent_run(323, 1)
    assert caught.value.message == "Not Modified"


@pytest.mark.parametrize("name", ["get_agent_run", "create_agent_run"])
def test_a_certificate_that_is_not_trusted_is_met_once(connect: Connect, name: str, certificate: Path) -> None:
    handshakes = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            handshakes.append(1)
            try:
                context.wrap_socket(connection, server_side=True).close()
            except OSError:
                connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        client = connect(f"https://localhost:{listener.getsockname()[1]}", max_retries=3)
        with pytest.raises(NetworkError, match="certificate"):
            getattr(client, name)(323, "1")
        assert len(handshakes) == 1
        trusting = connect(f"https://localhost:{listener.getsockname()[1]}", verify=str(certificate), timeout=5)
        with pytest.raises(CodegenAPIError) as caught:  # the connection is closed after the handshake
            getattr(trusting, name)(323, "1")
        assert "certificate" not in str(caught.value)


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_a_proxy_that_refuses_is_asked_once(connect: Connect, serve: Any, status: str) -> None:
    asked = []

    def refuse() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            asked.append(connection.recv(10_000))
            connection.sendall(f"HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n".encode())
            connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=refuse, daemon=True).start()
        proxy = f"http://127.0.0.1:{listener.getsockname()[1]}"
        with pytest.raises(NetworkError, match=status[:3]):
            connect("https://service.invalid", proxy=proxy, max_retries=3).get_agent_run(323, 1)
        assert len(asked) == 1
        assert b"uthorization" not in asked[0]


@pytest.mark.parametrize("setting", ["verify", "cert"])
def test_certificates_that_cannot_be_read_are_named_by_their_setting(
    connect: Connect, setting: str, tmp_path: Path
) -> None:
    with pytest.raises(ConfigurationError, match=setting):
        connect("https://service.invalid", **{setting: str(tmp_path / "missing.pem")})


def test_a_file_of_certificates_that_is_missing_is_named_by_its_variable(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", "/nowhere.pem")
    with pytest.raises(ConfigurationError, match="SSL_CERT_FILE"):
        connect("https://service.invalid")


PEM = """\
-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgm2gNw51k0hP4a26z
uGRVt2l7mSSR2AwaKXiGQkJdSpChRANCAAT3B/h4Ppy8JY4jbLv3b+Beio+45b3y
TBkdqtX9ctonwx0HZTzVqFhFL4giLZdvqGCI95SHzBrFoqRfT4wwIf6O
-----END PRIVATE KEY-----
-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUHC4l36/iVDW/Gwjx7L08DajEkIQwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyODEyMjEzM1oYDzIxMjYxMTA0
MTIyMTMzWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAAT3B/h4Ppy8JY4jbLv3b+Beio+45b3yTBkdqtX9ctonwx0HZTzVqFhF
L4giLZdvqGCI95SHzBrFoqRfT4wwIf6Oo28wbTAdBgNVHQ4EFgQUGYkq0hSdnMD5
pBxv4glKI8F2w6IwHwYDVR0jBBgwFoAUGYkq0hSdnMD5pBxv4glKI8F2w6IwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhANWc/dIs9g/KCQEhfBrwEjNnUf+x26RxhdZQ+d2pLKXVAiEA
p4PSYBoNvobRmE0WN/pUbJq/VqdfOoEiayOKuGENDiE=
-----END CERTIFICATE-----
"""
"""A certificate of localhost that signs itself, and its key."""


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    path = tmp_path / "localhost.pem"
    path.write_text(PEM)
    return path
