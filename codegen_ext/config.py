"""Settings: arguments first, then the environment, then defaults.

Names, defaults and environment variables are those that existing users rely on; docs/configuration.md lists them.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Iterable, Mapping
from math import isfinite
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeVar, dataclass_transform
from urllib.parse import urlsplit

from .errors import ConfigurationError
from .redact import shown, without_user

if TYPE_CHECKING:
    import ssl

    import httpx

T = TypeVar("T")

DEFAULT_BASE_URL = "https://api.codegen.com/v1"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
LONGEST = 31_536_000.0
"""The most seconds that a setting may have, a year."""
_BOOLEANS = {"1": True, "true": True, "yes": True, "on": True, "0": False, "false": False, "no": False, "off": False}


_KINDS: dict[str, tuple[Any, Callable[[str], Any], str]] = {
    "bool": (bool, lambda text: _BOOLEANS[text.lower()], "true or false"),
    "float": (int | float, float, "a number"),
    "int": (int, int, "a whole number"),
    "list[int]": (list, str, "a list of whole numbers"),
    "str": (str, str, "a string"),
    "str | None": (str | None, str, "a string"),
    "Mapping[str, str] | None": (Mapping | None, str, "a mapping of strings"),
}
"""The type of a setting, how a variable is read, and what both are called, by annotation."""


class Setting:
    """How a setting is read and checked; the value itself is in the configuration's own dict."""

    def __init__(
        self,
        variables: tuple[str, ...],
        default: Any,
        least: float | None = None,
        above: float | None = None,
        convert: Callable[[Any], Any] | None = None,
        is_shown: bool = True,
    ) -> None:
        self.variables = variables
        self.default = default
        self.least = least
        self.above = above
        self.convert = convert or (lambda value: value)
        self.is_shown = is_shown

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name
        self.annotation = owner.__annotations__[name]
        self.kind, self.parse, self.words = _KINDS.get(self.annotation, (object, str, ""))

    def read(self) -> Any:
        """Return what the environment says, None where it says nothing; raises ConfigurationError."""
        for variable in self.variables:
            text = os.environ.get(variable, "").strip()
            if text:
                try:
                    return self.parse(text)
                except (KeyError, ValueError):
                    problem = f"the environment variable {variable} must be {self.words}"
                    raise ConfigurationError(problem, config_key=variable) from None
        return None

    def check(self, value: Any) -> None:
        """Raise ConfigurationError unless a value has the right type and is in its range."""
        problem = ""
        fits = isinstance(value, self.kind) and (self.kind in (bool, object) or not isinstance(value, bool))
        if isinstance(value, list):
            fits = fits and all(type(item) is int for item in value)
        if not fits or (isinstance(value, float) and not isfinite(value)):
            problem = f"be {self.words}"
        elif self.above is not None and not value > self.above:
            problem = f"be greater than {self.above:g}"
        elif self.least is not None and value < self.least:
            problem = "not be negative"
        elif self.annotation == "float" and value > LONGEST:
            problem = f"be at most {LONGEST:g} s, a year"
        if problem:
            raise ConfigurationError(f"{self.name} must {problem}", config_key=self.name)


class Alias:
    """Another name of a setting."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, config: object, owner: type) -> Any:
        return self if config is None else getattr(config, self.name)

    def __set__(self, config: object, value: Any) -> None:
        setattr(config, self.name, value)


def setting(*variables: str, default: T, **options: Any) -> T:
    """Declare a setting that reads the first of `variables` that is set."""
    declared: Any = Setting(variables, default, **options)
    return declared  # type: ignore[no-any-return]


def alias(name: str, *, default: object) -> Any:  # noqa: ARG001 - tells type checkers that it may be left out
    """Declare another name of a setting."""
    return Alias(name)


@dataclass_transform(kw_only_default=True, field_specifiers=(setting, alias))
def _settings(kind: type[T]) -> type[T]:
    """Let type checkers know the settings of a class from their declarations."""
    return kind


def _as_string(value: object) -> str:
    return "" if value is None else str(value).strip()


def _as_level(value: object) -> str:
    """Return a level's name; programs also write "warn", "fatal" and numbers."""
    text = str(value).upper()
    number = int(text) if text.isdecimal() else logging.getLevelNamesMapping().get(text)
    return text if number is None else logging.getLevelName(number)


def _as_list(value: Any) -> Any:
    """Return what can be iterated as a list, and leave the rest for the check."""
    return list(value) if isinstance(value, Iterable) and not isinstance(value, str | bytes) else value


