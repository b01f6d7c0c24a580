# Generated from codegen_ext/_async/base_client.py by make generate; edit there.
"""Perform operations and requests: the one way down for everything above."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from codegen_api.options import NO_OPTIONS

from .. import _fork, _logging
from .._auth import BearerAuth
from .._request import (
    CALL,
    UNSENDABLE,
    Call,
    Deadline,
    build_request,
    call_of,
    check_clock,
    check_seconds,
    check_target,
    checked_headers,
    client_headers,
    timeouts,
    unsendable,
)
from .._response import check_identity, decode, error_of, invalid, media_type, network_error, parse_json, request_id_of
from ..clock import SYSTEM_CLOCK, Clock
from ..config import ClientConfig
from ..errors import ClientClosedError, CodegenAPIError, ConfigurationError, NetworkError, TimeoutError
from ..metrics import MetricsCollector, Stats
from ..redact import Redactor, without_user
from .network import Network
from .rate_limiter import RateLimiter
from .transport import ClientTransport, Tracing

if TYPE_CHECKING:
    from codegen_api.codec import Model
    from codegen_api.operations import Operation
    from codegen_api.options import RequestOptions
    from codegen_api.types import Response

    from .cache import ResponseCache
    from .locks import Event

T = TypeVar("T")
M = TypeVar("M", bound="Model")

CLOSED = "the client is closed; build another one, or make the call before close()"
"""What ClientClosedError says."""
_OF_A_CALL = frozenset(
    (
        *("timeout", "total_timeout", "max_retries", "org_id", "exactly_once", "create_settle_seconds"),
        *("bulk_max_workers", "bulk_batch_size", "enable_webhooks", "enable_bulk_operations", "enable_streaming"),
    )
)
"""Settings that are read at each call, so that clients which differ in them can share their connections."""
_NO_STREAM = httpx.ByteStream(b"")


class BaseClient:
    """Performs the operations of one service; may be shared by tasks and event loops.

    Args:
        config: Settings; those that are not given read the environment.
        clock: Where time comes from.
        settings: Single settings, by the names of `ClientConfig`, instead of `config` or over it.

    Raises:
        ConfigurationError: naming the setting that is missing or wrong.

    """

    _service = "codegen"
    """The name of the service in the contract."""
    _needs_token = True
    stream_deadline: Deadline | None = None
    """When the streams that this client opens must be over; None for any time."""

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock = SYSTEM_CLOCK, **settings: Any) -> None:
        self.config = ClientConfig.of(config, settings)
        self.config.validate(needs_token=self._needs_token)
        check_clock(clock)
        self._clock = clock
        self._service_url = self.config.service_url
        self._redact = Redactor(self.config.api_token)
        self._metrics = MetricsCollector(clock)
        self._is_derived = False
        _logging.apply_level(self.config.log_level)
        _logging.log_to_stderr()
        self._http = self._connect()

    def _connect(self) -> Session:
        config = self.config
        headers = client_headers(config)
        on_wait = self._metrics.record_wait if config.enable_metrics else None
        self._rate_limiter = RateLimiter(config, self._clock, service=self._service, on_wait=on_wait)
        self._cache = self._open_cache() if config.enable_caching else None
        self._transport = ClientTransport(
            config,
            self._clock,
            Network(config),
            self._rate_limiter if config.rate_limits else None,
            self._cache,
            self._metrics if config.enable_metrics else None,
        )
        return Session(
            self._call_of_user,
            self._transport,
            BearerAuth(config.api_token, self._service_url) if config.api_token else None,
            base_url=self._service_url,
            headers=headers,
            timeout=config.timeout,
        )

    def _open_cache(self) -> ResponseCache:
        from .cache import ResponseCache

        return ResponseCache(self.config, self._clock)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={without_user(self.config.base_url)!r})"

    def __reduce__(self) -> Any:
        raise TypeError(f"{type(self).__name__} holds connections and a credential; pickle its config, or ids")

    @property
    def clock(self) -> Clock:
        """Where time comes from."""
        return self._clock

    @property
    def session(self) -> httpx.Client:
        """The httpx client underneath, with credential and transport."""
        return self._http

    @property
    def redact(self) -> Redactor:
        """Takes this client's credential out of strings."""
        return self._redact

    @property
    def metrics(self) -> MetricsCollector:
        """Counts of this client's requests; raises ConfigurationError when `enable_metrics` is false."""
        self.config.require("metrics")
        return self._metrics

    @property
    def rate_limiter(self) -> Any:
        """What keeps this client's requests within the limits; `status()` says how they are used."""
        return self._rate_limiter

    @property
    def cache(self) -> Any:
        """The answers that are kept; raises ConfigurationError when `enable_caching` is false."""
        if self._cache is None:
            problem = "enable_caching was false when the client was built; set it to true to use this"
            raise ConfigurationError(problem, config_key="enable_caching")
        return self._cache

    def get_cache_stats(self) -> Any:
        """Return size, max_size, hits, misses and hit_rate_percentage of the cache; raises like `cache`."""
        return self.cache.get_stats()

    def clear_cache(self) -> None:
        """Drop the answers that are kept for this credential; raises like `cache`."""
        self.cache.clear()

    def get_stats(self) -> Stats:
        """Return statistics since the client was built or `reset_stats` was called; raises like `metrics`."""
        config = self.config
        return Stats(
            {
                "metrics": self.metrics.get_stats(),
                "config": {
                    "base_url": without_user(config.base_url),
                    "metrics_enabled": config.enable_metrics,
                    "caching_enabled": config.enable_caching,
                    "max_retries": config.max_retries,
                    "timeout": config.timeout,
                },
            }
        )

    def reset_stats(self) -> None:
        """Start the statistics from 0; raises like `metrics`."""
        self.metrics.reset()

    reset_metrics = reset_stats

    def trace_with(self, tracing: Tracing | None) -> None:
        """Have all calls and attempts of this client, and of those that share its connections, wrapped."""
        self._transport.tracing = tracing

    def with_options(self, **settings: Any) -> Self:
        """Return a client with other settings, by the names of `ClientConfig`.

        Where the settings are those of a call (time-outs, retries, exactly_once, bulk, …) it shares this client's
        connections, limits, cache and statistics, and closing it does nothing. Others make a client of its own.

        Raises:
            ConfigurationError: when a name or a value is wrong.

        """
        given = {name: value for name, value in settings.items() if value is not None}
        config = ClientConfig.of(self.config, given)
        if not _OF_A_CALL.issuperset(given):
            return self._with_config(config)
        config.validate(needs_token=self._needs_token)
        derived = object.__new__(type(self))
        derived.__dict__.update(self.__dict__)
        derived.config = config
        derived._is_derived = True
        return derived

    def _with_config(self, config: ClientConfig) -> Self:
        return type(self)(config, clock=self._clock)

    def close(self) -> None:
        """Close the connections; a client made by `with_options` leaves shared ones open."""
        if not self._is_derived:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def deadline(self, seconds: float | None = None) -> Deadline:
        """Return the deadline that is `seconds` away, `total_timeout` where none are given."""
        return Deadline.after(self._clock, self.config.total_timeout if seconds is None else seconds)

    def perform(
        self,
        operation: Operation[T],
        arguments: Mapping[str, Any],
        options: RequestOptions = NO_OPTIONS,
        *,
        deadline: Deadline | None = None,
        cancel: Event | None = None,
        refresh: bool = False,
    ) -> Response[T]:
        """Perform an operation and return status, headers, body and model.

        Args:
            operation: The operation.
            arguments: Its arguments, by their Python names.
            options: Time-out, and what is sent besides.
            deadline: When it must be over, retries and waits included; `total_timeout` from now at the latest.
            cancel: Ends waits, with Cancelled; a request that was sent is never cut.
            refresh: Whether the cache is not asked, and stores the answer.

        Raises:
            ValidationError: before anything is sent, when an argument does not fit the contract.
            CodegenAPIError: the subclass that fits the status or the failure.

        """
        timeout = self._timeout(options.timeout)
        call = self._call_for(operation, operation.id, deadline, cancel, refresh=refresh)
        request = build_request(self._http, self._service_url, operation, arguments, options, timeout, call)
        response = decode(operation, self._send(request, timeout))
        check_identity(operation, arguments, response)
        return response

    def _call_for(
        self,
        operation: Operation[Any] | None,
        name: str,
        deadline: Deadline | None = None,
        cancel: Event | None = None,
        *,
        refresh: bool = False,
        stream: bool = False,
    ) -> Call:
        limit = Deadline.after(self._clock, self.config.total_timeout)
        if deadline is not None and deadline.at < limit.at:
            limit = deadline
        return Call(operation, name, limit, self.config.max_retries, self._redact, cancel, refresh, stream)

    def _call_of_user(self, request: httpx.Request, stream: bool = False) -> Call:
        return self._call_for(None, f"{request.method} {self._redact.url(request.url.path)}", stream=stream)

    def _timeout(self, timeout: float | None) -> float:
        if timeout is None:
            return self.config.timeout
        check_seconds("timeout", timeout)
        return timeout

    def _send(self, request: httpx.Request, timeout: float) -> httpx.Response:
        failure: CodegenAPIError
        try:
            return self._http.send_direct(request)
        except (httpx.HTTPError, httpx.StreamError) as error:
            limit = call_of(request).deadline
            seconds = limit.seconds if limit.expired else timeout
            failure = network_error(error, request, self.config, seconds)
        except RuntimeError:
            if not self._http.is_closed:
                raise
            failure = ClientClosedError(CLOSED, operation=call_of(request).name)
        raise failure  # out here, so that it has no context: what httpx raised may hold the credential

    def open_stream(
        self, operation: Operation[Any], arguments: Mapping[str, Any], options: RequestOptions = NO_OPTIONS
    ) -> EventStream:
        """Perform an operation whose answer is a stream of events; return when the service has accepted it.

        Between two parts of the stream any time may pass, `options.timeout` where it is given.
        """
        timeout = self._timeout(options.timeout)
        call = self._call_for(operation, operation.id, stream=True)
        request = build_request(self._http, self._service_url, operation, arguments, options, timeout, call)
        request.headers["Accept"] = "text/event-stream"
        response = self._send(request, timeout)
        request.extensions["timeout"] = timeouts(options.timeout)
        stream = EventStream(response, operation, self.config, timeout, self.stream_deadline)
        try:
            if not response.is_success:
                raise error_of(response, operation)
            if media_type(response) != "text/event-stream":
                kind = media_type(response) or "none"
                raise invalid(operation.id, response, f"expected a stream of events, got content type {kind!r}")
        except CodegenAPIError:
            stream.close()
            raise
        return stream

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
        check_target(method, path)
        seconds = self._timeout(timeout)
        headers = checked_headers(extra_headers)
        try:
            request = self._http.build_request(
                method,
                path,
                params=params,
                json=json,
                headers=headers,
                timeout=seconds,
            )
        except UNSENDABLE as error:
            raise unsendable(error, f"{method} {self._redact.url(path)}") from error
        call = request.extensions[CALL] = self._call_of_user(request)
        return parse_json(call.name, self._send(request, seconds))


