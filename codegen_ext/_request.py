"""Turn arguments into a request, and tell the transport what a request is for: its `Call`."""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlencode

import httpx
from codegen_api import requests
from codegen_api.operations import OPERATIONS
from codegen_api.requests import InvalidArguments

from ._version import __version__
from .clock import Clock
from .config import LONGEST
from .errors import ConfigurationError, ValidationError, invalid_argument, kind_of
from .redact import Redactor, shown

if TYPE_CHECKING:
    from codegen_api.operations import Operation
    from codegen_api.options import RequestOptions

    from .config import ClientConfig

CALL = "codegen_call"
"""The key of a request's `Call` among its httpx extensions."""
ATTEMPT = "codegen_attempt"
"""The key of the number of the attempt, from 1, among a request's extensions."""
CACHED = "codegen_cached"
"""The key among a response's extensions that says that it came from the cache."""
USER_AGENT = f"codegen-sdk/{__version__} python/{sys.version_info.major}.{sys.version_info.minor}"


_PHASES = ("connect", "read", "write", "pool")
_IDEMPOTENT = frozenset(("GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"))  # RFC 9110, 9.2.2
_WITH_CONTENT = frozenset(("POST", "PUT", "PATCH"))  # whose length is said also where it is 0 (RFC 9110, 8.6)
_HEADER_NAME = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"  # a token of RFC 9110, 5.6.2, which a method is too
_DOTS = frozenset((".", ".."))  # segments that lead elsewhere (RFC 3986, 5.2.4)
_HEADER_VALUE = r"([!-~]+([\t ]+[!-~]+)*)?"  # blanks only between words (RFC 9110, 5.5)
_OF_THE_BODY = frozenset(("content-length", "transfer-encoding"))


class Deadline:
    """Monotonic second of a clock at which something must be over, None for no limit, and how far off it was set."""

    __slots__ = ("_now", "at", "clock", "seconds")

    def __init__(self, clock: Clock, at: float | None, seconds: float | None = None) -> None:
        self.clock = clock
        self.at = float("inf") if at is None else at
        self.seconds = seconds
        self._now = clock.monotonic

    @classmethod
    def after(cls, clock: Clock, seconds: float | None) -> Deadline:
        """Return the deadline that is so many seconds away."""
        return cls(clock, None if seconds is None else clock.monotonic() + seconds, seconds)

    def left(self) -> float:
        """Return the seconds that are left, 0 when it has passed."""
        left = self.at - self._now()
        return left if left > 0 else 0.0

    @property
    def expired(self) -> bool:
        """Whether it has passed."""
        return self._now() >= self.at

    def earlier(self, seconds: float | None) -> Deadline:
        """Return this deadline, or the one that is `seconds` away where that comes first."""
        if seconds is None:
            return self
        at = self._now() + seconds
        return self if self.at <= at else Deadline(self.clock, at, seconds)


class Timing:
    """Deadline of the request that a connection is sending, and when it began to be written."""

    __slots__ = ("deadline", "sent_at")

    def __init__(self) -> None:
        self.deadline: Deadline | None = None
        self.sent_at: float | None = None

    def begin(self, deadline: Deadline) -> None:
        """Start with another request."""
        self.deadline, self.sent_at = deadline, None

    def mark_sent(self) -> None:
        """Note that the request begins to be written now."""
        self.sent_at = None if self.deadline is None else self.deadline.clock.monotonic()

    def end(self) -> None:
        """Let the body take as long as it takes."""
        self.deadline = None

    def cut(self, seconds: float | None, late: type[Exception]) -> float | None:
        """Return a time-out that ends with the deadline; raises `late` for a step that begins after it."""
        if self.deadline is None:
            return seconds
        left = self.deadline.left()
        if left <= 0:
            raise late("the call's time is over")
        return left if seconds is None or left < seconds else seconds


class Call(NamedTuple):
    """What the transport has to know of a request.

    `name` is what errors, log records and metrics call it. `cancel` ends its waits, never a request that was sent.
    With `refresh` the cache is not asked, and stores the answer. With `stream` the caller reads the body as it comes.
    """

    operation: Operation[Any] | None
    name: str
    deadline: Deadline
    max_retries: int
    redact: Redactor
    cancel: Any = None
    refresh: bool = False
    stream: bool = False