@_settings
class ClientConfig:
    """Settings of a client; may be changed until a client is built from it, which checks them.

    Fields that are not given read the environment. Durations are seconds. `transport` is an httpx transport that takes
    the place of the network. Raises ConfigurationError (a ValueError) when `api_token` is given empty with an `org_id`,
    or when an environment variable cannot be read.
    """

    api_token: str = setting("CODEGEN_API_TOKEN", "CODEGEN_TOKEN", default="", is_shown=False)
    """The credential; sent as a bearer token."""
    org_id: str = setting("CODEGEN_ORG_ID", default="", convert=_as_string)
    """The organization that `Agent` and the integrations use."""
    base_url: str = setting("CODEGEN_BASE_URL", "CODEGEN_API_BASE_URL", default=DEFAULT_BASE_URL)
    """Address of the service, with or without `/v1`."""
    timeout: float = setting("CODEGEN_TIMEOUT", default=30.0, above=0)
    """Seconds for each attempt: to connect, and between two parts of the response."""
    total_timeout: float = setting("CODEGEN_TOTAL_TIMEOUT", default=300.0, above=0)
    """Seconds for a whole call with its retries and waits."""
    max_retries: int = setting("CODEGEN_MAX_RETRIES", default=3, least=0)
    """How often a failed request is repeated."""
    retry_delay: float = setting("CODEGEN_RETRY_DELAY", default=1.0, least=0)
    """Seconds before the first repetition."""
    retry_backoff_factor: float = setting("CODEGEN_RETRY_BACKOFF", default=2.0, above=0)
    """By how much the delay grows with each repetition."""
    retry_on_status: list[int] = setting(default=[429, 500, 502, 503, 504], convert=_as_list)
    """Statuses after which a request may be repeated."""
    rate_limit_requests_per_period: int = setting("CODEGEN_RATE_LIMIT_REQUESTS", default=60, above=0)
    """An overall cap on requests; binds only where it was set."""
    rate_limit_period_seconds: float = setting(
        "CODEGEN_RATE_LIMIT_PERIOD", "CODEGEN_RATE_LIMIT_WINDOW", default=60.0, above=0
    )
    """The window of the overall cap."""
    rate_limit_strategy: str = setting(default="sliding_window")
    """How requests are counted; only "sliding_window" exists."""
    rate_limits: bool = setting("CODEGEN_RATE_LIMITS", default=True)
    """Whether requests wait for the limits of the contract and the overall cap."""
    enable_caching: bool = setting("CODEGEN_ENABLE_CACHING", default=True)
    """Whether reads that the contract marks may be answered from memory."""
    cache_ttl_seconds: float = setting("CODEGEN_CACHE_TTL", default=300.0, above=0)
    """The longest time that an answer is kept."""
    cache_max_size: int = setting("CODEGEN_CACHE_MAX_SIZE", default=128, above=0)
    """How many answers are kept."""
    stale_if_error: float = setting("CODEGEN_STALE_IF_ERROR", default=0.0, least=0)
    """Seconds for which an answer may serve beyond its time while the service is down; 0 for never."""
    enable_webhooks: bool = setting("CODEGEN_ENABLE_WEBHOOKS", default=True)
    """Whether webhook handlers may be made."""
    enable_bulk_operations: bool = setting("CODEGEN_ENABLE_BULK_OPERATIONS", default=True)
    """Whether many runs may be created at once."""
    enable_streaming: bool = setting("CODEGEN_ENABLE_STREAMING", default=True)
    """Whether lists and logs may be streamed."""
    enable_metrics: bool = setting("CODEGEN_ENABLE_METRICS", default=True)
    """Whether requests are counted and timed."""
    bulk_max_workers: int = setting("CODEGEN_BULK_MAX_WORKERS", default=5, above=0)
    """Creates in flight at once."""
    bulk_batch_size: int = setting("CODEGEN_BULK_BATCH_SIZE", default=100, above=0)
    """Items read ahead."""
    shared_state: str | None = setting("CODEGEN_SHARED_STATE", default=None, is_shown=False)
    """Where several processes share limits and cache: a redis:// or sqlite:/// address, None for this process alone."""
    shared_peers: int = setting("CODEGEN_SHARED_PEERS", default=1, above=0)
    """How many processes to reckon with while a shared state has never been reached."""
    exactly_once: bool = setting("CODEGEN_EXACTLY_ONCE", default=True)
    """Whether an ambiguous creation is looked up before it is repeated."""
    create_settle_seconds: float = setting("CODEGEN_CREATE_SETTLE_SECONDS", default=30.0, least=0)
    """Seconds that listing and late processing are assumed to lag; an ambiguous creation is not repeated sooner."""
    max_connections: int = setting("CODEGEN_MAX_CONNECTIONS", default=100, above=0)
    """Connections at once, in each event loop; requests that are not idempotent have as many of their own."""
    max_keepalive_connections: int = setting("CODEGEN_MAX_KEEPALIVE_CONNECTIONS", default=100, least=0)
    """Idle connections that are kept for the next request."""
    max_response_bytes: int = setting("CODEGEN_MAX_RESPONSE_BYTES", default=67_108_864, above=0)
    """Bytes of the largest response, and of the largest event of a stream, after decoding."""
    verify: ssl.SSLContext | str | bool = setting(default=True, is_shown=False)
    """How the service's certificate is checked: True, False for not at all, a file or folder, or an SSLContext."""
    cert: str | tuple[str, ...] | None = setting(default=None, is_shown=False)
    """The client's certificate: a file, or certificate, key and password of the key."""
    proxy: str | None = setting("CODEGEN_PROXY", default=None, is_shown=False)
    """Address of a proxy, instead of the one that the environment names."""
    default_headers: Mapping[str, str] | None = setting(default=None, is_shown=False)
    """Headers that are sent with every request."""
    user_agent_suffix: str = setting("CODEGEN_USER_AGENT_SUFFIX", default="")
    """What is appended to the User-Agent header."""
    log_level: str = setting("CODEGEN_LOG_LEVEL", default="INFO", convert=_as_level)
    """Level of the logger `codegen_ext`, unless the application has set one."""
    log_requests: bool = setting("CODEGEN_LOG_REQUESTS", default=True)
    """Whether requests and responses are logged, at DEBUG."""
    log_responses: bool = setting("CODEGEN_LOG_RESPONSES", default=False)
    """Whether response bodies are logged, at DEBUG; cut, and without credentials."""
    transport: httpx.BaseTransport | httpx.AsyncBaseTransport | None = setting(default=None, is_shown=False)
    """An httpx transport instead of the network."""

    token: str = alias("api_token", default=None)
    """Another name of `api_token`."""
    api_key: str = alias("api_token", default=None)
    """Another name of `api_token`."""
    rate_limit_requests: int = alias("rate_limit_requests_per_period", default=None)
    """Another name of `rate_limit_requests_per_period`."""
    rate_limit_window: float = alias("rate_limit_period_seconds", default=None)
    """Another name of `rate_limit_period_seconds`."""
    cache_ttl: float = alias("cache_ttl_seconds", default=None)
    """Another name of `cache_ttl_seconds`."""

    settings: ClassVar[dict[str, Setting]]
    aliases: ClassVar[dict[str, str]]

    if not TYPE_CHECKING:  # type checkers know the settings from the declarations, so that a misspelt one is an error

        def __init__(self, **values: Any) -> None:
            self.__dict__["_given"] = set()
            for name, declared in self.settings.items():
                value = declared.read()
                if value is None:
                    self.unset(name)
                else:
                    setattr(self, name, value)
            level = os.environ.get("LOG_LEVEL", "").strip().upper()
            if level in LOG_LEVELS and not self.is_given("log_level"):
                self.__dict__["log_level"] = level  # which other programs share, and write other things into
            for name, value in values.items():
                self.refuse_unknown(name, TypeError)
                setattr(self, name, value)
            names = [name for name in values if self.aliases.get(name, name) == "api_token"]
            if len({values[name] for name in names}) > 1:
                problem = f"{' and '.join(names)} are the same setting and have different values"
                raise ConfigurationError(problem, config_key="api_token")
            if names and not self.api_token and self.org_id:
                raise _missing_token()

        def __setattr__(self, name: str, value: Any) -> None:
            if name in self.aliases:
                super().__setattr__(name, value)
                return
            self.refuse_unknown(name, AttributeError)
            self.__dict__[name] = self.settings[name].convert(value)
            self.__dict__["_given"].add(name)

    @classmethod
    def refuse_unknown(cls, name: str, kind: type[Exception] = ConfigurationError) -> None:
        """Raise an exception of this class for a name that is no setting, with the closest one."""
        known = name.lower() if kind is ConfigurationError else name
        if known not in cls.settings and known not in cls.aliases:
            from difflib import get_close_matches

            close = get_close_matches(known.lower(), [*cls.settings, *cls.aliases], 1)
            problem = f"{name} is not a setting{f'; did you mean {close[0]}?' if close else ''}"
            raise ConfigurationError(problem, config_key=name) if kind is ConfigurationError else kind(problem)

    def is_given(self, name: str) -> bool:
        """Whether a setting was set, by argument, attribute or environment."""
        return name in self.__dict__["_given"]

    def unset(self, name: str) -> None:
        """Take back what a setting was set to, also by the environment."""
        declared = self.settings[name]
        self.__dict__[name] = declared.convert(declared.default)
        self.__dict__["_given"].discard(name)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self.settings)

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        shown = {name: getattr(self, name) for name, declared in self.settings.items() if declared.is_shown}
        texts = (f"{name}={without_user(repr(value))}" for name, value in shown.items())
        return f"{type(self).__name__}({', '.join(texts)})"

    def __copy__(self) -> Self:
        copied = type(self).__new__(type(self))
        for name, value in self.__dict__.items():
            copied.__dict__[name] = type(value)(value) if isinstance(value, list | set) else value
        return copied

    def __deepcopy__(self, memo: object) -> Self:
        return self.__copy__()

    @classmethod
    def of(cls, config: ClientConfig | None, settings: Mapping[str, Any]) -> ClientConfig:
        """Return a configuration of a client's own: a copy, with single settings over it.

        Raises:
            ConfigurationError: when `config` is none, or a name is no setting.

        """
        if config is None:
            copied = ClientConfig()
        elif isinstance(config, ClientConfig):
            copied = config.__copy__()
        else:
            problem = f"config must be a ClientConfig, got {type(config).__name__}; from_settings takes a dict"
            raise ConfigurationError(problem, config_key="config")
        for name, value in settings.items():
            cls.refuse_unknown(name)
            setattr(copied, name, value)
        return copied

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Build a configuration from a mapping, such as a Django setting; upper case and aliases are accepted.

        Raises:
            ConfigurationError: for a name that is no setting, with the closest one.

        """
        if not isinstance(settings, Mapping):
            problem = f"from_settings: expected a mapping of settings by name, got {type(settings).__name__}"
            raise ConfigurationError(problem, config_key="settings")
        for name in settings:
            cls.refuse_unknown(str(name))
        return cls(**{name.lower(): value for name, value in settings.items()})

    def __reduce__(self) -> tuple[Any, ...]:
        """Pickle everything but the token, which the process that loads the pickle reads from its environment.

        Raises ConfigurationError when a setting holds a password, without which processes would not work alike.
        """
        for name in ("shared_state", "proxy"):
            if "@" in (getattr(self, name) or ""):
                problem = f"{name} holds a password, which does not belong into a pickle; set CODEGEN_{name.upper()}"
                raise ConfigurationError(problem, config_key=name)
        given = self.__dict__["_given"] - {"api_token"}
        return _unpickled, (type(self), {name: getattr(self, name) for name in self.settings if name in given})

    @property
    def service_url(self) -> str:
        """The base URL without `/v1`, which the contract's paths begin with."""
        return self.base_url.rstrip("/").removesuffix("/v1")

    @property
    def has_rate_limit_cap(self) -> bool:
        """Whether `rate_limit_requests_per_period` was set."""
        return self.is_given("rate_limit_requests_per_period")

    def validate(self, *, needs_token: bool = True) -> None:
        """Check the settings together, as building a client does.

        Args:
            needs_token: Whether the service refuses requests without a credential.

        Raises:
            ConfigurationError: naming the first setting that is wrong.

        """
        if needs_token and not self.api_token:
            raise _missing_token()
        for name, declared in self.settings.items():
            declared.check(getattr(self, name))
        if not self.api_token.isascii() or not self.api_token.isprintable() or " " in self.api_token:
            problem = "api_token must consist of printable ASCII characters without spaces"
            raise ConfigurationError(problem, config_key="api_token")
        if not _is_address(self.base_url):
            problem = "base_url must be http:// or https://, a host and at most a path"
            raise ConfigurationError(problem, config_key="base_url")
        if self.log_level not in LOG_LEVELS:
            problem = f"log_level must be one of {', '.join(LOG_LEVELS)}, got {shown(self.log_level)}"
            raise ConfigurationError(problem, config_key="log_level")
        if self.rate_limit_strategy != "sliding_window":
            raise ConfigurationError('rate_limit_strategy must be "sliding_window"', config_key="rate_limit_strategy")

    def require(self, feature: str) -> None:
        """Raise ConfigurationError, naming the setting, when the feature's `enable_…` is false."""
        name = f"enable_{feature}"
        if not getattr(self, name):
            raise ConfigurationError(f"{name} is false; set it to true to use this", config_key=name)


ClientConfig.settings = {name: one for name, one in vars(ClientConfig).items() if isinstance(one, Setting)}
ClientConfig.aliases = {name: one.name for name, one in vars(ClientConfig).items() if isinstance(one, Alias)}
CodegenConfig = ClientConfig
"""Another name of `ClientConfig`."""


def _unpickled(kind: type[ClientConfig], settings: dict[str, Any]) -> ClientConfig:
    return kind(**settings)


def _missing_token() -> ConfigurationError:
    return ConfigurationError(
        "no API token: set the environment variable CODEGEN_API_TOKEN or pass api_token", config_key="api_token"
    )


def _is_address(url: str) -> bool:
    """Whether this is http or https, a host that can be looked up, and at most a path."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        host = parts.hostname or ""
        host.encode("idna")  # refuses a label that is empty or too long
    except (ValueError, UnicodeError):
        return False
    return parts.scheme in ("http", "https") and bool(host) and not {*"?# "} & {*url} and url.isprintable()
