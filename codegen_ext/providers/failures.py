"""Say what a client's exception means for a provider: which error it is, and whether another provider may answer."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from .. import errors
from .._response import retry_after_of
from .errors import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

Report = Callable[..., AIProviderError]
"""Makes an error of a provider from kind, message, cause and details."""
_REFUSED = (ProviderAuthenticationError, "the credential is not accepted")
_NO_ACCESS = (ProviderAuthenticationError, "the credential does not give this access")
"""Without the service's own words, which repeat the beginning and the end of the key."""
_OF_CLASS: list[tuple[tuple[type[Exception], ...], tuple[type[AIProviderError], str]]] = [
    ((errors.AuthenticationError,), _REFUSED),
    ((errors.PermissionDeniedError,), _NO_ACCESS),
    ((errors.RateLimitError,), (ProviderRateLimitError, "")),
    ((errors.TimeoutError,), (ProviderTimeoutError, "")),
    ((errors.NetworkError, errors.ServerError, errors.InvalidResponseError), (ProviderUnavailableError, "")),
]
_OF_STATUS: dict[int | None, tuple[type[AIProviderError], str]] = {
    401: _REFUSED,
    402: (ProviderUnavailableError, ""),
    403: _NO_ACCESS,
    408: (ProviderTimeoutError, "no answer in time"),
    429: (ProviderRateLimitError, ""),
}
_HTTP_LIBRARY = re.compile(r"(httpx|httpcore|h11)\w*$")
_UNKNOWN_MODEL = re.compile(
    r"(invalid|unknown|unsupported) model|model\b.{0,80}\b(not exist|not found|not supported)", re.IGNORECASE
)


def of_package(report: Report, error: Exception) -> AIProviderError | None:
    """Map an error of this package's HTTP clients; None for what is no failure of the service."""
    is_caller_own = isinstance(error, errors.ConfigurationError | errors.ClientClosedError)
    if is_caller_own or not isinstance(error, errors.CodegenAPIError):
        return None
    default = _OF_STATUS[402] if error.status_code == 402 else (AIProviderError, "")
    kind, message = next((found for classes, found in _OF_CLASS if isinstance(error, classes)), default)
    details = {"retry_after": error.retry_after} if isinstance(error, errors.RateLimitError) else {}
    return report(kind, message or error.message, error, **details)


def of_completion(report: Report, error: Exception) -> AIProviderError | None:
    """Map an exception of the `openai` package, or of its HTTP library, which it lets through mid-stream.

    None for what is no failure of the service, such as a TypeError.
    """
    if isinstance(error, errors.CodegenAPIError):
        return None
    import openai

    if isinstance(error, openai.APIStatusError):
        default = ProviderUnavailableError if error.status_code >= 500 else AIProviderError
        kind, message = _OF_STATUS.get(error.status_code, (default, ""))
        details: dict[str, Any] = {}
        if kind is ProviderRateLimitError:
            details["retry_after"] = retry_after_of(error.response)  # type: ignore[arg-type]
        elif kind is AIProviderError:
            details["hands_over"] = _is_about_the_model(error)
        return report(kind, message or error.message, error, **details)
    if isinstance(error, openai.OpenAIError):
        is_late = isinstance(error, openai.APITimeoutError)
        kind = ProviderTimeoutError if is_late else ProviderUnavailableError
        return report(kind, "no answer in time" if is_late else str(error) or type(error).__name__, error)
    if _HTTP_LIBRARY.match(type(error).__module__.partition(".")[0]):
        kind = ProviderTimeoutError if "Timeout" in type(error).__name__ else ProviderUnavailableError
        return report(kind, f"the connection broke ({type(error).__name__})")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError | RecursionError):
        return report(ProviderUnavailableError, "the answer is no JSON")
    return None


def _is_about_the_model(error: Any) -> bool:
    """Whether the service does not have the model: another provider may."""
    return (
        error.status_code == 404
        or error.code == "model_not_found"
        or (error.status_code == 400 and bool(_UNKNOWN_MODEL.search(error.message)))
    )
