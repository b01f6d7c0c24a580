"""Settings: defaults, environment, aliases, presets, and what is refused."""

import math
from typing import Any

import pytest

from codegen_ext import (
    AsyncCodegenClient,
    ClientConfig,
    CodegenAPIError,
    CodegenClient,
    CodegenConfig,
    ConfigPresets,
    ConfigurationError,
)

SETTINGS: dict[str, tuple[Any, dict[str, str], Any]] = {
    # default, variables with a text, and the value of that text
    "api_token": ("", {"CODEGEN_API_TOKEN": "abc", "CODEGEN_TOKEN": "abc"}, "abc"),
    "org_id": ("", {"CODEGEN_ORG_ID": "323"}, "323"),
    "base_url": (
        "https://api.codegen.com/v1",
        {"CODEGEN_BASE_URL": "http://here", "CODEGEN_API_BASE_URL": "http://here"},
        "http://here",
    ),
    "timeout": (30.0, {"CODEGEN_TIMEOUT": "12.5"}, 12.5),
    "total_timeout": (300.0, {"CODEGEN_TOTAL_TIMEOUT": "99"}, 99.0),
    "max_retries": (3, {"CODEGEN_MAX_RETRIES": "7"}, 7),
    "retry_delay": (1.0, {"CODEGEN_RETRY_DELAY": "0.25"}, 0.25),
    "retry_backoff_factor": (2.0, {"CODEGEN_RETRY_BACKOFF": "1.5"}, 1.5),
    "retry_on_status": ([429, 500, 502, 503, 504], {}, None),
    "rate_limit_requests_per_period": (60, {"CODEGEN_RATE_LIMIT_REQUESTS": "42"}, 42),
    "rate_limit_period_seconds": (
        60.0,
        {"CODEGEN_RATE_LIMIT_PERIOD": "10", "CODEGEN_RATE_LIMIT_WINDOW": "10"},
        10.0,
    ),
    "rate_limit_strategy": ("sliding_window", {}, None),
    "rate_limits": (True, {"CODEGEN_RATE_LIMITS": "off"}, False),
    "enable_caching": (True, {"CODEGEN_ENABLE_CACHING": "false"}, False),
    "cache_ttl_seconds": (300.0, {"CODEGEN_CACHE_TTL": "17"}, 17.0),
    "cache_max_size": (128, {"CODEGEN_CACHE_MAX_SIZE": "9"}, 9),
    "stale_if_error": (0.0, {"CODEGEN_STALE_IF_ERROR": "60"}, 60.0),
    "enable_webhooks": (True, {"CODEGEN_ENABLE_WEBHOOKS": "no"}, False),
    "enable_bulk_operations": (True, {"CODEGEN_ENABLE_BULK_OPERATIONS": "0"}, False),
    "enable_streaming": (True, {"CODEGEN_ENABLE_STREAMING": "OFF"}, False),
    "enable_metrics": (True, {"CODEGEN_ENABLE_METRICS": " False "}, False),
    "bulk_max_workers": (5, {"CODEGEN_BULK_MAX_WORKERS": "2"}, 2),
    "bulk_batch_size": (100, {"CODEGEN_BULK_BATCH_SIZE": "3"}, 3),
    "shared_state": (None, {"CODEGEN_SHARED_STATE": "redis://localhost"}, "redis://localhost"),
    "shared_peers": (1, {"CODEGEN_SHARED_PEERS": "4"}, 4),
    "exactly_once": (True, {"CODEGEN_EXACTLY_ONCE": "false"}, False),
    "create_settle_seconds": (30.0, {"CODEGEN_CREATE_SETTLE_SECONDS": "4.5"}, 4.5),
    "max_connections": (100, {"CODEGEN_MAX_CONNECTIONS": "7"}, 7),
    "max_keepalive_connections": (100, {"CODEGEN_MAX_KEEPALIVE_CONNECTIONS": "0"}, 0),
    "max_response_bytes": (67_108_864, {"CODEGEN_MAX_RESPONSE_BYTES": "1000"}, 1000),
    "verify": (True, {}, None),
    "cert": (None, {}, None),
    "proxy": (None, {"CODEGEN_PROXY": "http://proxy:1"}, "http://proxy:1"),
    "default_headers": (None, {}, None),
    "user_agent_suffix": ("", {"CODEGEN_USER_AGENT_SUFFIX": "mine/1"}, "mine/1"),
    "log_level": ("INFO", {"CODEGEN_LOG_LEVEL": "debug", "LOG_LEVEL": "Debug"}, "DEBUG"),
    "log_requests": (True, {"CODEGEN_LOG_REQUESTS": "false"}, False),
    "log_responses": (False, {"CODEGEN_LOG_RESPONSES": "yes"}, True),
    "transport": (None, {}, None),
}
DEFAULTS = {name: default for name, (default, _, _) in SETTINGS.items()}
VARIABLES = [(name, *item, value) for name, (_, texts, value) in SETTINGS.items() for item in texts.items()]

