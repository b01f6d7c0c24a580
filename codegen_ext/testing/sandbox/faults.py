"""Faults between the client and the service, chosen by operation, count and seeded probability."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from random import Random
from threading import Lock
from typing import Any, Self

from codegen_api.operations import OPERATIONS

from codegen_ext.errors import ConfigurationError
from codegen_ext.testing.arguments import check

from .messages import JSON_TYPE, Effect, Reset, answer, dumps, error_body

EVERY_OPERATION = "*"
_NUMBER = int | float


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure; made by one of the class methods, which raise ConfigurationError for a wrong argument."""

    apply: Callable[[Iterator[Effect]], Iterator[Effect]]
    """Changes the effects of a request, which is processed when the first of them is asked for."""
    passes_on: bool = False
    """Whether the next fault may strike too."""

    @classmethod
    def latency(cls, seconds: float, *, processed: bool = False) -> Self:
        """Wait for so many seconds before the request is processed, or before it is answered; others may follow."""
        check(_NUMBER, least=0, seconds=seconds)
        check(bool, processed=processed)
        # To ask for the effects is to process the request.
        read: Callable[[Iterator[Effect]], Iterable[Effect]] = list if processed else iter
        return cls(lambda effects: _splice(iter(read(effects)), 0, float(seconds)), passes_on=True)

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
        check(int, least=200, most=999, code=code)
        check(Mapping | None, headers=headers)
        check(_NUMBER | str | None, retry_after=retry_after)
        check(bool, processed=processed)
        content = error_body(code, f"Injected fault: {code}") if body is None else body
        try:
            data = content if isinstance(content, bytes) else dumps(content)
        except (TypeError, ValueError) as error:
            raise ConfigurationError(f"body must be bytes or JSON: {error}", "body") from None
        extra = {} if retry_after is None else {"retry-after": str(retry_after)}
        for header in (headers or {}).items():
            check(str, headers=header[0])
            check(str, headers=header[1])
            if not "".join(header).isprintable():
                raise ConfigurationError("headers must hold no line breaks and other control characters", "headers")
        names = {name.lower(): value for name, value in (headers or {}).items()}
        others = answer(code, data, {"content-type": JSON_TYPE, **extra, **names})
        if processed:
            return cls(lambda effects: _splice(effects, 0, *others, ends=True))
        return cls(lambda _effects: iter(others))

    @classmethod
    def reset_before(cls) -> Self:
        """Reset the connection before the request is processed."""
        return cls(lambda _effects: iter([Reset()]))

    @classmethod
    def reset_after(cls) -> Self:
        """Process the request, then reset the connection instead of answering."""
        return cls(lambda effects: _splice(effects, 0, Reset(), ends=True))

    @classmethod
    def truncate(cls, keep_bytes: int) -> Self:
        """Promise the whole answer, send only the first bytes of its body, and close the connection.

        An answer that is no longer than that arrives whole.
        """
        check(int, least=0, keep_bytes=keep_bytes)
        return cls(lambda effects: _truncate(effects, keep_bytes))

    @classmethod
    def invalid_body(cls, content: bytes | str, content_type: str = JSON_TYPE, status: int = 200) -> Self:
        """Process the request, then answer with another body."""
        check(bytes | str, content=content)
        check(str, content_type=content_type)
        check(int, least=200, most=999, status=status)
        data = content.encode() if isinstance(content, str) else content
        return cls.status(status, data, {"content-type": content_type}, processed=True)

    @classmethod
    def empty_body(cls) -> Self:
        """Process the request, then answer 200 without a body."""
        return cls.invalid_body(b"")

    @classmethod
    def drip(cls, chunk_bytes: int, pause_seconds: float) -> Self:
        """Send the body in parts of so many bytes, with a pause before each."""
        check(int, least=1, chunk_bytes=chunk_bytes)
        check(_NUMBER, least=0, pause_seconds=pause_seconds)
        return cls(lambda effects: _slow(effects, pause_seconds, chunk_bytes))

    @classmethod
    def slow_events(cls, pause_seconds: float) -> Self:
        """Pause before each event of a stream."""
        check(_NUMBER, least=0, pause_seconds=pause_seconds)
        return cls(lambda effects: _slow(effects, pause_seconds, None))

    @classmethod
    def cut(cls, after: int = 1) -> Self:
        """Break the connection after so many events of a stream."""
        return cls._in_stream(after, Reset(), ends=True)

    @classmethod
    def stall(cls, after: int = 1, seconds: float = 3600.0) -> Self:
        """Send nothing for so long after so many events of a stream, then continue."""
        check(_NUMBER, least=0, seconds=seconds)
        return cls._in_stream(after, float(seconds))

    @classmethod
    def keep_alive(cls, after: int = 1, comments: int = 3, pause_seconds: float = 0.0) -> Self:
        """Send comments, with a pause before each, after so many events of a stream, then continue."""
        check(int, least=0, comments=comments)
        check(_NUMBER, least=0, pause_seconds=pause_seconds)
        return cls._in_stream(after, *(float(pause_seconds), b": keep-alive\n\n") * comments)

    @classmethod
    def malformed_event(cls, after: int = 1, data: str = '{"id": ', event: str | None = None) -> Self:
        """Send an event with other data, by default broken JSON, after so many events of a stream, then continue.

        With `event` it has this type, such as `ping`.
        """
        check(str, data=data)
        check(str | None, event=event)
        kind = "" if event is None else f"event: {event}\n"
        return cls._in_stream(after, f"{kind}data: {data}\n\n".encode())

    @classmethod
    def error_event(cls, after: int = 1, message: str = "Injected fault", code: int | str | None = None) -> Self:
        """Report an error, in OpenAI's form, after so many events of a stream, and end it in order."""
        check(str, message=message)
        check(int | str | None, code=code)
        error = {"error": {"message": message, "type": "server_error", "code": code}}
        return cls._in_stream(after, b"data: " + dumps(error) + b"\n\n", ends=True)

    @classmethod
    def _in_stream(cls, after: int, *others: Effect, ends: bool = False) -> Self:
        check(int, least=0, after=after)
        return cls(lambda effects: _splice(effects, 1 + after, *others, ends=ends))


def _splice(effects: Iterator[Effect], after: int, *others: Effect, ends: bool = False) -> Iterator[Effect]:
    yield from islice(effects, after)
    if ends:
        for _ in effects:
            """The request is processed all the same."""
    yield from others
    yield from effects


def _truncate(effects: Iterator[Effect], left: int) -> Iterator[Effect]:
    for effect in effects:
        if isinstance(effect, bytes):
            if len(effect) > left:
                yield from (effect[:left], Reset())
                return
            left -= len(effect)
        yield effect


def _slow(effects: Iterator[Effect], pause: float, size: int | None) -> Iterator[Effect]:
    for effect in effects:
        if isinstance(effect, bytes):
            step = size or len(effect) or 1
            for start in range(0, len(effect), step):
                yield float(pause)
                yield effect[start : start + step]
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
        """Add a fault; raise ConfigurationError for an unknown operation or a rate that is no probability."""
        if operation not in (EVERY_OPERATION, *OPERATIONS):
            raise ConfigurationError(f"no operation is called {operation!r}", "operation")
        check(Fault, fault=fault)
        check(int | None, least=1, times=times)
        check(_NUMBER, least=0, most=1, rate=rate)
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
