"""A provider that is set up wrongly, or that another package breaks, harms no other one."""

import json
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from codegen_ext.providers import (
    AIProviderError,
    AIResponse,
    ProviderRateLimitError,
    ProviderSpec,
    ProviderTimeoutError,
    ProviderUnavailableError,
    detect_available_credentials,
    get_available_providers,
    get_provider_comparison,
    get_provider_status,
    register_provider,
    unregister_provider,
)
from codegen_ext.providers.doctor import main

from ..conftest import TOKEN, Flavour
from ..support.loopback import Loopback, reply
from .conftest import ANSWER, KEY, MODELS

WRONG = {
    "organisation": ("CODEGEN_ORG_ID", "abc", "org_id must be the organisation's number"),
    "time-out": ("CODEGEN_TIMEOUT", "soon", "CODEGEN_TIMEOUT must be a number"),
    "address": ("CODEGEN_BASE_URL", "nonsense", "base_url must be http"),
}


@pytest.fixture(params=WRONG)
def problem(request: pytest.FixtureRequest, openai_service: Loopback, monkeypatch: pytest.MonkeyPatch) -> str:
    """Codegen is set up wrongly in the environment, openai rightly."""
    variable, value, problem = WRONG[request.param]
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{openai_service.base_url}/v1")
    return problem


@pytest.mark.parametrize("validate", [True, False])
def test_a_wrong_setting_is_passed_over(
    validate: bool, problem: str, make: Callable[..., Any], openai_service: Loopback
) -> None:
    openai_service.answers = [MODELS, ANSWER] if validate else [ANSWER]
    response = make(validate_on_creation=validate).generate_response("hi")
    assert response.provider_name == "openai"
    assert problem in response.metadata["tried"][0]["reason"]
    with pytest.raises(ProviderUnavailableError, match=problem):
        make("codegen")


def test_a_wrong_setting_is_a_finding(
    problem: str, openai_service: Loopback, capsys: pytest.CaptureFixture[str]
) -> None:
    openai_service.answers = [MODELS]
    status = get_provider_status()
    assert problem in status["codegen"]["error"]
    assert status["openai"]["is_available"] is True
    assert get_provider_comparison()["summary"]["recommended_provider"] == "openai"
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["providers"]
    assert problem in found["codegen"]["error"]
    assert found["openai"]["healthy"] is True


def test_a_key_that_no_header_can_carry(named: Callable[..., Any]) -> None:
    provider = named("openai", api_key="sk-ключ")
    assert provider.validate_credentials() is False
    assert "printable ASCII" in provider.last_validation_error
    with pytest.raises(ProviderUnavailableError, match="printable ASCII"):
        provider.generate_response("hi")


class Guest:
    """A provider of another package."""

    name = "guest"
    is_available = True
    closed = 0

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def generate_response(self, prompt: str, *args: Any, **options: Any) -> AIResponse:
        if self.error:
            raise self.error
        return AIResponse(prompt, self.name, None)

    def validate_credentials(self) -> bool:
        if self.error and not isinstance(self.error, AIProviderError):
            raise self.error
        return True

    def get_available_models(self) -> list[str]:
        raise self.error or AssertionError

    def close(self) -> None:
        Guest.closed += 1


class AsyncGuest(Guest):
    """Its async twin."""

    async def generate_response(self, prompt: str, *args: Any, **options: Any) -> AIResponse:  # type: ignore[override]
        return super().generate_response(prompt)

    async def validate_credentials(self) -> bool:  # type: ignore[override]
        return super().validate_credentials()

    async def get_available_models(self) -> list[str]:  # type: ignore[override]
        return super().get_available_models()

    async def close(self) -> None:  # type: ignore[override]
        super().close()


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make a guest the first that is asked."""

    def add(create: Callable[..., Any] = Guest, create_async: Callable[..., Any] = AsyncGuest) -> None:
        register_provider(ProviderSpec("guest", create, create_async))
        monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "guest")
        monkeypatch.setattr(Guest, "closed", 0)

    yield add
    unregister_provider("guest")


def test_one_that_cannot_be_built(
    register: Callable[..., None],
    make: Callable[..., Any],
    options: dict[str, Any],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def create() -> Any:
        raise RuntimeError("no licence")

    register(create, create)
    response = make(**options).generate_response("hi")
    assert response.provider_name == "codegen"
    reason = "cannot be built: RuntimeError: no licence"
    assert response.metadata["tried"] == [{"provider": "guest", "outcome": "skipped", "reason": reason}]
    assert detect_available_credentials()["guest"] is False
    assert "guest" not in get_available_providers()
    assert get_provider_status()["guest"]["error"] == reason
    assert get_provider_comparison()["providers"]["guest"]["default_model"] is None
    assert main(["doctor", "guest"]) == 1
    assert reason in capsys.readouterr().out


def test_one_whose_validation_breaks(
    register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any]
) -> None:
    register()
    broken = {"guest": {"error": RuntimeError("oh")}}
    response = make(**options, **broken).generate_response("hi")
    assert response.provider_name == "codegen"
    assert "RuntimeError: oh" in response.metadata["tried"][0]["reason"]
    assert "RuntimeError: oh" in get_provider_status(**broken)["guest"]["error"]


def test_what_was_built_is_closed_when_choosing_is_interrupted(
    register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any], flavour: Flavour
) -> None:
    register()
    with pytest.raises(KeyboardInterrupt):
        make(**options, guest={"error": KeyboardInterrupt()})
    assert Guest.closed == 1


@pytest.mark.parametrize(
    "error",
    [
        ProviderRateLimitError("slowly", 429, provider_name="guest", retry_after=60),
        ProviderTimeoutError("too late", provider_name="guest", timeout_duration=3),
    ],
)
def test_its_errors_are_made_like_ours(
    error: AIProviderError, register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any]
) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    register()
    client = make(**options, guest={"error": error})
    response = client.generate_response("hi")
    assert response.provider_name == "codegen"
    assert response.metadata["tried"][0]["outcome"] == type(error).__name__


def test_five_members_are_enough_in_a_chain(
    register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for kind in (Guest, AsyncGuest):
        monkeypatch.delattr(kind, "get_available_models")
    register()
    client = make(**options)
    assert list(client.stream_response("hi")) == ["hi"]
    assert client.get_default_model() is None
    assert "codegen-agent" in client.get_available_models()
    assert client.get_enhanced_stats()["request_count"] == 0


def test_models_of_those_that_list_them(
    register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any], openai_service: Loopback
) -> None:
    openai_service.answers = [reply(status=500)]
    register()
    own = {**options, "openai": {**options["openai"], "max_retries": 0}}
    own["guest"] = {"error": ProviderUnavailableError("down")}
    assert make(validate_on_creation=False, **own).get_available_models()[0] == "codegen-agent"
    alone = make(validate_on_creation=False, **{name: own[name] for name in ("clock", "openai", "guest")})
    with pytest.raises(ProviderUnavailableError):
        alone.get_available_models()
