"""Turn a response into a model or into the error that fits it; check what the other side says once, here."""

from __future__ import annotations

import functools
import json
import os
import re
import ssl
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast
from urllib.parse import unquote

import httpx
from codegen_api import codec
from codegen_api.errors import InvalidModel
from codegen_api.operations import OPERATIONS
from codegen_api.types import Response

from ._proxy import named_proxy
from ._request import CALL, call_of, summary
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
from .redact import MASK, Redactor, without_user

if TYPE_CHECKING:
    from codegen_api.operations import Operation

    from ._request import Call
    from .config import ClientConfig

T = TypeVar("T")

REQUEST_ID_HEADERS = ("x-request-id", "request-id", "x-correlation-id")
LONGEST_RETRY_AFTER = 86_400.0
"""Seconds to which a `Retry-After` is cut: what sleeps for longer would seem to hang."""
_NO_CREDENTIAL = Redactor()
_UNSENT = (httpx.LocalProtocolError, httpx.UnsupportedProtocol)
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
_BASE_URL_VARIABLES = ("CODEGEN_BASE_URL", "CODEGEN_API_BASE_URL", "CHATSERVER_BASE_URL")


class LimitExceeded(httpx.HTTPError):
    """The rate limits have no slot before the deadline; `wait` is the number of seconds until they would have one."""

    def __init__(self, wait: float) -> None:
        super().__init__(f"the rate limits allow no request for {wait:.1f} s, longer than this call may take")
        self.wait = wait


class ResponseTooLarge(httpx.HTTPError):
    """A body, or an event of a stream, is larger than `max_response_bytes` after decoding."""


def decode(operation: Operation[T], response: httpx.Response) -> Response[T]:
    """Return status, headers and body of a successful response with its model.

    Raises:
        CodegenAPIError: the subclass that fits the status, or InvalidResponseError when the body does not fit.

    """
    status, content = response.status_code, response.content
    if not 200 <= status < 300:
        raise error_of(response, operation)
    if content:
        check_json(operation.id, response)
    try:
        parsed = codec.decode(operation, status, content)  # None for a status that has no content by the contract
    except InvalidModel as error:
        problem = f"the response does not fit the contract: {error}" if content else "the response body is empty"
        if message := error_message(_data_of(response))[0]:
            problem = f"{problem}; the service says: {message}"
        failure = invalid(operation.id, response, problem)
        failure.__cause__ = InvalidModel(error.model, _redactor(response.request)(error.problem))
    else:
        return Response(_status(status), content, response.headers, parsed)
    raise failure  # out here, so that it has no context: what the parser raised has the whole body


def check_identity(operation: Operation[Any], arguments: Mapping[str, Any], response: Response[Any]) -> None:
    """Raise InvalidResponseError when a GET that ends in an id is answered with an object of another id."""
    name = _identified_by(operation.id)
    found = None if name is None else getattr(response.parsed, "id", None)
    if name is not None and found is not None and str(found) != str(arguments[name]):
        problem = f"asked for {arguments[name]!r:.40}, the response is about {found!r:.40}"
        raise InvalidResponseError(problem, response.status_code, operation=operation.id)


@functools.cache
def _identified_by(operation_id: str) -> str | None:
    """Return the argument that is the id of the object that a GET returns."""
    operation = OPERATIONS[operation_id]
    last = operation.path.rpartition("/")[2]
    names = (one.python_name for one in operation.arguments if last == f"{{{one.name}}}" and one.type == "integer")
    return next(names, None) if operation.method == "GET" else None


def _status(code: int) -> HTTPStatus:
    try:
        return HTTPStatus(code)
    except ValueError:
        return cast("HTTPStatus", code)  # a status without a name is still an int


def media_type(response: httpx.Response) -> str:
    """Return the media type in lower case, without its parameters."""
    kind: str = response.headers.get("content-type", "")
    return kind.partition(";")[0].strip().lower()


def check_json(name: str, response: httpx.Response) -> None:
    """Raise InvalidResponseError when a body is missing or is something else than JSON."""
    if not response.content:
        raise invalid(name, response, "the response body is empty")
    if "json" not in media_type(response):
        kind = response.headers.get("content-type") or "none"
        raise invalid(name, response, f"expected JSON, got content type {kind!r}")


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
        if isinstance(error, json.JSONDecodeError):
            error.doc = ""  # anything may stand in it, and others keep and pickle the error
        raise invalid(name, response, f"the response body is not valid JSON: {error}") from error


