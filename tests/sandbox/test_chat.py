"""The ChatServer."""

import json
from datetime import datetime

import pytest


def events(response):
    blocks = response.text.split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def session_of(response):
    return response.json()["system_fingerprint"]


def test_a_completion_is_an_echo_with_the_exact_name_of_its_model(api):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Echo: Hello"},
        {"role": "user", "content": "How are you?\nWell "},
    ]
    body = {"model": "claude-3-5-sonnet", "messages": messages, "system_prompt": "One two"}
    answer = api.json("create_chat_completion", body)
    assert (answer["object"], answer["created"]) == ("chat.completion", int(api.clock.time()))
    assert answer["model"] == "claude-3-5-sonnet-20241022"
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Echo: How are you?\nWell "}
    assert choice["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 11, "completion_tokens": 6, "total_tokens": 17}
    short = api.ask("one two three", max_tokens=2).json()["choices"][0]
    assert (short["message"]["content"], short["finish_reason"]) == ("Echo: one", "length")
    without_user = {"model": "m", "messages": [{"role": "system", "content": "Hi"}]}
    answer = api.json("create_chat_completion", without_user)
    assert answer["choices"][0]["message"]["content"] == "Echo: Hi"


def test_a_stream_says_the_same_word_by_word(either):
    for content in ("one two", "  spaced   out\n", "日本 語 \u2028 x", "a\x00b"):
        whole = either.ask(content).json()
        response = either.ask(content, stream=True)
        assert response.headers["content-type"] == "text/event-stream"
        *chunks, last = events(response)
        deltas = [chunk["choices"][0]["delta"] for chunk in (*chunks, last)]
        assert deltas[0] == {"role": "assistant", "content": ""}
        assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]
        assert {chunk["object"] for chunk in (*chunks, last)} == {"chat.completion.chunk"}
        assert (
            {chunk["usage"] for chunk in chunks} == {chunk["choices"][0]["finish_reason"] for chunk in chunks} == {None}
        )
        assert (last["usage"], last["choices"][0]["finish_reason"]) == (whole["usage"], "stop")
        assert last["system_fingerprint"] != whole["system_fingerprint"]


def test_sessions_are_kept_and_continued(api):
    metadata = {"organization_id": "org_1", "workflow": "review"}
    first = session_of(api.ask("Write a mail", user="ada", metadata=metadata))
    api.clock.advance(5)
    again = api.ask("Shorter", user="ada", metadata={"session_id": first, "step": 2}, stream=True)
    assert events(again)[0]["system_fingerprint"] == first
    detail = api.json("get_session", session_id=first, user_id="ada")
    assert [(message["message_index"], message["role"], message["content"]) for message in detail["messages"]] == [
        (0, "user", "Write a mail"),
        (1, "assistant", "Echo: Write a mail"),
        (2, "user", "Shorter"),
        (3, "assistant", "Echo: Shorter"),
    ]
    session = detail["session"]
    names = "title agent_type organization_id message_count tokens_in tokens_out tokens_total"
    assert [session[name] for name in names.split()] == ["Write a mail", "claude", "org_1", 4, 4, 6, 10]
    assert session["metadata"] == {**metadata, "session_id": first, "step": 2}
    created, updated = (datetime.fromisoformat(session[name]) for name in ("created_at", "updated_at"))
    assert (updated - created).total_seconds() == 5


def test_sessions_belong_to_their_user(api):
    mine = session_of(api.ask("Hi", metadata={"user_id": "ada"}))
    assert api.status("get_session", session_id=mine, user_id="grace") == 404
    for user, session_id in (("grace", mine), ("ada", "unknown"), ("ada", 5)):
        assert api.ask("Hi", user=user, metadata={"session_id": session_id}).status_code == 404
    assert [api.json("list_sessions", user_id=user)["total"] for user in ("grace", "ada")] == [0, 1]
    without_user = session_of(api.ask("Hi", metadata={"organization_id": 5}))
    assert session_of(api.ask("Ho", metadata={"session_id": without_user})) == without_user


def test_sessions_are_paged_latest_first(api):
    ids = [session_of(api.ask(f"Number {number}", user="ada")) for number in range(5)]
    api.ask("Again", user="ada", metadata={"session_id": ids[0]})
    pages = [api.json("list_sessions", user_id="ada", page=page, page_size=2) for page in (1, 2, 3, 4)]
    assert [session["id"] for page in pages for session in page["sessions"]] == [ids[0], *ids[:0:-1]]
    assert [(page["has_more"], page["total"]) for page in pages] == [(True, 5), (True, 5), (False, 5), (False, 5)]
    assert api.json("list_sessions", user_id="ada")["page_size"] == 20


def test_administration_and_its_audit_log(api):
    session_id = session_of(api.ask("Hi", user="ada"))
    added = api.json("add_admin", {"workos_id": "user_2", "email": "a/b@example.com", "name": "Ada"})
    assert (added["success"], added["admin"]["name"]) == (True, "Ada")
    assert api.json("list_admins")["count"] == 2
    assert [api.status("remove_admin", email="a/b@example.com") for _ in range(2)] == [200, 404]
    assert [admin["email"] for admin in api.json("list_admins")["admins"]] == ["admin@example.com"]
    log = api.json("get_audit_log")
    assert [(entry["action"], entry["resource"]) for entry in log["entries"]] == [
        ("admin.removed", "a/b@example.com"),
        ("admin.added", "a/b@example.com"),
        ("chat.completion", session_id),
        ("admin.added", "admin@example.com"),
    ]
    page = api.json("get_audit_log", limit=2, offset=1)
    assert (page["entries"], page["total"], page["limit"], page["offset"]) == (log["entries"][1:3], 4, 2, 1)
    for user in ("grace", "ada", None):
        api.ask("Hi", user=user)
    assert api.json("get_platform_stats") == {"total_users": 2, "active_users": 2, "total_requests": 4}
    assert {"id": "claude-3-haiku", "provider": "claude"}.items() <= api.json("list_models")["data"][0].items()


@pytest.mark.parametrize("by", ["setting", "key"])
def test_administration_is_for_administrators(api, by):
    assert api.sandbox.admin
    if by == "setting":
        api.sandbox.admin = False
    else:
        api.client.headers["authorization"] = f"Bearer {api.sandbox.member_api_key}"
    for operation_id in ("get_platform_stats", "list_admins", "get_audit_log", "remove_admin", "add_admin"):
        assert api.status(operation_id, {"workos_id": "x", "email": "x@y"}, email="x") == 403
    assert api.ask("Hi").status_code == 200
    api.sandbox.admin = True
    api.client.headers["authorization"] = f"Bearer {api.sandbox.token}"
    entry = api.json("get_audit_log")["entries"][0]
    assert (entry["action"], entry["actor"]) == ("chat.completion", "admin" if by == "setting" else "member")


def test_ids_are_decided_by_the_seed(serve):
    answers = [serve(seed=seed).ask("Hi") for seed in (4, 4, 5)]
    assert answers[0].content == answers[1].content
    assert session_of(answers[0]) != session_of(answers[2])
