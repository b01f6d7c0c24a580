"""Errors of the Codex client: those of the `openai` package, and three subclasses for what only a CLI can do wrong."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from typing import Any, Literal, get_type_hints

import openai

INSTALL_COMMAND = "npm install -g @openai/codex"


class CodexError(openai.OpenAIError):
    """Failure of the Codex CLI, or a wrong use of the client."""


class CodexNotFoundError(CodexError):
    """The CLI is missing or too old; the message has the command that installs it."""


class CodexConfigurationError(CodexError, ValueError):
    """A setting is missing or wrong."""


_STATUS_KINDS: dict[int, type[openai.APIStatusError]] = {
    kind.status_code: kind
    for kind in (
        *(openai.BadRequestError, openai.AuthenticationError, openai.PermissionDeniedError, openai.NotFoundError),
        *(openai.ConflictError, openai.UnprocessableEntityError, openai.RateLimitError),
    )
}
# Values of `codexErrorInfo`, each with the status that the API itself answers with, and its code.
_ERROR_INFO = {
    "contextWindowExceeded": (400, "context_length_exceeded"),
    "badRequest": (400, None),
    "cyberPolicy": (400, "cyber_policy"),
    "misalignmentPolicyViolation": (400, "misalignment_policy_violation"),
    "unauthorized": (401, None),
    "inferenceHookDenied": (403, "inference_hook_denied"),
    "modelNotFound": (404, "model_not_found"),
    "rateLimitExceeded": (429, "rate_limit_exceeded"),
    "usageLimitExceeded": (429, "insufficient_quota"),
    "sessionBudgetExceeded": (429, "session_budget_exceeded"),
    "flexUnavailable": (429, "resource_unavailable"),
    "internalServerError": (500, None),
    "serverOverloaded": (503, "server_is_overloaded"),
    "policyCapacityUnavailable": (503, "policy_capacity_unavailable"),
}
FinishReason = Literal["stop", "length", "content_filter"]
_INCOMPLETE = re.compile(r"Incomplete response returned, reason: (\w+)")
_REASONS: dict[str, FinishReason] = {"max_output_tokens": "length", "content_filter": "content_filter"}

# The HTTP library's classes that this version of openai wants: httpx or its successor.
_RESPONSE: Any = get_type_hints(openai.APIStatusError.__init__)["response"]
_REQUEST: Any = get_type_hints(openai.APITimeoutError.__init__)["request"]


def _request() -> Any:
    return _REQUEST("POST", "codex://app-server/turn/start")


def status_error(status: int, message: str, code: str | None = None, param: str | None = None) -> openai.APIStatusError:
    """Return the error that the `openai` package raises for a status."""
    kind = _STATUS_KINDS.get(status) or (openai.InternalServerError if status >= 500 else openai.APIStatusError)
    body = {"message": message, "type": None, "param": param, "code": code}
    return kind(message, response=_RESPONSE(status, request=_request()), body=body)


def bad_request(message: str, param: str | None = None) -> openai.APIStatusError:
    """Return the error for an argument that is refused here, as the service would refuse it."""
    return status_error(400, message, param=param)


def connection_error(message: str) -> openai.APIConnectionError:
    """Return the error of a connection that failed."""
    return openai.APIConnectionError(message=message, request=_request())


def not_understood(error: Exception) -> openai.APIConnectionError:
    """Return the error of a message of the app-server that lacks what it must have."""
    return connection_error(f"the codex app-server sent a message that is not understood: {error!r}")


def timeout_error(message: str) -> openai.APITimeoutError:
    """Return the error of something that took longer than it may."""
    error = openai.APITimeoutError(request=_request())
    error.message = f"Request timed out: {message}"
    error.args = (error.message,)
    return error


def status_of(error: dict[str, Any]) -> int | None:
    """Return the HTTP status that `codexErrorInfo` carries, None without one."""
    info = error.get("codexErrorInfo")
    details = next(iter(info.values()), None) if isinstance(info, dict) else None
    status = details.get("httpStatusCode") if isinstance(details, dict) else None
    return status if isinstance(status, int) else None


def incomplete_reason(error: dict[str, Any]) -> FinishReason | None:
    """Return the finish reason where the service itself ended the answer early, otherwise None."""
    found = _INCOMPLETE.search(f"{error.get('message')} {error.get('additionalDetails')}")
    return _REASONS.get(found[1]) if found else None


def turn_error(error: dict[str, Any]) -> openai.OpenAIError:
    """Return the error of a turn that failed."""
    texts = [str(error[key]) for key in ("message", "additionalDetails") if error.get(key)]
    if len(texts) == 2 and texts[0].startswith("Reconnecting"):
        del texts[0]  # the CLI would have gone on; why it had to is said in the details
    message = " ".join(texts) or "the turn failed without a reason"
    info = error.get("codexErrorInfo")
    if isinstance(info, str) and info in _ERROR_INFO:
        return status_error(_ERROR_INFO[info][0], message, _ERROR_INFO[info][1])
    status = status_of(error)
    if status:
        return status_error(status, message)
    with suppress(ValueError, RecursionError):
        body = json.loads(str(error.get("message")))
        if isinstance(body, dict):  # the CLI passes the body of a 400 on as it is
            details = body["error"] if isinstance(body.get("error"), dict) else body
            return status_error(400, str(details.get("message") or message), details.get("code"), details.get("param"))
    if isinstance(info, dict) or message.startswith("stream disconnected"):
        return connection_error(message)
    return openai.APIError(message, _request(), body=error)


def rpc_error(error: dict[str, Any], method: str) -> openai.APIStatusError:
    """Return the error of a request that the app-server itself refused."""
    status = 400 if error.get("code") in (-32600, -32601, -32602) else 500
    return status_error(status, f"{method}: {error.get('message')}")