def invalid(name: str, response: httpx.Response, problem: str) -> InvalidResponseError:
    """Return the error for a response that breaks the contract."""
    redact = _redactor(response.request)
    return InvalidResponseError(redact(problem), response.status_code, _safe_id(response), operation=name)


def _redactor(request: httpx.Request) -> Redactor:
    return call_of(request).redact if CALL in request.extensions else _NO_CREDENTIAL


def _safe_id(response: httpx.Response) -> str | None:
    request_id = request_id_of(response)
    return None if request_id is None else _redactor(response.request)(request_id)


def request_id_of(response: httpx.Response) -> str | None:
    """Return the id under which the service logged the request, None without one."""
    headers = response.headers
    return next((headers[name] for name in REQUEST_ID_HEADERS if name in headers), None)


def error_of(response: httpx.Response, operation: Operation[Any] | None, name: str | None = None) -> CodegenAPIError:
    """Return the error that fits the status of a response without success.

    A service may repeat the credential that it refuses; the error does not.
    """
    status = response.status_code
    redact = _redactor(response.request)
    data = _data_of(response)
    name = operation.id if operation else name
    message, field_errors = error_message(data)
    kind = error_kind(status)
    if "location" in response.headers and 300 <= status < 400:
        message = f"unexpected redirect to {redact.url(response.headers['location'])}; check base_url"
    if message is None:
        message = response.reason_phrase or f"HTTP status {status}"
    common = (message, status, _safe_id(response), data)
    if kind is ValidationError:
        details = data.get("detail") if isinstance(data, dict) else None
        return ValidationError(*common, operation=name, field_errors=field_errors, details=details)
    if kind is RateLimitError:
        wait = retry_after_of(response)
        if wait is None:
            wait = float(operation.rate_limit.seconds) if operation else 1.0
        return RateLimitError(*common, operation=name, retry_after=wait)
    error = kind(*common, operation=name)
    error.retry_after = retry_after_of(response)
    return error


def _data_of(response: httpx.Response) -> Any:
    """Return the JSON of a body without the credential, None for another body."""
    try:
        return _redactor(response.request).within(json.loads(response.content))
    except (ValueError, RecursionError):
        return None


def error_kind(status: int) -> type[CodegenAPIError]:
    """Return the class of the error that fits a status without success."""
    return _ERRORS.get(status, ServerError if status >= 500 else CodegenAPIError)


def error_message(data: Any) -> tuple[str | None, dict[str, list[str]]]:
    """Return what an error body says, and about which fields, in the shapes that services use.

    Those are this service's own, FastAPI's, OpenAI's, and lists of errors.
    """
    if not isinstance(data, dict):
        return None, {}
    detail, error, errors = data.get("detail"), data.get("error"), data.get("errors")
    field_errors: dict[str, list[str]] = {}
    for entry in detail if isinstance(detail, list) else ():
        if isinstance(entry, dict) and ("loc" in entry or "msg" in entry):
            location = entry.get("loc")
            path = location if isinstance(location, list) else []
            field = ".".join(str(part) for part in path[1:] or path) or "request"
            field_errors.setdefault(field, []).append(str(entry.get("msg", "is invalid")))
    if field_errors:
        return summary(field_errors), field_errors
    found = [_said(place) for place in (data.get("message"), detail, error, errors)]
    return next((text for text in found if text), None), {}


def _said(place: Any) -> str:
    if isinstance(place, str):
        return place
    if isinstance(place, dict):
        return next((_said(place[name]) for name in ("message", "msg", "detail", "error") if place.get(name)), "")
    return "; ".join(filter(None, map(_said, place[:10]))) if isinstance(place, list) else ""


def retry_after_of(response: httpx.Response | Response[Any]) -> float | None:
    """Return the seconds that `Retry-After` asks for, at most a day; None without a usable one.

    RFC 9110, 10.2.3: seconds or a date. A date is compared with the response's own `Date`, so that a clock that is off
    does no harm; without one with the time at which it was received (6.6.1). Of several headers the first counts.
    """
    headers = response.headers
    text = headers.get("retry-after", "").strip()
    first = text.partition(",")[0].strip()  # httpx joins repeated headers
    if re.fullmatch(r"(?ai)[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", first):
        seconds = float(first)
    elif (moment := _date_of(text)) is not None:
        seconds = (moment - (_date_of(headers.get("date", "")) or datetime.now(UTC))).total_seconds()
    else:
        return None
    return min(max(0.0, seconds), LONGEST_RETRY_AFTER) if seconds < float("inf") else None


