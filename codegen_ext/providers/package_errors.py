"""What the errors of this package's own HTTP clients mean for a provider."""

from __future__ import annotations

from typing import Any

from .. import errors
from .backend import Backend
from .errors import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)

_KINDS: list[tuple[tuple[type[errors.CodegenAPIError], ...], type[AIProviderError]]] = [
    ((errors.AuthenticationError, errors.PermissionDeniedError), ProviderAuthenticationError),
    ((errors.RateLimitError,), ProviderRateLimitError),
    ((errors.TimeoutError,), ProviderTimeoutError),
    (
        (errors.NetworkError, errors.ServerError, errors.InvalidResponseError, errors.PaymentRequiredError),
        ProviderUnavailableError,
    ),
]


def provider_error(backend: Backend, error: Exception, **effect: Any) -> AIProviderError | None:
    """Return the provider's error; None for what is no failure of the service, such as a wrong setting."""
    if isinstance(error, AIProviderError):
        return error
    if isinstance(error, errors.ConfigurationError | errors.ClientClosedError) or not isinstance(
        error, errors.CodegenAPIError
    ):
        return None
    kind = next((kind for found, kind in _KINDS if isinstance(error, found)), AIProviderError)
    details = dict(effect)
    if isinstance(error, errors.RateLimitError):
        details["retry_after"] = error.retry_after
    if isinstance(error, errors.TimeoutError):
        details["timeout_duration"] = error.timeout_duration
    message = str(error)
    if kind is ProviderAuthenticationError:
        message = "the credential is not accepted"
    return backend.error(kind, message, error, **details)
