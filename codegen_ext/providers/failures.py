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
_KINDS: list[tuple[tuple[type[errors.CodegenAPIError], ...], type[AIProviderError]]] = [
    ((errors.AuthenticationError, errors.PermissionDeniedError), ProviderAuthenticationError),
    ((errors.RateLimitError,), ProviderRateLimitError),
    ((errors.TimeoutError,), ProviderTimeoutError),
    ((errors.NetworkError, errors.ServerError, errors.InvalidResponseError), ProviderUnavailableError),
]
_TRANSPORTS = re.compile(r"(httpx|httpcore|h11)\w*$")
_UNKNOWN_MODEL = re.compile(
    r"(invalid|unknown|unsupported) model|model\b.{0,80}\b(not exist|not found|not supported)", re.IGNORECASE
)
REFUSED = "the credential is not accepted"
NO_ACCESS = "the credential does not give this access"


def of_package(report: Report, error: Exception) -> AIProviderError | None:
    """Map an error of this package's HTTP clients; None for what is no failure of the service."""
    if isinstance(error, AIProviderError):
        return error
    if isinstance(error, errors.ConfigurationError | errors.ClientClosedError) or not isinstance(
        error, errors.CodegenAPIError
    ):
        return None
    kind = next((kind for found, kind in _KINDS if isinstance(error, found)), AIProviderError)
    if error.status_code == 402:
        kind = ProviderUnavailableError
    details: dict[str, Any] = {}
    if isinstance(error, errors.RateLimitError):
        details["retry_after"] = error.retry_after
    if isinstance(error, errors.TimeoutError):
        details["timeout_duration"] = error.timeout_duration
    message = str(error)
    if kind is ProviderAuthenticationError:
        message = NO_ACCESS if isinstance(error, errors.PermissionDeniedError) else REFUSED
    return report(kind, message, error, **details)


def of_completion(report: Report, error: Exception, seconds: float | None) -> AIProviderError | None:
    """Map an exception of the `openai` package, or of its HTTP library, which it lets through mid-stream.

    `seconds` is the caller's time-out. None for what is no failure of the service, such as a TypeError.
    """
    if isinstance(error, AIProviderError):
        return error
    import openai

    status = getattr(error, "status_code", None)
    # The service's own words repeat the beginning and the end of the key.
    if isinstance(error, openai.AuthenticationError):
        return report(ProviderAuthenticationError, REFUSED, error)
    if isinstance(error, openai.PermissionDeniedError):
        return report(ProviderAuthenticationError, NO_ACCESS, error)
    if isinstance(error, openai.RateLimitError):
        wait = retry_after_of(error.response)  # type: ignore[arg-type]
        return report(ProviderRateLimitError, error.message, error, retry_after=wait)
    if isinstance(error, openai.APITimeoutError) or status == 408:
        return report(ProviderTimeoutError, "no answer in time", error, timeout_duration=seconds)
    if isinstance(error, openai.APIStatusError) and error.status_code < 500:
        if status == 402:
            return report(ProviderUnavailableError, error.message, error)
        return report(AIProviderError, error.message, error, hands_over=_is_about_the_model(error))
    if isinstance(error, openai.OpenAIError):
        return report(ProviderUnavailableError, str(error) or type(error).__name__, error)
    if _TRANSPORTS.match(type(error).__module__.partition(".")[0]):
        if "Timeout" in type(error).__name__:
            message = "no further part of the answer in time"
            return report(ProviderTimeoutError, message, timeout_duration=seconds)
        return report(ProviderUnavailableError, f"the connection broke ({type(error).__name__})")
    if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
        return report(ProviderUnavailableError, "the answer is no JSON")
    return None


def _is_about_the_model(error: Any) -> bool:
    """Whether the service does not have the model: another provider may."""
    return (
        error.status_code == 404
        or error.code == "model_not_found"
        or (error.status_code == 400 and bool(_UNKNOWN_MODEL.search(error.message)))
    )
