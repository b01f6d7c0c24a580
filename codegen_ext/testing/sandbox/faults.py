"""Faults: what goes wrong between the client and the service, chosen by operation, count and seeded chance."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from random import Random
from threading import Lock
from typing import Any

from codegen_api.operations import OPERATIONS

from .wire import JSON_TYPE, Answer, Chunk, Delay, Effect, Reset, dumps, error_body

Flow = Callable[[], Iterator[Effect]]
"""Processes a request when its first effect is asked for, and yields the effects of the answer."""

EVERY_OPERATION = "*"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that goes wrong; made by one of the class methods."""

    apply: Callable[[Flow], Iterator[Effect]]
    """Turns the flow of a request into the effects that the client gets to see."""
    passes_on: bool = False
    """Whether the next fault may strike too."""

    @classmethod
    def latency(cls, seconds: float) -> "Fault":
        """Wait for so many seconds before the request is processed; other faults may follow."""

        def apply(flow: Flow) -> Iterator[Effect]:
            yield Delay(seconds)
            yield from flow()

        return cls(apply, passes_on=True)

    @classmethod
    def status(
        cls,
        code: int,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
        retry_after: float | str | None = None,
        *,
        processed: bool = False,
    ) -> "Fault":
        """Answer with a status; `body` is JSON or bytes, `retry_after` is in seconds or a date."""
        content = error_body(code, f"Injected fault: {code}") if body is None else body
        data = content if isinstance(content, bytes) else dumps(content)
        extra = {} if retry_after is None else {"retry-after": str(retry_after)}
        names = {name.lower(): value for name, value in (headers or {}).items()}
        answer = Answer(code, data, {"content-type": JSON_TYPE, **extra, **names})

        def apply(flow: Flow) -> Iterator[Effect]:
            if processed:
                _drain(flow)
            yield from answer.effects()

        return cls(apply)

    @classmethod
    def reset_before(cls) -> "Fault":
        """Reset the connection before the request is processed."""
        return cls(lambda _flow: iter([Reset()]))

    @classmethod
    def reset_after(cls) -> "Fault":
        """Process the request, then reset the connection instead of answering."""

        def apply(flow: Flow) -> Iterator[Effect]:
            _drain(flow)
            yield Reset()

        return cls(apply)

    @classmethod
    def truncate(cls, keep_bytes: int) -> "Fault":
        """Promise the whole answer, send only the first bytes of its body, and close the connection.

        An answer that is no longer than that arrives whole.
        """

        def apply(flow: Flow) -> Iterator[Effect]:
            left = keep_bytes
            for effect in flow():
                if isinstance(effect, Chunk):
                    if len(effect.data) > left:
                        yield Chunk(effect.data[:left])
                        yield Reset()
                        return
                    left -= len(effect.data)
                yield effect

        return cls(apply)

    @classmethod
    def invalid_body(cls, content: bytes | str, content_type: str = JSON_TYPE, status: int = 200) -> "Fault":
        """Process the request, then answer with something else."""
        data = content.encode() if isinstance(content, str) else content
        return cls.status(status, data, {"content-type": content_type}, processed=True)

    @classmethod
    def empty_body(cls) -> "Fault":
        """Process the request, then answer 200 with nothing in it."""
        return cls.invalid_body(b"")

    @classmethod
    def drip(cls, chunk_bytes: int, pause_seconds: float) -> "Fault":
        """Send the body in pieces of so many bytes, with a pause before each."""
        if chunk_bytes < 1:
            raise ValueError(f"chunk_bytes must be at least 1: {chunk_bytes}")

        def apply(flow: Flow) -> Iterator[Effect]:
            for effect in flow():
                if isinstance(effect, Chunk):
                    for start in range(0, len(effect.data), chunk_bytes):
                        yield Delay(pause_seconds)
                        yield Chunk(effect.data[start : start + chunk_bytes])
                else:
                    yield effect

        return cls(apply)

    @classmethod
    def cut(cls, after: int = 1) -> "Fault":
        """Break the connection after so many events of a stream."""
        return cls(lambda flow: _instead(flow, after, Reset()))

    @classmethod
    def stall(cls, after: int = 1, seconds: float = 3600.0) -> "Fault":
        """Say nothing for so long after so many events of a stream, and then go on."""
        return cls(lambda flow: _between(flow, after, Delay(seconds)))

    @classmethod
    def keep_alive(cls, after: int = 1, comments: int = 3, pause_seconds: float = 0.0) -> "Fault":
        """Send comments, with a pause before each, after so many events of a stream, and then go on."""
        beat = (Delay(pause_seconds), Chunk(b": keep-alive\n\n"))
        return cls(lambda flow: _between(flow, after, *beat * comments))

    @classmethod
    def malformed_event(cls, after: int = 1, data: str = '{"id": ') -> "Fault":
        """Send an event with other data, by default broken JSON, after so many events of a stream, and then go on."""
        return cls(lambda flow: _between(flow, after, Chunk(f"data: {data}\n\n".encode())))

    @classmethod
    def error_event(cls, after: int = 1, message: str = "Injected fault", code: int | str | None = None) -> "Fault":
        """Report an error, in OpenAI's form, after so many events of a stream, and end it in order."""
        error = {"error": {"message": message, "type": "server_error", "code": code}}
        return cls(lambda flow: _instead(flow, after, Chunk(b"data: " + dumps(error) + b"\n\n")))

    @classmethod
    def slow_events(cls, pause_seconds: float) -> "Fault":
        """Pause before each event of a stream."""

        def apply(flow: Flow) -> Iterator[Effect]:
            for effect in flow():
                if isinstance(effect, Chunk):
                    yield Delay(pause_seconds)
                yield effect

        return cls(apply)


def _instead(flow: Flow, after: int, *others: Effect) -> Iterator[Effect]:
    """Let the head and so many pieces of the body pass, and other effects in place of the rest."""
    effects = flow()
    yield from islice(effects, 1 + after)
    _exhaust(effects)
    yield from others


def _between(flow: Flow, after: int, *others: Effect) -> Iterator[Effect]:
    """Let other effects happen after the head and so many pieces of the body."""
    effects = flow()
    yield from islice(effects, 1 + after)
    yield from others
    yield from effects


def _exhaust(effects: Iterator[Effect]) -> None:
    for _ in effects:
        pass


def _drain(flow: Flow) -> None:
    _exhaust(flow())


@dataclass(slots=True)
class _Rule:
    operation: str
    fault: Fault
    times: int | None
    rate: float


class Faults:
    """The faults that are waiting to happen."""

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
        """Return what strikes a request, outermost first: any number of delays, and at most one other fault."""
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
