"""How calls are performed in an event loop, for the clients of all services."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import aclosing
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from codegen_api import pages
from codegen_api.options import NO_OPTIONS, RequestOptions
from codegen_api.types import Response

from . import exchange, flow
from .base import BaseClient, name_of
from .clock import SYSTEM_CLOCK, Clock
from .transport.network import async_network_transport
from .transport.session import AsyncSession

if TYPE_CHECKING:
    from codegen_api.codec import Model
    from codegen_api.operations import Operation

    from .caching.manager import AsyncResponseCache, CacheStats
    from .config import ClientConfig
    from .flow import Perform

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class AsyncClient(BaseClient):
    """Performs operations in the running event loop."""

    _http: httpx.AsyncClient

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(config, clock=clock)
        network = self.config.transport or async_network_transport(self.config.service_url)
        self._http = AsyncSession(transport=self._stack(network), **self._http_settings())

    @property
    def cache(self) -> AsyncResponseCache:
        """The answers that are kept.

        Raises:
            ConfigurationError: when `enable_caching` is false.

        """
        from .caching.manager import AsyncResponseCache

        return AsyncResponseCache(self._response_cache)

    async def get_cache_stats(self) -> CacheStats:
        """Return size, max_size, hits, misses and hit_rate_percentage of the cache; raises like `cache`."""
        return await self.cache.get_stats()

    async def clear_cache(self) -> None:
        """Drop the answers that are kept for this credential; raises like `cache`."""
        await self.cache.clear()

    async def close(self) -> None:
        """Close the connections; a client made by `with_options` leaves them open."""
        if self._owns_http:
            await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()

    async def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._http.send(request)
        except (httpx.HTTPError, RuntimeError) as error:
            raise self._failure(request, error) from error

    async def _perform(self, operation: Operation[T], arguments: dict[str, Any], options: RequestOptions) -> T:
        response = await self._call_whole(operation, arguments, options)
        if operation.paging is not None:
            pages.attach(response.parsed, lambda: self._items_from(operation, arguments, options, response.parsed))
        return response.parsed

    async def _items_from(
        self, operation: Operation[Any], arguments: dict[str, Any], options: RequestOptions, page: Any
    ) -> AsyncIterator[Any]:
        """Yield the items of a page and of those that follow it."""
        further: dict[str, Any] | None = arguments
        while further is not None:
            for item in page:
                yield item
            further = pages.following(operation, further, page)
            if further is not None:
                page = (await self._call_whole(operation, further, options)).parsed

    async def _call_whole(
        self, operation: Operation[T], arguments: dict[str, Any], options: RequestOptions = NO_OPTIONS
    ) -> Response[T]:
        if self._must_reconcile(operation):
            performer = self if options.timeout is None else self.with_options(timeout=options.timeout)
            steps = self._reconciled(operation, arguments, options)
            return await flow.run_async(steps, performer._perform_effect, self._clock)
        request = self._build(operation, arguments, options)
        return exchange.decode_whole(operation, await self._send(request))

    async def _perform_effect(self, effect: Perform[T]) -> Response[T]:
        """Send what a flow asks for, within the time that the flow has left."""
        request = self._build(
            effect.operation,
            effect.arguments,
            effect.options,
            effect.timeout,
            past_cache=effect.past_cache,
        )
        return exchange.decode_whole(effect.operation, await self._send(request))

    async def _stream(
        self,
        operation: Operation[Any],
        arguments: dict[str, Any],
        event: type[M],
        options: RequestOptions,
    ) -> AsyncIterator[M]:
        async with aclosing(self._open(operation, arguments, event, options)) as opened:
            async for item in opened:
                if item is not None:
                    yield item

    async def _open(
        self,
        operation: Operation[Any],
        arguments: dict[str, Any],
        event: type[M],
        options: RequestOptions,
    ) -> AsyncGenerator[M | None, None]:
        """Yield None as soon as the service has accepted the request, then what its events carry."""
        from . import sse

        sse.require_extra()
        limit = self._limit(options.timeout)
        headers = {**(options.extra_headers or {}), "Accept": "text/event-stream"}
        request = self._build(operation, arguments, options._replace(timeout=limit, extra_headers=headers))
        with self._translated(request):
            response = await self._http.send(request, stream=True)
        try:
            with sse.identified(response), self._translated(request):
                if not response.is_success:
                    await response.aread()
                    raise exchange.error_of(response, operation)
                source = sse.event_source(operation.id, response)
                response.stream = idle = sse.IdleLimit(response, request, limit, self._clock)
                yield None
                idle.restart()
                async for message in source.aiter_sse():
                    if sse.is_empty(message):
                        continue
                    if (item := sse.decode_event(operation.id, message, event, self._redact)) is None:
                        return
                    yield item
                    idle.restart()
                raise sse.cut_stream(operation.id)
        finally:
            await response.aclose()

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request that the contract does not know; like `SyncClient.request`, awaitable."""
        request = self._build_other(method, path, params, json, timeout, extra_headers)
        return exchange.parse_json(name_of(request), await self._send(request))
