"""ASGI and WSGI applications that take webhook calls, without a framework."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from http.client import responses
from typing import TYPE_CHECKING, Any

from ..errors import WebhookError
from .errors import oversized

if TYPE_CHECKING:
    from .handler import Body, WebhookHandler
    from .results import WebhookResult
    from .signing import Headers

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_logger = logging.getLogger("codegen_ext.webhooks")
_NOT_POST = {"error": "method"}


def answer(handler: WebhookHandler, body: Body, headers: Headers) -> tuple[int, dict[str, str]]:
    """Handle a call in this thread and return the status and the JSON object of the answer."""
    try:
        return _accepted(handler.handle_request(body, headers))
    except WebhookError as error:
        return _refused(error)


async def answer_async(handler: WebhookHandler, body: Body, headers: Headers) -> tuple[int, dict[str, str]]:
    """Handle a call and return the status and the JSON object of the answer."""
    try:
        return _accepted(await handler.handle_request_async(body, headers))
    except WebhookError as error:
        return _refused(error)


def _accepted(result: WebhookResult) -> tuple[int, dict[str, str]]:
    if not result.ok:
        return result.status_code, {"error": "handler"}
    return result.status_code, {"status": "duplicate" if result.duplicate else "accepted"}


def _refused(error: WebhookError) -> tuple[int, dict[str, str]]:
    _logger.info("refused a webhook call: %s", error)
    return error.status_code or 400, {"error": error.reason or "refused", "message": error.message}


class AsgiApp:
    """ASGI application that takes calls by POST, whatever the path."""

    def __init__(self, handler: WebhookHandler) -> None:
        self._handler = handler

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request; acknowledge a lifespan, refuse a websocket."""
        if scope["type"] == "lifespan":
            while True:
                phase = (await receive())["type"]
                await send({"type": f"{phase}.complete"})
                if phase == "lifespan.shutdown":
                    return
        if scope["type"] != "http":
            await send({"type": "websocket.close", "code": 1000})
            return
        if scope["method"] != "POST":
            await _send(send, 405, _NOT_POST)
            return
        try:
            body = await self._body(receive)
        except WebhookError as error:
            await _send(send, *_refused(error))
            return
        if body is not None:
            await _send(send, *await answer_async(self._handler, body, scope["headers"]))

    async def _body(self, receive: Receive) -> bytes | None:
        """Return the body, None when the sender has left."""
        body = bytearray()
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            body += message.get("body", b"")
            if len(body) > self._handler.max_body_bytes:
                raise oversized(self._handler.max_body_bytes)
            if not message.get("more_body"):
                return bytes(body)


async def _send(send: Send, status: int, content: dict[str, str]) -> None:
    body = json.dumps(content).encode()
    headers = [(name.lower().encode(), value.encode()) for name, value in _headers(status, body)]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class WsgiApp:
    """WSGI application that takes calls by POST, whatever the path."""

    def __init__(self, handler: WebhookHandler) -> None:
        self._handler = handler

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Serve one request."""
        if environ["REQUEST_METHOD"] != "POST":
            status, content = 405, _NOT_POST
        else:
            status, content = answer(self._handler, self._body(environ), _sent_headers(environ))
        payload = json.dumps(content).encode()
        start_response(f"{status} {responses.get(status, 'Unknown')}", _headers(status, payload))
        return [payload]

    def _body(self, environ: dict[str, Any]) -> bytes:
        """Read the body, but at most one byte more than the handler takes."""
        most = self._handler.max_body_bytes + 1
        length = environ.get("CONTENT_LENGTH") or ""
        if not length and environ.get("wsgi.input_terminated"):
            length = str(most)
        body: bytes = environ["wsgi.input"].read(min(int(length), most) if length.isdecimal() else 0)
        return body


def _sent_headers(environ: dict[str, Any]) -> list[tuple[str, str]]:
    return [
        (name.removeprefix("HTTP_").replace("_", "-"), value)
        for name, value in environ.items()
        if name.startswith("HTTP_")
    ]


def _headers(status: int, body: bytes) -> list[tuple[str, str]]:
    allow = [("Allow", "POST")] if status == 405 else []
    return [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *allow]
