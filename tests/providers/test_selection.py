"""Who is chosen, what a validation costs, and what is logged."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
from codegen_ext.providers.selection import preference
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import ConfigurationError
from codegen_ext.providers import (
    AIProvider,
    AIProviderError,
    AsyncAIProvider,
    ProviderAuthenticationError,
    ProviderUnavailableError,
    detect_available_credentials,
    get_ai_client,
    get_available_providers,
    get_provider_comparison,
    get_provider_status,
    get_recommended_provider,
    validate_provider_credentials,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.loopback import HANG, Loopback, reply
from .conftest import ANSWER, KEY, MODELS

NAMES = ["codegen", "openai", "codex", "chatserver", "other"]
REFUSED = reply({"error": {"message": "Incorrect API key provided: sk-proj-***EBRA"}}, status=401)


def created(sandbox: Sandbox) -> int:
    return sum(request.method == "POST" for request in sandbox.requests)


@given(st.permutations(NAMES), st.integers(0, 5), st.booleans())
def test_the_order_of_preference(order: list[str], named: int, prefer_codegen: bool) -> None:
    found = preference(NAMES, prefer_codegen=prefer_codegen, order=" , ".join(order[:named]))
    assert sorted(found) == sorted(NAMES)
    assert prefer_codegen or found[-1] == "codegen"
    wanted = [name for name in order[:named] if prefer_codegen or name != "codegen"]
    assert found[: len(wanted)] == wanted


def test_codegen_is_first_unless_it_is_not_preferred() -> None:
    assert preference(NAMES)[0] == "codegen"
    assert preference(NAMES, prefer_codegen=False) == ["openai", "codex", "chatserver", "other", "codegen"]


def test_an_unknown_name_in_the_order(make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "openai,gemini")
    with pytest.raises(ConfigurationError, match="CODEGEN_PROVIDER_ORDER lists 'gemini'"):
        make()


def test_both_kinds_fit_the_protocol(make: Callable[..., Any], options: dict[str, Any], flavour: Flavour) -> None:
    client = make(validate_on_creation=False, **options)
    named = make("openai", validate_on_creation=False, **options["openai"])
    for provider in (client, named):
        target = provider._target if flavour.is_async else provider
        assert isinstance(target, AsyncAIProvider if flavour.is_async else AIProvider)


def test_a_name_means_this_provider_alone(make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox) -> None:
    sandbox.inject("create_chat_completion", Fault.status(503))
    client = make("chatserver", clock=options["clock"], **options["chatserver"])
    with pytest.raises(ProviderUnavailableError):
        client.generate_response("hi")


def test_without_fallback_nobody_takes_over(
    make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    sandbox.inject("create_agent_run", Fault.status(401))
    client = make(fallback_enabled=False, **options)
    with pytest.raises(ProviderAuthenticationError):
        client.generate_response("hi")
    assert openai_service.requests == []


def test_validation_is_one_cheap_request_that_is_kept(
    make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox, clock: FakeClock
) -> None:
    client = make(**options)
    assert [request.method for request in sandbox.requests] == ["GET"]
    client.validate_credentials()
    make(**options)
    make("codegen", clock=clock, **options["codegen"])
    assert len(sandbox.requests) == 1
    client.generate_response("hi")
    assert created(sandbox) == 1
    before = len(sandbox.requests)
    clock.advance(301)
    client.validate_credentials()
    assert len(sandbox.requests) == before + 1
    assert created(sandbox) == 1


@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_validation_of_each(
    name: str, named: Callable[..., Any], sandbox: Sandbox, openai_service: Loopback, clock: FakeClock
) -> None:
    openai_service.answers = [MODELS]
    provider = named(name)
    assert provider.validate_credentials() is True
    requests = [*sandbox.requests, *openai_service.requests]
    assert [request.method for request in requests] == ["GET"]
    openai_service.answers = [REFUSED]
    for operation in ("list_agent_runs", "list_models"):
        sandbox.inject(operation, Fault.status(401))
    clock.advance(301)
    assert provider.validate_credentials() is False
    assert "not accepted (status 401" in provider.last_validation_error


def test_a_validation_that_failed_in_passing_is_soon_forgotten(
    named: Callable[..., Any], sandbox: Sandbox, clock: FakeClock
) -> None:
    sandbox.inject("list_models", Fault.status(500), times=1)
    provider = named("chatserver")
    assert provider.validate_credentials() is False
    assert provider.validate_credentials() is False
    clock.advance(31)
    assert provider.validate_credentials() is True


def test_a_validation_takes_no_longer_than_it_may(named: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [HANG]
    provider = named("openai")
    assert provider.validate_credentials(timeout=0.2) is False
    assert "no answer in time" in provider.last_validation_error


def test_other_credentials_are_validated_anew(named: Callable[..., Any], sandbox: Sandbox) -> None:
    assert named("chatserver").validate_credentials() is True
    assert named("chatserver", api_key="another-key-0123456789").validate_credentials() is False


def test_one_without_valid_credentials_is_passed_over(
    make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    sandbox.inject("list_agent_runs", Fault.status(401))
    openai_service.answers = [MODELS, ANSWER]
    client = make(**options)
    response = client.generate_response("hi")
    assert response.provider_name == "openai"
    assert response.metadata["tried"][0]["provider"] == "codegen"
    assert response.metadata["tried"][0]["outcome"] == "invalid"
    assert created(sandbox) == 0


def test_nobody_is_fit(make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox) -> None:
    with pytest.raises(ProviderUnavailableError, match=r"codegen: no credentials; openai: no credentials"):
        make(clock=options["clock"])
    sandbox.inject("list_models", Fault.status(401))
    with pytest.raises(ProviderAuthenticationError, match="not accepted"):
        make("chatserver", clock=options["clock"], **options["chatserver"])
    with pytest.raises(ConfigurationError, match="no provider is called 'gemini'"):
        make("gemini")
    with pytest.raises(ConfigurationError, match="colour is no option"):
        make(colour="blue")
    with pytest.raises(ConfigurationError, match="openai has no option colour"):
        make("openai", colour="blue")


def test_selection_is_logged_at_debug(
    make: Callable[..., Any], options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """Also where only the root logger is at DEBUG, as `logging.basicConfig(level=logging.DEBUG)` makes it."""
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("codegen_ext").setLevel(logging.INFO)
        make(prefer_codegen=False, clock=options["clock"], codegen=options["codegen"]).generate_response("hi")
    said = [record.getMessage() for record in caplog.records if record.name == "codegen_ext.providers"]
    assert "provider openai is not chosen: no credentials" in said
    assert "provider codegen is chosen" in said
    assert any(line.startswith("asking provider codegen with") for line in said)
    assert all(record.levelno == logging.DEBUG for record in caplog.records if "providers" in record.name)


def test_nothing_is_logged_above_debug(
    make: Callable[..., Any], options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        make(clock=options["clock"], codegen=options["codegen"])
    assert [record for record in caplog.records if record.name == "codegen_ext.providers"] == []


def test_credentials_are_detected_in_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = dict.fromkeys(["codegen", "openai", "codex", "chatserver"], False)
    assert detect_available_credentials() == nobody
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    assert detect_available_credentials() == nobody
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("CHATSERVER_BASE_URL", "http://localhost:3284")
    monkeypatch.setenv("PATH", "/nowhere")
    assert detect_available_credentials() == dict.fromkeys(nobody, True)
    assert get_available_providers() == ["codegen", "openai", "chatserver"]
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "chatserver")
    assert get_available_providers() == ["chatserver", "codegen", "openai"]


def test_status_recommendation_and_comparison(
    options: dict[str, Any], sandbox: Sandbox, openai_service: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    openai_service.answers = [REFUSED]
    status = get_provider_status(**options)
    assert status["codegen"] == {"is_available": True, "has_credentials": True}
    assert status["codex"] == {"is_available": False, "has_credentials": False, "error": "no credentials"}
    assert status["openai"]["has_credentials"] is True
    assert "not accepted (status 401" in status["openai"]["error"]
    assert get_recommended_provider(**options) == "codegen"
    assert get_recommended_provider(prefer_codegen=False, **options) == "chatserver"
    assert get_recommended_provider() is None
    compared = get_provider_comparison(**options)
    assert compared["summary"] == {
        "recommended_provider": "codegen",
        "available_providers": ["codegen", "chatserver"],
        "total_providers": 4,
    }
    assert compared["providers"]["codegen"]["default_model"] == "codegen-agent"
    assert compared["providers"]["openai"]["tools"] is True
    assert created(sandbox) == 0
    assert len(sandbox.requests) == 2  # one for each provider, for all of these calls
    assert validate_provider_credentials("codegen", clock=options["clock"], **options["codegen"]) is True
    assert validate_provider_credentials("openai") is False


def test_a_blank_prompt_and_a_wrong_timeout(named: Callable[..., Any]) -> None:
    provider = named("openai")
    for prompt, more in ((" ", {}), (7, {}), ("hi", {"timeout": 0}), ("hi", {"timeout": "1"})):
        with pytest.raises(AIProviderError):
            provider.generate_response(prompt, **more)


def test_create_ai_provider_is_the_same() -> None:
    from codegen_ext.providers import create_ai_provider

    assert create_ai_provider is get_ai_client
