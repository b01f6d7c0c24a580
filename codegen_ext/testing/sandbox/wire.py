"""What crosses the wire, without a word about sockets: requests, answers, and the effects that carry them."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
Location = tuple[str | int, ...]
JSON_TYPE = "application/json"


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request; `path` is as sent, percent-encoded, and header names are in lower case."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Delay:
    """Nothing is sent for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Head:
    """The status line and the headers are sent."""

    status: int
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of the body is sent."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks; nothing follows."""


Effect = Delay | Head | Chunk | Reset


@dataclass(slots=True)
class Answer:
    """A response; a body that is not `bytes` is sent piece by piece, without a length."""

    status: int
    body: bytes | Iterable[bytes]
    headers: dict[str, str]

    def effects(self) -> Iterator[Effect]:
        """Yield what sends this answer."""
        if isinstance(self.body, bytes):
            yield Head(self.status, {**self.headers, "content-length": str(len(self.body))})
            yield Chunk(self.body)
        else:
            yield Head(self.status, self.headers)
            yield from map(Chunk, self.body)


def dumps(value: object) -> bytes:
    """Encode as JSON; raise ValueError for a number that JSON does not have."""
    return json.dumps(value, allow_nan=False).encode()


def json_answer(value: object, status: int = 200, **headers: str) -> Answer:
    """Answer with a JSON document; underscores in header names stand for hyphens."""
    extra = {name.replace("_", "-"): text for name, text in headers.items()}
    return Answer(status, dumps(value), {"content-type": JSON_TYPE, **extra})


def error_body(status: int, message: str) -> Json:
    """Return the body that both services send with an error."""
    return {"message": message, "status_code": status}


class ApiError(Exception):
    """An operation ends with an error status."""

    def __init__(self, status: int, message: str, **headers: str) -> None:
        super().__init__(message)
        self.answer = json_answer(error_body(status, message), status, **headers)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong with a request, in FastAPI's terms."""

    loc: Location
    msg: str
    type: str

    def as_json(self) -> Json:
        """Return an item of FastAPI's `detail`."""
        return {"loc": list(self.loc), "msg": self.msg, "type": self.type}


class InvalidError(Exception):
    """A request does not fit the contract."""

    def __init__(self, *problems: Problem) -> None:
        super().__init__("; ".join(f"{'.'.join(map(str, problem.loc))}: {problem.msg}" for problem in problems))
        self.problems = problems

    def answer(self, service: str) -> Answer:
        """Return how the service says it: 422 with FastAPI's details, or the ChatServer's 400."""
        if service == "chatserver":
            return json_answer(error_body(400, str(self)), 400)
        return json_answer({"detail": [problem.as_json() for problem in self.problems]}, 422)
