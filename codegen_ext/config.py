"""Settings: arguments first, then the environment, then defaults; presets for common situations.

Names, defaults and environment variables are those that existing users rely on; docs/configuration.md lists them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from difflib import get_close_matches
from math import isfinite
from typing import TYPE_CHECKING, Any, Self, TypeVar
from urllib.parse import urlsplit

from attrs import Factory, define, evolve, field, fields, fields_dict

from .errors import ConfigurationError
from .redact import without_user

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")

DEFAULT_BASE_URL = "https://api.codegen.com/v1"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")


class _UnsetStr(str):
    """A default that nobody chose."""


class _UnsetInt(int):
    """A default that nobody chose."""


def _text(value: object) -> str:
    return "" if value is None else str(value)


def _level(value: object) -> str:
    """Return a level's name; other programs, which may share LOG_LEVEL, also write "warn", "fatal" and numbers."""
    text = str(value).upper()
    number = int(text) if text.isdecimal() else logging.getLevelNamesMapping().get(text)
    return text if number is None else logging.getLevelName(number)


def _list(value: Any) -> Any:
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else value


def _boolean(text: str) -> bool:
    words = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}
    return words[text.strip().lower()]


def _read(variables: tuple[str, ...], parse: Callable[[str], T], default: T) -> T:
    for variable in variables:
        text = os.environ.get(variable)
        if text:
            try:
                return parse(text)
            except (KeyError, ValueError):
                expected = {_boolean: "true or false", float: "a number", int: "a whole number"}.get(
                    parse, "another value"
                )
                raise ConfigurationError(
                    f"the environment variable {variable} must be {expected}", config_key=variable
                ) from None
    return default


def _setting(default: T, *variables: str, parse: Callable[[str], Any] = str, repr: Any = True) -> T:
    """Declare a setting that reads the first of `variables` that is set."""
    setting: T = field(default=Factory(lambda: _read(variables, parse, default)), repr=repr)
    return setting


