"""The sandbox in process: an httpx transport, for sync and async clients, without a socket."""

import inspect
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx

from codegen_ext.clock import Clock
from codegen_ext.errors import ConfigurationError

from .handler import Handler
from .messages import MAX_BODY_BYTES, ApiError, Chunk, Delay, Effect, Head, Request, Reset, Resolve


@dataclass(slots=True)
class _Response(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The response to one request, and its body."""

    request: httpx.Request
    effects: Iterator[Effect]
    clock: Clock
    waited: float = 0.0
    is_begun: bool = False
    response: httpx.Response = field(init=False)

    def begin(self) -> httpx.Response:
        """Wait for the head; raise what httpx raises when it does not come."""
        for item in self._steps():
            if isinstance(item, Resolve):
                if inspect.iscoroutine(item.awaitable):
                    item.awaitable.close()
                raise ConfigurationError(
                    "a mock response that is an async function needs the async client, such as AsyncMockCodegenClient"
                )
            if isinstance(item, float):
                self.clock.sleep(item)
            if self.is_begun:
                break
        return self.response

    async def begin_async(self) -> httpx.Response:
        """Wait for the head; raise what httpx raises when it does not come."""
        for item in self._steps():
            if isinstance(item, Resolve):
                item.result = await item.awaitable
            if isinstance(item, float):
                await self.clock.sleep_async(item)
            if self.is_begun:
                break
        return self.response

    def __iter__(self) -> Iterator[bytes]:
        for item in self._steps():
            if isinstance(item, bytes):
                yield item
            elif isinstance(item, float):
                self.clock.sleep(item)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for item in self._steps():
            if isinstance(item, bytes):
                yield item
            elif isinstance(item, float):
                await self.clock.sleep_async(item)

    def _steps(self) -> Iterator[float | bytes | Resolve]:
        """Yield seconds to sleep, parts of the body and results to await; raise what httpx raises instead of one."""
        for effect in self.effects:
            match effect:
                case Delay(seconds):
                    yield from self._wait(seconds)
                case Head(status, headers):
                    self.waited = 0.0
                    extensions = {"http_version": b"HTTP/1.1"}
                    self.response = httpx.Response(status, headers=headers, stream=self, extensions=extensions)
                    self.is_begun = True
                    yield b""
                case Chunk(data):
                    self.waited = 0.0
                    yield b"" if self.request.method == "HEAD" else data
                case Reset() if not self.is_begun:
                    raise httpx.ReadError("[Errno 104] Connection reset by peer", request=self.request)
                case Reset():
                    message = "peer closed connection without sending complete message body"
                    raise httpx.RemoteProtocolError(message, request=self.request)
                case Resolve():
                    yield effect

    def _wait(self, seconds: float) -> Iterator[float]:
        timeout: float | None = self.request.extensions.get("timeout", {}).get("read")
        if timeout is None or self.waited + seconds <= timeout:
            self.waited += seconds
            yield float(seconds)
            return
        yield float(timeout - self.waited)
        # The client has left, which a service notices only after it has done its work.
        for _ in self.effects:
            pass
        raise httpx.ReadTimeout("The read operation timed out", request=self.request)


class SandboxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request of an httpx client from a handler, whatever its host."""

    def __init__(self, handler: Handler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        return self._respond(request, request.read()).begin()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        return await self._respond(request, await request.aread()).begin_async()

    def _respond(self, request: httpx.Request, body: bytes) -> _Response:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}

        def read_body() -> bytes:
            if len(body) > MAX_BODY_BYTES:
                raise ApiError(413, "The body is too large.")
            return body

        received = Request(request.method, path, query, headers, read_body)
        return _Response(request, self._handler.handle(received), self._clock)
