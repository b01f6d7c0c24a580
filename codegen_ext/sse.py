"""Server-sent events of chat completions, which the generator leaves out: events become models, ends become known."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from codegen_api.errors import InvalidModel

from .errors import ConfigurationError, InvalidResponseError, NetworkError
from .exchange import error_message, forget_text, invalid

if TYPE_CHECKING:
    from codegen_api.decoding import Model
    from httpx_sse import EventSource, ServerSentEvent

    from .redact import Redactor

M = TypeVar("M", bound="Model")

DONE = "[DONE]"


def require_extra() -> None:
    """Raise ConfigurationError when the package that reads events is missing."""
    try:
        import httpx_sse  # noqa: F401 - only whether it is there
    except ImportError as error:
        raise ConfigurationError("streaming needs an extra: pip install 'codegen-sdk[chatserver]'") from error


def event_source(operation_id: str, response: httpx.Response) -> EventSource:
    """Return the events of a response.

    Raises:
        InvalidResponseError: when the response has another content type.

    """
    from httpx_sse import EventSource

    kind = response.headers.get("content-type", "").partition(";")[0]
    if kind != "text/event-stream":
        raise invalid(operation_id, response, f"expected a stream of events, got content type {kind or 'none'!r}")
    return EventSource(response)


def decode_event(operation_id: str, event: ServerSentEvent, model: type[M], redact: Redactor) -> M | None:
    """Return the model that an event carries, None for the mark of a complete stream.

    Raises:
        InvalidResponseError: for an event that is no such model, or that says that the service failed.

    """
    if event.data == DONE:
        return None
    try:
        data: Any = json.loads(event.data)
        if event.event == "error" or (isinstance(data, dict) and data.get("error")):
            data = redact.within(data)
            message = error_message(data) or "the service reported an error in the stream"
            raise InvalidResponseError(message, response_data=data, operation=operation_id)
        return model.from_dict(data)
    except (ValueError, RecursionError, InvalidModel) as error:
        forget_text(error)
        problem = redact(f"an event of the stream is not usable: {error}")
        raise InvalidResponseError(problem, operation=operation_id) from error


def cut_stream(operation_id: str) -> NetworkError:
    """The error of a stream that ended without saying that it is complete."""
    return NetworkError(f"{operation_id}: the stream ended early", operation=operation_id)
