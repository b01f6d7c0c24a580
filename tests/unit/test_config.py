"""Settings: defaults, environment, aliases, presets, and what is refused."""

import math
from pathlib import Path

import pytest

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, CodegenConfig, ConfigPresets
from codegen_ext.errors import ConfigurationError

# docs/configuration.md lists names, variables, defaults and presets, and tests/docs compares them.
DEFAULTS = {name: declared.default for name, declared in ClientConfig.settings.items()}
NUMBERS = {name for name, default in DEFAULTS.items() if type(default) is float}
WHOLE_NUMBERS = {name for name, default in DEFAULTS.items() if type(default) is int}
SWITCHES = {name for name, default in DEFAULTS.items() if type(default) is bool} - {"verify"}
MAY_BE_NOTHING = {"max_retries", "max_keepalive_connections", "retry_delay", "create_settle_seconds", "stale_if_error"}

BAD_VALUES = [
    *((name, value) for name in sorted(NUMBERS) for value in ("5", None, True, math.nan, math.inf, -1, 1e11)),
    *((name, value) for name in sorted(WHOLE_NUMBERS) for value in ("5", None, True, 1.5, -1)),
    *((name, 0) for name in sorted((NUMBERS | WHOLE_NUMBERS) - MAY_BE_NOTHING)),
    *((name, value) for name in sorted(SWITCHES) for value in ("false", None, 0)),
    *(("api_token", value) for value in (5, b"abc", "a b", "a\nb", "tökén", "a\u2028b")),
    *(("base_url", value) for value in (None, 5, "", "api.codegen.com", "ftp://host", "http://", "https:///v1")),
    *(("base_url", f"http://{rest}") for rest in ("host:99999", "host:x", "[::1", "a b", "a..b", "host?x=1", "host#f")),
    *(("log_level", value) for value in (None, "LOUD", 7, "")),
    *(("retry_on_status", value) for value in (None, 429, "429", ["429"], [True], [429.0])),
    *(("rate_limit_strategy", value) for value in ("token_bucket", None)),
    ("shared_state", 5),
    *(("user_agent_suffix", value) for value in (5, "my-app\n", "a\r\nX-Other: 1", "\u00e9", "a ")),
    *(("default_headers", {"X-Team": value}) for value in ("a\nb", "\u00e9", " a", 5)),
    *(("default_headers", {name: "5"}) for name in ("a b", "Content-Length", "transfer-encoding")),
    ("proxy", "nonsense"),
    *(("verify", value) for value in ("missing.pem", Path("missing.pem"), 5)),
    ("cert", "missing.pem"),
]


def build(config):
    with CodegenClient(config) as client:
        return client


@pytest.mark.parametrize(
    ("name", "texts", "value"),
    [
        ("api_token", {"CODEGEN_TOKEN": "second", "CODEGEN_API_TOKEN": " first "}, "first"),
        ("api_token", {"CODEGEN_TOKEN": "second", "CODEGEN_API_TOKEN": ""}, "second"),
        ("base_url", {"CODEGEN_API_BASE_URL": "http://b", "CODEGEN_BASE_URL": "http://a"}, "http://a"),
        ("timeout", {"CODEGEN_TIMEOUT": "12.5"}, 12.5),
        ("max_retries", {"CODEGEN_MAX_RETRIES": "7"}, 7),
        ("rate_limit_period_seconds", {"CODEGEN_RATE_LIMIT_WINDOW": "2", "CODEGEN_RATE_LIMIT_PERIOD": "1"}, 1.0),
        ("log_level", {"LOG_LEVEL": "DEBUG", "CODEGEN_LOG_LEVEL": "ERROR"}, "ERROR"),
        ("log_level", {"LOG_LEVEL": "Debug"}, "DEBUG"),
        ("log_level", {"LOG_LEVEL": "trace"}, "INFO"),
        *(("log_responses", {"CODEGEN_LOG_RESPONSES": word}, True) for word in ("true", "True", "1", "yes", "on")),
        *(("log_requests", {"CODEGEN_LOG_REQUESTS": word}, False) for word in ("false", "0", "no", "OFF")),
    ],
)
def test_the_first_variable_that_says_something_counts_and_an_argument_over_all(monkeypatch, name, texts, value):
    assert getattr(ClientConfig(), name) == DEFAULTS[name]
    for variable, text in texts.items():
        monkeypatch.setenv(variable, text)
    assert getattr(ClientConfig(), name) == value
    assert type(getattr(ClientConfig(), name)) is type(value)
    assert getattr(ClientConfig(**{name: DEFAULTS[name]}), name) == DEFAULTS[name]


@pytest.mark.parametrize(
    ("variable", "text"),
    [("CODEGEN_TIMEOUT", "soon"), ("CODEGEN_MAX_RETRIES", "1.5"), ("CODEGEN_ENABLE_CACHING", "maybe")],
)
def test_an_unreadable_environment_variable_is_named_without_its_value(monkeypatch, variable, text):
    monkeypatch.setenv(variable, text)
    with pytest.raises(ConfigurationError, match=variable) as caught:
        ClientConfig()
    assert caught.value.config_key == variable
    assert f"'{text}'" not in str(caught.value)


