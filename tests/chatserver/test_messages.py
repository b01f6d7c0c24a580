"""Messages in any notation; what is wrong with an argument is told before anything is sent."""

from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext.chatserver import BadRequestError, ChatCompletionMessage, Message, MessageRole
from codegen_ext.testing import Sandbox

from ..support.loopback import Loopback, reply
from .conftest import COMPLETION


def test_every_notation_means_the_same_and_unknown_fields_are_sent(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    server = serve(reply(COMPLETION))
    named = {"role": "user", "content": "x", "name": "Ada"}
    notations = [
        Message("user", "x"),
        ChatCompletionMessage("user", "x"),
        {"role": MessageRole.USER, "content": "x"},
        {"role": "user", "content": "x"},
        "x",
        Message.from_dict(named),
        named,
    ]
    connect_chat(None, server.base_url).create_completion("m", (message for message in notations))
    assert server.requests[0].json()["messages"] == [*[{"role": "user", "content": "x"}] * 5, named, named]


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages: expected at least one"),
    ({"messages": 5}, "messages: expected a list of messages, got int"),
    ({"messages": "Hello"}, "messages: expected a list of messages, got str"),
    ({"messages": {"role": "user", "content": "x"}}, "messages: expected a list of messages, got dict"),
    ({"messages": Message("user", "x")}, "messages: expected a list of messages, got ChatMessage"),
    ({"messages": ["x", {"role": "user", "content": ""}]}, "messages[1].content: must not be empty"),
    ({"messages": [{"role": "user", "content": ["x"]}]}, "messages[0].content: expected a string, got list"),
    ({"messages": [ChatCompletionMessage("assistant", None)]}, "messages[0].content: expected a string, got NoneType"),
    ({"messages": [Message("USER", "x")]}, "messages[0].role: expected assistant, system, user, got 'USER'"),
    ({"messages": [{"role": ["user"]}]}, "messages[0].role: expected assistant, system, user, got list"),
    ({"messages": [{"role": "x" * 50}]}, "messages[0].role: expected assistant, system, user, got str"),
    ({"messages": ["x", None]}, "messages[1]: expected a Message, a dict or a string, got NoneType"),
    ({"messages": ["a\ud83d"]}, "messages: cannot be sent"),
    ({"model": ""}, "model: expected the name of a model"),
    ({"temperature": 2.1}, "temperature: "),
    ({"metadata": "x"}, "metadata: expected a dict, got str"),
    ({"metadata": {"x": {1}}}, "metadata: "),
]


@pytest.mark.parametrize(("arguments", "problem"), WRONG, ids=ascii)
def test_wrong_arguments_are_refused_before_anything_is_sent(
    chat: Any, sandbox: Sandbox, arguments: dict[str, Any], problem: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        chat.create_completion(**{"model": "gpt-4o", "messages": ["x"], "stream": True, **arguments})
    assert caught.value.message.startswith(problem)
    assert (caught.value.status_code, caught.value.operation) == (400, "create_chat_completion")
    assert caught.value.field == problem.partition(":")[0]
    assert sandbox.requests == []
