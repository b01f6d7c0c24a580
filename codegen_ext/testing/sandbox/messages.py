"""Requests, answers and the effects that send them, independent of sockets."""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

Json = dict[str, Any]
Location = tuple[str | int, ...]
JSON_TYPE = "application/json"
MAX_BODY_BYTES = 64 * 2**20


class Request(NamedTuple):
    """One HTTP request; `path` is as sent, percent-encoded, and header names are in lower case.

    `read_body` is called once at most, after authentication, for a body of no more than MAX_BODY_BYTES.
    """

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    length: int
    """The bytes of the body."""
    read_body: Callable[[], bytes]


class Head(NamedTuple):
    """Send the status line and the headers."""

    status: int
    headers: Mapping[str, str]


class Reset(NamedTuple):
    """Break the connection; nothing follows."""


@dataclass(slots=True)
class Resolve:
    """Await the result of an async function, and put it into `result`."""

    awaitable: Awaitable[Any]
    result: Any = None


Effect = float | Head | bytes | Reset | Resolve
"""A number sends nothing for so many seconds, bytes are a part of the body."""


def dumps(value: object) -> bytes:
    """Encode as JSON; raise ValueError for a number that JSON does not have."""
    return json.dumps(value, allow_nan=False).encode()


def answer(status: int, body: bytes, headers: Mapping[str, str]) -> list[Effect]:
    """Return the effects that send a whole response."""
    return [Head(status, {**headers, "content-length": str(len(body))}), body]


def json_answer(value: object, status: int = 200, **headers: str) -> list[Effect]:
    """Return an answer with a JSON document; underscores in header names stand for hyphens."""
    extra = {name.replace("_", "-"): text for name, text in headers.items()}
    return answer(status, dumps(value), {"content-type": JSON_TYPE, **extra})


def error_body(status: int, message: str) -> Json:
    """Return the body that both services send with an error."""
    return {"message": message, "status_code": status}


class Problem(NamedTuple):
    """One thing that is wrong with a request, in FastAPI's terms."""

    loc: Location
    msg: str
    type: str

    @property
    def field(self) -> str:
        """The location as one string, such as `body.prompt`."""
        return ".".join(map(str, self.loc))


class ApiError(Exception):
    """An operation ends with an error status; `answers` has the answer of each service, "" for any."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.answers = {"": json_answer(error_body(status, message), status, **headers)}


class InvalidError(ApiError):
    """A request does not fit the contract: 422 with FastAPI's details, or the ChatServer's 400."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__(400, "; ".join(f"{problem.field}: {problem.msg}" for problem in problems))
        self.answers["codegen"] = json_answer({"detail": [problem._asdict() for problem in problems]}, 422)
        self.problems = problems
