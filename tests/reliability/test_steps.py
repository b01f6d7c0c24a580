"""The two drivers of transports that decide over time, and what the retries ask of them."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import pytest
from codegen_ext.flow import Sleep
from codegen_ext.transport.extensions import DEADLINE, STREAM
from codegen_ext.transport.retry import RetryPolicy, RetryTransport
from codegen_ext.transport.steps import Ask, Close, Read, Send, SteppedTransport, Steps

from codegen_ext import ClientConfig, CodegenClient
from codegen_ext.testing import FakeClock, Fault, Sandbox

URL = "http://service.invalid/"


class Body(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body of parts, of which one may be an exception; it knows whether it was closed."""

    def __init__(self, *parts: bytes | BaseException) -> None:
        self.parts = parts
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        for part in self.parts:
            if isinstance(part, BaseException):
                raise part
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for part in self:
            yield part

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Inner(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers in order: responses are returned, exceptions raised; callables are asked with the request."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx.Request] = []
        self.closed = 0

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(request)
        if isinstance(answer, BaseException):
            raise answer
        response: httpx.Response = answer
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self.handle_request(request)

    def close(self) -> None:
        self.closed += 1

    async def aclose(self) -> None:
        self.closed += 1


class Scripted(SteppedTransport):
    """Runs the steps of a test."""

    def __init__(self, wrapped: Any, clock: FakeClock, steps: Callable[[httpx.Request], Steps]) -> None:
        super().__init__(wrapped, clock)
        self._steps = steps

    def steps(self, request: httpx.Request) -> Steps:
        return self._steps(request)


def get(transport: Any, kind: str, **extensions: Any) -> httpx.Response:
    """Send a request through httpx, and close the client."""
    if kind == "sync":
        with httpx.Client(transport=transport) as client:
            return client.get(URL, extensions=extensions)

    async def main() -> httpx.Response:
        async with httpx.AsyncClient(transport=transport) as client:
            return await client.get(URL, extensions=extensions)

    return asyncio.run(main())


both = pytest.mark.parametrize("kind", ["sync", "async"])


@both
def test_every_effect_is_performed(kind: str, clock: FakeClock) -> None:
    threads: list[int] = []
    first = Body(b"one")
    inner = Inner(httpx.Response(503, stream=first), httpx.Response(200, stream=Body(b"two")))

    def question() -> str:
        threads.append(threading.get_ident())
        return "answer"

    def steps(request: httpx.Request) -> Steps:
        response = yield Send(request)
        yield Close(response)
        yield Sleep(3)
        assert (yield Ask(question, blocks=False)) == "answer"
        assert (yield Ask(question, blocks=True)) == "answer"
        response = yield Send(request)
        yield Read(response, request, None)
        return response

    response = get(Scripted(inner, clock, steps), kind)
    assert (response.status_code, response.content) == (200, b"two")
    assert (first.closed, clock.slept, inner.closed) == (1, [3], 1)
    assert threads[0] == threading.get_ident()
    assert (threads[1] == threads[0]) is (kind == "sync")


@both
def test_what_a_question_raises_is_thrown_in(kind: str, clock: FakeClock) -> None:
    def question() -> None:
        raise KeyError("store")

    def steps(request: httpx.Request) -> Steps:
        with pytest.raises(KeyError):
            yield Ask(question, blocks=True)
        return httpx.Response(204)

    assert get(Scripted(Inner(), clock, steps), kind).status_code == 204


@both
@pytest.mark.parametrize(
    "broken", [httpx.ReadError("reset"), httpx.DecodingError("no gzip"), KeyboardInterrupt(), asyncio.CancelledError()]
)
def test_a_response_that_cannot_be_read_is_closed(kind: str, clock: FakeClock, broken: BaseException) -> None:
    body, ended = Body(b"begin", broken), []

    def steps(request: httpx.Request) -> Steps:
        try:
            response = yield Send(request)
            yield Read(response, request, 100.0)
            return response
        finally:
            ended.append(True)

    with pytest.raises(type(broken)):
        get(Scripted(Inner(httpx.Response(200, stream=body)), clock, steps), kind)
    assert body.closed >= 1
    assert ended == [True]


@both
@pytest.mark.parametrize("extensions", [{}, {STREAM: True}])
def test_the_body_ends_by_the_deadline(kind: str, clock: FakeClock, extensions: dict[str, Any]) -> None:
    class Slow(Body):
        def __iter__(self) -> Iterator[bytes]:
            for _ in range(10):
                clock.advance(1)
                yield b"."

    body = Slow()
    transport = RetryTransport(Inner(httpx.Response(200, stream=body)), RetryPolicy(max_retries=0), clock)
    deadline = {DEADLINE: clock.monotonic() + 5.5}
    if extensions:
        assert get(transport, kind, **deadline, **extensions).content == b"." * 10
    else:
        with pytest.raises(httpx.ReadTimeout, match="in time"):
            get(transport, kind, **deadline)
        assert clock.monotonic() == 6
    assert body.closed >= 1


@both
def test_a_corrupt_body_is_asked_for_again_and_its_connection_given_back(kind: str, clock: FakeClock) -> None:
    headers = {"content-encoding": "gzip"}
    bad = Body(b"this is no gzip")
    good = Body(gzip.compress(b"hello"))
    inner = Inner(httpx.Response(200, headers=headers, stream=bad), httpx.Response(200, headers=headers, stream=good))
    assert get(RetryTransport(inner, clock=clock), kind).content == b"hello"
    assert (len(inner.requests), bad.closed >= 1) == (2, True)


@both
def test_every_phase_of_an_attempt_has_only_the_time_that_is_left(kind: str, clock: FakeClock) -> None:
    seen: list[float | None] = []

    def slow(request: httpx.Request) -> httpx.Response:
        # As httpcore does: it reads each time-out when its phase begins.
        timeouts = request.extensions["timeout"]
        for phase in ("pool", "connect", "write", "read", "unknown"):
            seen.append(timeouts.get(phase))
            clock.advance(2)
        return httpx.Response(200)

    transport = RetryTransport(Inner(slow), clock=clock)
    timeout = {"pool": 5.0, "connect": 5.0, "write": None, "read": 5.0}
    get(transport, kind, timeout=timeout, **{DEADLINE: clock.monotonic() + 6.5})
    assert seen == [5.0, 4.5, 2.5, 0.5, None]


@both
def test_a_request_without_a_deadline_has_the_budget_of_the_policy(kind: str, clock: FakeClock) -> None:
    busy = httpx.Response(503, headers={"retry-after": "86400"})
    inner = Inner(busy, httpx.Response(200))
    assert get(RetryTransport(inner, RetryPolicy(budget=10), clock), kind).status_code == 503
    assert clock.slept == []
    inner = Inner(httpx.Response(503, headers={"retry-after": "86400"}), httpx.Response(200))
    assert get(RetryTransport(inner, clock=clock), kind).status_code == 200
    assert clock.slept == [86400]


@both
def test_how_long_a_response_took_can_be_read(kind: str, clock: FakeClock) -> None:
    def slow(request: httpx.Request) -> httpx.Response:
        clock.advance(1.5)
        return httpx.Response(200, stream=Body(b"x"))

    assert get(RetryTransport(Inner(slow), clock=clock), kind).elapsed.total_seconds() == 1.5


def test_the_session_of_a_client_has_its_budget(sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("get_current_user", Fault.status(503, retry_after=3600))
    config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, max_retries=3)
    with CodegenClient(config, clock=clock) as client:
        response = client.session.get("/v1/users/me")
        assert (response.status_code, clock.slept) == (503, [])
        assert response.elapsed.total_seconds() >= 0
