"""Server-sent events of chat completions, which the generator leaves out: events become models, ends become known."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

import httpx
from codegen_api.errors import InvalidModel

from .errors import CodegenAPIError, ConfigurationError, InvalidResponseError, NetworkError, ServerError
from .exchange import error_kind, error_message, forget_text, invalid, request_id_of
from .transport.steps import LimitedStream

if TYPE_CHECKING:
    from codegen_api.codec import Model
    from httpx_sse import EventSource, ServerSentEvent

    from .clock import Clock
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

    kind = response.headers.get("content-type", "").partition(";")[0].strip()
    if kind != "text/event-stream":
        raise invalid(operation_id, response, f"expected a stream of events, got content type {kind or 'none'!r}")
    response.encoding = "utf-8-sig"  # whatever the header says, and without the byte order mark (HTML, 9.2.5)
    return EventSource(response)


def is_empty(event: ServerSentEvent) -> bool:
    """Whether there is nothing to dispatch by HTML, 9.2.6; httpx-sse hands out blank lines that follow an id."""
    return not event.data and event.event != "error"


def decode_event(operation_id: str, event: ServerSentEvent, model: type[M], redact: Redactor) -> M | None:
    """Return the model that an event carries, None for the mark of a complete stream.

    Raises:
        InvalidResponseError: for an event that is no such model.
        CodegenAPIError: for an event that says that the service failed, the subclass that fits the status in it,
            ServerError without one.

    """
    if event.data.strip() == DONE:
        return None
    try:
        data: Any = json.loads(event.data)
        if event.event == "error" or (isinstance(data, dict) and data.get("error")):
            raise _reported(operation_id, redact.within(data))
        return model.from_dict(data)
    except (ValueError, RecursionError, InvalidModel) as error:
        forget_text(error)
        if event.event == "error":
            raise _reported(operation_id, redact(event.data)) from None
        if isinstance(error, InvalidModel) and error_message(data):  # the body of an error response
            raise _reported(operation_id, redact.within(data)) from None
        problem = redact(f"an event of the stream is not usable: {error}")
        raise InvalidResponseError(problem, operation=operation_id) from error


def _reported(operation_id: str, data: Any) -> CodegenAPIError:
    places = [data, data.get("error")] if isinstance(data, dict) else []
    codes = [place.get(name) for place in places if isinstance(place, dict) for name in ("status_code", "code")]
    status = next((code for code in codes if type(code) is int and 400 <= code <= 599), None)
    text = data if isinstance(data, str) else error_message(data)
    kind = ServerError if status is None else error_kind(status)
    return kind(
        text or "the service reported an error in the stream", status, response_data=data, operation=operation_id
    )


class IdleLimit(LimitedStream):
    """A body in which `seconds` may pass between two events, whatever arrives that is none.

    A connection that carries nothing at all is httpx's to notice; comments and pieces of an event are noticed here.
    """

    problem = "no event came in time"

    def __init__(self, response: httpx.Response, request: httpx.Request, seconds: float, clock: Clock) -> None:
        super().__init__(response.stream, request, clock.monotonic() + seconds, clock)
        self._seconds = seconds

    def restart(self) -> None:
        """Begin to count: an event has been dealt with."""
        self._deadline = self._clock.monotonic() + self._seconds


@contextmanager
def identified(response: httpx.Response) -> Iterator[None]:
    """Give errors the id under which the service logged the request."""
    try:
        yield
    except CodegenAPIError as error:
        error.request_id = error.request_id or request_id_of(response)
        raise


def cut_stream(operation_id: str) -> NetworkError:
    """The error of a stream that ended without saying that it is complete."""
    return NetworkError(f"{operation_id}: the stream ended early", operation=operation_id)
