"""Nothing shows any part of a credential, nor its length."""

import json
import logging
import pickle
import re
import traceback

import pytest

from codegen_ext import providers
from codegen_ext.providers.__main__ import main
from codegen_ext.testing import Fault

from ..conftest import TOKEN
from ..support.loopback import reply
from .conftest import KEY


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


def test_status_comparison_doctor_and_answers_show_nothing(make, leak, options, monkeypatch, capsys):
    client = make(**options)
    assert not shown(repr(client.generate_response("Hi")) + repr(client) + repr(client.get_enhanced_stats()))
    leak(401, masked)
    seen = [
        providers.get_provider_status(**options),
        providers.get_provider_comparison(**options),
        providers.detect_available_credentials(**options),
    ]
    assert seen[0]["openai"]["has_credentials"] is True
    assert not shown(json.dumps(seen))
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    monkeypatch.setenv("OPENAI_BASE_URL", options["openai"]["base_url"])
    assert main(["doctor", "openai"]) == main(["doctor", "openai", "--json"]) == 1
    assert not shown(capsys.readouterr().out)
