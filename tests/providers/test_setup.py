"""Which providers there are, in which order, what is wrong with them, and what the doctor says."""

import json
import logging
import pickle
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import ConfigurationError
from codegen_ext.providers import (
    AIProvider,
    AIProviderError,
    AIResponse,
    AsyncAIProvider,
    AsyncTextStream,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
    TextStream,
    create_ai_provider,
    detect_available_credentials,
    get_ai_client,
    get_available_providers,
    get_provider_comparison,
    get_provider_status,
    get_recommended_provider,
    register_provider,
    unregister_provider,
    validate_provider_credentials,
)
from codegen_ext.providers.__main__ import is_healthy, main, report, table
from codegen_ext.providers.registry import preference
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.loopback import HANG, Loopback, reply
from .conftest import KEY, MODELS, refusal

NAMES = ["codegen", "openai", "codex", "chatserver", "other"]
REFUSED = refusal(401, message="Incorrect API key provided: sk-proj-***EBRA")


@pytest.fixture
def no_cli(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")


@given(st.permutations(NAMES), st.integers(0, 5), st.booleans())
def test_the_order_of_preference(order: list[str], count: int, prefer_codegen: bool) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CODEGEN_PROVIDER_ORDER", " , ".join(order[:count]))
        found = preference(NAMES, prefer_codegen=prefer_codegen)
    assert sorted(found) == sorted(NAMES)
    assert prefer_codegen or found[-1] == "codegen"
    wanted = [name for name in order[:count] if prefer_codegen or name != "codegen"]
    assert found[: len(wanted)] == wanted
    assert count or found == (NAMES if prefer_codegen else [*NAMES[1:], "codegen"])


def test_both_kinds_have_one_base(make: Callable[..., Any], options: dict[str, Any], flavour: Flavour) -> None:
    for provider in (make(**options), make("openai", **options["openai"])):
        target = provider._target if flavour.is_async else provider
        assert isinstance(target, AsyncAIProvider if flavour.is_async else AIProvider)
    assert create_ai_provider is get_ai_client


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("codegen", "CODEGEN_API_TOKEN and CODEGEN_ORG_ID"),
        ("openai", "OPENAI_API_KEY"),
        ("codex", "OPENAI_API_KEY, or log in with `codex login`"),
        ("chatserver", "CHATSERVER_BASE_URL or CHATSERVER_API_KEY"),
    ],
)
def test_a_provider_without_credentials_says_what_it_needs(name: str, needed: str, make: Callable[..., Any]) -> None:
    with pytest.raises(ProviderUnavailableError, match=f"{name}: no credentials: .*{needed}"):
        make(name)
    with pytest.raises(ProviderUnavailableError, match=f"{name}: no credentials: .*{needed}"):
        make()
    with pytest.raises(ProviderUnavailableError, match=needed):
        make(name, validate_on_creation=False).generate_response("Hi")
    assert make(name, validate_on_creation=False).validate_credentials() is False


