"""Which providers there are, in which order, what is wrong with them, and that nothing says more of a credential."""

import json
import logging
import pickle
import re
import traceback
from types import SimpleNamespace

import pytest

from codegen_ext import ConfigurationError, ValidationError, providers
from codegen_ext.providers.__main__ import main
from codegen_ext.providers._async import factory as async_factory
from codegen_ext.providers._sync import factory as sync_factory
from codegen_ext.testing import Fault

from ..conftest import TOKEN, once
from ..support.loopback import reply
from .conftest import ANSWER, KEY, MODELS, PIECES, refusal


@pytest.fixture
def environment_of_three(sandbox, openai_service, environment, monkeypatch):
    """What the environment says of codegen, openai and chatserver."""
    settings = {
        "CODEGEN_API_TOKEN": TOKEN,
        "CODEGEN_ORG_ID": "323",
        "CODEGEN_BASE_URL": sandbox.base_url,
        "OPENAI_API_KEY": KEY,
        "OPENAI_BASE_URL": f"{openai_service.base_url}/v1",
        "CHATSERVER_API_KEY": TOKEN,
        "CHATSERVER_BASE_URL": sandbox.base_url,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)


def shown(text):
    """Return the pieces of four characters of a credential that a text has, and its length; paths may have any."""
    text = re.sub(r'File "[^"]*"', "", text)
    pieces = [secret[at : at + 4] for secret in (KEY, TOKEN) for at in range(len(secret) - 3)]
    return [piece for piece in pieces if piece in text] + [
        word for word in text.split() if word in (str(len(KEY)), str(len(TOKEN)))
    ]


def masked(secret):
    """Return what services such as OpenAI repeat of a credential: its beginning and its end."""
    return f"{secret[:8]}****{secret[-4:]}"


REFUSED = refusal(401, message=f"Incorrect API key provided: {masked(KEY)}")


@pytest.mark.parametrize(
    ("variable", "prefer_codegen", "order"),
    [
        ("", True, ["codegen", "openai", "codex", "chatserver"]),
        ("", False, ["openai", "codex", "chatserver", "codegen"]),
        ("chatserver , codex", True, ["chatserver", "codex", "codegen", "openai"]),
        ("codegen,chatserver,", False, ["chatserver", "openai", "codex", "codegen"]),
    ],
)
def test_the_order_of_preference(variable, prefer_codegen, order, make, monkeypatch):
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", variable)
    assert make(prefer_codegen=prefer_codegen, validate_on_creation=False).provider_names == order


@pytest.mark.parametrize("name", ["prefer_codegen", "fallback_enabled", "validate_on_creation"])
def test_a_flag_is_true_or_false(make, name):
    with pytest.raises(ValidationError, match=f"{name}: expected True or False, got 'no'"):
        make(**{name: "no"})


@pytest.mark.parametrize(
    ("name", "needed"),
    [
        ("codegen", "CODEGEN_API_TOKEN and CODEGEN_ORG_ID"),
        ("openai", "OPENAI_API_KEY"),
        ("codex", "OPENAI_API_KEY, or log in with `codex login`"),
        ("chatserver", "CHATSERVER_BASE_URL or CHATSERVER_API_KEY"),
    ],
)
def test_a_provider_without_credentials_says_what_it_needs(name, needed, make):
    for build in (
        lambda: make(name),
        make,
        make(name, validate_on_creation=False).get_available_models,
        lambda: make(validate_on_creation=False).generate_response("Hi"),
    ):
        with pytest.raises(providers.ProviderUnavailableError, match=f"{name}: no credentials: .*{needed}"):
            build()
    assert make(name, validate_on_creation=False).validate_credentials() is False


@pytest.mark.parametrize(
    ("order", "arguments", "problem"),
    [
        ("", {"provider_name": "gemini"}, "provider_name must be one of codegen, .*, got 'gemini'"),
        ("", {"colour": "blue"}, "colour is no option"),
        ("", {"openai": 5}, "openai must be a dict"),
        ("", {"provider_name": "openai", "colour": "blue"}, "openai has no option colour"),
        ("openai,gemini", {}, "CODEGEN_PROVIDER_ORDER lists 'gemini'"),
    ],
)
def test_an_unknown_name(order, arguments, problem, make, monkeypatch):
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", order)
    with pytest.raises(ConfigurationError, match=problem):
        make(**arguments)


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("timeout", value) for value in ("x", 0, float("nan"), 10**400)),
        *(("breaker_failures", value) for value in (0, "x", 1.5)),
        *(("breaker_cooldown", value) for value in (-1, "x")),
    ],
)
def test_a_wrong_number_of_a_chain_is_named(option, value, make, options):
    with pytest.raises(ConfigurationError, match=f"^{option} must be") as caught:
        make(**options, **{option: value})
    assert caught.value.config_key == option