NUMBERS = {name for name, default in DEFAULTS.items() if type(default) is float}
WHOLE_NUMBERS = {name for name, default in DEFAULTS.items() if type(default) is int}
SWITCHES = {name for name, default in DEFAULTS.items() if type(default) is bool} - {"verify"}
MAY_BE_NOTHING = {"max_retries", "max_keepalive_connections", "retry_delay", "create_settle_seconds", "stale_if_error"}

BAD_VALUES: list[tuple[str, Any]] = [
    *((name, value) for name in sorted(NUMBERS) for value in ("5", None, True, math.nan, math.inf, -1, 1e11)),
    *((name, value) for name in sorted(WHOLE_NUMBERS) for value in ("5", None, True, 1.5, -1)),
    *((name, 0) for name in sorted((NUMBERS | WHOLE_NUMBERS) - MAY_BE_NOTHING)),
    *((name, value) for name in sorted(SWITCHES) for value in ("false", None, 0)),
    *(("api_token", value) for value in (5, b"abc", "a b", "a\nb", "tökén", "a\u2028b")),
    *(("base_url", value) for value in (None, 5, "", "api.codegen.com", "ftp://host", "http://", "https:///v1")),
    *(("base_url", f"http://{rest}") for rest in ("host:99999", "host:x", "[::1", "a b", "host?x=1", "host#f")),
    *(("log_level", value) for value in (None, "LOUD", 7, "")),
    *(("retry_on_status", value) for value in (None, 429, "429", ["429"], [True], [429.0])),
    *(("rate_limit_strategy", value) for value in ("token_bucket", None)),
    ("shared_state", 5),
]


def build(config: ClientConfig) -> CodegenClient:
    with CodegenClient(config) as client:
        return client


@pytest.mark.parametrize("config", [{"api_token": "abc"}, "abc"])
@pytest.mark.parametrize("kind", [CodegenClient, AsyncCodegenClient])
def test_a_client_takes_no_other_kind_of_settings(kind: Any, config: Any) -> None:
    with pytest.raises(ConfigurationError, match=r"must be a ClientConfig.*from_settings") as caught:
        kind(config)
    assert "abc" not in str(caught.value)


def test_every_field_has_its_documented_default() -> None:
    config = ClientConfig()
    assert {name: getattr(config, name) for name in ClientConfig.settings} == DEFAULTS


@pytest.mark.parametrize(("name", "variable", "text", "value"), VARIABLES)
def test_an_environment_variable_sets_its_field_unless_it_is_empty(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str, text: str, value: object
) -> None:
    monkeypatch.setenv(variable, "")
    assert getattr(ClientConfig(), name) == DEFAULTS[name]
    monkeypatch.setenv(variable, text)
    assert getattr(ClientConfig(), name) == value
    assert type(getattr(ClientConfig(), name)) is type(value)


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("api_token", {"CODEGEN_TOKEN": "second", "CODEGEN_API_TOKEN": "first"}, "first"),
        ("base_url", {"CODEGEN_API_BASE_URL": "http://b", "CODEGEN_BASE_URL": "http://a"}, "http://a"),
        ("rate_limit_period_seconds", {"CODEGEN_RATE_LIMIT_WINDOW": "2", "CODEGEN_RATE_LIMIT_PERIOD": "1"}, 1.0),
        ("log_level", {"LOG_LEVEL": "DEBUG", "CODEGEN_LOG_LEVEL": "ERROR"}, "ERROR"),
        ("log_level", {"LOG_LEVEL": "trace"}, "INFO"),
        *(("log_responses", {"CODEGEN_LOG_RESPONSES": word}, True) for word in ("true", "True", "1", "yes", "on")),
    ],
)
def test_the_first_name_of_a_variable_wins_and_an_argument_over_both(
    monkeypatch: pytest.MonkeyPatch, name: str, texts: dict[str, str], value: object
) -> None:
    for variable, text in texts.items():
        monkeypatch.setenv(variable, text)
    assert getattr(ClientConfig(), name) == value
    assert getattr(ClientConfig(**{name: DEFAULTS[name]}), name) == DEFAULTS[name]


