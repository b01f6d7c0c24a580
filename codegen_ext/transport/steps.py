"""What transports that decide over time have in common: the decision is a generator, two drivers perform it.

Such a transport yields effects from `steps` and returns the response; it never sends, sleeps or reads anything itself.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from concurrent.futures import Future, wait
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

from ..flow import Sleep
from .extensions import CLOCK

if TYPE_CHECKING:
    from ..clock import Clock


class Send(NamedTuple):
    """Send a request; the generator is sent the response, or the exception of the wrapped transport is thrown in."""

    request: httpx.Request


class Read(NamedTuple):
    """Read the body of a response into memory, until `deadline` (monotonic seconds) at the latest.

    A response whose body cannot be read is closed.
    """

    response: httpx.Response
    request: httpx.Request
    deadline: float | None


class Close(NamedTuple):
    """Give the connection of a response back."""

    response: httpx.Response


class Ask(NamedTuple):
    """Call a function that may block for a moment; the generator is sent its result."""

    question: Callable[[], Any]
    blocks: bool


class Wait(NamedTuple):
    """Wait until a future is done, however it ended, and until `deadline` (monotonic seconds) at the latest."""

    future: Future[Any]
    deadline: float | None


Steps = Generator[Send | Read | Close | Ask | Wait | Sleep, Any, httpx.Response]


class SteppedTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """An httpx transport, for sync and async clients, that does what its `steps` say."""

    def __init__(self, wrapped: Any, clock: Clock) -> None:
        self._wrapped = wrapped
        self._clock = clock

    @abstractmethod
    def steps(self, request: httpx.Request) -> Steps:
        """Decide what to do about a request."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Perform the steps in this thread."""
        steps = self.steps(request)
        try:
            effect = next(steps)
            while True:
                outcome = None
                try:
                    if isinstance(effect, Send):
                        outcome = self._wrapped.handle_request(effect.request)
                    elif isinstance(effect, Read):
                        _limit(effect, self._clock)
                        try:
                            effect.response.read()
                        except BaseException:
                            effect.response.close()
                            raise
                    elif isinstance(effect, Close):
                        effect.response.close()
                    elif isinstance(effect, Ask):
                        outcome = effect.question()
                    elif isinstance(effect, Wait):
                        wait([effect.future], _left(effect.deadline, self._clock))
                    else:
                        self._sleeps_on(request).sleep(effect.seconds)
                except Exception as error:  # noqa: BLE001 - the steps decide
                    effect = steps.throw(error)
                else:
                    effect = steps.send(outcome)
        except StopIteration as stop:
            response: httpx.Response = stop.value
            return response
        finally:
            steps.close()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Perform the steps in this task."""
        steps = self.steps(request)
        try:
            effect = next(steps)
            while True:
                outcome = None
                try:
                    if isinstance(effect, Send):
                        outcome = await self._wrapped.handle_async_request(effect.request)
                    elif isinstance(effect, Read):
                        _limit(effect, self._clock)
                        try:
                            await effect.response.aread()
                        except BaseException:
                            await effect.response.aclose()
                            raise
                    elif isinstance(effect, Close):
                        await effect.response.aclose()
                    elif isinstance(effect, Ask):
                        outcome = await _in_thread(effect.question) if effect.blocks else effect.question()
                    elif isinstance(effect, Wait):
                        await _wait_async(effect.future, _left(effect.deadline, self._clock))
                    else:
                        await self._sleeps_on(request).sleep_async(effect.seconds)
                except Exception as error:  # noqa: BLE001 - the steps decide
                    effect = steps.throw(error)
                else:
                    effect = steps.send(outcome)
        except StopIteration as stop:
            response: httpx.Response = stop.value
            return response
        finally:
            steps.close()

    def _sleeps_on(self, request: httpx.Request) -> Clock:
        clock: Clock = request.extensions.get(CLOCK, self._clock)
        return clock

    def close(self) -> None:
        """Close the wrapped transport."""
        self._wrapped.close()

    async def aclose(self) -> None:
        """Close the wrapped transport."""
        await self._wrapped.aclose()


async def _in_thread(question: Callable[[], Any]) -> Any:
    from asyncio import to_thread

    return await to_thread(question)


async def _wait_async(future: Future[Any], seconds: float | None) -> None:
    # Not asyncio.wrap_future: cancelling that cancels the future for everybody else who waits.
    import asyncio

    loop = asyncio.get_running_loop()
    done = loop.create_future()

    def finish() -> None:
        if not done.done():
            done.set_result(None)

    def wake(_future: object) -> None:
        with suppress(RuntimeError):  # the loop has ended, and with it the wait
            loop.call_soon_threadsafe(finish)

    future.add_done_callback(wake)
    await asyncio.wait([done], timeout=seconds)


def _left(deadline: float | None, clock: Clock) -> float | None:
    return None if deadline is None else max(deadline - clock.monotonic(), 0.0)


class LimitedStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """A body that may not come later than its deadline, however slowly it drips."""

    problem = "the response did not end in time"
    failure: Any = httpx.ReadTimeout

    def __init__(self, wrapped: Any, request: httpx.Request, deadline: float, clock: Clock) -> None:
        self._wrapped = wrapped
        self._request = request
        self._deadline = deadline
        self._clock = clock

    def _check(self) -> None:
        if self._clock.monotonic() > self._deadline:
            raise self.failure(self.problem, request=self._request)

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._wrapped:
            self._check()
            yield chunk

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._wrapped:
            self._check()
            yield chunk

    def close(self) -> None:
        """Close the body."""
        self._wrapped.close()

    async def aclose(self) -> None:
        """Close the body."""
        await self._wrapped.aclose()


def _limit(effect: Read, clock: Clock) -> None:
    if effect.deadline is not None:
        response = effect.response
        response.stream = LimitedStream(response.stream, effect.request, effect.deadline, clock)
