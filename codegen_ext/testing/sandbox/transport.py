"""The sandbox in process: an httpx transport, for sync and async clients, without a socket."""

import inspect
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx

from codegen_ext.clock import Clock
from codegen_ext.errors import ConfigurationError

from .handler import Handler
from .messages import Effect, Head, Request, Reset, Resolve


class _Stream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The response to one request, and then the parts of its body; what takes time happens between them."""

    def __init__(self, request: httpx.Request, effects: Iterator[Effect], clock: Clock) -> None:
        self._request = request
        self._clock = clock
        self._steps = self._perform(effects)

    def next_part(self) -> Any:
        """Return the response, then the next part of its body, then None; raise what httpx raises."""
        for step in self._steps:
            if isinstance(step, float):
                self._clock.sleep(step)
            elif isinstance(step, Resolve):
                if inspect.iscoroutine(step.awaitable):
                    step.awaitable.close()
                raise ConfigurationError(
                    "a mock response that is an async function needs the async client, such as AsyncMockCodegenClient"
                )
            else:
                return step
        return None

    async def next_part_async(self) -> Any:
        """Do as `next_part`, and await what an async function returns."""
        for step in self._steps:
            if isinstance(step, float):
                await self._clock.sleep_async(step)
            elif isinstance(step, Resolve):
                step.result = await step.awaitable
            else:
                return step
        return None

    def __iter__(self) -> Iterator[bytes]:
        return iter(self.next_part, None)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while (part := await self.next_part_async()) is not None:
            yield part

    def _perform(self, effects: Iterator[Effect]) -> Iterator[httpx.Response | float | bytes | Resolve]:
        """Yield seconds to sleep, results to await, the response and parts of its body; raise what httpx raises."""
        waited = 0.0
        is_begun = False
        for effect in effects:
            # A client may change its time-out between two parts of a body.
            timeout: float | None = self._request.extensions.get("timeout", {}).get("read")
            match effect:
                case float() if timeout is None or waited + effect <= timeout:
                    waited += effect
                    yield effect
                case float():
                    yield float(timeout or 0) - waited
                    for _ in effects:
                        """The client has left, which a service notices only after it has done its work."""
                    raise httpx.ReadTimeout("The read operation timed out", request=self._request)
                case Head(status, headers):
                    waited, is_begun = 0.0, True
                    extensions = {"http_version": b"HTTP/1.1"}
                    yield httpx.Response(status, headers=headers, stream=self, extensions=extensions)
                case bytes():
                    waited = 0.0
                    yield b"" if self._request.method == "HEAD" else effect
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
        response: httpx.Response = self._stream(request, request.read()).next_part()
        return response

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer a request of an async client."""
        response: httpx.Response = await self._stream(request, await request.aread()).next_part_async()
        return response

    def _stream(self, request: httpx.Request, body: bytes) -> _Stream:
        path, _, query = request.url.raw_path.decode("ascii").partition("?")
        headers = {name.lower(): value for name, value in request.headers.items()}
        received = Request(request.method, path, query, headers, len(body), lambda: body)
        return _Stream(request, self._handler.handle(received), self._clock)
