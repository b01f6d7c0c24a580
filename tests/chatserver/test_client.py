"""The methods of the ChatServer's SDK: signatures, settings, models, paging, administration, and the tree of errors."""

import inspect
import pickle
import subprocess
import sys
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

import codegen_ext
from codegen_ext import chatserver
from codegen_ext.chatserver import (
    AsyncChatServerClient,
    BadRequestError,
    ChatServerClient,
    ChatServerError,
    ForbiddenError,
    Message,
    MessageRole,
    NotFoundError,
    UnauthorizedError,
    create_client,
    errors,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..docs.pages import ROOT, table
from ..support.loopback import CLOSE, Loopback, reply
from .conftest import HELLO

SIGNATURES = {
    "create_completion": "model, messages, temperature=0.7, max_tokens=4000, top_p=1.0, stream=False, user=None, "
    "system_prompt=None, *, session_id=None, metadata=None, organization_id=None, workflow=None, variables=None, "
    "allowed_tools=None, setting_sources=None, mcp_servers=None, timeout=None, extra_headers=None, "
    "extra_query=None, extra_body=None",
    "session": "user_id, session_id=None, *, model=None",
}
WITH_CALL_OPTIONS = {
    "list_admins": "",
    "list_sessions": "user_id, page=1, page_size=20",
    "get_session": "session_id, user_id",
    "add_admin": "workos_id, email, name=''",
    "remove_admin": "email",
    "list_models": "",
    "get_platform_stats": "",
    "get_audit_log": "limit=50, offset=0",
}


def shown(method: Callable[..., Any]) -> str:
    signature = inspect.signature(method)
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values() if one.name != "self"]
    return str(signature.replace(parameters=plain, return_annotation=signature.empty))[1:-1]


@pytest.mark.parametrize("kind", [ChatServerClient, AsyncChatServerClient])
def test_the_methods_have_the_signatures_of_the_sdk(kind: type) -> None:
    assert {name: shown(getattr(kind, name)) for name in SIGNATURES} == SIGNATURES
    for name, wanted in WITH_CALL_OPTIONS.items():
        options = "*, timeout=None, extra_headers=None, extra_query=None, extra_body=None"
        assert shown(getattr(kind, name)) == f"{wanted}, {options}".removeprefix(", ")
    assert shown(kind).startswith("api_key=None, base_url='http://localhost:3284', timeout=30, *, clock=")


@pytest.fixture
def asked(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> Callable[..., dict[str, Any]]:
    """Return what a completion sends."""
    answer = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    server = serve(reply(answer))
    chat = connect_chat(None, server.base_url)

    def ask(*args: Any, **options: Any) -> dict[str, Any]:
        chat.create_completion(*args, **options)
        body: dict[str, Any] = server.requests[-1].json()
        return body

    return ask


def test_a_completion_sends_its_defaults(asked: Callable[..., dict[str, Any]]) -> None:
    sent = asked("m", HELLO)
    assert sent == {
        "model": "m",
        "messages": HELLO,
        "temperature": 0.7,
        "max_tokens": 4000,
        "top_p": 1.0,
        "stream": False,
    }


def test_options_of_the_server_travel_in_the_metadata(asked: Callable[..., dict[str, Any]]) -> None:
    sent = asked(
        "m",
        HELLO,
        user="u",
        system_prompt="Be brief",
        session_id="s",
        organization_id="o",
        workflow="w",
        variables={"a": 1},
        allowed_tools=("Read", "Bash"),
        setting_sources=["user"],
        mcp_servers={"x": {"command": "y"}},
        metadata={"more": True},
    )
    assert sent["metadata"] == {
        "user_id": "u",
        "session_id": "s",
        "organization_id": "o",
        "workflow": "w",
        "variables": {"a": 1},
        "allowed_tools": ["Read", "Bash"],
        "setting_sources": ["user"],
        "mcp_servers": {"x": {"command": "y"}},
        "more": True,
    }
    assert (sent["user"], sent["system_prompt"]) == ("u", "Be brief")


def test_an_explicit_key_of_the_metadata_wins(asked: Callable[..., dict[str, Any]]) -> None:
    metadata = {"session_id": "mine", "user_id": "other", "workflow": None}
    sent = asked("m", HELLO, user="u", session_id="s", workflow="w", metadata=metadata)
    assert sent["metadata"] == metadata
    assert metadata == {"session_id": "mine", "user_id": "other", "workflow": None}


def test_key_and_address_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, connect_chat: Callable[..., Any]
) -> None:
    monkeypatch.setenv("CHATSERVER_API_KEY", "key")
    monkeypatch.setenv("CHATSERVER_BASE_URL", "http://chat.example")

    def settings(*args: Any) -> tuple[str, str]:
        config = connect_chat(*args).config
        return config.api_token, config.base_url

    assert settings() == ("key", "http://chat.example")
    assert settings("mine", "http://localhost:3284") == ("mine", "http://localhost:3284")
    assert settings("") == ("", "http://chat.example")
    assert settings(None, None) == settings()


