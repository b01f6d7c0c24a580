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

DEFAULTS = {
    "api_token": "",
    "org_id": "",
    "base_url": "https://api.codegen.com/v1",
    "timeout": 30,
    "total_timeout": 300,
    "max_retries": 3,
    "retry_delay": 1.0,
    "retry_backoff_factor": 2.0,
    "retry_on_status": [429, 500, 502, 503, 504],
    "rate_limit_requests_per_period": 60,
    "rate_limit_period_seconds": 60,
    "rate_limit_strategy": "sliding_window",
    "rate_limits": True,
    "enable_caching": True,
    "cache_ttl_seconds": 300,
    "cache_max_size": 128,
    "stale_if_error": 0.0,
    "enable_webhooks": True,
    "enable_bulk_operations": True,
    "enable_streaming": True,
    "enable_metrics": True,
    "bulk_max_workers": 5,
    "bulk_batch_size": 100,
    "shared_state": None,
    "shared_peers": 1,
    "exactly_once": True,
    "create_settle_seconds": 30,
    "max_connections": 100,
    "max_keepalive_connections": 100,
    "max_response_bytes": 67_108_864,
    "verify": True,
    "cert": None,
    "proxy": None,
    "default_headers": None,
    "user_agent_suffix": "",
    "log_level": "INFO",
    "log_requests": True,
    "log_responses": False,
    "transport": None,
}

VARIABLES = [
    ("api_token", "CODEGEN_API_TOKEN", "abc", "abc"),
    ("api_token", "CODEGEN_TOKEN", "abc", "abc"),
    ("org_id", "CODEGEN_ORG_ID", "323", "323"),
    ("base_url", "CODEGEN_BASE_URL", "http://here", "http://here"),
    ("base_url", "CODEGEN_API_BASE_URL", "http://here", "http://here"),
    ("timeout", "CODEGEN_TIMEOUT", "12.5", 12.5),
    ("total_timeout", "CODEGEN_TOTAL_TIMEOUT", "99", 99.0),
    ("max_retries", "CODEGEN_MAX_RETRIES", "7", 7),
    ("retry_delay", "CODEGEN_RETRY_DELAY", "0.25", 0.25),
    ("retry_backoff_factor", "CODEGEN_RETRY_BACKOFF", "1.5", 1.5),
    ("rate_limit_requests_per_period", "CODEGEN_RATE_LIMIT_REQUESTS", "42", 42),
    ("rate_limit_period_seconds", "CODEGEN_RATE_LIMIT_PERIOD", "10", 10.0),
    ("rate_limit_period_seconds", "CODEGEN_RATE_LIMIT_WINDOW", "10", 10.0),
    ("rate_limits", "CODEGEN_RATE_LIMITS", "off", False),
    ("enable_caching", "CODEGEN_ENABLE_CACHING", "false", False),
    ("cache_ttl_seconds", "CODEGEN_CACHE_TTL", "17", 17.0),
    ("cache_max_size", "CODEGEN_CACHE_MAX_SIZE", "9", 9),
    ("stale_if_error", "CODEGEN_STALE_IF_ERROR", "60", 60.0),
    ("enable_webhooks", "CODEGEN_ENABLE_WEBHOOKS", "no", False),
    ("enable_bulk_operations", "CODEGEN_ENABLE_BULK_OPERATIONS", "0", False),
    ("enable_streaming", "CODEGEN_ENABLE_STREAMING", "OFF", False),
    ("enable_metrics", "CODEGEN_ENABLE_METRICS", " False ", False),
    ("bulk_max_workers", "CODEGEN_BULK_MAX_WORKERS", "2", 2),
    ("bulk_batch_size", "CODEGEN_BULK_BATCH_SIZE", "3", 3),
    ("shared_state", "CODEGEN_SHARED_STATE", "redis://localhost", "redis://localhost"),
    ("shared_peers", "CODEGEN_SHARED_PEERS", "4", 4),
    ("exactly_once", "CODEGEN_EXACTLY_ONCE", "false", False),
    ("create_settle_seconds", "CODEGEN_CREATE_SETTLE_SECONDS", "4.5", 4.5),
    ("max_connections", "CODEGEN_MAX_CONNECTIONS", "7", 7),
    ("max_keepalive_connections", "CODEGEN_MAX_KEEPALIVE_CONNECTIONS", "0", 0),
    ("max_response_bytes", "CODEGEN_MAX_RESPONSE_BYTES", "1000", 1000),
    ("proxy", "CODEGEN_PROXY", "http://proxy:1", "http://proxy:1"),
    ("user_agent_suffix", "CODEGEN_USER_AGENT_SUFFIX", "mine/1", "mine/1"),
    ("log_level", "CODEGEN_LOG_LEVEL", "debug", "DEBUG"),
    ("log_level", "LOG_LEVEL", "warning", "WARNING"),
    ("log_requests", "CODEGEN_LOG_REQUESTS", "false", False),
    ("log_responses", "CODEGEN_LOG_RESPONSES", "yes", True),
]

