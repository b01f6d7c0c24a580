"""The ChatServer; what its client shows of administration and audit log stands in `docs/chatserver.md`."""

import json
from datetime import datetime


def events(response):
    blocks = response.text.split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def session_of(response):
    return response.json()["system_fingerprint"]


def test_a_completion_is_an_echo_with_the_exact_name_of_its_model(api):
    contents = [("system", "Be brief."), ("user", "Hello"), ("user", "How are you?\nWell "), ("assistant", "Well")]
    messages = [{"role": role, "content": content} for role, content in contents]
    answer = api.ask("", model="claude-3-5-sonnet", messages=messages, system_prompt="One two").json()
    assert (answer["model"], answer["created"]) == ("claude-3-5-sonnet-20241022", int(api.clock.time()))
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Echo: How are you?\nWell ", "stop")
    assert answer["usage"] == {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16}
    choice = api.ask("one two three", max_tokens=2).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Echo: one", "length")
    choice = api.ask("", messages=messages[:1]).json()["choices"][0]
    assert choice["message"]["content"] == "Echo: Be brief."


def test_a_stream_says_the_same_word_by_word(either):
    for content in ("one two", "  spaced   out\n", "日本 語 \u2028 x", "a\x00b"):
        whole = either.ask(content).json()
        response = either.ask(content, stream=True)
        assert response.headers["content-type"] == "text/event-stream"
        *chunks, last = events(response)
        choices = [chunk["choices"][0] for chunk in (*chunks, last)]
        assert choices[0]["delta"] == {"role": "assistant", "content": ""}
        text = "".join(choice["delta"].get("content", "") for choice in choices)
        assert text == whole["choices"][0]["message"]["content"]
        assert {chunk["object"] for chunk in (*chunks, last)} == {"chat.completion.chunk"}
        assert {chunk["usage"] for chunk in chunks} == {choice["finish_reason"] for choice in choices[:-1]} == {None}
        assert (last["usage"], choices[-1]["finish_reason"]) == (whole["usage"], "stop")
        assert last["system_fingerprint"] != whole["system_fingerprint"]


def test_a_session_is_continued_by_its_user_alone(api):
    metadata = {"organization_id": "org_1", "workflow": "review"}
    first = session_of(api.ask("Write a mail", user="ada", metadata=metadata))
    api.clock.advance(5)
    again = api.ask("Shorter", metadata={"session_id": first, "step": 2, "user_id": "ada"}, stream=True)
    assert events(again)[0]["system_fingerprint"] == first
    detail = api.json("get_session", session_id=first, user_id="ada")
    said = [(message["message_index"], message["role"], message["content"]) for message in detail["messages"]]
    assert said[1:3] == [(1, "assistant", "Echo: Write a mail"), (2, "user", "Shorter")]
    session = detail["session"]
    names = "title agent_type organization_id message_count tokens_in tokens_out tokens_total"
    assert [session[name] for name in names.split()] == ["Write a mail", "claude", "org_1", 4, 4, 6, 10]
    assert session["metadata"].items() >= {**metadata, "step": 2}.items()
    created, updated = (datetime.fromisoformat(session[name]) for name in ("created_at", "updated_at"))
    assert (updated - created).total_seconds() == 5
    for user, session_id in (("grace", first), ("ada", "unknown"), ("ada", 5)):
        assert api.ask("Hi", user=user, metadata={"session_id": session_id}).status_code == 404
        assert api.status("get_session", session_id=session_id, user_id=user) == 404
    without_user = session_of(api.ask("Hi", metadata={"organization_id": 5}))
    assert session_of(api.ask("Ho", metadata={"session_id": without_user})) == without_user


def test_sessions_are_paged_latest_first(api):
    ids = [session_of(api.ask(f"Number {number}", user="ada")) for number in range(5)]
    api.ask("Again", user="ada", metadata={"session_id": ids[0]})
    pages = [api.json("list_sessions", user_id="ada", page=page, page_size=2) for page in (1, 2, 3, 4)]
    assert [session["id"] for page in pages for session in page["sessions"]] == [ids[0], *ids[:0:-1]]
    assert [(page["has_more"], page["total"]) for page in pages] == [(True, 5), (True, 5), (False, 5), (False, 5)]


def test_administration_can_be_for_others(api):
    api.sandbox.admin = False
    for name in ("get_platform_stats", "list_admins", "get_audit_log", "remove_admin", "add_admin"):
        assert api.status(name, workos_id="x", email="x@y") == 403
    assert api.ask("Hi").status_code == 200
