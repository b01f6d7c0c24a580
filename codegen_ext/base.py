"""What the clients of all services have in common: settings, options, statistics, and the stack of transports."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Self, TypeVar

import httpx
from codegen_api.options import RequestOptions
from codegen_api.types import Response

from . import exchange, once
from .clock import SYSTEM_CLOCK, Clock
from .errors import ClientClosedError, CodegenAPIError, ConfigurationError
from .limits.opening import open_store
from .redact import Redactor, without_user
from .transport.auth import BearerAuth
from .transport.extensions import CLOCK, DEADLINE, FRESH, MAX_RETRIES, OPERATION, PAST_CACHE, REDACT
from .transport.limits import RateLimitTransport
from .transport.logs import LogTransport, log_retry, logger
from .transport.metrics import MetricsCollector, MetricsTransport, Stats, operation_of
from .transport.retry import RetryPolicy, RetryTransport

if TYPE_CHECKING:
    from codegen_api.codec import Model
    from codegen_api.operations import Operation

    from .caching.manager import ResponseCache
    from .config import ClientConfig
    from .flow import Flow

T = TypeVar("T")
M = TypeVar("M", bound="Model")


class BaseClient:
    """Settings, statistics and options; the sync and the async client add how requests travel."""

    _service = "codegen"
    """The name of the service in the contract."""
    config: ClientConfig
    _http: httpx.Client | httpx.AsyncClient

    def __init__(self, config: ClientConfig | None = None, *, clock: Clock = SYSTEM_CLOCK) -> None:
        self.config = _configuration(config)
        self._check()
        self.config.retry_on_status = list(self.config.retry_on_status)
        self._clock = clock
        self._service_url = self.config.service_url
        self._owns_http = True
        self._metrics = MetricsCollector(clock)
        self._cache = self._make_cache() if self.config.enable_caching else None
        self._redact = Redactor(self.config.api_token)
        logger.setLevel(self.config.log_level)

    def _check(self) -> None:
        self.config.validate()

    def __repr__(self) -> str:
        return f"{type(self).__name__}(base_url={without_user(self.config.base_url)!r})"

    @property
    def metrics(self) -> MetricsCollector:
        """Counts of this client's requests.

        Raises:
            ConfigurationError: when `enable_metrics` is false.

        """
        self.config.require("metrics")
        return self._metrics

    def _make_cache(self) -> ResponseCache:
        from .caching.manager import response_cache

        return response_cache(self.config, self._clock)

    @property
    def _response_cache(self) -> ResponseCache:
        if self._cache is None:
            raise ConfigurationError(
                "enable_caching was false when the client was built; set it to true to use this",
                config_key="enable_caching",
            )
        return self._cache

    def get_stats(self) -> Stats:
        """Return statistics since the client was built or `reset_stats` was called; raises like `metrics`."""
        return Stats(
            {
                "metrics": self.metrics.get_stats(),
                "config": {
                    "base_url": without_user(self.config.base_url),
                    "metrics_enabled": self.config.enable_metrics,
                    "caching_enabled": self.config.enable_caching,
                    "max_retries": self.config.max_retries,
                    "timeout": self.config.timeout,
                },
            }
        )

    def reset_stats(self) -> None:
        """Start the statistics anew; raises like `metrics`."""
        self.metrics.reset()

    reset_metrics = reset_stats

    def with_options(
        self, *, timeout: float | None = None, max_retries: int | None = None, total_timeout: float | None = None
    ) -> Self:
        """Return a client with other settings that shares this one's connections and statistics.

        Closing it does nothing; the connections end with the client that it was made from.

        Args:
            timeout: Seconds for each attempt.
            max_retries: How often a failed request is repeated.
            total_timeout: Seconds for a whole call with its retries and waits.

        Raises:
            ConfigurationError: when a value is out of range.

        """
        derived = copy.copy(self)
        derived.config = copy.copy(self.config)
        derived._owns_http = False
        if timeout is not None:
            derived.config.timeout = timeout
        if max_retries is not None:
            derived.config.max_retries = max_retries
        if total_timeout is not None:
            derived.config.total_timeout = total_timeout
        derived._check()
        return derived

    def _on_clock(self, clock: Clock) -> Self:
        """Return a client whose requests sleep on another clock, and that otherwise is this one."""
        derived = self.with_options()
        derived._clock = clock
        return derived

    @property
    def rate_limiter(self) -> RateLimitTransport:
        """What keeps this client's requests within the limits; `status()` says how they are used."""
        return self._limiter

    def _stack(self, network: Any) -> Any:
        policy = RetryPolicy(
            max_retries=self.config.max_retries,
            delay=self.config.retry_delay,
            factor=self.config.retry_backoff_factor,
            statuses=frozenset(self.config.retry_on_status),
            budget=self.config.total_timeout,
        )
        metrics = self._metrics if self.config.enable_metrics else None

        def on_retry(request: httpx.Request, failure: httpx.Response | Exception, pause: float) -> None:
            if metrics is not None:
                metrics.record_retry(operation_of(request))
            log_retry(request, failure, pause)

        stack: Any = network
        if metrics is not None:
            stack = MetricsTransport(stack, metrics, self._clock, "attempt")
        stack = self._limiter = self._limit_rate(stack)
        stack = RetryTransport(stack, policy, self._clock, on_retry=on_retry)
        if self._cache is not None:
            from .transport.cache import CacheTransport

            stack = CacheTransport(stack, self._cache, self._clock)
        if metrics is not None:
            stack = MetricsTransport(stack, metrics, self._clock)
        if self.config.log_requests:
            stack = LogTransport(stack, self._clock, with_bodies=self.config.log_responses)
        return stack

    def _limit_rate(self, wrapped: Any) -> RateLimitTransport:
        config = self.config
        shared_state = config.shared_state if config.rate_limits else None
        cap = (config.rate_limit_requests_per_period, config.rate_limit_period_seconds)
        return RateLimitTransport(
            wrapped,
            open_store(shared_state, self._clock, config.shared_peers, config.transport),
            self._clock,
            service_url=self._service_url,
            credential=config.api_token,
            service=self._service,
            cap=cap if config.has_rate_limit_cap else None,
            idle=not config.rate_limits,
            on_wait=self._metrics.record_wait if config.enable_metrics else None,
        )

    def _http_settings(self) -> dict[str, Any]:
        return {
            "base_url": self.config.service_url,
            "auth": BearerAuth(self.config.api_token, self._service_url) if self.config.api_token else None,
            "headers": {"User-Agent": exchange.USER_AGENT, "Accept": "application/json"},
            "timeout": self.config.timeout,
        }

    def _build(
        self,
        operation: Operation[Any],
        arguments: Mapping[str, Any],
        options: RequestOptions,
        budget: float | None = None,
        past_cache: bool = False,
    ) -> httpx.Request:
        limit = self._limit(options.timeout)
        extensions = self._extensions(operation.id, budget)
        if past_cache:
            extensions[PAST_CACHE] = True
        if not operation.idempotent:
            extensions[FRESH] = True
        return exchange.build_request(self._http, self._service_url, operation, arguments, options, limit, extensions)

    def _extensions(self, operation_id: str | None, budget: float | None) -> dict[str, Any]:
        """Tell the transports what a request is for, and how much time and how many attempts it has."""
        seconds = self.config.total_timeout if budget is None else min(max(budget, 0.0), self.config.total_timeout)
        return {
            OPERATION: operation_id,
            CLOCK: self._clock,
            DEADLINE: self._clock.monotonic() + seconds,
            MAX_RETRIES: self.config.max_retries,
            REDACT: self._redact,
        }

    def _limit(self, timeout: float | None) -> float:
        if timeout is None:
            return self.config.timeout
        check_seconds("timeout", timeout)
        return timeout

    def _reconciled(
        self, operation: Operation[Any], arguments: dict[str, Any], options: RequestOptions
    ) -> Flow[Any, Response[Any]]:
        settings = self._once_settings()
        if operation.reconcile == "request-id":
            return once.create(arguments, settings, options)
        return once.attempt(operation, arguments, settings, options)

    def _once_settings(self) -> once.Settings:
        return once.Settings(self._clock, self.config.total_timeout, self.config.create_settle_seconds)

    def _must_reconcile(self, operation: Operation[Any]) -> bool:
        return operation.reconcile is not None and self.config.exactly_once

    def _build_other(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        json: Any,
        timeout: float | None,
        extra_headers: Mapping[str, str] | None,
    ) -> httpx.Request:
        if "://" in path:
            raise ConfigurationError(f"expected a path below the base URL, got {path!r}", config_key="path")
        limit = self._limit(timeout)
        try:
            return self._http.build_request(
                method,
                path,
                params=params,
                json=json,
                headers=extra_headers,
                timeout=limit,
                extensions=self._extensions(None, None),
            )
        except exchange.UNSENDABLE as error:
            raise exchange.unsendable(error, f"{method} {path}") from error

    @contextlib.contextmanager
    def _translated(self, request: httpx.Request) -> Iterator[None]:
        """Turn what httpx raises into errors that name the operation."""
        try:
            yield
        except (httpx.HTTPError, RuntimeError) as error:
            raise self._failure(request, error) from error

    def _failure(self, request: httpx.Request, error: Exception) -> CodegenAPIError:
        if isinstance(error, httpx.HTTPError | httpx.StreamError):
            return exchange.network_error(error, name_of(request), exchange.timeout_of(request))
        if not self._http.is_closed:
            raise error
        problem = "the client is closed; build another one, or make the call before close()"
        return ClientClosedError(problem, operation=name_of(request))


def check_seconds(name: str, seconds: object) -> None:
    """Raise ConfigurationError unless this is a finite number of seconds above 0."""
    if not isinstance(seconds, int | float) or not 0 < seconds < float("inf"):
        raise ConfigurationError(f"{name} must be a number of seconds greater than 0", config_key=name)


def _configuration(config: ClientConfig | None) -> ClientConfig:
    """Return settings of a client's own."""
    from .config import ClientConfig

    if config is None:
        return ClientConfig()
    if not isinstance(config, ClientConfig):
        problem = f"config must be a ClientConfig, got {type(config).__name__}; from_settings takes a dict"
        raise ConfigurationError(problem, config_key="config")
    return copy.copy(config)


def name_of(request: httpx.Request) -> str:
    """Return what errors call a request: its operation, or else method and path."""
    operation: str | None = request.extensions.get(OPERATION)
    return operation or f"{request.method} {request.extensions[REDACT].url(request.url.path)}"