def test_create_client_makes_a_client(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHATSERVER_API_KEY", "key")
    with create_client(timeout=5) as client:
        assert type(client) is ChatServerClient
        assert (client.config.api_token, client.config.timeout) == ("key", 5)
    with create_client("mine", "http://chat.example") as client:
        assert (client.config.api_token, client.config.base_url) == ("mine", "http://chat.example")


def test_other_settings_are_arguments_or_come_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, connect_chat: Callable[..., Any]
) -> None:
    monkeypatch.setenv("CODEGEN_MAX_RETRIES", "7")
    monkeypatch.setenv("CODEGEN_ENABLE_CACHING", "true")
    config = connect_chat(enable_caching=False, retry_delay=0.5).config
    assert (config.max_retries, config.enable_caching, config.retry_delay) == (7, False, 0.5)
    with create_client(max_retries=1) as client:
        assert client.config.max_retries == 1
    with pytest.raises(TypeError, match="max_retry"):
        connect_chat(max_retry=1)


def test_what_the_environment_says_of_the_codegen_api_is_not_for_a_chatserver(
    monkeypatch: pytest.MonkeyPatch, connect_chat: Callable[..., Any]
) -> None:
    for name, value in {"API_TOKEN": TOKEN, "BASE_URL": "http://x", "ORG_ID": "5", "TIMEOUT": "7"}.items():
        monkeypatch.setenv(f"CODEGEN_{name}", value)
    monkeypatch.setenv("CODEGEN_RATE_LIMIT_REQUESTS", "1")
    config = connect_chat().config
    assert (config.api_token, config.base_url, config.org_id) == ("", "http://localhost:3284", "")
    assert config.timeout == 30
    assert not config.has_rate_limit_cap
    assert connect_chat(rate_limit_requests_per_period=60).config.has_rate_limit_cap


def test_a_call_may_take_as_long_as_one_attempt(connect_chat: Callable[..., Any]) -> None:
    assert connect_chat().config.total_timeout == 300
    assert connect_chat(timeout=900).config.total_timeout == 900
    assert connect_chat(timeout=900, total_timeout=60).config.total_timeout == 60


@pytest.mark.parametrize("key", ["a\nb", "ä", 5])
def test_a_wrong_key_is_called_by_its_name(connect_chat: Callable[..., Any], key: Any) -> None:
    with pytest.raises(codegen_ext.ConfigurationError, match=r"^api_key must") as caught:
        connect_chat(key)
    assert caught.value.config_key == "api_key"


def test_no_key_is_shown(connect_chat: Callable[..., Any]) -> None:
    chat = connect_chat(TOKEN, "http://localhost:1", 5)
    assert TOKEN not in repr(chat)
    assert TOKEN not in repr(chat.session("u"))
    with pytest.raises(ChatServerError) as caught:
        chat.with_options(max_retries=0).list_models()
    assert TOKEN not in f"{caught.value!r} {caught.value} {vars(caught.value)}"


