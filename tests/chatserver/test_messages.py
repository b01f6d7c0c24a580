"""Messages in any notation; what is wrong with one is told before anything is sent."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext.chatserver import BadRequestError, ChatCompletionMessage, Message, MessageRole
from codegen_ext.chatserver.messages import as_messages
from codegen_ext.testing import Sandbox

roles = st.sampled_from(MessageRole)
texts = st.text(min_size=1)


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


@given(st.lists(st.tuples(roles, texts, st.integers(0, 3)), min_size=1))
def test_every_notation_means_the_same(items: list[tuple[MessageRole, str, int]]) -> None:
    def written(role: MessageRole, text: str, notation: int) -> Any:
        if notation == 0:
            return Message(role, text)
        if notation == 1:
            return ChatCompletionMessage(role, text)
        return text if notation == 2 and role == "user" else {"role": role.value, "content": text}

    sent = as_messages(written(*item) for item in items)
    assert sent == [{"role": str(role), "content": text} for role, text, _ in items]
    assert {type(message["role"]) for message in sent} == {str}


def test_fields_of_a_message_that_nobody_knows_are_sent() -> None:
    message = Message.from_dict({"role": "user", "content": "x", "name": "Ada"})
    assert as_messages([message, {"role": "user", "content": "y", "name": "Bob"}]) == [
        {"role": "user", "content": "x", "name": "Ada"},
        {"role": "user", "content": "y", "name": "Bob"},
    ]


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
@pytest.mark.parametrize("stream", [False, True])
def test_wrong_messages_are_refused_before_anything_is_sent(
    chat: Any, sandbox: Sandbox, messages: Any, problem: str, stream: bool
) -> None:
    with pytest.raises(BadRequestError, match=problem) as caught:
        chat.create_completion("gpt-4o", messages, stream=stream)
    assert (caught.value.status_code, caught.value.operation) == (400, "create_chat_completion")
    assert caught.value.field == caught.value.message.partition(":")[0]
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"model": ""}, "model"),
        ({"model": None}, "model"),
        ({"model": 5}, "model"),
        ({"temperature": 2.1}, "temperature"),
        ({"top_p": -0.1}, "top_p"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"metadata": "x"}, "metadata"),
        ({"metadata": {"x": object()}}, "metadata"),
        ({"metadata": {"x": "\ud800"}}, "metadata"),
        ({"user": 5}, "user"),
    ],
)
def test_other_wrong_arguments_are_refused_before_anything_is_sent(
    chat: Any, sandbox: Sandbox, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(BadRequestError) as caught:
        chat.create_completion(**{"model": "gpt-4o", "messages": ["x"], **options})
    assert (caught.value.status_code, caught.value.field) == (400, field)
    assert sandbox.requests == []