def call_of(request: httpx.Request) -> Call:
    """Return the call that a request belongs to."""
    call: Call = request.extensions[CALL]
    return call


def is_idempotent(call: Call, request: httpx.Request) -> bool:
    """Whether doing what a request asks for twice is the same as doing it once."""
    return request.method in _IDEMPOTENT if call.operation is None else call.operation.idempotent


def build_request(
    client: httpx.Client | httpx.AsyncClient,
    service_url: str,
    operation: Operation[Any],
    arguments: Mapping[str, Any],
    options: RequestOptions,
    timeout: float,
    call: Call,
) -> httpx.Request:
    """Return the request of an operation, with the headers and cookies of an httpx client.

    Raises:
        ValidationError: when an argument does not fit the contract; nothing has been sent.

    """
    try:
        wire = requests.build(operation, arguments, options)
        problems = {} if operation.reconcile is None else _blank(operation, arguments)
    except InvalidArguments as error:
        problems = call.redact.within(error.problems)  # arguments get mixed up, and so one may hold the credential
    if problems:
        failure = ValidationError(summary(problems), operation=operation.id, field_errors=problems)
        failure.__cause__ = InvalidArguments(problems)
        raise failure
    headers, path = checked_headers(wire.headers, operation.id), wire.path
    try:
        if client.params or wire.query:
            names = {name for name, _ in wire.query}
            added = [pair for pair in client.params.multi_items() if pair[0] not in names]
            path = f"{path}?{urlencode([*wire.query, *added])}"
        url = _url(service_url + path)
        host = [] if "host" in client.headers else [(b"Host", url.netloc)]
        # What client.build_request would do, without merging a base URL and copying and decoding headers many times.
        request = httpx.Request(
            wire.method,
            url,
            headers=[*host, *client.headers.raw],
            cookies=client.cookies or None,
            stream=httpx.ByteStream(wire.content or b""),
            extensions={CALL: call, "timeout": dict.fromkeys(_PHASES, timeout)},
        )
        if wire.content is not None or wire.method in _WITH_CONTENT:
            headers["Content-Length"] = str(len(wire.content or b""))
        if headers:
            request.headers.update(headers)
        request.read()
        return request
    except UNSENDABLE as error:
        raise unsendable(error, operation.id) from error


@lru_cache(maxsize=512)
def _url(text: str) -> httpx.URL:
    """Parse an address; polling asks for the same ones again and again, and parsing one costs about 20 µs."""
    return httpx.URL(text)