def test_models_have_fields_aware_dates_and_what_nobody_knows(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    session = {
        "id": "s",
        "user_id": "u",
        "organization_id": None,
        "title": "T",
        "model": "m",
        "agent_type": "claude",
        "created_at": "2025-10-01T12:00:00Z",
        "updated_at": "2025-10-01 12:00:00",
        "last_message_at": "2025-10-01T14:00:00+02:00",
        "message_count": 2,
        "tokens_in": 1,
        "tokens_out": 2,
        "tokens_total": 3,
        "metadata": {"a": {"b": 1}},
        "archived": False,
        "mood": "good",
    }
    page = {"sessions": [session], "total": 1, "page": 1, "page_size": 20, "has_more": False}
    found = connect_chat(None, serve(reply(page)).base_url).list_sessions("u")
    (summary,) = found.sessions
    assert summary.created_at == summary.updated_at == summary.last_message_at
    assert {moment.utcoffset() for moment in (summary.created_at, summary.updated_at)} == {timedelta(0)}
    assert (summary.mood, summary["mood"], summary.metadata) == ("good", "good", {"a": {"b": 1}})
    assert (found.total, found.page, found.page_size, found.has_more) == (1, 1, 20, False)
    plain = found.dict()["sessions"][0]
    moments = {name: datetime.fromisoformat(plain.pop(name)) for name in list(session) if name.endswith("_at")}
    assert moments["created_at"] == summary.created_at
    assert plain == {name: value for name, value in session.items() if not name.endswith("_at")}


def test_sessions_are_recorded_and_found(chat: Any) -> None:
    first = chat.create_completion("gpt-4o", ["One"], user="u1")
    again = chat.create_completion("gpt-4o", ["Two"], user="u1", session_id=first.system_fingerprint)
    assert again.system_fingerprint == first.system_fingerprint
    detail = chat.get_session(first.system_fingerprint, user_id="u1")
    assert [record.content for record in detail.messages] == ["One", "Echo: One", "Two", "Echo: Two"]
    record = detail.messages[0]
    assert (record.message_index, record.role, record.session_id) == (0, "user", first.system_fingerprint)
    assert record.created_at.tzinfo is not None
    assert chat.list_sessions("u1", page_size=1).sessions[0].message_count == 4
    with pytest.raises(NotFoundError, match="Session not found"):
        chat.get_session(first.system_fingerprint, user_id="somebody else")


def test_all_sessions_come_page_after_page(chat: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    wanted = []
    for _ in range(103):
        clock.advance(1)
        wanted.append(chat.create_completion("gpt-4o", ["Hi"], user="u").system_fingerprint)
    assert [session.id for session in chat.iter_sessions("u")] == wanted[::-1]
    assert [request.query for request in sandbox.requests[-2:]] == [
        "user_id=u&page=1&page_size=100",
        "user_id=u&page=2&page_size=100",
    ]
    assert list(chat.iter_sessions("nobody")) == []


def test_the_audit_log_comes_page_after_page(chat: Any, sandbox: Sandbox) -> None:
    for index in range(101):
        chat.create_completion("gpt-4o", [f"Hi {index}"])
    entries = list(chat.iter_audit_log())
    assert len(entries) == 102
    assert entries[-1].action == "admin.added"
    assert len({entry.id for entry in entries}) == 102
    assert [request.query for request in sandbox.requests[-2:]] == ["limit=100&offset=0", "limit=100&offset=100"]
    part = chat.get_audit_log(limit=2, offset=1)
    assert [entry.id for entry in part.entries] == [entry.id for entry in entries[1:3]]
    assert part.entries[0].timestamp.tzinfo is not None


def test_administration(chat: Any) -> None:
    added = chat.add_admin("user_2", "ada@example.com", "Ada")
    assert (added.success, added.admin.name) == (True, "Ada")
    admins = chat.list_admins()
    assert type(admins) is dict
    assert (admins["count"], admins["admins"][1]["email"]) == (2, "ada@example.com")
    assert chat.remove_admin("ada@example.com").success
    stats = chat.get_platform_stats()
    assert (stats.total_users, stats.active_users, stats.total_requests) == (0, 0, 0)


@pytest.mark.parametrize("email", ["a/b@example.com", "a+b@example.com", "ä?x=1#y@example.com", "100%25@example.com"])
def test_an_email_in_a_path_is_quoted(chat: Any, sandbox: Sandbox, email: str) -> None:
    chat.add_admin("user_2", email)
    assert chat.remove_admin(email).admin.email == email
    assert sandbox.requests[-1].operation == "remove_admin"
    with pytest.raises(NotFoundError):
        chat.remove_admin(email)


@pytest.mark.parametrize("name", ["", ".", ".."])
def test_what_would_lead_to_another_path_is_refused(chat: Any, sandbox: Sandbox, name: str) -> None:
    with pytest.raises(BadRequestError, match="email: cannot stand in a path"):
        chat.remove_admin(name)
    with pytest.raises(BadRequestError, match="session_id: cannot stand in a path"):
        chat.get_session(name, user_id="u")
    assert sandbox.requests == []


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("get_platform_stats", ()),
        ("list_admins", ()),
        ("add_admin", ("user_2", "x@example.com")),
        ("remove_admin", ("x@example.com",)),
        ("get_audit_log", ()),
    ],
)
def test_who_is_no_administrator_is_told_what_is_needed(
    connect_chat: Callable[..., Any], sandbox: Sandbox, name: str, arguments: tuple[str, ...]
) -> None:
    member = connect_chat(sandbox.member_api_key, sandbox.base_url)
    with pytest.raises(ForbiddenError, match=r"Platform admin access required.*platform administrator") as caught:
        getattr(member, name)(*arguments)
    assert caught.value.status_code == 403
    assert caught.value.request_id
    assert member.create_completion("gpt-4o", ["Hi"]).choices


