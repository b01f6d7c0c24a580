"""The ChatServer."""

import json
from datetime import datetime

import pytest


def ask(api, *contents, **fields):
    messages = [{"role": "user", "content": content} for content in contents]
    return api.call("create_chat_completion", {"model": "claude-3-haiku", "messages": messages, **fields})


def events(response):
    blocks = response.text.split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def test_a_completion_is_an_echo(api):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Echo: Hello"},
        {"role": "user", "content": "How are you?\nWell "},
    ]
    body = {"model": "gpt-4o", "messages": messages, "system_prompt": "One two"}
    answer = api.call("create_chat_completion", body).json()
    assert answer["object"] == "chat.completion"
    assert answer["created"] == int(api.clock.time())
    (choice,) = answer["choices"]
    assert choice["message"] == {"role": "assistant", "content": "Echo: How are you?\nWell "}
    assert choice["finish_reason"] == "stop"
    assert answer["usage"] == {"prompt_tokens": 11, "completion_tokens": 6, "total_tokens": 17}


def test_without_a_user_the_last_message_is_echoed(api):
    body = {"model": "m", "messages": [{"role": "system", "content": "Hi"}]}
    assert api.call("create_chat_completion", body).json()["choices"][0]["message"]["content"] == "Echo: Hi"


def test_a_completion_is_as_long_as_it_may_be(api):
    choice = ask(api, "one two three", max_tokens=2).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Echo: one", "length")


@pytest.mark.parametrize("content", ["one two", "  spaced   out\n", "日本 語 \u2028 x", "a\x00b"])
def test_a_stream_says_the_same_in_pieces(api, content):
    whole = ask(api, content).json()
    response = ask(api, content, stream=True)
    assert response.headers["content-type"] == "text/event-stream"
    chunks = events(response)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]
    assert deltas[0]["role"] == "assistant"
    assert "".join(delta.get("content", "") for delta in deltas) == whole["choices"][0]["message"]["content"]
    assert {chunk["object"] for chunk in chunks} == {"chat.completion.chunk"}
    assert [chunk["usage"] for chunk in chunks] == [None] * (len(chunks) - 1) + [whole["usage"]]
    reasons = [chunk["choices"][0]["finish_reason"] for chunk in chunks]
    assert reasons == [None] * (len(chunks) - 1) + ["stop"]
    assert {chunk["system_fingerprint"] for chunk in chunks} != {whole["system_fingerprint"]}


def test_sessions_are_kept_and_continued(api):
    metadata = {"organization_id": "org_1", "workflow": "review"}
    first = ask(api, "Write a mail", user="ada", metadata=metadata).json()["system_fingerprint"]
    api.clock.advance(5)
    again = ask(api, "Shorter", user="ada", metadata={"session_id": first, "step": 2}, stream=True)
    assert events(again)[0]["system_fingerprint"] == first
    detail = api.call("get_session", session_id=first, user_id="ada").json()
    said = [(message["message_index"], message["role"], message["content"]) for message in detail["messages"]]
    assert said == [
        (0, "user", "Write a mail"),
        (1, "assistant", "Echo: Write a mail"),
        (2, "user", "Shorter"),
        (3, "assistant", "Echo: Shorter"),
    ]
    session = detail["session"]
    assert (session["title"], session["agent_type"], session["organization_id"]) == ("Write a mail", "claude", "org_1")
    assert (session["message_count"], session["tokens_in"], session["tokens_out"], session["tokens_total"]) == (
        4,
        4,
        6,
        10,
    )
    assert session["metadata"]["workflow"] == "review"
    assert session["metadata"]["step"] == 2
    created, updated = (datetime.fromisoformat(session[name]) for name in ("created_at", "updated_at"))
    assert (updated - created).total_seconds() == 5


def test_sessions_belong_to_their_user(api):
    mine = ask(api, "Hi", metadata={"user_id": "ada"}).json()["system_fingerprint"]
    assert api.call("get_session", session_id=mine, user_id="grace").status_code == 404
    assert ask(api, "Hi", user="grace", metadata={"session_id": mine}).status_code == 404
    assert ask(api, "Hi", user="ada", metadata={"session_id": "unknown"}).status_code == 404
    assert ask(api, "Hi", user="ada", metadata={"session_id": 5}).status_code == 404
    assert api.call("list_sessions", user_id="grace").json()["total"] == 0
    assert api.call("list_sessions", user_id="ada").json()["total"] == 1


def test_a_session_of_nobody_can_be_continued(api):
    session_id = ask(api, "Hi", metadata={"organization_id": 5}).json()["system_fingerprint"]
    assert ask(api, "Ho", metadata={"session_id": session_id}).json()["system_fingerprint"] == session_id