@define(kw_only=True)
class ClientConfig:
    """Settings of a client; may be changed until a client is built from it, which checks them.

    Fields that are not given read the environment. Durations are seconds. `transport` is an httpx transport that takes
    the place of the network. Raises ConfigurationError (a ValueError) when `api_token` is given empty with an `org_id`,
    or when an environment variable cannot be read.
    """

    api_token: str = _setting(_UnsetStr(), "CODEGEN_API_TOKEN", "CODEGEN_TOKEN", repr=False)
    """The credential; sent as a bearer token."""
    org_id: str = field(default=Factory(lambda: _read(("CODEGEN_ORG_ID",), str, "")), converter=_text)
    """The organisation that `Agent` and the integrations use."""
    base_url: str = _setting(
        DEFAULT_BASE_URL, "CODEGEN_BASE_URL", "CODEGEN_API_BASE_URL", repr=lambda url: repr(without_user(str(url)))
    )
    """Address of the service, with or without `/v1`."""
    timeout: float = _setting(30.0, "CODEGEN_TIMEOUT", parse=float)
    """Seconds for each attempt: to connect, and between two parts of the answer."""
    total_timeout: float = _setting(300.0, "CODEGEN_TOTAL_TIMEOUT", parse=float)
    """Seconds for a whole call with its retries and waits."""
    max_retries: int = _setting(3, "CODEGEN_MAX_RETRIES", parse=int)
    """How often a failed request is repeated."""
    retry_delay: float = _setting(1.0, "CODEGEN_RETRY_DELAY", parse=float)
    """Seconds before the first repetition."""
    retry_backoff_factor: float = _setting(2.0, "CODEGEN_RETRY_BACKOFF", parse=float)
    """By how much the delay grows with each repetition."""
    retry_on_status: list[int] = field(factory=lambda: [429, 500, 502, 503, 504], converter=_list)
    """Statuses after which a request may be repeated."""
    rate_limit_requests_per_period: int = _setting(_UnsetInt(60), "CODEGEN_RATE_LIMIT_REQUESTS", parse=int)
    """An overall cap on requests; binds only where it was set."""
    rate_limit_period_seconds: float = _setting(
        60.0, "CODEGEN_RATE_LIMIT_PERIOD", "CODEGEN_RATE_LIMIT_WINDOW", parse=float
    )
    """The window of the overall cap."""
    rate_limit_strategy: str = "sliding_window"
    """How requests are counted; only "sliding_window" exists."""
    rate_limits: bool = _setting(True, "CODEGEN_RATE_LIMITS", parse=_boolean)
    """Whether requests wait for the limits of the contract and the overall cap."""
    enable_caching: bool = _setting(True, "CODEGEN_ENABLE_CACHING", parse=_boolean)
    """Whether reads that the contract marks may be answered from memory."""
    cache_ttl_seconds: float = _setting(300.0, "CODEGEN_CACHE_TTL", parse=float)
    """The longest time that an answer is kept."""
    cache_max_size: int = _setting(128, "CODEGEN_CACHE_MAX_SIZE", parse=int)
    """How many answers are kept."""
    stale_if_error: float = _setting(0.0, "CODEGEN_STALE_IF_ERROR", parse=float)
    """Seconds for which an answer may serve beyond its time while the service is down; 0 for never."""
    enable_webhooks: bool = _setting(True, "CODEGEN_ENABLE_WEBHOOKS", parse=_boolean)
    """Whether webhook handlers may be made."""
    enable_bulk_operations: bool = _setting(True, "CODEGEN_ENABLE_BULK_OPERATIONS", parse=_boolean)
    """Whether many runs may be created at once."""
    enable_streaming: bool = _setting(True, "CODEGEN_ENABLE_STREAMING", parse=_boolean)
    """Whether lists and logs may be streamed."""
    enable_metrics: bool = _setting(True, "CODEGEN_ENABLE_METRICS", parse=_boolean)
    """Whether requests are counted and timed."""
    bulk_max_workers: int = _setting(5, "CODEGEN_BULK_MAX_WORKERS", parse=int)
    """Creates in flight at once."""
    bulk_batch_size: int = _setting(100, "CODEGEN_BULK_BATCH_SIZE", parse=int)
    """Items read ahead."""
    shared_state: str | None = field(
        default=Factory(lambda: _read(("CODEGEN_SHARED_STATE",), str, "") or None), repr=False
    )
    """Where several processes share limits and cache: a redis:// or sqlite:/// address, None for this process alone."""
    shared_peers: int = _setting(1, "CODEGEN_SHARED_PEERS", parse=int)
    """How many processes to reckon with while a shared state has never been reached."""
    exactly_once: bool = _setting(True, "CODEGEN_EXACTLY_ONCE", parse=_boolean)
    """Whether an ambiguous creation is looked up before it is repeated."""
    create_settle_seconds: float = _setting(30.0, "CODEGEN_CREATE_SETTLE_SECONDS", parse=float)
    """Seconds that listing and late processing are assumed to lag; an ambiguous creation is not repeated sooner."""
    log_level: str = field(
        default=Factory(lambda: _read(("CODEGEN_LOG_LEVEL", "LOG_LEVEL"), str, "INFO")), converter=_level
    )
    """Level of the logger `codegen_ext`."""
    log_requests: bool = _setting(True, "CODEGEN_LOG_REQUESTS", parse=_boolean)
    """Whether requests and answers are logged, at DEBUG."""
    log_responses: bool = _setting(False, "CODEGEN_LOG_RESPONSES", parse=_boolean)
    """Whether response bodies are logged, at DEBUG; cut, and without credentials."""
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = field(default=None, repr=False)
    """An httpx transport instead of the network."""

    def __attrs_post_init__(self) -> None:
        if not self.api_token and not isinstance(self.api_token, _UnsetStr) and self.org_id:
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
        names = [setting.name for setting in fields(type(self)) if setting.name != "api_token"]
        return _unpickled, (type(self), {name: getattr(self, name) for name in names})

    @property
    def service_url(self) -> str:
        """The base URL without `/v1`, which the contract's paths begin with."""
        return self.base_url.rstrip("/").removesuffix("/v1")

    @property
    def has_rate_limit_cap(self) -> bool:
        """Whether somebody set `rate_limit_requests_per_period`."""
        return not isinstance(self.rate_limit_requests_per_period, _UnsetInt)

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
        for setting in fields(ClientConfig):
            _check_kind(setting.name, setting.type, getattr(self, setting.name))
        if not self.api_token.isascii() or not self.api_token.isprintable() or " " in self.api_token:
            raise ConfigurationError(
                "api_token must consist of printable ASCII characters without spaces", config_key="api_token"
            )
        if not _is_address(self.base_url):
            raise ConfigurationError(
                "base_url must be http:// or https://, a host and at most a path", config_key="base_url"
            )
        positive = (
            "timeout",
            "total_timeout",
            "retry_backoff_factor",
            "rate_limit_period_seconds",
            "cache_ttl_seconds",
        )
        for name in (
            *positive,
            "rate_limit_requests_per_period",
            "shared_peers",
            "cache_max_size",
            "bulk_max_workers",
            "bulk_batch_size",
        ):
            if not getattr(self, name) > 0:
                raise ConfigurationError(f"{name} must be greater than 0", config_key=name)
        for name in ("max_retries", "retry_delay", "create_settle_seconds", "stale_if_error"):
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


_KINDS: dict[str, tuple[Any, str]] = {
    "bool": (bool, "true or false"),
    "float": (int | float, "a number"),
    "int": (int, "a whole number"),
    "list[int]": (list, "a list of whole numbers"),
    "str": (str, "text"),
    "str | None": (str | None, "text"),
}


def _check_kind(name: str, annotation: object, value: object) -> None:
    kind, words = _KINDS.get(str(annotation), (object, ""))
    fits = isinstance(value, kind) and (kind in (bool, object) or not isinstance(value, bool))
    if isinstance(value, list):
        fits = fits and all(type(item) is int for item in value)
    if not fits or (isinstance(value, float) and not isfinite(value)):
        raise ConfigurationError(f"{name} must be {words}", config_key=name)


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname) and not {*"?# "} & {*url} and url.isprintable()


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