@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_validation_is_one_cheap_request_and_only_401_condemns_a_credential(name, named, sandbox, openai_service):
    provider = named(name)
    openai_service.answers = [MODELS, refusal(403), refusal(404), REFUSED]
    assert provider.validate_credentials() is True
    for status in (403, 404, 401):
        for operation in ("list_agent_runs", "list_models"):
            sandbox.inject(operation, Fault.status(status), times=1)
        assert provider.validate_credentials() is (status != 401)
    assert [request.method for request in [*sandbox.requests, *openai_service.requests]] == ["GET"] * 4


def test_credentials_are_detected_in_the_environment(tmp_path, monkeypatch):
    nothing = dict.fromkeys(["codegen", "openai", "codex", "chatserver"], False)
    assert providers.detect_available_credentials() == nothing
    (tmp_path / "no-login").mkdir()
    (tmp_path / "no-login" / "auth.json").write_text("{}")
    assert providers.detect_available_credentials() == {**nothing, "codex": True}  # the CLI's own login
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    assert providers.detect_available_credentials()["codegen"] is False
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("CHATSERVER_BASE_URL", "http://localhost:3284")
    assert providers.detect_available_credentials() == dict.fromkeys(nothing, True)
    assert providers.get_available_providers() == ["codegen", "openai", "chatserver"]
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "chatserver")
    assert providers.get_available_providers() == ["chatserver", "codegen", "openai"]


def test_status_recommendation_and_comparison_which_show_nothing_of_a_credential(
    make, options, sandbox, openai_service
):
    openai_service.answers = [REFUSED]
    status = providers.get_provider_status(**options)
    assert status["codegen"] == {"is_available": True, "has_credentials": True}
    assert status["openai"]["has_credentials"] is True
    assert "not accepted (" in status["openai"]["error"]
    assert providers.get_recommended_provider(**options) == "codegen"
    assert providers.get_recommended_provider() is None
    compared = providers.get_provider_comparison(prefer_codegen=False, **options)
    available = ["codegen", "chatserver"]
    summary = {"recommended_provider": "chatserver", "available_providers": available, "total_providers": 4}
    assert compared["summary"] == summary
    assert compared["providers"]["codegen"]["default_model"] == "codegen-agent"
    assert compared["providers"]["openai"]["tools"] is True
    assert not shown(json.dumps([status, compared, providers.detect_available_credentials(**options)]))
    assert {request.method for request in sandbox.requests} == {"GET"}
    assert providers.validate_provider_credentials("codegen", clock=options["clock"], **options["codegen"]) is True
    assert providers.validate_provider_credentials("openai") is False
    client = make(**options)
    assert not shown(f"{client.generate_response('Hi')!r} {client!r} {client.get_enhanced_stats()!r}")


@pytest.mark.usefixtures("environment_of_three")
def test_a_wrong_setting_of_one_harms_no_other(make, openai_service, monkeypatch, caplog):
    caplog.set_level(logging.INFO, "codegen_ext.providers")
    monkeypatch.setenv("CODEGEN_ORG_ID", "abc")
    problem = "org_id must be the organization's number"
    response = make().generate_response("hi")
    assert response.provider_name == "openai"
    assert problem in response.metadata["tried"][0]["reason"]
    assert "provider codegen is not chosen: codegen: org_id must be" in caplog.text
    with pytest.raises(providers.ProviderUnavailableError, match=problem):
        make("codegen")
    openai_service.answers = [MODELS]
    status = providers.get_provider_status()
    assert problem in status["codegen"]["error"]
    assert status["openai"]["is_available"] is True


@pytest.mark.parametrize(
    ("name", "own", "problem"),
    [
        ("openai", {"api_key": KEY}, "pip install 'httpx[socks]'"),
        ("openai", {"api_key": "sk-ключ"}, "printable ASCII"),
        ("openai", {"api_key": KEY, "max_retries": -1}, "max_retries must be"),
        ("openai", {"api_key": KEY, "timeout": "x"}, "timeout must be"),
        ("openai", {"api_key": KEY, "base_url": 5}, "base_url must be"),
        ("codex", {"api_key": KEY, "sandbox_mode": "workspace-write"}, "needs the Codex CLI: npm install -g @openai"),
    ],
)
def test_what_cannot_be_used_on_this_machine_hands_over(name, own, problem, make, options, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "socks5://127.0.0.1:9")
    response = make(clock=options["clock"], chatserver=options["chatserver"], **{name: own}).generate_response("Hello")
    assert response.provider_name == "chatserver"
    assert problem in {entry["provider"]: entry["reason"] for entry in response.metadata["tried"]}[name]
    assert make(name, validate_on_creation=False, **own).validate_credentials() is False


def guest(error=None):
    """Return a provider of another package, with no more than it needs."""

    def answer(prompt, *args, **options):
        if error:
            raise error
        usage = {"prompt_tokens": 2, "total_tokens": -9, "cached_tokens": 1}
        return providers.AIResponse(prompt, "guest", None, usage)

    others = {"validate_credentials": lambda: True, "close": lambda: None}
    return SimpleNamespace(name="guest", is_available=True, generate_response=answer, **others)


