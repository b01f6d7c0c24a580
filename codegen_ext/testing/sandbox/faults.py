"""Faults between the client and the service, chosen by operation, count and seeded probability."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from random import Random
from threading import Lock
from typing import Any, Self

from codegen_api.operations import OPERATIONS

from .messages import JSON_TYPE, Answer, Chunk, Delay, Effect, Reset, dumps, error_answer

EVERY_OPERATION = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure; made by one of the class methods."""

    apply: Callable[[Iterator[Effect]], Iterator[Effect]]
    """Changes the effects of a request, which is processed when the first of them is asked for."""
    passes_on: bool = False
    """Whether the next fault may strike too."""

    @classmethod
    def latency(cls, seconds: float, *, processed: bool = False) -> Self:
        """Wait for so many seconds before the request is processed, or before it is answered; others may follow."""
        # To ask for the effects is to process the request.
        read: Callable[[Iterator[Effect]], Iterable[Effect]] = list if processed else iter
        return cls(lambda effects: _insert(read(effects), 0, Delay(seconds)), passes_on=True)

    @classmethod
    def status(
        cls,
        code: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        *,
        processed: bool = False,
    ) -> Self:
        """Answer with a status; `body` is JSON or bytes, `retry_after` is in seconds or a date."""
        content = error_answer(code, f"Injected fault: {code}").body if body is None else body
        data = content if isinstance(content, bytes) else dumps(content)
        extra = {} if retry_after is None else {"retry-after": str(retry_after)}
        names = {name.lower(): value for name, value in (headers or {}).items()}
        answer = Answer(code, data, {"content-type": JSON_TYPE, **extra, **names})
        if processed:
            return cls(lambda effects: _replace(effects, 0, *answer.effects()))
        return cls(lambda _effects: answer.effects())

    @classmethod
    def reset_before(cls) -> Self:
        """Reset the connection before the request is processed."""
        return cls(lambda _effects: iter([Reset()]))

    @classmethod
    def reset_after(cls) -> Self:
        """Process the request, then reset the connection instead of answering."""
        return cls(lambda effects: _replace(effects, 0, Reset()))

    @classmethod
    def truncate(cls, keep_bytes: int) -> Self:
        """Promise the whole answer, send only the first bytes of its body, and close the connection.

        An answer that is no longer than that arrives whole.
        """

        def apply(effects: Iterator[Effect]) -> Iterator[Effect]:
            left = keep_bytes
            for effect in effects:
                size = len(effect.data) if isinstance(effect, Chunk) else 0
                if isinstance(effect, Chunk) and size > left:
                    yield from (Chunk(effect.data[:left]), Reset())
                    return
                left -= size
                yield effect

        return cls(apply)

    @classmethod
    def invalid_body(cls, content: bytes | str, content_type: str = JSON_TYPE, status: int = 200) -> Self:
        """Process the request, then answer with another body."""
        data = content.encode() if isinstance(content, str) else content
        return cls.status(status, data, {"content-type": content_type}, processed=True)

    @classmethod
    def empty_body(cls) -> Self:
        """Process the request, then answer 200 without a body."""
        return cls.invalid_body(b"")

    @classmethod
    def drip(cls, chunk_bytes: int, pause_seconds: float) -> Self:
        """Send the body in parts of so many bytes, with a pause before each."""
        if chunk_bytes < 1:
            raise ValueError(f"chunk_bytes must be at least 1: {chunk_bytes}")
        return cls(lambda effects: _slow(effects, pause_seconds, chunk_bytes))

    @classmethod
    def slow_events(cls, pause_seconds: float) -> Self:
        """Pause before each event of a stream."""
        return cls(lambda effects: _slow(effects, pause_seconds, None))

    @classmethod
    def cut(cls, after: int = 1) -> Self:
        """Break the connection after so many events of a stream."""
        return cls(lambda effects: _replace(effects, 1 + after, Reset()))

    @classmethod
    def stall(cls, after: int = 1, seconds: float = 3600.0) -> Self:
        """Send nothing for so long after so many events of a stream, then continue."""
        return cls(lambda effects: _insert(effects, 1 + after, Delay(seconds)))

    @classmethod
    def keep_alive(cls, after: int = 1, comments: int = 3, pause_seconds: float = 0.0) -> Self:
        """Send comments, with a pause before each, after so many events of a stream, then continue."""
        comment = (Delay(pause_seconds), Chunk(b": keep-alive\n\n"))
        return cls(lambda effects: _insert(effects, 1 + after, *comment * comments))

    @classmethod
    def malformed_event(cls, after: int = 1, data: str = '{"id": ', event: str | None = None) -> Self:
        """Send an event with other data, by default broken JSON, after so many events of a stream, then continue.

        With `event` it has this type, such as `ping`.
        """
        kind = "" if event is None else f"event: {event}\n"
        return cls(lambda effects: _insert(effects, 1 + after, Chunk(f"{kind}data: {data}\n\n".encode())))

    @classmethod
    def error_event(cls, after: int = 1, message: str = "Injected fault", code: int | str | None = None) -> Self:
        """Report an error, in OpenAI's form, after so many events of a stream, and end it in order."""
        error = {"error": {"message": message, "type": "server_error", "code": code}}
        return cls(lambda effects: _replace(effects, 1 + after, Chunk(b"data: " + dumps(error) + b"\n\n")))


def _insert(effects: Iterable[Effect], after: int, *others: Effect) -> Iterator[Effect]:
    remaining = iter(effects)
    yield from islice(remaining, after)
    yield from others
    yield from remaining


def _replace(effects: Iterator[Effect], after: int, *others: Effect) -> Iterator[Effect]:
    yield from islice(effects, after)
    for _ in effects:
        """The request is processed all the same."""
    yield from others


def _slow(effects: Iterator[Effect], pause: float, size: int | None) -> Iterator[Effect]:
    for effect in effects:
        if isinstance(effect, Chunk):
            step = size or len(effect.data) or 1
            for start in range(0, len(effect.data), step):
                yield Delay(pause)
                yield Chunk(effect.data[start : start + step])
        else:
            yield effect


@dataclass(slots=True)
class _Rule:
    operation: str
    fault: Fault
    times: int | None
    rate: float


class Faults:
    """The injected faults."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._rules: list[_Rule] = []
        self._lock = Lock()

    def inject(self, operation: str, fault: Fault, times: int | None, rate: float) -> None:
        """Add a fault; raise ValueError for an unknown operation or a rate that is no probability."""
        if operation not in (EVERY_OPERATION, *OPERATIONS):
            raise ValueError(f"no operation is called {operation!r}")
        if not 0 <= rate <= 1:
            raise ValueError(f"rate must be between 0 and 1: {rate}")
        with self._lock:
            self._rules.append(_Rule(operation, fault, times, rate))

    def clear(self) -> None:
        """Forget all faults."""
        with self._lock:
            self._rules.clear()

    def draw(self, operation: str | None) -> list[Fault]:
        """Return the faults of a request, outermost first: any number of delays, and at most one other fault."""
        drawn: list[Fault] = []
        with self._lock:
            for rule in self._rules:
                if rule.operation not in (EVERY_OPERATION, operation) or rule.times == 0:
                    continue
                if rule.rate < 1 and self._random.random() >= rule.rate:
                    continue
                if rule.times is not None:
                    rule.times -= 1
                drawn.append(rule.fault)
                if not rule.fault.passes_on:
                    break
        return drawn