SECOND_NAMES = [
    ("api_token", "CODEGEN_API_TOKEN", "first", "CODEGEN_TOKEN", "second", "first"),
    ("base_url", "CODEGEN_BASE_URL", "http://a", "CODEGEN_API_BASE_URL", "http://b", "http://a"),
    ("rate_limit_period_seconds", "CODEGEN_RATE_LIMIT_PERIOD", "1", "CODEGEN_RATE_LIMIT_WINDOW", "2", 1.0),
    ("log_level", "CODEGEN_LOG_LEVEL", "ERROR", "LOG_LEVEL", "DEBUG", "ERROR"),
]

NUMBERS = {
    "timeout",
    "total_timeout",
    "retry_delay",
    "retry_backoff_factor",
    "rate_limit_period_seconds",
    "cache_ttl_seconds",
    "stale_if_error",
    "create_settle_seconds",
}
WHOLE_NUMBERS = {
    "max_retries",
    "rate_limit_requests_per_period",
    "shared_peers",
    "cache_max_size",
    "bulk_max_workers",
    "bulk_batch_size",
    "max_connections",
    "max_keepalive_connections",
    "max_response_bytes",
}
MAY_BE_NOTHING = {"max_retries", "max_keepalive_connections", "retry_delay", "create_settle_seconds", "stale_if_error"}
SWITCHES = {name for name, value in DEFAULTS.items() if isinstance(value, bool)} - {"verify"}

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
def test_an_environment_variable_sets_its_field(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str, text: str, value: object
) -> None:
    monkeypatch.setenv(variable, text)
    assert getattr(ClientConfig(), name) == value
    assert type(getattr(ClientConfig(), name)) is type(value)


@pytest.mark.parametrize(("name", "variable", "text", "value"), VARIABLES)
def test_an_empty_environment_variable_is_no_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, variable: str, text: str, value: object
) -> None:
    monkeypatch.setenv(variable, "")
    assert getattr(ClientConfig(), name) == DEFAULTS[name]


@pytest.mark.parametrize(("name", "first", "one", "second", "two", "value"), SECOND_NAMES)
def test_the_first_name_of_a_variable_wins_over_the_second(
    monkeypatch: pytest.MonkeyPatch, name: str, first: str, one: str, second: str, two: str, value: object
) -> None:
    monkeypatch.setenv(second, two)
    monkeypatch.setenv(first, one)
    assert getattr(ClientConfig(), name) == value


def test_an_argument_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_TIMEOUT", "5")
    monkeypatch.setenv("CODEGEN_API_TOKEN", "from-environment")
    config = ClientConfig(timeout=6, api_token="given")
    assert (config.timeout, config.api_token) == (6, "given")


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


@pytest.mark.parametrize("word", ["true", "True", "1", "yes", "on"])
def test_words_for_true(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("CODEGEN_LOG_RESPONSES", word)
    assert ClientConfig().log_responses is True


@pytest.mark.parametrize(("name", "value"), BAD_VALUES)
def test_a_bad_value_is_refused_when_a_client_is_built_and_the_field_is_named(name: str, value: Any) -> None:
    config = ClientConfig(**{"api_token": "abc", name: value})
    with pytest.raises(ConfigurationError, match=name) as caught:
        build(config)
    assert caught.value.config_key == name
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, CodegenAPIError)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("max_retries", 0),
        ("retry_delay", 0),
        ("create_settle_seconds", 0),
        ("timeout", 5),
        ("timeout", 0.1),
        ("retry_on_status", (503,)),
        ("retry_on_status", []),
        ("log_level", "debug"),
        ("shared_state", "sqlite:///state.db"),
        ("base_url", "http://user@host:80/prefix/v1/"),
        ("base_url", "https://[::1]:8080"),
    ],
)
def test_good_values_are_accepted(name: str, value: Any) -> None:
    build(ClientConfig(**{"api_token": "abc", name: value}))