@pytest.fixture
def chain_of_guest(make, options, monkeypatch):
    """Build a client that asks a guest first."""

    def build(create=guest, create_async=None, **own):
        providers.register_provider("guest", create, create_async)
        monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "guest")
        return make(**options, guest=own)

    yield build
    providers.unregister_provider("guest")


@once
def test_five_members_are_enough_in_a_chain(chain_of_guest):
    client = chain_of_guest()
    assert client.generate_response("hi", temperature=0.5).provider_name == "guest"
    assert list(client.stream_response("hi")) == ["hi"]
    assert client.get_default_model() is None
    assert client.validate_credentials() is True
    assert "codegen-agent" in client.get_available_models()
    stats = client.get_enhanced_stats()["providers"]["guest"]
    assert (stats["request_count"], stats["prompt_tokens"], stats["total_tokens"]) == (2, 4, 0)
    error = providers.ProviderRateLimitError("slowly", 429, provider_name="guest", retry_after=60)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), vars(again)) == (str(error), vars(error))
    response = chain_of_guest(error=error).generate_response("hi")
    assert response.provider_name == "codegen"
    assert response.metadata["tried"][0]["outcome"] == "ProviderRateLimitError"


def test_a_registered_provider_may_stream_or_have_no_asynchronous_form(
    chain_of_guest, options, openai_service, flavour
):
    openai_service.answers = [PIECES, ANSWER, MODELS]
    forms = [lambda build=build, **own: build("openai", own) for build in (sync_factory.build, async_factory.build)]
    client = chain_of_guest(*forms, **options["openai"])
    stream = client.stream_response("hi")
    assert list(stream) == ["From ", "OpenAI"]
    assert stream.response.content == client.generate_response("hi").content == "From OpenAI"
    assert client.validate_credentials() is True
    assert client.get_default_model() == client.get_available_models()[0] == "gpt-4o"
    response = chain_of_guest().generate_response("Hi")
    assert response.provider_name == ("codegen" if flavour.is_async else "guest")
    with pytest.raises(ConfigurationError, match="built-in"):
        providers.register_provider("openai", guest)


@pytest.mark.usefixtures("environment_of_three")
def test_the_doctor(sandbox, openai_service, capsys):
    openai_service.answers = [REFUSED, MODELS]
    sandbox.inject("list_models", Fault.status(500))
    assert main(["doctor", "--json"]) == 1
    printed = capsys.readouterr().out
    assert not shown(printed)
    told = json.loads(printed)
    assert told["healthy"] is False
    assert {name: (row["is_set_up"], row["is_available"]) for name, row in told["providers"].items()} == {
        "codegen": (True, True),
        "openai": (True, False),
        "codex": (False, False),
        "chatserver": (True, False),
    }
    assert main(["doctor", "codex"]) == 1  # nothing can be used
    sandbox.clear_faults()
    capsys.readouterr()
    assert main(["doctor"]) == 0  # what is not set up does not count
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert lines[:3] == [["provider", "credentials", "call"], ["codegen", "ok", "ok"], ["openai", "ok", "ok"]]
    assert lines[3][:6] == ["codex", "ok", "-", "not", "set", "up:"]
    for arguments in ([], ["nurse"], ["doctor", "gemini"]):
        with pytest.raises(SystemExit, match="2"):
            main(arguments)
    assert "no provider is called 'gemini'" in capsys.readouterr().err


@pytest.fixture
def leak(sandbox, openai_service):
    """Let all services repeat the credential, as it is or masked, in a refusal of this status."""

    def inject(status, repeat):
        openai_service.answers = [reply({"error": {"message": f"The key '{repeat(KEY)}' is odd."}}, status=status)]
        message = {"message": f"The token {repeat(TOKEN)} is odd.", "status_code": status}
        for operation in ("list_agent_runs", "list_models", "create_agent_run", "create_chat_completion"):
            sandbox.inject(operation, Fault.status(status, message))

    return inject


@pytest.mark.parametrize(("status", "repeat"), [(401, masked), (400, masked), (400, str)])
@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_a_failure_shows_nothing(name, status, repeat, leak, named, caplog):
    leak(status, repeat)
    provider = named(name)
    with caplog.at_level(logging.DEBUG):
        problem = provider.validation_error()
        with pytest.raises(providers.AIProviderError) as caught:
            provider.generate_response("Hi")
    said = [record.getMessage() for record in caplog.records if record.name == "codegen_ext.providers"]
    error = caught.value
    assert not shown("".join(traceback.format_exception(error)) + repr(error.__dict__) + repr(provider))
    assert not shown(f"{problem} {said} {provider.get_enhanced_stats()}")
    assert not shown(repr(pickle.loads(pickle.dumps(error)).__dict__))