def test_another_403_names_the_need_too(chat: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_session", Fault.status(403))
    with pytest.raises(ForbiddenError, match="get_session needs an API key with access"):
        chat.get_session("s", user_id="u")


STATUSES = {
    400: (BadRequestError, codegen_ext.ValidationError),
    401: (UnauthorizedError, codegen_ext.AuthenticationError),
    403: (ForbiddenError, codegen_ext.PermissionDeniedError),
    404: (NotFoundError, codegen_ext.NotFoundError),
    409: (ChatServerError, codegen_ext.CodegenAPIError),
    422: (BadRequestError, codegen_ext.ValidationError),
    429: (errors.RateLimitError, codegen_ext.RateLimitError),
    500: (errors.InternalServerError, codegen_ext.ServerError),
    503: (errors.InternalServerError, codegen_ext.ServerError),
}


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_an_error_of_both_trees(
    connect_chat: Callable[..., Any], sandbox: Sandbox, status: int, clock: FakeClock
) -> None:
    kind, common = STATUSES[status]
    sandbox.inject("*", Fault.status(status, {"message": "no"}))
    chat = connect_chat(TOKEN, sandbox.base_url, clock=clock).with_options(max_retries=0)
    calls = [
        chat.list_models,
        lambda: chat.create_completion("m", ["x"]),
        lambda: chat.create_completion("m", ["x"], stream=True),
        lambda: list(chat.iter_sessions("u")),
        chat.with_raw_response.list_models,
        lambda: chat.request("GET", "/v1/models"),
    ]
    for call in calls:
        with pytest.raises(ChatServerError, match="no") as caught:
            call()
        error = caught.value
        assert type(error) is kind
        assert isinstance(error, common)
        assert (error.status_code, error.response_data) == (status, {"message": "no"})
        assert error.message.startswith("no")
        assert error.request_id


def test_what_is_no_status_is_an_error_of_both_trees(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], clock: FakeClock
) -> None:
    cases: list[tuple[bytes, type[ChatServerError], type[Exception]]] = [
        (CLOSE, errors.ConnectionError, codegen_ext.NetworkError),
        (reply(b"{"), errors.InvalidResponseError, codegen_ext.InvalidResponseError),
    ]
    for answer, kind, common in cases:
        chat = connect_chat(None, serve(answer).base_url, clock=clock)
        with pytest.raises(common) as caught:
            chat.create_completion("m", ["x"])
        assert type(caught.value) is kind
        assert caught.value.__cause__ is not None


def test_a_slow_server_is_a_timeout_of_both_trees(connect_chat: Callable[..., Any], sandbox: Sandbox) -> None:
    slow = Sandbox(clock=FakeClock(), token=None)
    slow.inject("*", Fault.latency(60))
    chat = connect_chat(None, slow.base_url, 5, transport=slow.transport(), clock=FakeClock())
    with pytest.raises(TimeoutError) as caught:
        chat.create_completion("m", ["x"])
    assert type(caught.value) is errors.TimeoutError
    assert caught.value.timeout_duration == 5


def test_errors_can_be_made_by_hand_and_pickled() -> None:
    error = ChatServerError("text", 418)
    assert (error.message, error.status_code, str(error)) == ("text", 418, "text (status 418)")
    assert BadRequestError("text").status_code == 400
    for kind in {*errors._KINDS.values(), errors.StreamInterruptedError}:
        assert issubclass(kind, ChatServerError)
        made = kind("text")
        made.partial = None
        again = pickle.loads(pickle.dumps(made))
        assert (type(again), vars(again)) == (kind, vars(made))


