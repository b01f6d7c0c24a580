"""The sandbox in process: an httpx transport, for sync and async clients, without a socket."""

import inspect
from collections.abc import AsyncIterator, Iterator

import httpx

from codegen_ext.clock import Clock
from codegen_ext.errors import ConfigurationError

from .handler import Handler
from .messages import MAX_BODY_BYTES, ApiError, Chunk, Delay, Effect, Head, Request, Reset, Resolve


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """What answers one request: its response, and then the body of that."""

    def __init__(self, request: httpx.Request, effects: Iterator[Effect], clock: Clock) -> None:
        self._request = request
        self._clock = clock
        self._steps = self._perform(effects)

    def respond(self) -> httpx.Response:
        """Wait for the head; raise what httpx raises when it does not come."""
        while not isinstance(step := next(self._steps), httpx.Response):
            self._wait(step)
        return step

    async def respond_async(self) -> httpx.Response:
        """Wait for the head; raise what httpx raises when it does not come."""
        while not isinstance(step := next(self._steps), httpx.Response):
            await self._wait_async(step)
        return step

    def __iter__(self) -> Iterator[bytes]:
        for step in self._steps:
            if isinstance(step, bytes):
                yield step
            else:
                self._wait(step)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for step in self._steps:
            if isinstance(step, bytes):
                yield step
            else:
                await self._wait_async(step)

    def _wait(self, step: object) -> None:
        if isinstance(step, Resolve):
            if inspect.iscoroutine(step.awaitable):
                step.awaitable.close()
            raise ConfigurationError(
                "a mock response that is an async function needs the async client, such as AsyncMockCodegenClient"
            )
        if isinstance(step, float):
            self._clock.sleep(step)

    async def _wait_async(self, step: object) -> None:
        if isinstance(step, Resolve):
            step.result = await step.awaitable
        if isinstance(step, float):
            await self._clock.sleep_async(step)

    def _perform(self, effects: Iterator[Effect]) -> Iterator[httpx.Response | float | bytes | Resolve]:
        """Yield seconds to sleep, results to await, the response and parts of its body; raise what httpx raises."""
        waited = 0.0
        is_begun = False
        for effect in effects:
            # A client may change its time-out between two parts of a body.
            timeout: float | None = self._request.extensions.get("timeout", {}).get("read")
            match effect:
                case Delay(seconds) if timeout is None or waited + seconds <= timeout:
                    waited += seconds
                    yield float(seconds)
                case Delay():
                    yield float(timeout or 0) - waited
                    for _ in effects:
                        """The client has left, which a service notices only after it has done its work."""
                    raise httpx.ReadTimeout("The read operation timed out", request=self._request)
                case Head(status, headers):
                    waited, is_begun = 0.0, True
                    extensions = {"http_version": b"HTTP/1.1"}
                    yield httpx.Response(status, headers=headers, stream=self, extensions=extensions)
                case Chunk(data):
                    waited = 0.0
                    yield b"" if self._request.method == "HEAD" else data
                case Reset() if is_begun:
                    message = "peer closed connection without sending complete message body"
                    raise httpx.RemoteProtocolError(message, request=self._request)
                case Reset():
                    raise httpx.ReadError("[Errno 104] Connection reset by peer", request=self._request)
                case Resolve():
                    yield effect


class SandboxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request of an httpx client from a handler, whatever its host."""

    def __init__(self, handler: Handler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        return self._stream(request, request.read()).respond()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        return await self._stream(request, await request.aread()).respond_async()

    def _stream(self, request: httpx.Request, body: bytes) -> _Stream:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}

        def read_body() -> bytes:
            if len(body) > MAX_BODY_BYTES:
                raise ApiError(413, "The body is too large.")
            return body

        received = Request(request.method, path, query, headers, read_body)
        return _Stream(request, self._handler.handle(received), self._clock)
