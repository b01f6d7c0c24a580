"""The `openai` package itself talks to a ChatServer."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest

from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN

HELLO: Any = [{"role": "user", "content": "Hello there"}]


def of(kind: type, sandbox: Sandbox) -> Any:
    return kind(api_key=TOKEN, base_url=f"{sandbox.base_url}/v1", max_retries=0)


@pytest.fixture
def client(sandbox: Sandbox) -> Iterator[openai.OpenAI]:
    with of(openai.OpenAI, sandbox) as client:
        yield client


@pytest.fixture
def create(client: openai.OpenAI) -> Any:
    return lambda **options: client.chat.completions.create(**{"model": "gpt-4o", "messages": HELLO, **options})


def test_a_conversation(create: Any) -> None:
    answer = create(temperature=0.0, max_tokens=2, top_p=0.5, user="u", metadata={"workflow": "w"}, n=1)
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Echo: Hello", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == 4
    messages = [*HELLO, {"role": "assistant", "content": choice.message.content}, {"role": "user", "content": "Again"}]
    again = create(messages=messages, user="u", metadata={"session_id": answer.system_fingerprint})
    assert again.choices[0].message.content == "Echo: Again"
    assert again.system_fingerprint == answer.system_fingerprint
    options = {"extra_body": {"system_prompt": "One two three"}, "extra_headers": {"X-A": "1"}, "timeout": 60}
    assert create(**options).usage.prompt_tokens == 5
    assert create(max_completion_tokens=None).usage.prompt_tokens == 2


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
def test_a_stream(create: Any, sandbox: Sandbox, options: dict[str, Any]) -> None:
    sandbox.inject("*", Fault.keep_alive(2), times=1)
    with create(stream=True, **options) as stream:
        chunks = list(stream)
    assert "".join(event.choices[0].delta.content or "" for event in chunks) == "Echo: Hello there"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (chunks[-1].choices[0].finish_reason, chunks[-1].usage.completion_tokens) == ("stop", 3)
    with create(stream=True) as stream:
        next(stream)  # left early
    assert create().choices


async def test_the_asynchronous_client(sandbox: Sandbox) -> None:
    async with of(openai.AsyncOpenAI, sandbox) as client:
        async with await client.chat.completions.create(model="gpt-4o", messages=HELLO, stream=True) as stream:
            pieces = [event.choices[0].delta.content or "" async for event in stream]
        assert "".join(pieces) == "Echo: Hello there"
        models = [model.id async for model in client.models.list()]
        assert models[:2] == ["claude-3-haiku", "claude-3-5-sonnet"]


def test_the_models(client: openai.OpenAI) -> None:
    (model, *_) = models = list(client.models.list())
    assert (model.id, model.object, model.owned_by) == ("claude-3-haiku", "model", "claude")
    assert [other.id for other in client.models.list().data] == [other.id for other in models]


STATUSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    500: openai.InternalServerError,
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_an_error_at_once(create: Any, sandbox: Sandbox, status: int, stream: bool) -> None:
    sandbox.inject("*", Fault.status(status))
    with pytest.raises(STATUSES[status]) as caught:
        create(stream=stream)
    assert (caught.value.status_code, caught.value.request_id) == (status, "sandbox-0-1")


def test_an_error_in_a_stream_is_an_error(create: Any, sandbox: Sandbox) -> None:
    sandbox.inject("*", Fault.error_event(2, "out of memory"))
    with pytest.raises(openai.APIError, match="out of memory"):
        list(create(stream=True))
