"""The sandbox in process: an httpx transport, for sync and async clients, with no socket."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field

import httpx

from codegen_ext.clock import Clock

from .handler import Handler
from .wire import Chunk, Delay, Effect, Head, Request, Reset


@dataclass(slots=True)
class _Exchange(httpx.SyncByteStream, httpx.AsyncByteStream):
    """One request under way; it is the body of its own response."""

    request: httpx.Request
    effects: Iterator[Effect]
    clock: Clock
    waited: float = 0.0
    started: bool = False
    response: httpx.Response = field(init=False)

    def respond(self) -> httpx.Response:
        """Wait for the head; raise what httpx raises when it does not come."""
        for seconds in self._until_head():
            self.clock.sleep(seconds)
        return self.response

    async def respond_async(self) -> httpx.Response:
        """Wait for the head; raise what httpx raises when it does not come."""
        for seconds in self._until_head():
            await self.clock.sleep_async(seconds)
        return self.response

    def __iter__(self) -> Iterator[bytes]:
        for item in self._steps():
            if isinstance(item, bytes):
                yield item
            else:
                self.clock.sleep(item)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for item in self._steps():
            if isinstance(item, bytes):
                yield item
            else:
                await self.clock.sleep_async(item)

    def _until_head(self) -> Iterator[float]:
        for item in self._steps():
            if isinstance(item, float):
                yield item
            if self.started:
                return

    def _steps(self) -> Iterator[float | bytes]:
        """Yield seconds to sleep and pieces of the body, until the end or what httpx raises instead of one."""
        for effect in self.effects:
            match effect:
                case Delay(seconds):
                    yield from self._wait(seconds)
                case Head(status, headers):
                    self.response = httpx.Response(
                        status, headers=headers, stream=self, extensions={"http_version": b"HTTP/1.1"}
                    )
                    self.started = True
                    self.waited = 0.0
                    yield b""
                case Chunk(data):
                    self.waited = 0.0
                    yield b"" if self.request.method == "HEAD" else data
                case Reset() if not self.started:
                    raise httpx.ReadError("[Errno 104] Connection reset by peer", request=self.request)
                case Reset():
                    message = "peer closed connection without sending complete message body"
                    raise httpx.RemoteProtocolError(message, request=self.request)

    def _wait(self, seconds: float) -> Iterator[float]:
        patience: float | None = self.request.extensions.get("timeout", {}).get("read")
        if patience is None or self.waited + seconds <= patience:
            self.waited += seconds
            yield float(seconds)
            return
        yield float(patience - self.waited)
        # The client has left, which a service notices only after it has done its work.
        for _ in self.effects:
            pass
        raise httpx.ReadTimeout("The read operation timed out", request=self.request)


class SandboxTransport(httpx.BaseTransport, httpx.AsyncBaseTransport):
    """Answers every request of an httpx client from the sandbox, whatever its host."""

    def __init__(self, handler: Handler, clock: Clock) -> None:
        self._handler = handler
        self._clock = clock

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of a sync client."""
        return self._exchange(request, request.read()).respond()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        return await self._exchange(request, await request.aread()).respond_async()

    def _exchange(self, request: httpx.Request, body: bytes) -> _Exchange:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        return _Exchange(
            request, self._handler.handle(Request(request.method, path, query, headers, body)), self._clock
        )
