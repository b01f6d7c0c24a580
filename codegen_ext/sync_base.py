"""How calls are performed in the calling thread, for the clients of all services."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from codegen_api.types import Response

from . import exchange, flow
from .base import BaseClient, name_of
from .clock import SYSTEM_CLOCK, Clock
from .transport.network import network_transport

if TYPE_CHECKING:
    from codegen_api.decoding import Model
    from codegen_api.operations import Operation

    from .config import ClientConfig
    from .flow import Perform

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class SyncClient(BaseClient):
    """Performs operations in the calling thread; may be shared by threads."""

    _http: httpx.Client

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        super().__init__(config, clock=clock)
        network = self.config.transport or network_transport(self.config.service_url)
        self._http = httpx.Client(transport=self._stack(network), **self._http_settings())

    @property
    def session(self) -> httpx.Client:
        """The httpx client underneath, with credential and transports."""
        return self._http

    def close(self) -> None:
        """Close the connections; a client made by `with_options` leaves them open."""
        if self._owns_http:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _send(self, request: httpx.Request) -> httpx.Response:
        try:
            return self._http.send(request)
        except (httpx.HTTPError, RuntimeError) as error:
            raise self._failure(request, error) from error

    def _call(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> T:
        if self._must_reconcile(operation):
            return (self._call_whole(operation, arguments, timeout, extra_headers)).parsed
        return exchange.decode(operation, self._send(self._build(operation, arguments, timeout, extra_headers)))

    def _call_whole(
        self,
        operation: Operation[T],
        arguments: dict[str, Any],
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Response[T]:
        if self._must_reconcile(operation):
            performer = self if timeout is None else self.with_options(timeout=timeout)
            return flow.run(self._reconciled(operation, arguments, extra_headers), performer._perform, self._clock)
        return exchange.decode_whole(operation, self._send(self._build(operation, arguments, timeout, extra_headers)))

    def _perform(self, effect: Perform[T]) -> Response[T]:
        """Send what a flow asks for, within the time that the flow has left."""
        request = self._build(effect.operation, effect.arguments, None, effect.extra_headers, effect.timeout)
        return exchange.decode_whole(effect.operation, self._send(request))

    def _stream(
        self,
        operation: Operation[Any],
        arguments: dict[str, Any],
        event: type[M],
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> Iterator[M]:
        from . import sse

        sse.require_extra()
        request = self._build(
            operation, arguments, timeout, {**(extra_headers or {}), "Accept": "text/event-stream"}, stream=True
        )
        with self._translated(request):
            response = self._http.send(request, stream=True)
        try:
            with self._translated(request):
                if not response.is_success:
                    response.read()
                    raise exchange.error_of(response, operation)
                for message in sse.event_source(operation.id, response).iter_sse():
                    if (item := sse.decode_event(operation.id, message, event, self._redact)) is None:
                        return
                    yield item
            raise sse.cut_stream(operation.id)
        finally:
            response.close()

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        timeout: float | None = None,
        extra_headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request that the contract does not know and return its JSON, None for an empty body.

        Args:
            method: The HTTP method.
            path: Below the base URL without `/v1`.
            params: Query parameters.
            json: The body.
            timeout: Seconds for each attempt, instead of the client's.
            extra_headers: Headers to send besides the client's own.

        Raises:
            CodegenAPIError: as every operation does.

        """
        request = self._build_other(method, path, params, json, timeout, extra_headers)
        return exchange.parse_json(name_of(request), self._send(request))
