"""Log records of calls: one when a request goes out, one for its answer or failure, one for each repetition."""

from __future__ import annotations

import logging
from typing import Any

import httpx

from ..clock import SYSTEM_CLOCK, Clock
from ..exchange import request_id_of
from ..redact import Redactor
from .extensions import ATTEMPT, OPERATION, REDACT
from .steps import Send, SteppedTransport, Steps

logger = logging.getLogger("codegen_ext")
logger.addHandler(logging.NullHandler())

MOST_OF_A_BODY = 2_000
"""Characters of a body that a record shows."""
_NO_CREDENTIAL = Redactor()


class LogTransport(SteppedTransport):
    """Logs each request of the wrapped transport, and what came of it, at DEBUG; never a header.

    Around the retries it logs whole calls. `with_bodies` adds what was read of an answer: at most 2,000 characters,
    without the client's credential and without what its names tell to be secret.
    """

    def __init__(self, wrapped: Any, clock: Clock = SYSTEM_CLOCK, *, with_bodies: bool = False) -> None:
        super().__init__(wrapped, clock)
        self._with_bodies = with_bodies

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and log where somebody listens."""
        handle = super().handle_request if logger.isEnabledFor(logging.DEBUG) else self._wrapped.handle_request
        response: httpx.Response = handle(request)
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send, and log where somebody listens."""
        listens = logger.isEnabledFor(logging.DEBUG)
        handle = super().handle_async_request if listens else self._wrapped.handle_async_request
        response: httpx.Response = await handle(request)
        return response

    def steps(self, request: httpx.Request) -> Steps:
        """Send between two records."""
        logger.debug("%s", _name(request), extra=_fields("request", request))
        start = self._clock.monotonic()
        try:
            response: httpx.Response = yield Send(request)
        except Exception as error:
            seconds = self._clock.monotonic() - start
            fields = _fields("failure", request, None, seconds)
            logger.debug("%s failed after %.3f s: %s", _name(request), seconds, reason_of(request, error), extra=fields)
            raise
        self._log_response(request, response, self._clock.monotonic() - start)
        return response

    def _log_response(self, request: httpx.Request, response: httpx.Response, seconds: float) -> None:
        body = f" {_body(request, response)}" if self._with_bodies and response.is_closed else ""
        fields = _fields("response", request, response, seconds)
        logger.debug(
            "%s -> %d in %.3f s, request id %s%s",
            _name(request),
            response.status_code,
            seconds,
            fields["codegen_request_id"],
            body,
            extra=fields,
        )


def log_retry(request: httpx.Request, failure: httpx.Response | Exception, pause: float) -> None:
    """Log that a request is repeated after `pause` seconds: after a 429 at INFO, otherwise at WARNING."""
    response = failure if isinstance(failure, httpx.Response) else None
    level = logging.INFO if response is not None and response.status_code == 429 else logging.WARNING
    if logger.isEnabledFor(level):
        fields = _fields("retry", request, response)
        message = "%s: attempt %s failed (%s), again in %.3f s"
        reason = reason_of(request, failure)
        logger.log(level, message, _name(request), fields["codegen_attempt"], reason, pause, extra=fields)


def reason_of(request: httpx.Request, failure: httpx.Response | Exception) -> str:
    """Say in a few words why a request failed."""
    if isinstance(failure, httpx.Response):
        return f"status {failure.status_code}"
    text = _redactor(request)(str(failure))
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__


def _fields(
    event: str, request: httpx.Request, response: httpx.Response | None = None, seconds: float | None = None
) -> dict[str, Any]:
    """Return a record's attributes; every record has all of them, so that a format string may name any."""
    redact = _redactor(request)
    request_id = request_id_of(response) if response is not None else None
    return {
        "codegen_event": event,
        "codegen_operation": request.extensions.get(OPERATION),
        "codegen_status": None if response is None else response.status_code,
        "codegen_attempt": request.extensions.get(ATTEMPT),
        "codegen_duration": seconds,
        "codegen_request_id": redact(request_id) if request_id else None,
    }


def _name(request: httpx.Request) -> str:
    return f"{request.method} {request.extensions.get(OPERATION) or _redactor(request).url(request.url.path)}"


def _body(request: httpx.Request, response: httpx.Response) -> str:
    text = " ".join(_redactor(request).body(response.text).splitlines())
    text = text.encode("utf-8", "replace").decode()  # JSON can spell what no file can hold
    more = len(text) - MOST_OF_A_BODY
    return text if more <= 0 else f"{text[:MOST_OF_A_BODY]}… ({more} more characters)"


def _redactor(request: httpx.Request) -> Redactor:
    redactor: Redactor | None = request.extensions.get(REDACT)
    if redactor is None:
        # Of somebody's own httpx client.
        header = request.headers.get("authorization", "").rpartition(" ")[2]
        redactor = request.extensions[REDACT] = Redactor(header) if header else _NO_CREDENTIAL
    return redactor