@pytest.mark.parametrize(
    ("given", "level"), [(30, "WARNING"), ("30", "WARNING"), ("warn", "WARNING"), ("Fatal", "CRITICAL")]
)
def test_a_log_level_in_another_form_is_its_name(given: int | str, level: str) -> None:
    assert ClientConfig(log_level=given).log_level == level


@pytest.mark.parametrize(("given", "kept"), [(323, "323"), ("323", "323"), (None, "")])
def test_org_id_is_text(given: Any, kept: str) -> None:
    assert ClientConfig(org_id=given).org_id == kept


@pytest.mark.parametrize("config", [ClientConfig, ConfigPresets.production, CodegenConfig])
def test_a_missing_token_is_refused_when_a_client_is_built(config: Any) -> None:
    unbuilt = config()
    with pytest.raises(ValueError, match="CODEGEN_API_TOKEN") as caught:
        build(unbuilt)
    assert isinstance(caught.value, ConfigurationError)
    assert caught.value.config_key == "api_token"


def test_a_client_without_configuration_reads_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        CodegenClient()
    monkeypatch.setenv("CODEGEN_API_TOKEN", "abc")
    monkeypatch.setenv("CODEGEN_TIMEOUT", "3")
    with CodegenClient() as client:
        assert client.config.timeout == 3


def test_an_explicit_empty_token_with_an_organization_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_API_TOKEN", "in-the-environment")
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        ClientConfig(api_token="", org_id="323")
    assert ClientConfig(api_token="").api_token == ""


def test_an_organization_without_a_token_may_wait_for_it() -> None:
    config = ClientConfig(org_id="323")
    config.api_token = "later"
    assert build(config).config.api_token == "later"


def test_development_preset() -> None:
    config = ConfigPresets.development()
    assert differences(config) == {
        "timeout": 60,
        "max_retries": 1,
        "rate_limit_requests_per_period": 30,
        "cache_ttl_seconds": 60,
        "log_level": "DEBUG",
        "log_responses": True,
    }
    assert config.log_requests is True
    assert config.has_rate_limit_cap