@pytest.mark.parametrize(
    ("variable", "text"),
    [
        ("CODEGEN_TIMEOUT", "soon"),
        ("CODEGEN_MAX_RETRIES", "1.5"),
        ("CODEGEN_ENABLE_CACHING", "maybe"),
        ("CODEGEN_RATE_LIMIT_WINDOW", "x"),
    ],
)
def test_an_unreadable_environment_variable_is_named_without_its_value(
    monkeypatch: pytest.MonkeyPatch, variable: str, text: str
) -> None:
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        ClientConfig()
    assert caught.value.config_key == variable
    assert f"'{text}'" not in str(caught.value)


def test_a_bad_value_is_refused_when_a_client_is_built_and_the_field_is_named() -> None:
    for name, value in BAD_VALUES:
        config = ClientConfig(**{"api_token": "abc", name: value})
        with pytest.raises(ConfigurationError, match=name) as caught:
            build(config)
        assert caught.value.config_key == name
        assert isinstance(caught.value, ValueError)
        assert isinstance(caught.value, CodegenAPIError)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, 0) for name in sorted(MAY_BE_NOTHING)),
        ("timeout", 5),
        ("retry_on_status", (503,)),
        ("retry_on_status", []),
        ("log_level", "debug"),
        ("shared_state", "sqlite:///state.db"),
        ("base_url", "http://user@host:80/prefix/v1/"),
        ("base_url", "https://[::1]:8080"),
    ],
)
def test_good_values_are_accepted(name: str, value: Any) -> None:
    build(ClientConfig(**{"api_token": "abc", name: value, "verify": False}))


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        ("log_level", 30, "WARNING"),
        ("log_level", "30", "WARNING"),
        ("log_level", "warn", "WARNING"),
        ("log_level", "Fatal", "CRITICAL"),
        ("org_id", 323, "323"),
        ("org_id", "323\n", "323"),
        ("org_id", None, ""),
    ],
)
def test_other_forms_of_a_value_are_converted(name: str, given: Any, kept: str) -> None:
    assert getattr(ClientConfig(**{name: given}), name) == kept


def test_a_token_is_missing_when_a_client_is_built_and_the_environment_may_have_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    config = ClientConfig(org_id="323")
    for unbuilt in (config, ConfigPresets.production(), CodegenConfig(), None):
        with pytest.raises(ValueError, match="CODEGEN_API_TOKEN") as caught:
            CodegenClient(unbuilt)
        assert isinstance(caught.value, ConfigurationError)
        assert caught.value.config_key == "api_token"
    config.api_token = "later"
    assert build(config).config.api_token == "later"
    monkeypatch.setenv("CODEGEN_API_TOKEN", "abc")
    monkeypatch.setenv("CODEGEN_TIMEOUT", "3")
    with CodegenClient() as client:
        assert client.config.timeout == 3
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        ClientConfig(api_token="", org_id="323")
    assert ClientConfig(api_token="").api_token == ""


PRESETS: dict[str, dict[str, Any]] = {
    "development": {
        "timeout": 60,
        "max_retries": 1,
        "rate_limit_requests_per_period": 30,
        "cache_ttl_seconds": 60,
        "log_level": "DEBUG",
        "log_responses": True,
    },
    "production": {"rate_limit_requests_per_period": 100},
    "high_performance": {
        "timeout": 45,
        "max_retries": 5,
        "rate_limit_requests_per_period": 200,
        "cache_ttl_seconds": 600,
        "cache_max_size": 256,
        "bulk_max_workers": 10,
        "bulk_batch_size": 200,
        "log_level": "WARNING",
    },
    "testing": {"timeout": 10, "max_retries": 1, "rate_limits": False, "enable_caching": False, "log_level": "DEBUG"},
}


