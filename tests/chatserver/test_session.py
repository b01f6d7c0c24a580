"""A conversation remembers its session."""

import pytest

from codegen_ext.chatserver import Message, MessageRole, errors

from ..support.loopback import reply
from .conftest import COMPLETION

MODEL = "gpt-4o"


def said(conversation):
    return [(str(record.role), record.content) for record in conversation.history()]


def test_a_conversation_is_one_session(chat):
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


def test_a_recorded_session_goes_on_with_its_model(chat, sandbox):
    first = chat.create_completion("droid-core", ["One"], user="ada")
    talk = chat.session("ada", first.system_fingerprint)
    assert talk.send("Two").model == "droid-core"
    assert talk.send("Three").model == "droid-core"
    assert talk.send("Four", "gpt-4o").model == "gpt-4o"
    assert talk.model == "droid-core"
    talk.send([Message(MessageRole.SYSTEM, "Be brief"), "Hello there"], max_tokens=2, workflow="w")
    assert said(talk)[-1] == ("assistant", "Echo: Hello")
    assert len(said(talk)) == 11
    assert chat.get_session(talk.session_id, user_id="ada").session.metadata["workflow"] == "w"
    asked = [request.operation for request in sandbox.requests]
    assert asked.count("get_session") == 1 + 3  # for the model, and for what was looked at
    assert "list_models" not in asked


def test_a_recorded_session_without_model_takes_the_first_of_the_server(serve, connect_chat):
    moments = {"created_at": "2025-10-01T12:00:00Z", "updated_at": "2025-10-01T12:00:00Z"}
    counts = dict.fromkeys(("message_count", "tokens_in", "tokens_out", "tokens_total"), 0)
    session = {"id": "s", "user_id": "ada", "metadata": {}, "archived": False, "model": None, **moments, **counts}
    server = serve(reply({"session": session, "messages": []}), reply({"data": [{"id": "first"}]}), reply(COMPLETION))
    talk = connect_chat(None, server.base_url).session("ada", "s")
    talk.send("Hello")
    assert server.requests[-1].json()["model"] == "first"
    assert (talk.model, talk.session_id) == ("first", "s")
    with pytest.raises(errors.BadRequestError, match="offers no model"):
        connect_chat(None, serve(reply({"data": []})).base_url).session("ada").send("One")


@pytest.mark.parametrize("method", ["send", "stream"])
def test_what_is_wrong_is_told_before_anything_is_sent(chat, sandbox, method):
    say = getattr(chat.session("ada"), method)
    for wrong, problem in (("", "must not be empty"), ([], "expected at least one message")):
        with pytest.raises(errors.BadRequestError, match=problem):
            say(wrong)
    for option in ("temprature", "session_id"):
        with pytest.raises(TypeError, match=f"'{option}'"):
            say("One", model=MODEL, **{option: 1})
    assert sandbox.requests == []