def test_production_preset(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, text in (("CODEGEN_TIMEOUT", "1"), ("CODEGEN_MAX_RETRIES", "1"), ("CODEGEN_CACHE_TTL", "1")):
        monkeypatch.setenv(variable, text)
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    config = ConfigPresets.production()
    assert differences(config) == {"rate_limit_requests_per_period": 100}


def test_high_performance_preset() -> None:
    assert differences(ConfigPresets.high_performance()) == {
        "timeout": 45,
        "max_retries": 5,
        "rate_limit_requests_per_period": 200,
        "cache_ttl_seconds": 600,
        "cache_max_size": 256,
        "bulk_max_workers": 10,
        "bulk_batch_size": 200,
        "log_level": "WARNING",
    }


def test_testing_preset_answers_without_network() -> None:
    config = ConfigPresets.testing()
    changed = differences(config)
    assert changed.pop("transport") is not None
    assert changed.pop("base_url").endswith(".invalid")
    assert changed == {
        "timeout": 10,
        "max_retries": 1,
        "rate_limits": False,
        "enable_caching": False,
        "log_level": "DEBUG",
    }
    assert not config.has_rate_limit_cap
    config.api_token = "any"
    with CodegenClient(config) as client:
        assert client.get_current_user().github_username == "octocat"
        assert client.create_agent_run(323, "hello").organization_id == 323


@pytest.mark.parametrize("preset", ["development", "production", "high_performance", "testing"])
def test_presets_have_no_credentials_and_take_them_afterwards(preset: str) -> None:
    config = getattr(ConfigPresets, preset)()
    assert (config.api_token, config.org_id) == ("", "")
    config.api_token, config.org_id = "abc", 323
    client = build(config)
    assert (client.config.api_token, client.config.org_id) == ("abc", "323")


def test_presets_read_credentials_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_API_TOKEN", "abc")
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    config = ConfigPresets.production()
    assert (config.api_token, config.org_id) == ("abc", "323")


def differences(config: ClientConfig) -> dict[str, Any]:
    values = {name: getattr(config, name) for name in ClientConfig.settings}
    return {name: value for name, value in values.items() if value != DEFAULTS[name]}


def test_the_configuration_may_change_until_a_client_is_built_and_not_after() -> None:
    config = ClientConfig()
    config.api_token = "abc"
    config.timeout = 7
    client = build(config)
    config.timeout = 8
    config.retry_on_status.append(418)
    assert client.config.timeout == 7
    assert client.config.retry_on_status == DEFAULTS["retry_on_status"]


def test_the_overall_cap_binds_only_where_somebody_set_it(monkeypatch: pytest.MonkeyPatch) -> None:
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


def test_the_first_seeds_configuration_works_as_it_stands() -> None:
    config = CodegenConfig(
        api_token="abc",
        base_url="https://api.codegen.com",
        timeout=30,
        max_retries=3,
        retry_backoff_factor=2.0,
        retry_on_status=[503],
        rate_limit_requests=100,
        rate_limit_window=60,
        rate_limit_strategy="sliding_window",
        enable_caching=True,
        cache_ttl=300,
        cache_max_size=1000,
        log_level="INFO",
    )
    assert isinstance(config, ClientConfig)
    assert build(config).config.cache_max_size == 1000


@pytest.mark.parametrize("kind", [ClientConfig, CodegenConfig])
def test_from_settings_takes_both_spellings_in_either_case(kind: type[ClientConfig]) -> None:
    config = kind.from_settings({"API_TOKEN": "abc", "rate_limit_window": 5, "CACHE_TTL_SECONDS": 6, "org_id": 323})
    assert type(config) is kind
    assert (config.api_token, config.rate_limit_period_seconds) == ("abc", 5)
    assert (config.cache_ttl_seconds, config.org_id) == (6, "323")


def test_from_settings_names_an_unknown_setting_and_the_closest_one() -> None:
    with pytest.raises(ConfigurationError, match=r"TIMEOUTS is not a setting; did you mean timeout\?") as caught:
        ClientConfig.from_settings({"TIMEOUTS": 5})
    assert caught.value.config_key == "TIMEOUTS"
    with pytest.raises(ConfigurationError, match=r"^zzz is not a setting$"):
        ClientConfig.from_settings({"zzz": 5})


def test_a_client_is_built_from_settings() -> None:
    with CodegenClient.from_settings({"API_TOKEN": "abc", "timeout": 4}) as client:
        assert client.config.timeout == 4
    with pytest.raises(ConfigurationError, match="max_retires"):
        CodegenClient.from_settings({"max_retires": 5})


@pytest.mark.parametrize(
    ("base_url", "service_url"),
    [
        ("https://api.codegen.com/v1", "https://api.codegen.com"),
        ("https://api.codegen.com/v1/", "https://api.codegen.com"),
        ("https://api.codegen.com", "https://api.codegen.com"),
        ("https://api.codegen.com/", "https://api.codegen.com"),
        ("https://proxy.example/codegen/v1", "https://proxy.example/codegen"),
    ],
)
def test_the_version_in_the_base_url_may_be_left_out(base_url: str, service_url: str) -> None:
    assert ClientConfig(base_url=base_url).service_url == service_url


@pytest.mark.parametrize("feature", ["webhooks", "bulk_operations", "streaming", "metrics", "caching"])
def test_a_feature_that_is_off_names_its_field(feature: str) -> None:
    ClientConfig().require(feature)
    with pytest.raises(ConfigurationError, match=f"enable_{feature}") as caught:
        ClientConfig(**{f"enable_{feature}": False}).require(feature)
    assert caught.value.config_key == f"enable_{feature}"