def _date_of(text: str) -> datetime | None:
    """Return an HTTP date in any of its three forms (RFC 9110, 5.6.7), None for another text."""
    try:
        moment = parsedate_to_datetime(text)
        # The form of asctime names no zone. In UTC the difference of two dates cannot overflow.
        return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (OverflowError, TypeError, ValueError):
        return None


def never_arrived(error: BaseException | None) -> bool:
    """Whether a failure happened before the request can have reached the service."""
    return isinstance(error, (*_UNSENT, httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError))


def is_permanent(error: Exception) -> bool:
    """Whether a failure would only happen again: a certificate, a proxy that refuses, a request that is not HTTP."""
    if isinstance(error, _UNSENT):
        return True
    if isinstance(error, httpx.ProxyError) and re.match(r"4\d\d\b", str(error)):
        return True
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return True
        cause = cause.__cause__ or cause.__context__
    return False


def network_error(
    error: Exception, request: httpx.Request, config: ClientConfig, timeout: float | None
) -> CodegenAPIError:
    """Return the error for an exception of httpx or of the transport; it has a clean copy of it as its cause."""
    call = call_of(request)
    copy = _clean(error, request, call.redact)
    failure = _failure(copy, request, call, config, timeout, permanent=is_permanent(error))
    failure.__cause__ = copy
    return failure


def _failure(
    copy: Exception, request: httpx.Request, call: Call, config: ClientConfig, timeout: float | None, *, permanent: bool
) -> CodegenAPIError:
    name, text = call.name, str(copy)
    if isinstance(copy, LimitExceeded):
        return RateLimitError(text, operation=name, retry_after=copy.wait)
    if isinstance(copy, ResponseTooLarge):
        return InvalidResponseError(text, operation=name)
    if isinstance(copy, httpx.TimeoutException):
        phase = {httpx.ConnectTimeout: "connecting", httpx.PoolTimeout: "waiting for a free connection"}
        doing = phase.get(type(copy), "waiting for the response")
        limit = f" after {timeout:g} s" if timeout is not None else ""
        return TimeoutError(f"{name} timed out{limit} while {doing}", timeout, operation=name)
    if isinstance(copy, httpx.ConnectError | httpx.ProxyError):
        address = f"{request.url.scheme}://{request.url.netloc.decode('ascii').rpartition('@')[2]}"
        variables = (name for name in _BASE_URL_VARIABLES if os.environ.get(name) == config.base_url)
        where = f"{address}{_source(next(variables, None))}"
        if config.transport is None and (proxy := named_proxy(config)) is not None:
            where += f" through the proxy {call.redact(without_user(proxy[0]))}{_source(proxy[1])}"
        reason = text if permanent else _reason(copy)
        return NetworkError(f"cannot reach {where}: {reason}", copy, operation=name)
    return NetworkError(text or type(copy).__name__, copy, operation=name)


def _source(variable: str | None) -> str:
    return f" (from {variable})" if variable else ""


def _reason(error: BaseException) -> str:
    """Return why a connection could not be made, in the words of the operating system."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            # asyncio's error for several addresses has no errno of its own.
            first = re.search(r"\[Errno (\d+)\]", str(cause))
            number = cause.errno or (int(first[1]) if first else 0)
            words = os.strerror(number) if number > 0 else cause.strerror
            if number and words:
                return words[:1].lower() + words[1:]
        cause = cause.__cause__
    return str(error) or type(error).__name__


def _clean(error: BaseException, request: httpx.Request, redact: Redactor) -> Exception:
    """Return an exception of the same class and its causes without credentials and tracebacks, in which they stand."""
    if isinstance(error, LimitExceeded):
        return LimitExceeded(error.wait)
    args = [value if isinstance(value, int) else redact(without_user(str(value))) for value in error.args]
    try:
        copy: Any = type(error)(*args)
    except TypeError:
        copy = httpx.TransportError(f"{type(error).__name__}: {redact(without_user(str(error)))}")
    if isinstance(copy, httpx.HTTPError):
        url = request.url.copy_with(userinfo=b"") if request.url.userinfo else request.url
        if redact(shown := unquote(str(url))) != shown:
            url = url.copy_with(raw_path=f"/{MASK}".encode())
        copy.request = httpx.Request(request.method, url)
    cause = error.__cause__ or error.__context__
    if isinstance(cause, Exception):
        copy.__cause__ = _clean(cause, request, redact)
    return cast("Exception", copy)
