"""The `openai` package itself talks to a ChatServer."""

import openai
import pytest

from codegen_ext.testing import Fault

from ..conftest import TOKEN

HELLO = [{"role": "user", "content": "Hello there"}]


def of(kind, sandbox):
    return kind(api_key=TOKEN, base_url=f"{sandbox.base_url}/v1", max_retries=0)


@pytest.fixture
def create(sandbox):
    with of(openai.OpenAI, sandbox) as client:
        yield lambda **options: client.chat.completions.create(**{"model": "gpt-4o", "messages": HELLO, **options})


def test_a_conversation(create):
    answer = create(temperature=0.0, max_tokens=2, top_p=0.5, user="u", metadata={"workflow": "w"}, n=1)
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Echo: Hello", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == 4
    messages = [*HELLO, {"role": "assistant", "content": choice.message.content}, {"role": "user", "content": "Again"}]
    again = create(messages=messages, user="u", metadata={"session_id": answer.system_fingerprint})
    assert again.choices[0].message.content == "Echo: Again"
    assert again.system_fingerprint == answer.system_fingerprint


def test_a_stream(create, sandbox):
    sandbox.inject("*", Fault.keep_alive(2), times=1)
    with create(stream=True, stream_options={"include_usage": True}) as stream:
        chunks = list(stream)
    assert "".join(event.choices[0].delta.content or "" for event in chunks) == "Echo: Hello there"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (chunks[-1].choices[0].finish_reason, chunks[-1].usage.completion_tokens) == ("stop", 3)
    with create(stream=True) as stream:
        next(stream)  # left early
    assert create().choices


async def test_the_asynchronous_client(sandbox):
    async with of(openai.AsyncOpenAI, sandbox) as client:
        async with await client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as stream:
            pieces = [event.choices[0].delta.content or "" async for event in stream]
        assert "".join(pieces) == "Echo: Hello there"
        models = [model.id async for model in client.models.list()]
        assert models[:2] == ["claude-3-haiku", "claude-3-5-sonnet"]


def test_an_error_in_a_stream_is_an_error(create, sandbox):
    sandbox.inject("*", Fault.error_event(2, "out of memory"))
    with pytest.raises(openai.APIError, match="out of memory"):
        list(create(stream=True))