def test_a_wrong_setting_stays_a_configuration_error(connect_chat: Callable[..., Any]) -> None:
    with pytest.raises(codegen_ext.ConfigurationError):
        connect_chat("key", "no address")
    with pytest.raises(codegen_ext.ConfigurationError):
        connect_chat().request("GET", "http://elsewhere/")


@pytest.mark.parametrize(
    ("fault", "requests"),
    [
        (Fault.reset_after(), 1),
        (Fault.reset_before(), 1),
        (Fault.truncate(20), 1),
        (Fault.status(500), 1),
        (Fault.status(503), 1),
        (Fault.empty_body(), 1),
        (Fault.status(429), 4),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_completion_is_repeated_only_where_it_was_not_begun(
    connect_chat: Callable[..., Any],
    sandbox: Sandbox,
    clock: FakeClock,
    fault: Fault,
    requests: int,
    stream: bool,
) -> None:
    sandbox.inject("create_chat_completion", fault)
    chat = connect_chat(TOKEN, sandbox.base_url, clock=clock)
    with pytest.raises(ChatServerError):
        list(chat.create_completion("gpt-4o", HELLO, stream=stream))
    assert len(sandbox.requests) == requests


def test_a_completion_has_a_connection_of_its_own(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    answer = {"data": [], "id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}
    server = serve(reply(answer))
    chat = connect_chat(None, server.base_url, enable_caching=False)
    for call in (chat.list_models, chat.list_models, *[lambda: chat.create_completion("m", ["x"])] * 2):
        call()
    ports = [request.port for request in server.requests]
    assert ports[0] == ports[1]
    assert len(set(ports)) == 3


def test_a_connection_that_breaks_is_named(chat: Any, sandbox: Sandbox) -> None:
    sandbox.inject("create_chat_completion", Fault.reset_before())
    with pytest.raises(errors.ConnectionError, match=r"\S.*create_chat_completion"):
        chat.create_completion("m", ["x"])


def test_a_read_is_repeated(connect_chat: Callable[..., Any], sandbox: Sandbox, clock: FakeClock) -> None:
    sandbox.inject("*", Fault.status(503), times=2)
    assert connect_chat(TOKEN, sandbox.base_url, clock=clock).list_models().data
    assert len(sandbox.requests) == 3


@pytest.mark.parametrize("name", chatserver.__all__)
def test_every_public_name_can_be_imported(name: str) -> None:
    assert getattr(chatserver, name) is not None
    assert name in dir(chatserver)


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        chatserver.Nothing  # noqa: B018


def test_roles_and_messages_are_what_models_say(flavour: Flavour) -> None:
    assert [role.value for role in MessageRole] == ["assistant", "system", "user"]
    assert Message(role=MessageRole.USER, content="x").dict() == {"role": "user", "content": "x"}


def test_streaming_can_be_forbidden(chat: Any, sandbox: Sandbox) -> None:
    chat.config.enable_streaming = False
    calls: list[Callable[[], Any]] = [
        lambda: chat.create_completion("gpt-4o", HELLO, stream=True),
        lambda: chat.iter_sessions("u"),
        chat.iter_audit_log,
    ]
    for call in calls:
        with pytest.raises(codegen_ext.ConfigurationError, match="enable_streaming"):
            call()
    assert sandbox.requests == []


def test_the_page_lists_every_error() -> None:
    rows = {row["Error"].name: row["Also"].name for row in table(ROOT / "docs" / "chatserver.md", "Error", "Status")}
    public = {name: getattr(chatserver, name) for name in chatserver.__all__ if name.endswith("Error")}
    assert rows.keys() == public.keys()
    for name, also in rows.items():
        assert issubclass(public[name], getattr(codegen_ext, also))


def test_the_page_lists_the_members_of_a_stream() -> None:
    names = {row["ChatStream"].name.partition("(")[0] for row in table(ROOT / "docs" / "chatserver.md", "ChatStream")}
    assert names == {name for name in dir(chatserver.ChatStream) if not name.startswith("_")} | {"for piece in stream"}


def test_the_package_needs_no_extra_to_be_imported() -> None:
    code = "import sys; sys.modules['httpx_sse'] = None; from codegen_ext.chatserver import *; create_client().close()"
    done = subprocess.run([sys.executable, "-W", "error", "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
