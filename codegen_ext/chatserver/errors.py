"""The ChatServer's errors: one tree under `ChatServerError`, each also the error of the package that it stands for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from codegen_api.operations import OPERATIONS

from .. import errors as common

if TYPE_CHECKING:
    from codegen_api.models import ChatCompletionResponse

E = TypeVar("E", bound="ChatServerError")


class ChatServerError(common.CodegenAPIError):
    """Base of every error of a call; `status_code` and `request_id` are None where no answer came."""

    partial: ChatCompletionResponse | None = None
    """What a stream had delivered before it failed; None outside of streams and where nothing had arrived."""


class BadRequestError(ChatServerError, common.ValidationError):
    """The request is invalid (400), found here before sending or by the server."""

    def __init__(self, message: str, status_code: int | None = 400, *args: Any, **details: Any) -> None:
        super().__init__(message, status_code, *args, **details)


class UnauthorizedError(ChatServerError, common.AuthenticationError):
    """The API key is missing or not accepted (401)."""


class ForbiddenError(ChatServerError, common.PermissionDeniedError):
    """The API key does not give the right that the call needs (403), which the message names."""


class NotFoundError(ChatServerError, common.NotFoundError):
    """What an id or an e-mail address names does not exist (404)."""


class RateLimitError(ChatServerError, common.RateLimitError):
    """Too many requests (429)."""


class InternalServerError(ChatServerError, common.ServerError):
    """The server failed: with a status of 5xx, or with an error event in a stream."""


class InvalidResponseError(ChatServerError, common.InvalidResponseError):
    """The answer, or an event of a stream, is not what the contract promises."""


class ConnectionError(ChatServerError, common.NetworkError):
    """No complete answer arrived."""


class StreamInterruptedError(ConnectionError):
    """A stream ended before the server said that it is complete; `partial` has what arrived."""


class TimeoutError(ChatServerError, common.TimeoutError):
    """No answer, or no further event of a stream, arrived in time."""


_KINDS: dict[type, type[ChatServerError]] = {
    kind.__bases__[-1]: kind
    for kind in (
        *(ChatServerError, BadRequestError, UnauthorizedError, ForbiddenError, NotFoundError, RateLimitError),
        *(InternalServerError, InvalidResponseError, ConnectionError, TimeoutError),
    )
}
"""The ChatServer's errors by the errors of the package that they are too."""


def as_chatserver_error(error: common.CodegenAPIError) -> common.CodegenAPIError:
    """Return the ChatServer's twin of an error; what the caller did wrong with the client stays what it is."""
    if isinstance(error, ChatServerError | common.ConfigurationError | common.ClientClosedError):
        return error
    twin = _twin(error, next(_KINDS[base] for base in type(error).__mro__ if base in _KINDS))
    if isinstance(twin, BadRequestError) and twin.status_code is None:
        twin.status_code = 400
    if isinstance(twin, ForbiddenError):
        twin.args = (f"{error.message} ({_need(error.operation)})",)
        twin.message = twin.args[0]
    return twin


def _twin(error: common.CodegenAPIError, kind: type[E]) -> E:
    twin = kind(error.message)
    twin.__dict__.update(error.__dict__)
    return twin


def of_stream(error: common.CodegenAPIError, partial: ChatCompletionResponse | None) -> common.CodegenAPIError:
    """Return the error of a stream that had begun, with what had arrived."""
    if isinstance(error, ConnectionError):
        cut = _twin(error, StreamInterruptedError)
        cut.__cause__ = error.__cause__
        error = cut.with_traceback(error.__traceback__)
    if isinstance(error, ChatServerError):
        error.partial = partial
    return error


def _need(operation_id: str | None) -> str:
    operation = OPERATIONS.get(operation_id or "")
    if operation and operation.tag == "platform":
        return f"{operation.id} needs the API key of a platform administrator"
    return f"{operation_id or 'the call'} needs an API key with access to what it names"


@contextmanager
def chatserver_errors() -> Iterator[None]:
    """Turn the errors of the package into the ChatServer's."""
    try:
        yield
    except common.CodegenAPIError as error:
        raise as_chatserver_error(error).with_traceback(error.__traceback__) from error.__cause__
