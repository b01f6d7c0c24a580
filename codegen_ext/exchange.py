"""One call on its way out and back: arguments become a request, a response becomes a model or a typed error.

Nothing here sends anything, so the sync and the async client share all of it.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

import httpx
from codegen_api import codec, requests
from codegen_api.errors import InvalidModel
from codegen_api.options import RequestOptions
from codegen_api.types import Response

from ._version import __version__
from .errors import (
    AuthenticationError,
    CodegenAPIError,
    ConflictError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PaymentRequiredError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    TimeoutError,
    ValidationError,
)
from .limits.store import LimitExceeded
from .redact import Redactor
from .transport.extensions import REDACT

if TYPE_CHECKING:
    from codegen_api.operations import Operation

T = TypeVar("T")

_NO_CREDENTIAL = Redactor()
USER_AGENT = f"codegen-sdk/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"
REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")

_ERRORS: dict[int, type[CodegenAPIError]] = {
    400: ValidationError,
    401: AuthenticationError,
    402: PaymentRequiredError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: ValidationError,
    429: RateLimitError,
}
_PHASES = ("connect", "read", "write", "pool")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,100}")


def build_request(
    client: httpx.Client | httpx.AsyncClient,
    service_url: str,
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    options: RequestOptions,
    timeout: float,
    extensions: dict[str, Any],
) -> httpx.Request:
    """Turn a method's arguments into a request; `extensions` tells the transports what they need to know.

    Raises:
        ValidationError: when an argument does not fit the contract; nothing has been sent.

    """
    try:
        wire = requests.build(operation, arguments, options)
    except requests.InvalidArguments as error:
        problems = extensions.get(REDACT, _NO_CREDENTIAL).within(error.problems)  # arguments get mixed up
        raise ValidationError(_summary(problems), operation=operation.id, field_errors=problems) from error.__cause__
    try:
        headers = client.headers
        if wire.headers:
            headers = httpx.Headers(headers)
            headers.update(wire.headers)
        # What client.build_request would do, without merging a base URL and copying every part twice.
        return httpx.Request(
            wire.method,
            _url(service_url + wire.path),
            params=client.params.merge(httpx.QueryParams(tuple(wire.query)))
            if client.params
            else tuple(wire.query) or None,
            content=wire.content,
            headers=headers,
            cookies=client.cookies,
            extensions={**extensions, "timeout": dict.fromkeys(_PHASES, timeout)},
        )
    except UNSENDABLE as error:
        raise unsendable(error, operation.id) from error


@lru_cache(maxsize=512)
def _url(text: str) -> httpx.URL:
    """Parse an address; polling asks for the same ones again and again, and parsing one costs about 20 µs."""
    return httpx.URL(text)


UNSENDABLE = (TypeError, ValueError, RecursionError, httpx.InvalidURL)
"""What Python and httpx raise for a value that has no form in JSON, a URL or a header."""


def unsendable(error: Exception, operation_id: str | None) -> ValidationError:
    """Return the error for a value that one of `UNSENDABLE` was raised for."""
    problem = f"an argument cannot be sent: {error}"
    return ValidationError(problem, operation=operation_id, field_errors={"request": [problem]})


def whole_number(name: str, value: object) -> int:
    """Return an id, which may be given as text; raises ValidationError for what is no whole number."""
    if isinstance(value, str) and _WHOLE_NUMBER.fullmatch(value):
        return int(value)
    if type(value) is int:
        return value
    problem = f"expected a whole number, got {value!r:.40}"
    raise ValidationError(f"{name}: {problem}", field_errors={name: [problem]})


def _summary(field_errors: Mapping[str, list[str]]) -> str:
    return "; ".join(f"{field}: {', '.join(problems)}" for field, problems in field_errors.items())


def decode(operation: Operation[T], response: httpx.Response) -> T:
    """Return the model of a successful response.

    Raises:
        CodegenAPIError: the subclass that fits the status, or InvalidResponseError when the body does not fit.

    """
    if not response.is_success:
        raise error_of(response, operation)
    check_json(operation.id, response)
    try:
        return codec.decode(operation, response.status_code, response.content)
    except InvalidModel as error:
        raise invalid(operation.id, response, f"the response does not fit the contract: {error}") from error


def decode_whole(operation: Operation[T], response: httpx.Response) -> Response[T]:
    """Like `decode`, with status, headers and body of the response beside the model."""
    parsed = decode(operation, response)
    return Response(_status(response.status_code), response.content, response.headers, parsed)


def forget_text(error: Exception) -> None:
    """Take the whole text, in which anything may stand, out of an error that others keep and pickle."""
    if isinstance(error, json.JSONDecodeError):
        error.doc = ""


def _status(code: int) -> HTTPStatus:
    try:
        return HTTPStatus(code)
    except ValueError:
        return cast("HTTPStatus", code)  # a status without a name is still an int


def check_json(operation_id: str, response: httpx.Response) -> None:
    """Raise InvalidResponseError when a body is missing or is something else than JSON."""
    if not response.content:
        raise invalid(operation_id, response, "the response body is empty")
    kind = response.headers.get("content-type", "")
    if "json" not in kind:
        raise invalid(operation_id, response, f"expected JSON, got content type {kind or 'none'!r}")


def invalid(operation_id: str, response: httpx.Response, problem: str) -> InvalidResponseError:
    """Return the error for a response that breaks the contract."""
    redact = _redactor(response)
    return InvalidResponseError(redact(problem), response.status_code, _safe_id(response), operation=operation_id)


def _redactor(response: httpx.Response) -> Redactor:
    redactor: Redactor = response.request.extensions.get(REDACT, _NO_CREDENTIAL)
    return redactor


def _safe_id(response: httpx.Response) -> str | None:
    request_id = request_id_of(response)
    return None if request_id is None else _redactor(response)(request_id)


def request_id_of(response: httpx.Response) -> str | None:
    """Return the id under which the service logged the request, None without one."""
    return next((response.headers[name] for name in REQUEST_ID_HEADERS if name in response.headers), None)


def error_of(response: httpx.Response, operation: Operation[Any] | None, name: str | None = None) -> CodegenAPIError:
    """Turn a response without success into the error that fits its status.

    A service may repeat the credential that it refuses; the error does not.
    """
    status = response.status_code
    redact = _redactor(response)
    try:
        data = redact.within(response.json())
    except (ValueError, RecursionError):
        data = None
    operation_id = operation.id if operation else name
    message, field_errors = _message(data)
    kind = error_kind(status)
    if 300 <= status < 400:
        message = f"unexpected redirect to {redact.url(response.headers.get('location', 'nowhere'))}; check base_url"
    if message is None:
        message = response.reason_phrase or f"HTTP status {status}"
    common = (message, status, _safe_id(response), data)
    if kind is ValidationError:
        details = data.get("detail") if isinstance(data, dict) else None
        return ValidationError(*common, operation=operation_id, field_errors=field_errors, details=details)
    if kind is RateLimitError:
        wait = retry_after_of(response)
        if wait is None:
            wait = float(operation.rate_limit.seconds) if operation else 1.0
        return RateLimitError(*common, operation=operation_id, retry_after=wait)
    return kind(*common, operation=operation_id)


def error_kind(status: int) -> type[CodegenAPIError]:
    """Return the error that fits a status without success."""
    return _ERRORS.get(status, ServerError if status >= 500 else CodegenAPIError)


def _message(data: Any) -> tuple[str | None, dict[str, list[str]]]:
    """Find what the service says in the shapes that it uses: its own, FastAPI's, and OpenAI's."""
    if not isinstance(data, dict):
        return None, {}
    detail = data.get("detail")
    if isinstance(detail, list):
        field_errors: dict[str, list[str]] = {}
        for entry in detail:
            if isinstance(entry, dict):
                location = entry.get("loc")
                path = location if isinstance(location, list) else []
                field = ".".join(str(part) for part in path[1:]) or ".".join(str(part) for part in path) or "request"
                field_errors.setdefault(field, []).append(str(entry.get("msg", "is invalid")))
        return _summary(field_errors) or None, field_errors
    error = data.get("error")
    nested = error.get("message") if isinstance(error, dict) else error
    for text in (data.get("message"), detail, nested):
        if isinstance(text, str) and text:
            return text, {}
    return None, {}


def retry_after_of(response: httpx.Response | Response[Any]) -> float | None:
    """Return the seconds that `Retry-After` asks for (RFC 9110, 10.2.3: seconds or a date), None without a usable one.

    A date is compared with the response's own `Date`, so that a clock that is off does no harm; without one with the
    time at which it was received (RFC 9110, 6.6.1).
    """
    text = response.headers.get("retry-after", "").strip()
    try:
        seconds = float(text)
    except ValueError:
        moment = _date_of(text)
        if moment is None:
            return None
        seconds = (moment - (_date_of(response.headers.get("date", "")) or datetime.now(UTC))).total_seconds()
    return max(0.0, seconds) if seconds < float("inf") else None


def _date_of(text: str) -> datetime | None:
    """Return an HTTP date in any of its three forms (RFC 9110, 5.6.7), None for other text."""
    try:
        moment = parsedate_to_datetime(text)
        # The form of asctime names no zone. In UTC the difference of two dates cannot overflow.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, TypeError, ValueError):
        return None


def network_error(error: Exception, operation_id: str, timeout: float | None) -> CodegenAPIError:
    """Turn an exception of httpx, or of the rate limits, into an error that names the operation."""
    if isinstance(error, LimitExceeded):
        return RateLimitError(str(error), operation=operation_id, retry_after=error.wait)
    if isinstance(error, httpx.LocalProtocolError):
        # It quotes the header, which may hold a secret.
        problem = "the name or the value of a header has characters that HTTP does not allow"
        return ValidationError(problem, operation=operation_id, field_errors={"extra_headers": [problem]})
    if isinstance(error, httpx.TimeoutException):
        phase = {httpx.ConnectTimeout: "connecting", httpx.PoolTimeout: "waiting for a free connection"}
        doing = phase.get(type(error), "waiting for the response")
        limit = f" after {timeout:g} s" if timeout is not None else ""
        return TimeoutError(f"{operation_id} timed out{limit} while {doing}", timeout, operation=operation_id)
    return NetworkError(f"{operation_id}: {str(error) or type(error).__name__}", error, operation=operation_id)


def timeout_of(request: httpx.Request) -> float | None:
    """Return the seconds after which an attempt of this request times out."""
    # A copy, because the `get` of the retries' own tells what is left by now.
    timeouts: dict[str, float | None] = dict(request.extensions.get("timeout", {}))
    return timeouts.get("read")


def parse_json(name: str, response: httpx.Response) -> Any:
    """Return the JSON of a response to a request that the contract does not know; None for an empty body.

    Raises:
        CodegenAPIError: as `decode` does.

    """
    if not response.is_success:
        raise error_of(response, None, name)
    if not response.content:
        return None
    check_json(name, response)
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError) as error:
        forget_text(error)
        raise invalid(name, response, f"the response body is not valid JSON: {error}") from error


def error_message(data: Any) -> str | None:
    """Return what the service says in an error body, None where it says nothing."""
    return _message(data)[0]