def test_sessions_are_paged_latest_first(api):
    ids = []
    for number in range(5):
        api.clock.advance(1)
        ids.append(ask(api, f"Number {number}", user="ada").json()["system_fingerprint"])
    pages = [api.call("list_sessions", user_id="ada", page=page, page_size=2).json() for page in (1, 2, 3, 4)]
    assert [session["id"] for page in pages for session in page["sessions"]] == ids[::-1]
    assert [page["has_more"] for page in pages] == [True, True, False, False]
    assert {page["total"] for page in pages} == {5}
    assert api.call("list_sessions", user_id="ada").json()["page_size"] == 20


def test_models(api):
    models = api.call("list_models").json()["data"]
    assert {"id": "claude-3-haiku", "provider": "claude"}.items() <= models[0].items()


def test_administration(api):
    assert api.call("list_admins").json()["count"] == 1
    added = api.call("add_admin", {"workos_id": "user_2", "email": "a/b@example.com", "name": "Ada"}).json()
    assert (added["success"], added["admin"]["name"]) == (True, "Ada")
    again = api.call("add_admin", {"workos_id": "user_2", "email": "a/b@example.com"}).json()
    assert again["admin"]["name"] == ""
    assert api.call("list_admins").json()["count"] == 2
    assert api.call("remove_admin", email="a/b@example.com").json()["success"]
    assert api.call("remove_admin", email="a/b@example.com").status_code == 404
    assert [admin["email"] for admin in api.call("list_admins").json()["admins"]] == ["admin@example.com"]


def test_the_audit_log_is_paged_latest_first(api):
    session_id = ask(api, "Hi", user="ada").json()["system_fingerprint"]
    api.call("add_admin", {"workos_id": "user_2", "email": "ada@example.com"})
    api.call("remove_admin", email="ada@example.com")
    log = api.call("get_audit_log").json()
    assert [(entry["action"], entry["resource"]) for entry in log["entries"]] == [
        ("admin.removed", "ada@example.com"),
        ("admin.added", "ada@example.com"),
        ("chat.completion", session_id),
        ("admin.added", "admin@example.com"),
    ]
    page = api.call("get_audit_log", limit=2, offset=1).json()
    assert page["entries"] == log["entries"][1:3]
    assert (page["total"], page["limit"], page["offset"]) == (4, 2, 1)


def test_statistics(api):
    for user in ("ada", "grace", "ada", None):
        ask(api, "Hi", user=user)
    assert api.call("get_platform_stats").json() == {"total_users": 2, "active_users": 2, "total_requests": 4}


def test_administration_can_be_forbidden(api):
    assert api.sandbox.admin
    api.sandbox.admin = False
    for operation_id in ("get_platform_stats", "list_admins", "get_audit_log"):
        assert api.call(operation_id).status_code == 403
    assert api.call("remove_admin", email="x").status_code == 403
    assert api.call("add_admin", {"workos_id": "x", "email": "x@y"}).status_code == 403
    assert ask(api, "Hi").status_code == 200


def test_ids_are_decided_by_the_seed(serve):
    assert ask(serve(seed=4), "Hi").content == ask(serve(seed=4), "Hi").content
    assert (
        ask(serve(seed=4), "Hi").json()["system_fingerprint"] != ask(serve(seed=5), "Hi").json()["system_fingerprint"]
    )


def test_a_member_is_no_administrator(api):
    member = {"authorization": f"Bearer {api.sandbox.member_api_key}"}
    for method, path in (("GET", "stats"), ("GET", "admins"), ("DELETE", "admins/x"), ("GET", "audit")):
        assert api.client.request(method, f"/api/v1/platform/{path}", headers=member).status_code == 403
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    for headers in (member, {}):
        assert api.client.post("/v1/chat/completions", json=body, headers=headers).status_code == 200
    actors = [(entry["action"], entry["actor"]) for entry in api.call("get_audit_log").json()["entries"]]
    assert actors == [("chat.completion", "admin"), ("chat.completion", "member"), ("admin.added", "admin")]


def test_a_continued_session_is_the_latest(api):
    first, second = (ask(api, text, user="ada").json()["system_fingerprint"] for text in ("One", "Two"))
    assert [session["id"] for session in api.call("list_sessions", user_id="ada").json()["sessions"]] == [
        second,
        first,
    ]
    ask(api, "Three", user="ada", metadata={"session_id": first})
    latest = api.call("list_sessions", user_id="ada", page_size=1).json()["sessions"]
    assert [session["id"] for session in latest] == [first]
