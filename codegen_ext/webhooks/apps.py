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
WsgiApp = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
Answer = tuple[int, dict[str, str]]

_logger = logging.getLogger("codegen_ext.webhooks")
_NOT_POST: Answer = 405, {"error": "method"}


def answer(handler: WebhookHandler, body: Body, headers: Headers) -> Answer:
    """Handle a call in this thread and return the status and the JSON object of the answer."""
    try:
        return _accepted(handler.handle_request(body, headers))
    except WebhookError as error:
        return _refused(error)


class AsgiApp:
    """ASGI application for HTTP that takes calls by POST, whatever the path.

    It is an object because Starlette's routes take a function for something else.
    """

    def __init__(self, handler: WebhookHandler) -> None:
        self._handler = handler

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":  # by ASGI's rules a server goes on without an answer to its lifespan
            raise NotImplementedError(f"webhooks come by HTTP, not by {scope['type']}")
        try:
            if scope["method"] != "POST":
                status, content = _NOT_POST
            elif (body := await _read(receive, self._handler.max_body_bytes)) is None:
                return
            else:
                status, content = _accepted(await self._handler.handle_request_async(body, scope["headers"]))
        except WebhookError as error:
            status, content = _refused(error)
        payload = json.dumps(content).encode()
        headers = [(name.lower().encode(), value.encode()) for name, value in _headers(status, payload)]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": payload})


async def _read(receive: Receive, limit: int) -> bytes | None:
    """Return the body of a request, None when the sender has left."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > limit:
            raise oversized(limit)
        if not message.get("more_body"):
            return bytes(body)


def wsgi_app(handler: WebhookHandler) -> WsgiApp:
    """Return a WSGI application that takes calls by POST, whatever the path."""
    # One byte too many shows that a body is too long.
    most = handler.max_body_bytes + 1

    def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        status, content = _NOT_POST
        if environ["REQUEST_METHOD"] == "POST":
            length = environ.get("CONTENT_LENGTH") or (str(most) if environ.get("wsgi.input_terminated") else "")
            body = environ["wsgi.input"].read(min(int(length), most) if length.isdecimal() else 0)
            sent = (item for item in environ.items() if item[0].startswith("HTTP_"))
            headers = [(name.removeprefix("HTTP_").replace("_", "-"), value) for name, value in sent]
            status, content = answer(handler, body, headers)
        payload = json.dumps(content).encode()
        start_response(f"{status} {responses.get(status, 'Unknown')}", _headers(status, payload))
        return [payload]

    return app


def _accepted(result: WebhookResult) -> Answer:
    if not result.ok:
        return result.status_code, {"error": "handler"}
    return result.status_code, {"status": "duplicate" if result.duplicate else "accepted"}


def _refused(error: WebhookError) -> Answer:
    _logger.info("refused a webhook call: %s", error)
    return error.status_code or 400, {"error": error.reason or "refused", "message": error.message}


def _headers(status: int, body: bytes) -> list[tuple[str, str]]:
    allow = [("Allow", "POST")] if status == 405 else []
    return [("Content-Type", "application/json"), ("Content-Length", str(len(body))), *allow]
