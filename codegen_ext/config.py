"""Settings: arguments first, then the environment, then defaults; presets for common situations.

Names, defaults and environment variables are those that existing users rely on; docs/configuration.md lists them.
"""

from __future__ import annotations

from collections.abc import Mapping
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Self

from attrs import Factory, define, evolve, field, fields, fields_dict

from .errors import ConfigurationError
from .redact import without_user
from .settings import UnsetInt, UnsetStr, as_level, as_list, as_text, boolean, check_kind, is_address, read, setting

if TYPE_CHECKING:
    import httpx

DEFAULT_BASE_URL = "https://api.codegen.com/v1"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_POSITIVE = (
    *("timeout", "total_timeout", "retry_backoff_factor", "rate_limit_requests_per_period"),
    *("rate_limit_period_seconds", "cache_ttl_seconds", "cache_max_size"),
    *("bulk_max_workers", "bulk_batch_size", "shared_peers"),
)
_NOT_NEGATIVE = ("max_retries", "retry_delay", "create_settle_seconds", "stale_if_error")


@define(kw_only=True)
class ClientConfig:
    """Settings of a client; may be changed until a client is built from it, which checks them.

    Fields that are not given read the environment. Durations are seconds. `transport` is an httpx transport that takes
    the place of the network. Raises ConfigurationError (a ValueError) when `api_token` is given empty with an `org_id`,
    or when an environment variable cannot be read.
    """

    api_token: str = setting(UnsetStr(), "CODEGEN_API_TOKEN", "CODEGEN_TOKEN", repr=False)
    """The credential; sent as a bearer token."""
    org_id: str = field(default=Factory(lambda: read(("CODEGEN_ORG_ID",), str, "")), converter=as_text)
    """The organisation that `Agent` and the integrations use."""
    base_url: str = setting(
        DEFAULT_BASE_URL, "CODEGEN_BASE_URL", "CODEGEN_API_BASE_URL", repr=lambda url: repr(without_user(str(url)))
    )
    """Address of the service, with or without `/v1`."""
    timeout: float = setting(30.0, "CODEGEN_TIMEOUT", parse=float)
    """Seconds for each attempt: to connect, and between two parts of the answer."""
    total_timeout: float = setting(300.0, "CODEGEN_TOTAL_TIMEOUT", parse=float)
    """Seconds for a whole call with its retries and waits."""
    max_retries: int = setting(3, "CODEGEN_MAX_RETRIES", parse=int)
    """How often a failed request is repeated."""
    retry_delay: float = setting(1.0, "CODEGEN_RETRY_DELAY", parse=float)
    """Seconds before the first repetition."""
    retry_backoff_factor: float = setting(2.0, "CODEGEN_RETRY_BACKOFF", parse=float)
    """By how much the delay grows with each repetition."""
    retry_on_status: list[int] = field(factory=lambda: [429, 500, 502, 503, 504], converter=as_list)
    """Statuses after which a request may be repeated."""
    rate_limit_requests_per_period: int = setting(UnsetInt(60), "CODEGEN_RATE_LIMIT_REQUESTS", parse=int)
    """An overall cap on requests; binds only where it was set."""
    rate_limit_period_seconds: float = setting(
        60.0, "CODEGEN_RATE_LIMIT_PERIOD", "CODEGEN_RATE_LIMIT_WINDOW", parse=float
    )
    """The window of the overall cap."""
    rate_limit_strategy: str = "sliding_window"
    """How requests are counted; only "sliding_window" exists."""
    rate_limits: bool = setting(True, "CODEGEN_RATE_LIMITS", parse=boolean)
    """Whether requests wait for the limits of the contract and the overall cap."""
    enable_caching: bool = setting(True, "CODEGEN_ENABLE_CACHING", parse=boolean)
    """Whether reads that the contract marks may be answered from memory."""
    cache_ttl_seconds: float = setting(300.0, "CODEGEN_CACHE_TTL", parse=float)
    """The longest time that an answer is kept."""
    cache_max_size: int = setting(128, "CODEGEN_CACHE_MAX_SIZE", parse=int)
    """How many answers are kept."""
    stale_if_error: float = setting(0.0, "CODEGEN_STALE_IF_ERROR", parse=float)
    """Seconds for which an answer may serve beyond its time while the service is down; 0 for never."""
    enable_webhooks: bool = setting(True, "CODEGEN_ENABLE_WEBHOOKS", parse=boolean)
    """Whether webhook handlers may be made."""
    enable_bulk_operations: bool = setting(True, "CODEGEN_ENABLE_BULK_OPERATIONS", parse=boolean)
    """Whether many runs may be created at once."""
    enable_streaming: bool = setting(True, "CODEGEN_ENABLE_STREAMING", parse=boolean)
    """Whether lists and logs may be streamed."""
    enable_metrics: bool = setting(True, "CODEGEN_ENABLE_METRICS", parse=boolean)
    """Whether requests are counted and timed."""
    bulk_max_workers: int = setting(5, "CODEGEN_BULK_MAX_WORKERS", parse=int)
    """Creates in flight at once."""
    bulk_batch_size: int = setting(100, "CODEGEN_BULK_BATCH_SIZE", parse=int)
    """Items read ahead."""
    shared_state: str | None = field(
        default=Factory(lambda: read(("CODEGEN_SHARED_STATE",), str, "") or None), repr=False
    )
    """Where several processes share limits and cache: a redis:// or sqlite:/// address, None for this process alone."""
    shared_peers: int = setting(1, "CODEGEN_SHARED_PEERS", parse=int)
    """How many processes to reckon with while a shared state has never been reached."""
    exactly_once: bool = setting(True, "CODEGEN_EXACTLY_ONCE", parse=boolean)
    """Whether an ambiguous creation is looked up before it is repeated."""
    create_settle_seconds: float = setting(30.0, "CODEGEN_CREATE_SETTLE_SECONDS", parse=float)
    """Seconds that listing and late processing are assumed to lag; an ambiguous creation is not repeated sooner."""
    log_level: str = field(
        default=Factory(lambda: read(("CODEGEN_LOG_LEVEL", "LOG_LEVEL"), str, "INFO")), converter=as_level
    )
    """Level of the logger `codegen_ext`."""
    log_requests: bool = setting(True, "CODEGEN_LOG_REQUESTS", parse=boolean)
    """Whether requests and answers are logged, at DEBUG."""
    log_responses: bool = setting(False, "CODEGEN_LOG_RESPONSES", parse=boolean)
    """Whether response bodies are logged, at DEBUG; cut, and without credentials."""
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    """An httpx transport instead of the network."""

    def __attrs_post_init__(self) -> None:
        if not self.api_token and not isinstance(self.api_token, UnsetStr) and self.org_id:
            raise _missing_token()

    def __copy__(self) -> Self:
        return evolve(self)

    def __deepcopy__(self, memo: object) -> Self:
        return evolve(self)

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle everything but the token, which the process that loads the pickle reads from its environment.

        Raises ConfigurationError when `shared_state` holds a password, without which processes would not share.
        """
        if "@" in (self.shared_state or ""):
            problem = "shared_state holds a password, which does not belong into a pickle; set CODEGEN_SHARED_STATE"
            raise ConfigurationError(problem, config_key="shared_state")
        names = [known.name for known in fields(type(self)) if known.name != "api_token"]
        return _unpickled, (type(self), {name: getattr(self, name) for name in names})

    @property
    def service_url(self) -> str:
        """The base URL without `/v1`, which the contract's paths begin with."""
        return self.base_url.rstrip("/").removesuffix("/v1")

    @property
    def has_rate_limit_cap(self) -> bool:
        """Whether somebody set `rate_limit_requests_per_period`."""
        return not isinstance(self.rate_limit_requests_per_period, UnsetInt)

    @property
    def rate_limit_requests(self) -> int:
        """Another name of `rate_limit_requests_per_period`."""
        return self.rate_limit_requests_per_period

    @rate_limit_requests.setter
    def rate_limit_requests(self, value: int) -> None:
        self.rate_limit_requests_per_period = value

    @property
    def rate_limit_window(self) -> float:
        """Another name of `rate_limit_period_seconds`."""
        return self.rate_limit_period_seconds

    @rate_limit_window.setter
    def rate_limit_window(self, value: float) -> None:
        self.rate_limit_period_seconds = value

    @property
    def cache_ttl(self) -> float:
        """Another name of `cache_ttl_seconds`."""
        return self.cache_ttl_seconds

    @cache_ttl.setter
    def cache_ttl(self, value: float) -> None:
        self.cache_ttl_seconds = value

    def validate(self, *, needs_token: bool = True) -> None:
        """Check the settings together, as building a client does.

        Args:
            needs_token: Whether the service refuses to talk without a credential.

        Raises:
            ConfigurationError: naming the first field that is wrong.

        """
        if needs_token and not self.api_token:
            raise _missing_token()
        for known in fields(ClientConfig):
            check_kind(known.name, known.type, getattr(self, known.name))
        if not self.api_token.isascii() or not self.api_token.isprintable() or " " in self.api_token:
            raise ConfigurationError(
                "api_token must consist of printable ASCII characters without spaces", config_key="api_token"
            )
        if not is_address(self.base_url):
            raise ConfigurationError(
                "base_url must be http:// or https://, a host and at most a path", config_key="base_url"
            )
        for name in _POSITIVE:
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be greater than 0", config_key=name)
        for name in _NOT_NEGATIVE:
            if getattr(self, name) < 0:
                raise ConfigurationError(f"{name} must not be negative", config_key=name)
        if self.log_level not in LOG_LEVELS:
            raise ConfigurationError(
                f"log_level must be one of {', '.join(LOG_LEVELS)}, got {self.log_level}", config_key="log_level"
            )
        if self.rate_limit_strategy != "sliding_window":
            raise ConfigurationError('rate_limit_strategy must be "sliding_window"', config_key="rate_limit_strategy")

    def require(self, feature: str) -> None:
        """Raise ConfigurationError, naming the field, when the feature's `enable_…` is false."""
        name = f"enable_{feature}"
        if not getattr(self, name):
            raise ConfigurationError(f"{name} is false; set it to true to use this", config_key=name)

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Build a configuration from a mapping, such as a Django setting; both spellings of a field are accepted.

        Raises:
            ConfigurationError: for a name that is no field, with the closest one.

        """
        known = [*fields_dict(cls), *_ALIASES]
        values: dict[str, Any] = {}
        for key, value in settings.items():
            name = key.lower()
            if name not in known:
                close = get_close_matches(name, known, 1)
                hint = f"; did you mean {close[0]}?" if close else ""
                raise ConfigurationError(f"{key} is not a setting{hint}", config_key=key)
            values[_ALIASES.get(name, name)] = value
        return cls(**values)


def _unpickled(kind: type[ClientConfig], settings: dict[str, Any]) -> ClientConfig:
    return kind(**settings)


_ALIASES = {
    "rate_limit_requests": "rate_limit_requests_per_period",
    "rate_limit_window": "rate_limit_period_seconds",
    "cache_ttl": "cache_ttl_seconds",
}


def _missing_token() -> ConfigurationError:
    return ConfigurationError(
        "no API token: set the environment variable CODEGEN_API_TOKEN or pass api_token", config_key="api_token"
    )


class CodegenConfig(ClientConfig):
    """A `ClientConfig` that also takes the shorter names `rate_limit_requests`, `rate_limit_window`, `cache_ttl`."""

    def __init__(
        self,
        *,
        rate_limit_requests: int | None = None,
        rate_limit_window: float | None = None,
        cache_ttl: float | None = None,
        **settings: Any,
    ) -> None:
        shorter = (rate_limit_requests, rate_limit_window, cache_ttl)
        given: dict[str, Any] = {
            name: value for name, value in zip(_ALIASES.values(), shorter, strict=True) if value is not None
        }
        super().__init__(**settings, **given)


class ConfigPresets:
    """Configurations for common situations; credentials come from the environment or are set afterwards."""

    @staticmethod
    def development() -> ClientConfig:
        """Patient with a debugger, quick to show errors, and talkative."""
        return ClientConfig(
            timeout=60.0,
            max_retries=1,
            rate_limit_requests_per_period=30,
            cache_ttl_seconds=60.0,
            log_level="DEBUG",
            log_requests=True,
            log_responses=True,
        )

    @staticmethod
    def production() -> ClientConfig:
        """For services."""
        return ClientConfig(
            timeout=30.0, max_retries=3, rate_limit_requests_per_period=100, cache_ttl_seconds=300.0, log_level="INFO"
        )

    @staticmethod
    def high_performance() -> ClientConfig:
        """For many runs at once."""
        return ClientConfig(
            timeout=45.0,
            max_retries=5,
            rate_limit_requests_per_period=200,
            cache_ttl_seconds=600.0,
            cache_max_size=256,
            bulk_max_workers=10,
            bulk_batch_size=200,
            log_level="WARNING",
        )

    @staticmethod
    def testing() -> ClientConfig:
        """Without network: a sandbox in this process answers, for any token, without rate limits."""
        from .testing import Sandbox

        sandbox = Sandbox(rate_limits=False, run_seconds=0.05, token=None)
        return ClientConfig(
            base_url=sandbox.base_url,
            timeout=10.0,
            max_retries=1,
            rate_limits=False,
            enable_caching=False,
            log_level="DEBUG",
            transport=sandbox.transport(),
        )