@pytest.mark.parametrize(("preset", "wanted"), PRESETS.items())
def test_presets_differ_from_the_defaults_and_take_credentials_afterwards(
    monkeypatch: pytest.MonkeyPatch, preset: str, wanted: dict[str, Any]
) -> None:
    for variable in ("CODEGEN_TIMEOUT", "CODEGEN_MAX_RETRIES"):
        monkeypatch.setenv(variable, "2")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    config = getattr(ConfigPresets, preset)()
    values = {name: getattr(config, name) for name in ClientConfig.settings}
    different = {name: value for name, value in values.items() if value != DEFAULTS[name]}
    if preset == "testing":
        assert different.pop("transport") is not None
        assert different.pop("base_url").endswith(".invalid")
    assert different == wanted
    assert config.has_rate_limit_cap is (preset != "testing")
    config.api_token, config.org_id = "abc", 323
    client = build(config)
    assert (client.config.api_token, client.config.org_id) == ("abc", "323")
    monkeypatch.setenv("CODEGEN_API_TOKEN", "from-environment")
    assert getattr(ConfigPresets, preset)().api_token == "from-environment"


def test_the_configuration_may_change_until_a_client_is_built_and_not_after() -> None:
    config = ClientConfig()
    config.api_token = "abc"
    config.timeout = 7
    client = build(config)
    config.timeout = 8
    config.retry_on_status.append(418)
    assert client.config.timeout == 7
    assert client.config.retry_on_status == DEFAULTS["retry_on_status"]


def test_the_overall_cap_binds_only_where_it_was_set(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not ClientConfig().has_rate_limit_cap
    assert ClientConfig(rate_limit_requests_per_period=60).has_rate_limit_cap
    config = ClientConfig()
    config.rate_limit_requests = 60
    assert config.has_rate_limit_cap
    monkeypatch.setenv("CODEGEN_RATE_LIMIT_REQUESTS", "60")
    assert ClientConfig().has_rate_limit_cap


ALIASES = [
    ("rate_limit_requests", "rate_limit_requests_per_period", 11),
    ("rate_limit_window", "rate_limit_period_seconds", 12.0),
    ("cache_ttl", "cache_ttl_seconds", 13.0),
]


@pytest.mark.parametrize(("short", "name", "value"), ALIASES)
def test_both_spellings_of_a_field_read_and_write_the_same(short: str, name: str, value: Any) -> None:
    config = CodegenConfig(**{short: value})
    assert getattr(config, name) == getattr(config, short) == value
    setattr(config, short, value + 1)
    assert getattr(config, name) == value + 1
    setattr(config, name, value + 2)
    assert getattr(config, short) == value + 2
    assert getattr(CodegenConfig(**{name: value}), short) == value


@pytest.mark.parametrize("kind", [ClientConfig, CodegenConfig])
def test_from_settings_takes_both_spellings_in_either_case(kind: type[ClientConfig]) -> None:
    config = kind.from_settings({"API_TOKEN": "abc", "rate_limit_window": 5, "CACHE_TTL_SECONDS": 6, "org_id": 323})
    assert type(config) is kind
    assert (config.api_token, config.rate_limit_period_seconds) == ("abc", 5)
    assert (config.cache_ttl_seconds, config.org_id) == (6, "323")


@pytest.mark.parametrize("settings", [None, 5, "timeout=5", [("timeout", 5)]])
def test_from_settings_takes_a_mapping(settings: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a mapping of settings"):
        ClientConfig.from_settings(settings)


def test_from_settings_names_an_unknown_setting_and_the_closest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"TIMEOUTS is not a setting; did you mean timeout\?") as caught:
        ClientConfig.from_settings({"TIMEOUTS": 5})
    assert caught.value.config_key == "TIMEOUTS"
    with pytest.raises(ConfigurationError, match=r"^zzz is not a setting$"):
        CodegenClient.from_settings({"zzz": 5})
    with CodegenClient.from_settings({"API_TOKEN": "abc", "timeout": 4}) as client:
        assert client.config.timeout == 4
