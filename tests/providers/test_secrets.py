"""Nothing shows any part of a credential, nor its length."""

import json
import logging
import pickle
import re
import traceback
from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext.providers import (
    AIProviderError,
    detect_available_credentials,
    get_provider_comparison,
    get_provider_status,
)
from codegen_ext.providers.__main__ import main, report
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..support.loopback import Loopback, reply
from .conftest import ANSWER, KEY


def shown(text: str) -> list[str]:
    """Return the pieces of four characters of a credential that a text has, and its length; paths may have any."""
    text = re.sub(r'File "[^"]*"', "", text)
    pieces = [secret[at : at + 4] for secret in (KEY, TOKEN) for at in range(len(secret) - 3)]
    return [piece for piece in pieces if piece in text] + [
        word for word in text.split() if word in (str(len(KEY)), str(len(TOKEN)))
    ]


@pytest.fixture
def leaky(sandbox: Sandbox, openai_service: Loopback) -> None:
    """Services that repeat the credential, as OpenAI does: its beginning and its end."""
    message = f"Incorrect API key provided: {KEY[:8]}*****{KEY[-4:]}."
    openai_service.answers = [reply({"error": {"message": message, "code": "invalid_api_key"}}, status=401)]
    for operation in ("list_agent_runs", "list_models", "create_agent_run", "create_chat_completion"):
        sandbox.inject(
            operation, Fault.status(401, {"message": f"bad token {TOKEN[:6]}…{TOKEN[-5:]}", "status_code": 401})
        )


@pytest.mark.usefixtures("leaky")
@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_a_refusal_shows_nothing(name: str, named: Callable[..., Any], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        provider = named(name)
        assert provider.validate_credentials() is False
        with pytest.raises(AIProviderError) as caught:
            provider.generate_response("Hi")
    said = [record.getMessage() for record in caplog.records if record.name == "codegen_ext.providers"]
    error = caught.value
    assert not shown("".join(traceback.format_exception(error)) + repr(error.__dict__) + repr(provider))
    assert not shown(f"{provider.validation_error()} {said} {provider.get_enhanced_stats()}")
    assert not shown(repr(pickle.loads(pickle.dumps(error)).__dict__))


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("name", ["codegen", "openai", "chatserver"])
def test_another_failure_shows_nothing(
    name: str, masked: bool, named: Callable[..., Any], sandbox: Sandbox, openai_service: Loopback
) -> None:
    key, token = (f"{secret[:9]}****{secret[-4:]}" if masked else secret for secret in (KEY, TOKEN))
    openai_service.answers = [reply({"error": {"message": f"The key '{key}' is odd."}}, status=400)]
    for operation in ("create_agent_run", "create_chat_completion"):
        sandbox.inject(operation, Fault.status(400, {"message": f"The token {token} is odd.", "status_code": 400}))
    with pytest.raises(AIProviderError) as caught:
        named(name).generate_response("Hi")
    assert not shown("".join(traceback.format_exception(caught.value)) + repr(caught.value.__dict__))


@pytest.mark.usefixtures("leaky")
def test_status_comparison_and_doctor_show_nothing(
    options: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    seen = [get_provider_status(**options), get_provider_comparison(**options), detect_available_credentials(**options)]
    assert seen[0]["openai"]["has_credentials"] is True
    assert not shown(json.dumps(seen))
    assert not shown(repr(report(**options)))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", options["openai"]["base_url"])
    assert main(["doctor", "openai"]) == 1
    assert main(["doctor", "openai", "--json"]) == 1
    assert not shown(capsys.readouterr().out)


def test_an_answer_shows_nothing(make: Callable[..., Any], options: dict[str, Any], openai_service: Loopback) -> None:
    openai_service.answers = [ANSWER]
    client = make(validate_on_creation=False, **options)
    assert not shown(repr(client.generate_response("Hi")) + repr(client) + repr(client.get_enhanced_stats()))
