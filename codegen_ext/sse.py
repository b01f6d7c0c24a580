"""Read server-sent events: bytes become events, events become models or the error that they report."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

from codegen_api.errors import InvalidModel

from ._logging import logger
from ._response import ResponseTooLarge, error_kind, error_message
from .errors import CodegenAPIError, InvalidResponseError, ServerError

if TYPE_CHECKING:
    from codegen_api.codec import Model

    from .redact import Redactor

M = TypeVar("M", bound="Model")

DONE = "[DONE]"
"""The data of the event that ends a complete stream."""
_STATUS_OF_WORD = {
    "invalid_request_error": 400,
    "context_length_exceeded": 400,
    "authentication_error": 401,
    "invalid_api_key": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "model_not_found": 404,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 503,
}
"""The status with which OpenAI's and Anthropic's services send these types and codes of errors outside of streams."""
_STATUS_OF_WORD |= {str(status): status for status in range(400, 600)}  # as LiteLLM sends it
_LINE_END = re.compile(rb"\r\n|\n|\r")


class ServerSentEvent(NamedTuple):
    """One event; `name` is "message" where the stream names none."""

    name: str
    data: str


class EventParser:
    """Parses a stream of events as HTML, 9.2.6 says; an event has at most so many bytes."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._line: list[bytes] = []
        self._size = 0
        self._name = ""
        self._data: list[str] = []
        self._is_first = True
        self._ended_in_cr = False

    def feed(self, part: bytes) -> list[ServerSentEvent]:
        """Return the events that are complete with these bytes.

        Raises:
            ResponseTooLarge: when the event that has begun is too large.

        """
        if self._ended_in_cr and part.startswith(b"\n"):
            part = part[1:]  # of a line end that came in two parts
        if part:
            self._ended_in_cr = part.endswith(b"\r")
        self._size += len(part)
        first, *others = _LINE_END.split(part)
        self._line.append(first)
        events = []
        for other in others:
            event = self._end_line(b"".join(self._line).decode("utf-8", "replace"))
            if event is not None:
                events.append(event)
            self._line = [other]
        if self._size > self._most_bytes:
            raise ResponseTooLarge(f"an event of the stream has more than {self._most_bytes} bytes")
        if events:
            self._size = len(self._line[0])
        return events

    def _end_line(self, line: str) -> ServerSentEvent | None:
        if self._is_first:
            self._is_first = False
            line = line.removeprefix("\ufeff")
        if not line:
            name, data = self._name or "message", self._data
            self._name, self._data = "", []
            return ServerSentEvent(name, "\n".join(data)) if data or name == "error" else None
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            self._data.append(value)
        elif field == "event":
            self._name = value
        elif not field and not self._data:
            self._size = 0  # comments, which keep a connection alive, belong to no event
        return None


def decode_event(operation_id: str, event: ServerSentEvent, model: type[M], redact: Redactor) -> M | None:
    """Return the model that an event carries, None for one that is skipped because it carries none.

    Raises:
        CodegenAPIError: for an event that says that the service failed: the subclass that fits the status in it,
            ServerError without one.
        InvalidResponseError: for a chunk of a completion that does not fit the model: a part of the answer is lost.

    """
    if event.name not in ("message", "error"):
        return None
    try:
        data: Any = json.loads(event.data)
    except (ValueError, RecursionError):
        data = event.data
    if event.name == "error" or (isinstance(data, dict) and data.get("error")):
        raise reported(operation_id, redact.within(data))
    try:
        return model.from_dict(data)
    except InvalidModel as error:
        problem = redact(str(error))
    if error_message(data)[0]:  # the body of an error response
        raise reported(operation_id, redact.within(data))
    if isinstance(data, dict) and "choices" in data:
        problem = f"an event of the stream does not fit the contract: {problem}"
        raise InvalidResponseError(problem, operation=operation_id)
    logger.warning("%s: an event of the stream is skipped: %s", operation_id, problem)
    return None


def reported(operation_id: str, data: Any) -> CodegenAPIError:
    """Return the error that an event reports."""
    places = [data, data.get("error")] if isinstance(data, dict) else []
    names = ("status_code", "code", "type")
    words = [place.get(name) for place in places if isinstance(place, dict) for name in names]
    codes = [_STATUS_OF_WORD.get(word) if isinstance(word, str) else word for word in words]
    status = next((code for code in codes if type(code) is int and 400 <= code <= 599), None)
    text = data if isinstance(data, str) else error_message(data)[0]
    kind = ServerError if status is None else error_kind(status)
    message = text or "the service reported an error in the stream"
    return kind(message, status, response_data=data, operation=operation_id)