@pytest.mark.parametrize(
    ("order", "arguments", "problem"),
    [
        ("", {"provider_name": "gemini"}, "no provider is called 'gemini'"),
        ("", {"colour": "blue"}, "colour is no option"),
        ("", {"provider_name": "openai", "colour": "blue"}, "openai has no option colour"),
        ("openai,gemini", {}, "CODEGEN_PROVIDER_ORDER lists 'gemini'"),
    ],
)
def test_an_unknown_name(
    order: str, arguments: dict[str, Any], problem: str, make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", order)
    with pytest.raises(ConfigurationError, match=problem):
        make(**arguments)


@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_validation_is_one_cheap_request(
    name: str, named: Callable[..., Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    openai_service.answers = [MODELS, REFUSED]
    provider = named(name)
    assert provider.validate_credentials() is True
    for operation in ("list_agent_runs", "list_models"):
        sandbox.inject(operation, Fault.status(401))
    assert provider.validate_credentials() is False
    assert [request.method for request in [*sandbox.requests, *openai_service.requests]] == ["GET", "GET"]
    openai_service.answers = [REFUSED]
    assert "not accepted (" in provider.validation_error()


@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_only_401_condemns_a_credential(
    name: str, named: Callable[..., Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    for status in (403, 404):
        openai_service.answers = [refusal(status)]
        for operation in ("list_agent_runs", "list_models"):
            sandbox.inject(operation, Fault.status(status), times=1)
        assert named(name).validate_credentials() is True


def test_a_validation_takes_no_longer_than_it_may(named: Callable[..., Any], openai_service: Loopback) -> None:
    openai_service.answers = [HANG]
    provider = named("openai", timeout=0.2)
    assert "no answer in time" in provider.validation_error()


def test_selection_is_logged(
    make: Callable[..., Any], options: dict[str, Any], caplog: pytest.LogCaptureFixture
) -> None:
    """`logging.basicConfig(level=logging.DEBUG)` is enough, although a client sets the level of `codegen_ext`."""
    with caplog.at_level(logging.DEBUG):
        make(prefer_codegen=False, clock=options["clock"], codegen=options["codegen"]).generate_response("hi")
    said = [record.getMessage() for record in caplog.records if record.name == "codegen_ext.providers"]
    assert "provider openai is not chosen: openai: no credentials: set OPENAI_API_KEY" in said
    assert any(line.startswith("asking provider codegen with") for line in said)


def test_credentials_are_detected_in_the_environment(
    no_cli: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    nothing = dict.fromkeys(["codegen", "openai", "codex", "chatserver"], False)
    assert detect_available_credentials() == nothing
    (tmp_path / "no-login").mkdir()
    (tmp_path / "no-login" / "auth.json").write_text("{}")
    assert detect_available_credentials() == {**nothing, "codex": True}  # the CLI's own login
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    assert detect_available_credentials()["codegen"] is False
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("CHATSERVER_BASE_URL", "http://localhost:3284")
    assert detect_available_credentials() == dict.fromkeys(nothing, True)
    assert get_available_providers() == ["codegen", "openai", "chatserver"]
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "chatserver")
    assert get_available_providers() == ["chatserver", "codegen", "openai"]


def test_status_recommendation_and_comparison(
    no_cli: None, options: dict[str, Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    openai_service.answers = [REFUSED]
    status = get_provider_status(**options)
    assert status["codegen"] == {"is_available": True, "has_credentials": True}
    assert status["codex"]["is_available"] is status["codex"]["has_credentials"] is False
    assert status["openai"]["has_credentials"] is True
    assert "not accepted (" in status["openai"]["error"]
    assert get_recommended_provider(**options) == "codegen"
    assert get_recommended_provider(prefer_codegen=False, **options) == "chatserver"
    assert get_recommended_provider() is None
    compared = get_provider_comparison(**options)
    available = ["codegen", "chatserver"]
    summary = {"recommended_provider": "codegen", "available_providers": available, "total_providers": 4}
    assert compared["summary"] == summary
    assert compared["providers"]["codegen"]["default_model"] == "codegen-agent"
    assert compared["providers"]["openai"]["tools"] is True
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert validate_provider_credentials("codegen", clock=options["clock"], **options["codegen"]) is True
    assert validate_provider_credentials("openai") is False


WRONG = {
    "organization": ("CODEGEN_ORG_ID", "abc", "org_id must be the organization's number"),
    "time-out": ("CODEGEN_TIMEOUT", "soon", "CODEGEN_TIMEOUT must be a number"),
    "address": ("CODEGEN_BASE_URL", "nonsense", "base_url must be http"),
}


@pytest.mark.parametrize("setting", WRONG)
def test_a_wrong_setting_of_one_harms_no_other(
    setting: str,
    no_cli: None,
    make: Callable[..., Any],
    openai_service: Loopback,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    variable, value, problem = WRONG[setting]
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv(variable, value)
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", f"{openai_service.base_url}/v1")
    response = make().generate_response("hi")
    assert response.provider_name == "openai"
    assert problem in response.metadata["tried"][0]["reason"]
    with pytest.raises(ProviderUnavailableError, match=problem):
        make("codegen")
    openai_service.answers = [MODELS]
    assert problem in get_provider_status()["codegen"]["error"]
    assert main(["doctor", "--json"]) == 1
    found = json.loads(capsys.readouterr().out)["providers"]
    assert problem in found["codegen"]["error"]
    assert found["openai"]["is_available"] is True


def test_a_socks_proxy_without_its_package(named: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    with pytest.raises(ProviderUnavailableError, match=r"pip install 'httpx\[socks\]'") as caught:
        named("openai").generate_response("Hello")
    assert caught.value.hands_over


def test_a_key_that_no_header_can_carry(named: Callable[..., Any]) -> None:
    provider = named("openai", api_key="sk-ключ")
    assert "printable ASCII" in provider.validation_error()
    with pytest.raises(ProviderUnavailableError, match="printable ASCII"):
        provider.generate_response("hi")


class Guest:
    """A provider of another package, with no more than it needs."""

    name = "guest"
    is_available = True

    def __init__(self, error: BaseException | None = None) -> None:
        self.error = error

    def generate_response(self, prompt: str, *args: Any, **options: Any) -> AIResponse:
        if self.error:
            raise self.error
        return AIResponse(prompt, self.name, None)

    def validate_credentials(self) -> bool:
        if self.error:
            raise self.error
        return True

    def close(self) -> None:
        pass


class AsyncGuest(Guest):
    """Its asynchronous form."""

    async def generate_response(self, prompt: str, *args: Any, **options: Any) -> AIResponse:  # type: ignore[override]
        return super().generate_response(prompt)

    async def validate_credentials(self) -> bool:  # type: ignore[override]
        return super().validate_credentials()

    async def close(self) -> None:  # type: ignore[override]
        pass


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Make a guest the first that is asked."""

    def add(create: Callable[..., Any] = Guest, create_async: Callable[..., Any] = AsyncGuest) -> None:
        register_provider("guest", create, create_async)
        monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "guest")

    yield add
    unregister_provider("guest")


def test_the_name_of_a_built_in_provider_is_taken() -> None:
    with pytest.raises(ConfigurationError, match="built-in"):
        register_provider("openai", Guest)


def test_a_provider_without_an_asynchronous_form(
    register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any], flavour: Flavour
) -> None:
    register(Guest, None)  # type: ignore[arg-type]
    assert make(**options).generate_response("Hi").provider_name == ("codegen" if flavour.is_async else "guest")


@pytest.mark.parametrize(
    "error",
    [
        ProviderRateLimitError("slowly", 429, provider_name="guest", retry_after=60),
        ProviderTimeoutError("too late", provider_name="guest", timeout_duration=3),
    ],
)
def test_errors_of_registered_providers_hand_over(
    error: AIProviderError, register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any]
) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    register()
    response = make(**options, guest={"error": error}).generate_response("hi")
    assert response.provider_name == "codegen"
    assert response.metadata["tried"][0]["outcome"] == type(error).__name__


def test_five_members_are_enough_in_a_chain(
    register: Callable[..., None], make: Callable[..., Any], options: dict[str, Any]
) -> None:
    register()
    client = make(**options)
    assert client.generate_response("hi", temperature=0.5).provider_name == "guest"
    assert list(client.stream_response("hi")) == ["hi"]
    assert client.get_default_model() is None
    assert client.validate_credentials() is True
    assert "codegen-agent" in client.get_available_models()
    assert client.get_enhanced_stats()["providers"]["guest"]["request_count"] == 2


def test_a_registered_provider_may_stream(
    register: Callable[..., None], make: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    def pieces(self: Guest, prompt: str, **options: Any) -> TextStream:
        return TextStream(item for item in (prompt, "!", AIResponse(f"{prompt}!", "guest", "guest-1")))

    async def later(prompt: str) -> Any:
        for item in (prompt, "!", AIResponse(f"{prompt}!", "guest", "guest-1")):
            yield item

    def later_pieces(self: Guest, prompt: str, **options: Any) -> AsyncTextStream:
        return AsyncTextStream(later(prompt))

    monkeypatch.setattr(Guest, "stream_response", pieces, raising=False)
    monkeypatch.setattr(AsyncGuest, "stream_response", later_pieces, raising=False)
    register()
    stream = make("guest").stream_response("hi")
    assert list(stream) == ["hi", "!"]
    assert (stream.response.content, stream.response.model) == ("hi!", "guest-1")


def test_what_the_doctor_finds(
    no_cli: None, options: dict[str, Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    openai_service.answers = [reply(status=401), MODELS]
    sandbox.inject("list_models", Fault.reset_before(), times=1)
    rows = report(**options)
    assert {name: (row["is_set_up"], row["is_available"]) for name, row in rows.items()} == {
        "codegen": (True, True),
        "openai": (True, False),
        "codex": (False, False),
        "chatserver": (True, False),
    }
    assert all(request.method == "GET" for request in sandbox.requests)
    assert is_healthy(rows) is False
    assert is_healthy(report(["openai"])) is False  # nothing can be used
    rows = report(**options)
    assert is_healthy(rows) is True  # what is not set up does not count
    lines = table(rows).splitlines()
    assert lines[0].split() == ["provider", "credentials", "call"]
    assert lines[1].split() == ["codegen", "ok", "ok"]
    assert lines[3].endswith("not set up: no credentials: set OPENAI_API_KEY, or log in with `codex login`")


def test_the_command(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    environment = {"CODEGEN_API_TOKEN": TOKEN, "CODEGEN_ORG_ID": "323", "CODEGEN_BASE_URL": sandbox.base_url}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "codegen"]) == 0
    assert "codegen     ok           ok" in capsys.readouterr().out
    command = [sys.executable, "-m", "codegen_ext.providers", "doctor", "codegen", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    status = {"is_available": True, "has_credentials": True, "is_set_up": True}
    assert json.loads(done.stdout) == {"healthy": True, "providers": {"codegen": status}}


def test_wrong_usage(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in ([], ["nurse"], ["doctor", "gemini"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
    assert "no provider is called 'gemini'" in capsys.readouterr().err