def _blank(operation: Operation[Any], arguments: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return the arguments of a costly operation that are blank strings, which mean nothing."""
    values = {one.name: arguments.get(one.python_name) for one in operation.arguments}
    blank = [name for name, value in values.items() if isinstance(value, str) and not value.strip()]
    return {name: ["must not be blank"] for name in blank}


UNSENDABLE = (TypeError, ValueError, RecursionError, httpx.InvalidURL)
"""What Python and httpx raise for a value that has no form in JSON, a URL or a header."""


def unsendable(error: Exception, name: str | None) -> ValidationError:
    """Return the error for a value that one of `UNSENDABLE` was raised for."""
    problem = f"an argument cannot be sent: {error}"
    return ValidationError(problem, operation=name, field_errors={"request": [problem]})


def checked_headers(headers: Mapping[str, str] | None, name: str | None = None) -> dict[str, str]:
    """Return headers that HTTP allows; they are checked before the credential is added, and never quoted.

    Raises:
        ValidationError: when they cannot be sent.

    """
    problem = None if headers is None else _header_problem(headers)
    if problem:
        raise invalid_argument("extra_headers", problem, operation=name)
    return dict(headers or {})


def client_headers(config: ClientConfig) -> dict[str, str]:
    """Return the headers that all requests of a client have; raises ConfigurationError naming the wrong setting."""
    agent = {"User-Agent": " ".join(filter(None, (USER_AGENT, config.user_agent_suffix)))}
    more = config.default_headers or {}
    for setting, headers in (("user_agent_suffix", agent), ("default_headers", more)):
        problem = _header_problem(headers)
        if problem:
            raise ConfigurationError(f"{setting}: {problem}", config_key=setting)
    return {**agent, "Accept": "application/json", **more}


def _header_problem(headers: object) -> str | None:
    """Return why headers cannot be sent, quoting no value; None when they can."""
    if not isinstance(headers, Mapping):
        return f"expected a mapping of strings, got {kind_of(headers)}"
    for name, value in headers.items():
        if not (
            isinstance(name, str)
            and isinstance(value, str)
            and re.fullmatch(_HEADER_NAME, name)
            and re.fullmatch(_HEADER_VALUE, value)
        ):
            return "the name or the value of a header has characters, or blanks at its ends, that HTTP does not allow"
        if name.lower() in _OF_THE_BODY:
            return f"{name} is set by the client, from the body"
    return None


def check_target(method: object, path: object) -> None:
    """Raise ValidationError unless a method is one word and a path leads to what is below the base URL."""
    problems = {}
    if not (isinstance(method, str) and re.fullmatch(_HEADER_NAME, method)):
        problems["method"] = ["expected an HTTP method such as 'GET'"]
    if not isinstance(path, str) or "://" in path or not _DOTS.isdisjoint(unquote(path.partition("?")[0]).split("/")):
        problems["path"] = ["expected a path below the base URL such as '/v1/users/me'"]
    if problems:
        raise ValidationError(summary(problems), field_errors=problems)


def timeouts(seconds: float | None) -> dict[str, float | None]:
    """Return the time-outs of an attempt as httpx wants them."""
    return dict.fromkeys(_PHASES, seconds)


def whole_number(name: str, value: object) -> int:
    """Return an id, which may be given as a string of digits; raises ValidationError for anything else."""
    if isinstance(value, str) and re.fullmatch(r"-?[0-9]{1,100}", value):
        return int(value)
    if type(value) is int:
        return value
    raise invalid_argument(name, f"expected a whole number, got {shown(value)}")


def is_seconds(value: object) -> bool:
    """Return whether this is a number of seconds above 0 and up to a year."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value <= LONGEST


def check_seconds(name: str, seconds: object) -> None:
    """Raise ConfigurationError unless this is a number of seconds above 0 and up to a year."""
    if not is_seconds(seconds):
        raise ConfigurationError(f"{name} must be a number of seconds greater than 0, at most a year", config_key=name)


def check_count(name: str, value: object, least: int = 0) -> None:
    """Raise ConfigurationError unless this is a whole number of at least `least`."""
    if type(value) is not int or value < least:
        raise ConfigurationError(f"{name} must be a whole number of at least {least}", config_key=name)


def check_clock(clock: object) -> None:
    """Raise ConfigurationError unless this has the methods of a clock."""
    if not isinstance(clock, Clock):
        methods = "time, monotonic, sleep, sleep_async and wait"
        raise ConfigurationError(f"clock must have the methods {methods}, got {kind_of(clock)}", "clock")


def check_flag(name: str, value: object) -> None:
    """Raise ValidationError for a value that Python would take for True or False without being either."""
    if not isinstance(value, bool):
        raise invalid_argument(name, f"expected True or False, got {shown(value)}")


def checked_string(name: str, value: object, expected: str = "a string") -> str:
    """Return a string that says something; raises ValidationError for anything else."""
    if not isinstance(value, str):
        raise invalid_argument(name, f"expected {expected}, got {kind_of(value)}")
    if not value.strip():
        raise invalid_argument(name, "must not be blank")
    return value


def summary(field_errors: Mapping[str, list[str]]) -> str:
    """Return what is wrong with the fields as one line."""
    return "; ".join(f"{field}: {', '.join(problems)}" for field, problems in field_errors.items())


def operation_named(name: str | None) -> Operation[Any] | None:
    """Return the operation of the contract with this id, None for other names."""
    return OPERATIONS.get(name or "")