def test_a_bad_value_is_refused_when_a_client_is_built_and_the_field_is_named():
    for name, value in BAD_VALUES:
        config = ClientConfig(**{"api_token": "abc", name: value})
        with pytest.raises(ConfigurationError, match=name) as caught:
            build(config)
        assert caught.value.config_key == name
        assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("name", "given", "kept"),
    [
        *((name, 0, 0) for name in sorted(MAY_BE_NOTHING)),
        ("retry_on_status", (503,), [503]),
        ("base_url", "http://user@host:80/prefix/v1/", "http://user@host:80/prefix/v1/"),
        ("base_url", "https://[::1]:8080", "https://[::1]:8080"),
        ("log_level", 30, "WARNING"),
        ("log_level", "30", "WARNING"),
        ("log_level", "warn", "WARNING"),
        ("log_level", "Fatal", "CRITICAL"),
        ("org_id", 323, "323"),
        ("org_id", "323\n", "323"),
        ("org_id", None, ""),
    ],
)
def test_good_values_are_accepted_and_other_forms_converted(name, given, kept):
    client = build(ClientConfig(**{"api_token": "abc", name: given, "verify": False}))
    assert getattr(client.config, name) == kept


def test_a_token_is_missing_when_a_client_is_built():
    config = ClientConfig(org_id="323")
    for unbuilt in (config, ConfigPresets.production(), CodegenConfig(), None):
        with pytest.raises(ValueError, match="CODEGEN_API_TOKEN") as caught:
            CodegenClient(unbuilt)
        assert isinstance(caught.value, ConfigurationError)
        assert caught.value.config_key == "api_token"
    config.api_token = "later"
    assert build(config).config.api_token == "later"
    with pytest.raises(ConfigurationError, match="CODEGEN_API_TOKEN"):
        ClientConfig(api_token="", org_id="323")
    assert ClientConfig(api_token="").api_token == ""


@pytest.mark.parametrize("preset", ["development", "production", "high_performance", "testing"])
def test_a_preset_stands_over_the_environment_and_takes_credentials_afterwards(monkeypatch, preset):
    plain = getattr(ConfigPresets, preset)()
    for variable in ("CODEGEN_TIMEOUT", "CODEGEN_MAX_RETRIES"):
        monkeypatch.setenv(variable, "2")
    monkeypatch.setenv("LOG_LEVEL", "ERROR")
    config = getattr(ConfigPresets, preset)()
    for name in ("timeout", "max_retries", "log_level"):
        assert getattr(config, name) == getattr(plain, name)
    assert plain.has_rate_limit_cap is (preset != "testing")
    assert not ClientConfig().has_rate_limit_cap
    config.api_token, config.org_id = "abc", 323
    client = build(config)
    assert (client.config.api_token, client.config.org_id) == ("abc", "323")
    monkeypatch.setenv("CODEGEN_API_TOKEN", "from-environment")
    assert getattr(ConfigPresets, preset)().api_token == "from-environment"


def test_the_configuration_may_change_until_a_client_is_built_and_not_after():
    config = ClientConfig()
    config.api_token = "abc"
    config.timeout = 7
    client = build(config)
    config.timeout = 8
    config.retry_on_status.append(418)
    assert client.config.timeout == 7
    assert client.config.retry_on_status == DEFAULTS["retry_on_status"]


@pytest.mark.parametrize(
    ("refused", "kind", "message"),
    [
        (lambda: ClientConfig(api_token="a", token="b"), ConfigurationError, "api_token and token"),
        (lambda: ClientConfig(timeuot=5), TypeError, "did you mean timeout"),
        (lambda: setattr(ClientConfig(), "timeuot", 5), AttributeError, "did you mean timeout"),
        (lambda: CodegenClient(api_token="abc", timeuot=5), ConfigurationError, "did you mean timeout"),
        (lambda: ClientConfig.from_settings({"TIMEOUTS": 5}), ConfigurationError, "TIMEOUTS is not .* mean timeout"),
        (lambda: CodegenClient.from_settings({"zzz": 5}), ConfigurationError, "^zzz is not a setting$"),
        (lambda: ClientConfig.from_settings({1: 2}), ConfigurationError, "^1 is not a setting$"),
        (lambda: ClientConfig.from_settings("timeout=5"), ConfigurationError, "expected a mapping of settings"),
        *(
            (lambda kind=kind: kind({"api_token": "s3cret"}), ConfigurationError, "ClientConfig.*from_settings")
            for kind in (CodegenClient, AsyncCodegenClient)
        ),
    ],
)
def test_what_is_no_setting_is_refused_and_the_closest_one_named(refused, kind, message):
    with pytest.raises(kind, match=message) as caught:
        refused()
    assert "s3cret" not in str(caught.value)


def test_a_client_is_made_from_settings_in_either_case_and_by_their_other_names():
    with CodegenClient.from_settings({"API_KEY": "abc", "timeout": 4, "CACHE_TTL": 6}) as client:
        assert (client.config.api_token, client.config.timeout, client.config.cache_ttl_seconds) == ("abc", 4, 6)
