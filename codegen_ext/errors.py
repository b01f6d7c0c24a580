"""The errors that users see: one tree under `CodegenAPIError`, each picklable and free of credentials."""

from __future__ import annotations

import builtins
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any


class CodegenAPIError(Exception):
    """Base of every error of this package.

    `status_code`, `request_id` and `response_data` (the parsed body) are those of the response and None without one;
    `operation` is the id of the operation in the contract, None outside of a call. `retry_after` is the number of
    seconds that the service asks to wait, None where it does not say.
    """

    retry_after: float | None = None

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        request_id: str | None = None,
        response_data: Any = None,
        *,
        operation: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.status_code = status_code
        self.request_id = request_id
        self.response_data = response_data
        self.operation = operation

    def __str__(self) -> str:
        details = [
            *([f"operation {self.operation}"] if self.operation else []),
            *([f"status {self.status_code}"] if self.status_code else []),
            *([f"request id {self.request_id}"] if self.request_id else []),
        ]
        return f"{self.message} ({', '.join(details)})" if details else self.message


class ConfigurationError(CodegenAPIError, ValueError):
    """A setting is missing or wrong; `config_key` names it."""

    def __init__(self, message: str, config_key: str | None = None) -> None:
        super().__init__(message)
        self.config_key = config_key


class MissingExtraError(ConfigurationError, ImportError):
    """A part of the package is used without the extra that it needs; the message names it."""


@contextmanager
def needs_extra(extra: str, user: str, config_key: str | None = None) -> Iterator[None]:
    """Turn an ImportError into the MissingExtraError that names the extra which `user` needs."""
    try:
        yield
    except ImportError as error:
        problem = f"{user} needs an extra: pip install 'codegen-sdk[{extra}]' ({error})"
        raise MissingExtraError(problem, config_key) from error


class ClientClosedError(CodegenAPIError, RuntimeError):
    """The client was closed before the call, or before the call was repeated."""


class ValidationError(CodegenAPIError):
    """An argument does not fit, found here before sending or by the service (400, 422).

    `field_errors` maps each field to what is wrong with it; `field` is the first of them; `details` is the body's
    own list where the service sent one.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        request_id: str | None = None,
        response_data: Any = None,
        *,
        operation: str | None = None,
        field_errors: dict[str, list[str]] | None = None,
        details: Any = None,
    ) -> None:
        super().__init__(message, status_code, request_id, response_data, operation=operation)
        self.field_errors = field_errors or {}
        self.details = details if details is not None else self.field_errors

    @property
    def field(self) -> str | None:
        """The first field that is wrong, None where the service named none."""
        return next(iter(self.field_errors), None)


def invalid_argument(name: str, problem: str, *, operation: str | None = None) -> ValidationError:
    """Return the error for an argument that does not fit."""
    return ValidationError(f"{name}: {problem}", operation=operation, field_errors={name: [problem]})


def kind_of(value: object) -> str:
    """Return the type of a value for a message; a class is named itself, not its metaclass."""
    return f"the class {value.__name__}" if isinstance(value, type) else type(value).__name__


class AuthenticationError(CodegenAPIError):
    """The service does not accept the credential (401)."""


class PaymentRequiredError(CodegenAPIError):
    """The organization has no agent runs left (402)."""


class PermissionDeniedError(CodegenAPIError):
    """The credential does not give access (403)."""


class NotFoundError(CodegenAPIError):
    """What an id names does not exist (404)."""


class ConflictError(CodegenAPIError):
    """The request contradicts the present state (409)."""


class RateLimitError(CodegenAPIError):
    """Too many requests; `retry_after` is the number of seconds to wait.

    The service said so (429), or nothing was sent because the rate limits have no slot before the deadline. Where the
    service does not say how long, it is the length of the documented window.
    """

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        request_id: str | None = None,
        response_data: Any = None,
        *,
        operation: str | None = None,
        retry_after: float = 0.0,
    ) -> None:
        super().__init__(message, status_code, request_id, response_data, operation=operation)
        self.retry_after: float = retry_after


class AmbiguousRequestError(CodegenAPIError):
    """It is unknown whether a request that costs money took effect; it was not repeated.

    `request_id` is the id that a created run would carry (`client.find_agent_run` looks for it), None for operations
    that carry none; `candidates` are the runs that such an operation may have started or changed.
    """

    def __init__(
        self,
        message: str,
        request_id: str | None = None,
        candidates: Sequence[Any] = (),
        *,
        operation: str | None = None,
    ) -> None:
        super().__init__(message, request_id=request_id, operation=operation)
        self.candidates = list(candidates)


class ServerError(CodegenAPIError):
    """The service failed (5xx)."""


class InvalidResponseError(CodegenAPIError):
    """The response is not what the contract promises: broken JSON, another content type, a missing field, too large."""


class NetworkError(CodegenAPIError):
    """No complete response arrived; `original_error` is a copy of the HTTP library's exception, without credentials."""

    def __init__(self, message: str, original_error: Exception | None = None, *, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.original_error = original_error


class TimeoutError(CodegenAPIError, builtins.TimeoutError):
    """Time ran out; `timeout_duration` is the limit in seconds, None for a limit that is not the caller's."""

    def __init__(self, message: str, timeout_duration: float | None = None, *, operation: str | None = None) -> None:
        super().__init__(message, operation=operation)
        self.timeout_duration = timeout_duration


class WaitTimeoutError(TimeoutError):
    """A run did not end in time; `run_id` names it and `run` is its last known state. The run goes on."""

    def __init__(
        self, message: str, timeout_duration: float | None = None, *, run_id: int | None = None, run: Any = None
    ) -> None:
        super().__init__(message, timeout_duration)
        self.run_id = run_id
        self.run = run


class TaskError(CodegenAPIError):
    """A run ended without success; `task_id` and `task_status` say which and how."""

    def __init__(self, message: str, task_id: int | None = None, task_status: str | None = None) -> None:
        super().__init__(message)
        self.task_id = task_id
        self.task_status = task_status


class WebhookError(CodegenAPIError):
    """A webhook call is refused; `status_code` is the status to answer with, `reason` one of docs/webhooks.md."""

    def __init__(
        self,
        message: str,
        status_code: int | None = None,
        request_id: str | None = None,
        response_data: Any = None,
        *,
        operation: str | None = None,
        reason: str | None = None,
    ) -> None:
        super().__init__(message, status_code, request_id, response_data, operation=operation)
        self.reason = reason


class BulkOperationError(CodegenAPIError):
    """A bulk job cannot go on; `results` are those of the job that were not handed out before, by index."""

    results: Sequence[Any] = ()
