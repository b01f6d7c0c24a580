"""Mock clients for users' tests: no CLI, no key, and the real clients' arguments, answers and errors."""

import asyncio
from contextlib import nullcontext

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from codegen_ext.codex import CodexConfigurationError, CodexError
from codegen_ext.testing import AsyncMockCodexClient, MockCodexClient

from .conftest import HI, content, text


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("PATH", "")
    return MockCodexClient()


def test_answers_and_calls(client):
    completion = client.chat.completions.create(messages=HI, model="m", max_tokens=9)
    assert type(completion) is ChatCompletion
    assert (text(completion), completion.model) == ("This is a mock answer.", "m")
    assert completion.usage is not None
    assert client.calls == [(HI, {"model": "m", "max_tokens": 9})]
    chunks = [*client.chat.completions.create(messages=HI, stream=True)]
    assert all(type(chunk) is ChatCompletionChunk for chunk in chunks)
    assert content(chunks) == text(completion)
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) > 1
    assert [model.id for model in client.models.list()] == ["mock"]
    assert client.server_pid is None
    client.reset_mock()
    assert client.calls == []
    client.close()


def shout(messages, **arguments):
    return f"{messages[-1]['content'].upper()} {arguments}"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        ("one", ["one", "one"]),
        (["one", "two"], ["one", "two", "two"]),
        ([CodexError, shout], [CodexError, "HI {}"]),
        (CodexError("oh"), [CodexError, CodexError]),
        (5, [TypeError]),
    ],
)
def test_responses(client, response, expected):
    asynchronous = AsyncMockCodexClient()
    for mock in (client, asynchronous):
        mock.set_mock_response(response)
    for outcome in expected:
        for call in (
            lambda: client.chat.completions.create(messages=HI),
            lambda: asyncio.run(asynchronous.chat.completions.create(messages=HI)),
        ):
            with nullcontext() if isinstance(outcome, str) else pytest.raises(outcome):
                assert text(call()) == outcome


def test_arguments_are_checked_and_limits_hold(client):
    client.set_mock_response(["One. Two.", "Three."])
    completion = client.chat.completions.create(messages=HI, stop=" Two", n=2)
    assert [choice.message.content for choice in completion.choices] == ["One.", "Three."]
    assert len(client.calls) == 1
    with pytest.raises(openai.BadRequestError):
        client.chat.completions.create(messages=[])
    with pytest.raises(CodexConfigurationError):
        MockCodexClient(sandbox_mode="none")
    assert len(client.calls) == 1
