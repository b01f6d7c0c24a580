"""Messages in any notation; what is wrong with one is told before anything is sent."""

from typing import Any

import pytest

from codegen_ext.chatserver import BadRequestError, ChatCompletionMessage, Message, MessageRole
from codegen_ext.chatserver.messages import as_messages
from codegen_ext.testing import Sandbox


def test_objects_dicts_and_strings_may_be_mixed(chat: Any, sandbox: Sandbox) -> None:
    conversation = [
        Message(role=MessageRole.SYSTEM, content="Be brief"),
        {"role": "user", "content": "Hello"},
        chat.create_completion("gpt-4o", ["Hello"]).choices[0].message,
        {"role": MessageRole.ASSISTANT, "content": "Hi"},
        "How are you?",
    ]
    answer = chat.create_completion("gpt-4o", conversation, user="u")
    assert answer.choices[0].message.content == "Echo: How are you?"
    stored = chat.get_session(answer.system_fingerprint, user_id="u").messages
    assert [record.role for record in stored] == ["system", "user", "assistant", "assistant", "user", "assistant"]


def test_every_notation_means_the_same_and_unknown_fields_are_sent() -> None:
    notations = [
        Message("user", "x"),
        ChatCompletionMessage("user", "x"),
        {"role": MessageRole.USER, "content": "x"},
        {"role": "user", "content": "x"},
        "x",
    ]
    sent = as_messages(message for message in notations)
    assert sent == [{"role": "user", "content": "x"}] * 5
    assert {type(message["role"]) for message in sent} == {str}
    named = {"role": "user", "content": "x", "name": "Ada"}
    assert as_messages([Message.from_dict(named), named]) == [named, named]


WRONG = [
    ([], "messages: expected at least one"),
    (None, "messages: expected a list of messages, got NoneType"),
    (5, "messages: expected a list of messages, got int"),
    ("Hello", "messages: expected a list of messages, got str"),
    ({"role": "user", "content": "x"}, "messages: expected a list of messages, got dict"),
    (Message("user", "x"), "messages: expected a list of messages, got ChatMessage"),
    ([""], r"messages\[0\].content: must not be empty"),
    (["x", {"role": "user", "content": ""}], r"messages\[1\].content: must not be empty"),
    ([{"role": "user"}], r"messages\[0\].content: expected a string, got NoneType"),
    (
        [{"role": "user", "content": [{"type": "text", "text": "x"}]}],
        r"messages\[0\].content: expected a string, got list",
    ),
    ([ChatCompletionMessage("assistant", None)], r"messages\[0\].content: expected a string, got NoneType"),
    ([{"content": "x"}], r"messages\[0\].role: expected assistant, system, user, got NoneType"),
    ([{"role": "tool", "content": "x"}], r"messages\[0\].role: expected assistant, system, user, got 'tool'"),
    ([Message("USER", "x")], r"messages\[0\].role: .* got 'USER'"),
    ([{"role": ["user"], "content": "x"}], r"messages\[0\].role: .* got list"),
    ([{"role": "x" * 50, "content": "x"}], r"messages\[0\].role: .* got str"),
    (["x", None], r"messages\[1\]: expected a Message, a dict or a string, got NoneType"),
    (["a\ud83d"], "messages: cannot be sent"),
]


@pytest.mark.parametrize(("messages", "problem"), WRONG)
def test_wrong_messages_are_refused_before_anything_is_sent(
    chat: Any, sandbox: Sandbox, messages: Any, problem: str
) -> None:
    with pytest.raises(BadRequestError, match=problem) as caught:
        chat.create_completion("gpt-4o", messages, stream=True)
    assert (caught.value.status_code, caught.value.operation) == (400, "create_chat_completion")
    assert caught.value.field == caught.value.message.partition(":")[0]
    assert sandbox.requests == []


WRONG_ARGUMENTS: list[dict[str, Any]] = [
    {"model": ""},
    {"model": None},
    {"model": 5},
    {"temperature": 2.1},
    {"top_p": -0.1},
    {"max_tokens": 0},
    {"metadata": "x"},
    {"metadata": {"x": {1}}},
    {"metadata": {"x": "\ud800"}},
    {"user": 5},
]


@pytest.mark.parametrize("options", WRONG_ARGUMENTS, ids=ascii)
def test_other_wrong_arguments_are_refused_before_anything_is_sent(
    chat: Any, sandbox: Sandbox, options: dict[str, Any]
) -> None:
    with pytest.raises(BadRequestError) as caught:
        chat.create_completion(**{"model": "gpt-4o", "messages": ["x"], **options})
    assert (caught.value.status_code, caught.value.field) == (400, *options)
    assert sandbox.requests == []
