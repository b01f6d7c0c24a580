"""The `openai` package itself talks to a ChatServer."""

import asyncio
from collections.abc import Iterator
from typing import Any

import openai
import pytest

from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour

HELLO: Any = [{"role": "user", "content": "Hello there"}]


class Program:
    """What a user wrote, for a client of either kind."""

    def __init__(self, flavour: Flavour, sandbox: Sandbox) -> None:
        self._flavour = flavour
        kind = openai.AsyncOpenAI if flavour.is_async else openai.OpenAI
        self.client: Any = kind(api_key=TOKEN, base_url=f"{sandbox.base_url}/v1", max_retries=0)

    def create(self, **options: Any) -> Any:
        return self._wait(self.client.chat.completions.create(**{"model": "gpt-4o", "messages": HELLO, **options}))

    def models(self) -> Any:
        return self._wait(self.client.models.list())

    def read(self, stream: Any, limit: int = 100) -> list[Any]:
        """Read chunks until the end or the limit, in a `with` statement."""

        async def collect() -> list[Any]:
            found = []
            async with stream:
                async for event in stream:
                    found.append(event)
                    if len(found) == limit:
                        break
            return found

        if self._flavour.is_async:
            found: list[Any] = self._flavour.settle(collect())
            return found
        with stream:
            return [event for event, _ in zip(stream, range(limit), strict=False)]

    def close(self) -> None:
        self._wait(self.client.close())

    def _wait(self, value: Any) -> Any:
        return self._flavour.settle(value) if asyncio.iscoroutine(value) or hasattr(value, "__await__") else value


@pytest.fixture
def program(flavour: Flavour, sandbox: Sandbox) -> Iterator[Program]:
    made = Program(flavour, sandbox)
    yield made
    made.close()


def test_a_conversation(program: Program) -> None:
    answer = program.create(temperature=0.0, max_tokens=2, top_p=0.5, user="u", metadata={"workflow": "w"}, n=1)
    (choice,) = answer.choices
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "Echo: Hello", "length")
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == 4
    messages = [*HELLO, {"role": "assistant", "content": choice.message.content}, {"role": "user", "content": "Again"}]
    again = program.create(messages=messages, user="u", metadata={"session_id": answer.system_fingerprint})
    assert again.choices[0].message.content == "Echo: Again"
    assert again.system_fingerprint == answer.system_fingerprint


@pytest.mark.parametrize("options", [{}, {"stream_options": {"include_usage": True}}])
def test_a_stream(program: Program, sandbox: Sandbox, options: dict[str, Any]) -> None:
    sandbox.inject("*", Fault.keep_alive(2), times=1)
    chunks = program.read(program.create(stream=True, **options))
    assert "".join(event.choices[0].delta.content or "" for event in chunks) == "Echo: Hello there"
    assert chunks[0].choices[0].delta.role == "assistant"
    assert (chunks[-1].choices[0].finish_reason, chunks[-1].usage.completion_tokens) == ("stop", 3)
    for _ in range(3):
        assert len(program.read(program.create(stream=True), 2)) == 2  # left early
    assert program.create().choices


def test_the_models(program: Program, flavour: Flavour) -> None:
    async def collect(models: Any) -> list[str]:
        return [model.id async for model in models]

    models = program.models()
    assert [model.id for model in models.data][:2] == ["claude-3-haiku", "claude-3-5-sonnet"]
    assert (models.data[0].object, models.data[0].owned_by, models.data[0].provider) == ("model", "claude", "claude")
    for listed in (program.client.models.list(), models):
        found = flavour.settle(collect(listed)) if flavour.is_async else [model.id for model in listed]
        assert found == [model.id for model in models.data]


def test_options_of_the_server_and_headers(program: Program) -> None:
    options = {"extra_body": {"system_prompt": "One two three"}, "extra_headers": {"X-A": "1"}, "timeout": 60}
    assert program.create(**options).usage.prompt_tokens == 5
    assert program.create(max_completion_tokens=None).usage.prompt_tokens == 2


STATUSES = {
    400: openai.BadRequestError,
    401: openai.AuthenticationError,
    404: openai.NotFoundError,
    500: openai.InternalServerError,
}


@pytest.mark.parametrize("status", STATUSES)
@pytest.mark.parametrize("stream", [False, True])
def test_a_refusal_is_an_error_at_once(program: Program, sandbox: Sandbox, status: int, stream: bool) -> None:
    sandbox.inject("*", Fault.status(status))
    with pytest.raises(STATUSES[status]) as caught:
        program.create(stream=stream)
    assert caught.value.status_code == status
    assert caught.value.request_id == "sandbox-0-1"


def test_an_error_in_a_stream_is_an_error(program: Program, sandbox: Sandbox) -> None:
    sandbox.inject("*", Fault.error_event(2, "out of memory"))
    with pytest.raises(openai.APIError, match="out of memory"):
        program.read(program.create(stream=True))