class Session(httpx.Client):
    """The httpx client of a client of this package; gives requests that users build themselves their `Call`."""

    def __init__(
        self,
        call_of: Callable[[httpx.Request, bool], Call],
        transport: ClientTransport,
        bearer: BearerAuth | None,
        **settings: Any,
    ) -> None:
        super().__init__(transport=transport, auth=bearer, **settings)
        self._call_of = call_of
        self._client_transport = transport
        self._bearer = bearer
        _fork.register(self)

    def after_fork(self) -> None:
        """Replace the cookie jar, whose lock another thread may have held."""
        self.cookies = self.cookies

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send as httpx does."""
        if CALL not in request.extensions:
            request.extensions[CALL] = self._call_of(request, stream)
        response = super().send(request, stream=stream, **options)
        if response.is_closed:
            response.stream = _NO_STREAM  # httpx's refers to the response: bodies would pile up until a collection
        return response

    def send_direct(self, request: httpx.Request) -> httpx.Response:
        """Send a request that has its `Call`, with the credential, the cookies and the hooks of this client.

        httpx itself costs more than all that this package does with a call, mostly for cookies that do not come and for
        redirects and authentication in several steps, which no operation has.
        """
        if self.is_closed:
            raise RuntimeError("Cannot send a request, as the client has been closed.")
        for hook in self.event_hooks["request"]:
            hook(request)
        if self._bearer is not None:
            self._bearer.add_to(request)
        try:
            response = self._client_transport.handle_request(request)
        finally:
            if self._bearer is not None:
                self._bearer.take_from(request)
        response.request = request
        try:
            if "set-cookie" in response.headers:
                self.cookies.extract_cookies(response)
            for hook in self.event_hooks["response"]:
                hook(response)
        except BaseException:
            response.close()
            raise
        return response


class EventStream:
    """Response whose body is a stream of events; close it, or read its events to the end."""

    def __init__(
        self,
        response: httpx.Response,
        operation: Operation[Any],
        config: ClientConfig,
        timeout: float,
        deadline: Deadline | None,
    ) -> None:
        self.response = response
        self._operation = operation
        self._config = config
        self._timeout = timeout
        self._deadline = deadline

    def events(self, model: type[M]) -> Generator[M, None, None]:
        """Yield the models of the events, until the stream says that it is complete."""
        from .. import sse

        name, response = self._operation.id, self.response
        call = call_of(response.request)
        parser = sse.EventParser(self._config.max_response_bytes)
        try:
            for part in response.iter_bytes():
                if self._deadline is not None and self._deadline.expired:
                    problem = f"{name}: the stream did not end in time"
                    raise TimeoutError(problem, self._deadline.seconds, operation=name)
                for event in parser.feed(part):
                    if event.data.strip() == sse.DONE:
                        return
                    item = sse.decode_event(name, event, model, call.redact)
                    if item is not None:
                        yield item
            failure: CodegenAPIError = NetworkError(f"{name}: the stream ended early", operation=name)
        except (httpx.HTTPError, httpx.StreamError) as error:
            failure = network_error(error, response.request, self._config, self._timeout)
        except CodegenAPIError as error:
            failure = error
        finally:
            response.close()
        failure.request_id = failure.request_id or request_id_of(response)
        raise failure

    def close(self) -> None:
        """Close the response."""
        self.response.close()
