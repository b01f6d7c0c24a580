"""Write log records of calls: one for the request, one for its response or failure, one for each repetition."""

from __future__ import annotations

import logging
import os
import sys
from typing import Any

import httpx

from ._request import ATTEMPT, Call
from ._response import request_id_of
from .redact import Redactor

_FIELDS = ("event", "operation", "status", "attempt", "duration", "request_id")
logger = logging.getLogger("codegen_ext")
logger.addHandler(logging.NullHandler())

LONGEST_BODY = 2_000
"""Characters of a body that a record shows."""
_set_by_us: int | None = None


def _complete(record: logging.LogRecord) -> bool:
    """Give a record every attribute of ours, so that a format string may name any."""
    for name in _FIELDS:
        record.__dict__.setdefault(f"codegen_{name}", None)
    return True


logger.addFilter(_complete)


def apply_level(level: str) -> None:
    """Set the level of the logger, unless the application has set one."""
    global _set_by_us  # noqa: PLW0603 - the logger is global too
    if logger.level in (logging.NOTSET, _set_by_us):
        logger.setLevel(level)
        _set_by_us = logger.level


def log_to_stderr() -> None:
    """Show records on stderr where `CODEGEN_LOG` names a level and nothing else handles them."""
    level = logging.getLevelNamesMapping().get(os.environ.get("CODEGEN_LOG", "").strip().upper())
    if level and not any(getattr(handler, "for_codegen_log", False) for handler in logger.handlers):
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        handler.for_codegen_log = True  # type: ignore[attr-defined]
        logger.addHandler(handler)
        logger.setLevel(level)


def is_verbose() -> bool:
    """Whether requests and responses are logged, which happens at DEBUG."""
    return logger.isEnabledFor(logging.DEBUG)


def log_request(request: httpx.Request, call: Call) -> None:
    """Log that a request is about to be sent."""
    logger.debug("%s", _name(request, call), extra=_fields("request", request, call))


def log_response(
    request: httpx.Request, call: Call, response: httpx.Response, seconds: float, *, with_body: bool
) -> None:
    """Log a response; with its body where it has been read: cut, and without credentials."""
    body = f" {_body(call.redact, response)}" if with_body and response.is_closed else ""
    fields = _fields("response", request, call, response, seconds)
    logger.debug(
        "%s -> %d in %.3f s, request id %s%s",
        _name(request, call),
        response.status_code,
        seconds,
        fields["codegen_request_id"],
        body,
        extra=fields,
    )


def log_failure(request: httpx.Request, call: Call, error: Exception, seconds: float) -> None:
    """Log that no response came."""
    fields = _fields("failure", request, call, None, seconds)
    logger.debug("%s failed after %.3f s: %s", _name(request, call), seconds, reason_of(call, error), extra=fields)


def log_retry(request: httpx.Request, call: Call, failure: httpx.Response | Exception, pause: float) -> None:
    """Log that a request is repeated after `pause` seconds: after a 429 at INFO, otherwise at WARNING."""
    response = failure if isinstance(failure, httpx.Response) else None
    level = logging.INFO if response is not None and response.status_code == 429 else logging.WARNING
    if logger.isEnabledFor(level):
        fields = _fields("retry", request, call, response)
        message = "%s: attempt %s failed (%s), again in %.3f s"
        attempt, reason = fields["codegen_attempt"], reason_of(call, failure)
        logger.log(level, message, _name(request, call), attempt, reason, pause, extra=fields)


def reason_of(call: Call, failure: httpx.Response | Exception) -> str:
    """Return in a few words why a request failed."""
    if isinstance(failure, httpx.Response):
        return f"status {failure.status_code}"
    text = call.redact(str(failure))
    return f"{type(failure).__name__}: {text}" if text else type(failure).__name__


def _fields(
    event: str,
    request: httpx.Request,
    call: Call,
    response: httpx.Response | None = None,
    seconds: float | None = None,
) -> dict[str, Any]:
    request_id = request_id_of(response) if response is not None else None
    return {
        "codegen_event": event,
        "codegen_operation": call.operation.id if call.operation else None,
        "codegen_status": None if response is None else response.status_code,
        "codegen_attempt": request.extensions.get(ATTEMPT),
        "codegen_duration": seconds,
        "codegen_request_id": call.redact(request_id) if request_id else None,
    }


def _name(request: httpx.Request, call: Call) -> str:
    return f"{request.method} {call.operation.id}" if call.operation else call.name


def _body(redact: Redactor, response: httpx.Response) -> str:
    # As UTF-8 whatever the header says: a charset that is none must not make a call fail.
    text = response.content.decode("utf-8", "replace")
    text = " ".join(redact.body(text).splitlines())
    text = text.encode("utf-8", "replace").decode()  # JSON can spell what no file can hold
    more = len(text) - LONGEST_BODY
    return text if more <= 0 else f"{text[:LONGEST_BODY]}… ({more} more characters)"
