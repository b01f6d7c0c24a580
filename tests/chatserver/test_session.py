"""A conversation remembers its session."""

from collections.abc import Callable
from typing import Any

import pytest

from codegen_ext.chatserver import (
    AsyncChatServerClient,
    BadRequestError,
    InvalidResponseError,
    Message,
    MessageRole,
    NotFoundError,
)
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN
from ..support.loopback import Loopback, reply
from .conftest import COMPLETION

MODEL = "gpt-4o"


def said(conversation: Any) -> list[tuple[str, str]]:
    return [(str(record.role), record.content) for record in conversation.history()]


def test_a_conversation_is_one_session(chat: Any) -> None:
    talk = chat.session("ada")
    assert (talk.user_id, talk.session_id, talk.history()) == ("ada", None, [])
    assert repr(talk).endswith("ChatSession(user_id='ada', session_id=None)")
    answer = talk.send("One", model=MODEL)
    assert answer.choices[0].message.content == "Echo: One"
    assert talk.session_id == answer.system_fingerprint
    other = chat.session("ada", model=MODEL)
    with other.stream("Two", metadata={"session_id": talk.session_id}) as stream:
        assert next(stream) == "Echo:"
        assert other.session_id == talk.session_id  # as soon as it is known
        assert "".join(stream) == " Two"
    assert stream.metadata["system_fingerprint"] == talk.session_id
    assert said(talk) == [("user", "One"), ("assistant", "Echo: One"), ("user", "Two"), ("assistant", "Echo: Two")]
    assert [session.id for session in chat.iter_sessions("ada")] == [talk.session_id]


def test_a_recorded_session_goes_on_with_its_model(chat: Any, sandbox: Sandbox) -> None:
    first = chat.create_completion("droid-core", ["One"], user="ada")
    talk = chat.session("ada", first.system_fingerprint)
    assert talk.send("Two").model == "droid-core"
    assert talk.send("Three").model == "droid-core"
    assert talk.send("Four", "gpt-4o").model == "gpt-4o"
    assert talk.model == "droid-core"
    assert len(said(talk)) == 8
    asked = [request.operation for request in sandbox.requests]
    assert asked.count("get_session") == 2
    assert "list_models" not in asked


def test_without_a_model_the_first_of_the_server_is_used(chat: Any, sandbox: Sandbox) -> None:
    talk = chat.session("ada")
    assert talk.send("One").model == "claude-3-haiku"
    with talk.stream("Two") as stream:
        list(stream)
    assert stream.metadata["model"] == "claude-3-haiku"
    assert [request.operation for request in sandbox.requests].count("list_models") == 1


def test_several_messages_and_options(chat: Any) -> None:
    talk = chat.session("ada", model=MODEL)
    answer = talk.send([Message(MessageRole.SYSTEM, "Be brief"), "Hello there"], max_tokens=2, workflow="w")
    assert answer.choices[0].message.content == "Echo: Hello"
    assert [role for role, _ in said(talk)] == ["system", "user", "assistant"]
    detail = chat.get_session(talk.session_id, user_id="ada")
    assert detail.session.metadata["workflow"] == "w"
    talk.send({"role": "user", "content": "Again"})
    talk.send(Message(MessageRole.USER, "And again"))
    assert len(said(talk)) == 7


def test_what_fails_changes_nothing(chat: Any, sandbox: Sandbox) -> None:
    talk = chat.session("ada", model=MODEL)
    talk.send("One")
    session_id = talk.session_id
    sandbox.inject("create_chat_completion", Fault.empty_body(), times=1)
    with pytest.raises(InvalidResponseError):
        talk.send("Two")
    with pytest.raises(BadRequestError):
        talk.send("")
    assert talk.session_id == session_id
    with pytest.raises(NotFoundError):
        chat.session("grace", session_id, model=MODEL).send("Mine?")


def test_a_recorded_session_without_model_takes_the_first_of_the_server(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    moments = {"created_at": "2025-10-01T12:00:00Z", "updated_at": "2025-10-01T12:00:00Z"}
    counts = dict.fromkeys(("message_count", "tokens_in", "tokens_out", "tokens_total"), 0)
    session = {"id": "s", "user_id": "ada", "metadata": {}, "archived": False, "model": None, **moments, **counts}
    server = serve(reply({"session": session, "messages": []}), reply({"data": [{"id": "first"}]}), reply(COMPLETION))
    talk = connect_chat(None, server.base_url).session("ada", "s")
    talk.send("Hello")
    assert server.requests[-1].json()["model"] == "first"
    assert (talk.model, talk.session_id) == ("first", "s")
    with pytest.raises(BadRequestError, match="offers no model"):
        connect_chat(None, serve(reply({"data": []})).base_url).session("ada").send("One")


@pytest.mark.parametrize("method", ["send", "stream"])
def test_what_is_wrong_is_told_before_anything_is_sent(chat: Any, sandbox: Sandbox, method: str) -> None:
    say = getattr(chat.session("ada"), method)
    for wrong, problem in (("", "must not be empty"), ([], "expected at least one message")):
        with pytest.raises(BadRequestError, match=problem):
            say(wrong)
    for option in ("temprature", "session_id"):
        with pytest.raises(TypeError, match=f"'{option}'"):
            say("One", model=MODEL, **{option: 1})
    assert sandbox.requests == []


async def test_an_async_stream_is_entered_or_iterated(sandbox: Sandbox) -> None:
    async with AsyncChatServerClient(TOKEN, sandbox.base_url) as chat:
        talk = chat.session("ada", model=MODEL)
        assert [piece async for piece in talk.stream("One")] == ["Echo:", " One"]
        async with talk.stream("Two") as stream:
            assert await anext(stream) == "Echo:"
        assert [piece async for piece in stream] == []
        async with talk.stream("Three") as stream:
            assert "".join([piece async for piece in stream]) == "Echo: Three"
        assert len(await talk.history()) == 6
        with pytest.raises(BadRequestError):
            async with talk.stream(""):
                pass
