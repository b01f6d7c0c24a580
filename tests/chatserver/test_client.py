"""The methods of the ChatServer's SDK: signatures, messages, settings, conversations, and the tree of errors."""

import inspect

import openai
import pytest

import codegen_ext
from codegen_ext import chatserver
from codegen_ext.chatserver import ChatCompletionMessage, ChatServerClient, Message, MessageRole, create_client, errors
from codegen_ext.testing import Fault, MockChatServerClient

from ..conftest import TOKEN
from ..docs.pages import ROOT, table
from ..support.completions import chunk, streamed
from ..support.loopback import CLOSE, reply
from .conftest import COMPLETION, HELLO

SIGNATURES = {
    "create_completion": "model, messages, temperature=0.7, max_tokens=4000, top_p=1.0, stream=False, user=None, "
    "system_prompt=None, *, ",
    "list_sessions": "user_id, page=1, page_size=20, *, ",
    "get_session": "session_id, user_id, *, ",
    "add_admin": "workos_id, email, name='', *, ",
    "remove_admin": "email, *, ",
    "get_audit_log": "limit=50, offset=0, *, ",
    "__init__": "api_key=None, base_url='http://localhost:3284', timeout=30, *, clock=",
}


@pytest.mark.parametrize("name", SIGNATURES)
@pytest.mark.parametrize("kind", [ChatServerClient, chatserver.AsyncChatServerClient])
def test_the_methods_have_the_signatures_of_the_sdk(kind, name):
    signature = inspect.signature(getattr(kind, name))
    plain = [one.replace(annotation=one.empty) for one in signature.parameters.values() if one.name != "self"]
    assert str(signature.replace(parameters=plain, return_annotation=signature.empty))[1:].startswith(SIGNATURES[name])


def test_what_a_completion_sends(serve, connect_chat):
    server = serve(reply(COMPLETION))
    chat = connect_chat(None, server.base_url)

    def asked(**options):
        chat.create_completion("m", HELLO, **options)
        return server.requests[-1].json()

    defaults = {"temperature": 0.7, "max_tokens": 4000, "top_p": 1.0, "stream": False}
    assert asked() == {"model": "m", "messages": HELLO, **defaults}
    of_the_server = {
        "session_id": "s",
        "organization_id": "o",
        "workflow": "w",
        "variables": {"a": 1},
        "allowed_tools": ["Read", "Bash"],
        "setting_sources": ["user"],
        "mcp_servers": {"x": {"command": "y"}},
    }
    given = {**of_the_server, "allowed_tools": ("Read", "Bash"), "setting_sources": {"user"}}
    sent = asked(user="u", system_prompt="Be brief", metadata={"more": True}, **given)
    assert sent["metadata"] == {"user_id": "u", **of_the_server, "more": True}
    assert (sent["user"], sent["system_prompt"]) == ("u", "Be brief")
    metadata = {"session_id": "mine", "user_id": "other", "workflow": None}
    assert asked(user="u", session_id="s", workflow="w", metadata=metadata)["metadata"] == metadata


def test_every_notation_means_the_same_and_unknown_fields_are_sent(serve, connect_chat):
    server = serve(reply(COMPLETION))
    named = {"role": "user", "content": "x", "name": "Ada"}
    notations = [
        Message("user", "x"),
        ChatCompletionMessage("user", "x"),
        {"role": MessageRole.USER, "content": "x"},
        {"role": "user", "content": "x"},
        "x",
        named,
    ]
    connect_chat(None, server.base_url).create_completion("m", (message for message in notations))
    assert server.requests[0].json()["messages"] == [*[{"role": "user", "content": "x"}] * 5, named]


WRONG = [
    ({"messages": []}, "messages: expected at least one"),
    ({"messages": "Hello"}, "messages: expected a list of messages, got str"),
    ({"messages": {"role": "user", "content": "x"}}, "messages: expected a list of messages, got dict"),
    ({"messages": ["x", {"role": "user", "content": ""}]}, "messages[1].content: must not be empty"),
    ({"messages": [ChatCompletionMessage("assistant", None)]}, "messages[0].content: expected a string, got NoneType"),
    ({"messages": [Message("USER", "x")]}, "messages[0].role: expected assistant, system, user, got 'USER'"),
    ({"messages": [{"role": ["user"]}]}, "messages[0].role: expected assistant, system, user, got ['user']"),
    ({"messages": ["x", None]}, "messages[1]: expected a Message, a dict or a string, got NoneType"),
    ({"messages": ["a\ud83d"]}, "messages: cannot be sent"),
    ({"model": ""}, "model: expected the name of a model"),
    ({"temperature": 2.1}, "temperature: "),
    ({"metadata": "x"}, "metadata: expected a dict, got str"),
    ({"metadata": {"x": {1}}}, "metadata: "),
    ({"extra_headers": [("a", "b")]}, "extra_headers: expected a mapping, got list"),
    ({"extra_body": {"stream": False}}, "stream: pass it as the argument stream, not in extra_body"),
]


@pytest.mark.parametrize(("arguments", "problem"), WRONG, ids=ascii)
def test_wrong_arguments_are_refused_before_anything_is_sent(chat, sandbox, arguments, problem):
    with pytest.raises(errors.BadRequestError) as caught:
        chat.create_completion(**{"model": "gpt-4o", "messages": ["x"], "stream": True, **arguments})
    assert caught.value.message.startswith(problem)
    assert (caught.value.status_code, caught.value.operation) == (400, "create_chat_completion")
    assert caught.value.field == problem.partition(":")[0]
    assert sandbox.requests == []


def test_settings_are_arguments_or_come_from_the_environment(monkeypatch, connect_chat):
    def settings(*args, **options):
        config = connect_chat(*args, **options).config
        return config.api_token, config.base_url

    of_the_other = {"API_TOKEN": TOKEN, "BASE_URL": "http://x", "MAX_RETRIES": "7"}
    of_the_other |= dict.fromkeys(("ORG_ID", "TIMEOUT", "RATE_LIMIT_REQUESTS"), "5")
    for name, value in of_the_other.items():
        monkeypatch.setenv(f"CODEGEN_{name}", value)
    config = connect_chat().config
    assert settings() == ("", "http://localhost:3284")
    assert (config.org_id, config.timeout, config.max_retries, config.total_timeout) == ("", 30, 7, 300)
    assert not config.has_rate_limit_cap
    monkeypatch.setenv("CHATSERVER_API_KEY", "key")
    monkeypatch.setenv("CHATSERVER_BASE_URL", "http://chat.example")
    assert settings() == settings(None, None) == ("key", "http://chat.example")
    assert settings("") == ("", "http://chat.example")
    assert settings("mine", "http://localhost:3284") == ("mine", "http://localhost:3284")
    config = connect_chat(timeout=900, rate_limit_requests_per_period=60).config
    assert (config.timeout, config.total_timeout, config.has_rate_limit_cap) == (900, 900, True)
    assert connect_chat(timeout=900, total_timeout=60).config.total_timeout == 60
    with create_client("mine", timeout=5) as client:
        assert (client.api_key, client.base_url, client.timeout) == ("mine", "http://chat.example", 5)
        derived = client.with_options(enable_caching=False)
        assert (derived.api_key, derived.base_url, derived.config.enable_caching) == ("mine", client.base_url, False)


def test_a_wrong_setting_is_called_by_its_name(connect_chat):
    for key in ("a\nb", "ä", 5):
        with pytest.raises(codegen_ext.ConfigurationError, match=r"^api_key must") as caught:
            connect_chat(key)
        assert caught.value.config_key == "api_key"
    with pytest.raises(TypeError, match="max_retry"):
        connect_chat(max_retry=1)
    with pytest.raises(codegen_ext.ConfigurationError, match="base_url"):
        connect_chat("key", "no address")
    with pytest.raises(codegen_ext.ValidationError, match="below the base URL"):
        connect_chat().request("GET", "http://elsewhere/")


def test_the_key_is_a_bearer_token_and_without_one_there_is_no_header(serve, connect_chat):
    server = serve(*[reply({"object": "list", "data": []}), streamed(chunk("x"))] * 2)
    for key in (None, TOKEN):
        chat = connect_chat(key, server.base_url, enable_caching=False)
        chat.list_models()
        list(chat.stream_chat_completion("m", HELLO, extra_headers={"X-A": "1"}))
    headers = [request.headers.get("authorization") for request in server.requests]
    assert headers == [None, None, *[f"Bearer {TOKEN}"] * 2]
    assert [server.requests[-1].headers[name] for name in ("accept", "x-a")] == ["text/event-stream", "1"]
    assert server.requests[-1].json()["stream"] is True
    assert TOKEN not in repr(chat) + repr(chat.session("u"))
    with pytest.raises(errors.ChatServerError) as caught:
        connect_chat(TOKEN, "http://localhost:1", max_retries=0).list_models()
    assert TOKEN not in f"{caught.value!r} {caught.value} {vars(caught.value)}"


def test_an_answer_may_lack_what_other_servers_of_the_api_leave_out(chat_with):
    """Such as @dwmkerr/mock-llm, whose answers have neither time nor index nor usage."""
    choice = {"message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "model": "m", "choices": [choice]}
    completion = chat_with(reply(body)).create_completion("m", HELLO)
    assert completion.choices[0].message.content == "Hi"
    assert (completion.created, completion.choices[0].index, completion.usage) == (None, None, None)


def test_a_conversation_is_one_session_from_the_first_chunk_on(chat):
    talk = chat.session("ada", model="gpt-4o")
    assert (talk.session_id, talk.history()) == (None, [])
    with talk.stream("One") as stream:
        assert next(stream) == "Echo:"
        (session,) = chat.iter_sessions("ada")
        assert talk.session_id == session.id
        assert "".join(stream) == " One"
    assert talk.send("Two").system_fingerprint == session.id
    assert [record.content for record in talk.history()] == ["One", "Echo: One", "Two", "Echo: Two"]


def test_a_recorded_session_goes_on_with_its_model(chat, sandbox):
    first = chat.create_completion("droid-core", ["One"], user="ada")
    talk = chat.session("ada", first.system_fingerprint)
    assert [talk.send("Two").model, talk.send("Three").model] == ["droid-core"] * 2
    assert (talk.send("Four", "gpt-4o").model, talk.model) == ("gpt-4o", "droid-core")
    talk.send([Message(MessageRole.SYSTEM, "Be brief"), "Hello there"], max_tokens=2, workflow="w")
    assert talk.history()[-1].content == "Echo: Hello"
    assert chat.get_session(talk.session_id, user_id="ada").session.metadata["workflow"] == "w"
    asked = [request.operation for request in sandbox.requests]
    assert asked.count("get_session") == 1 + 2  # for the model, and for what was looked at
    assert "list_models" not in asked


def test_a_session_without_model_takes_the_first_of_the_server():
    with MockChatServerClient() as mock:
        mock.set_mock_response("get_session", {"session": {"model": None}})
        mock.set_mock_response("list_models", {"data": [{"id": "first"}]})
        talk = mock.session("ada", "s")
        assert (talk.send("Hello").model, talk.model, talk.session_id) == ("first", "first", "s")
        mock.set_mock_response("list_models", {"data": []})
        with pytest.raises(errors.BadRequestError, match="offers no model"):
            mock.session("ada").send("One")


@pytest.mark.parametrize("method", ["send", "stream"])
def test_what_is_wrong_is_told_before_anything_is_sent(chat, sandbox, method):
    say = getattr(chat.session("ada"), method)
    for wrong, problem in (("", "must not be empty"), ([], "expected at least one message")):
        with pytest.raises(errors.BadRequestError, match=problem):
            say(wrong)
    for option in ("temprature", "session_id"):
        with pytest.raises(TypeError, match=f"'{option}'"):
            say("One", model="gpt-4o", **{option: 1})
    for email in ("", "..", "\ud800"):  # what would lead to another path
        with pytest.raises(errors.BadRequestError, match="email: cannot"):
            chat.remove_admin(email)
    assert sandbox.requests == []


def test_the_openai_package_itself_talks_to_a_chatserver(sandbox):
    with openai.OpenAI(api_key=TOKEN, base_url=f"{sandbox.base_url}/v1", max_retries=0) as client:
        assert [model.id for model in client.models.list()][:2] == ["claude-3-haiku", "claude-3-5-sonnet"]
        create = client.chat.completions.create
        answer = create(model="gpt-4o", messages=HELLO, max_tokens=2, user="u", metadata={"workflow": "w"}, n=1)
        assert answer.choices[0].message.content == "Echo: Hello"
        assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens == 4
        sandbox.inject("*", Fault.keep_alive(2), times=1)
        *_, last = create(model="gpt-4o", messages=HELLO, stream=True, stream_options={"include_usage": True})
        assert (last.choices[0].finish_reason, last.usage.completion_tokens) == ("stop", 3)
        sandbox.inject("*", Fault.error_event(2, "out of memory"))
        with pytest.raises(openai.APIError, match="out of memory"):
            list(create(model="gpt-4o", messages=HELLO, stream=True))


def test_what_a_refused_call_needs_is_told(chat, connect_chat, sandbox):
    member = connect_chat(sandbox.member_api_key, sandbox.base_url)
    with pytest.raises(errors.ForbiddenError, match=r"Platform admin access required.*platform administrator"):
        member.get_platform_stats()
    sandbox.inject("get_session", Fault.status(403))
    with pytest.raises(errors.ForbiddenError, match="get_session needs an API key with access"):
        chat.get_session("s", user_id="u")


STATUSES = {
    int(code.replace("5xx", "503")): (row["Error"].name, row["Also"].name)
    for row in table(ROOT / "docs/chatserver.md", "Error", "Status")
    for code in row["Status"].code
} | {409: ("ChatServerError", "CodegenAPIError")}
"""The errors that the page names for each status."""


@pytest.mark.parametrize("status", STATUSES)
def test_a_status_is_an_error_of_both_trees(connect_chat, sandbox, status, clock):
    kind, common = getattr(errors, STATUSES[status][0]), getattr(codegen_ext, STATUSES[status][1])
    sandbox.inject("*", Fault.status(status, {"message": "no"}))
    chat = connect_chat(TOKEN, sandbox.base_url, clock=clock).with_options(max_retries=0)
    calls = [
        chat.list_models,
        lambda: chat.create_completion("m", ["x"]),
        lambda: chat.create_completion("m", ["x"], stream=True),
        lambda: next(chat.stream_chat_completion("m", HELLO)),
        lambda: list(chat.iter_sessions("u")),
        chat.with_raw_response.list_models,
        lambda: chat.request("GET", "/v1/models"),
    ]
    for call in calls:
        with pytest.raises(errors.ChatServerError, match=r"^no") as caught:
            call()
        error = caught.value
        assert type(error) is kind
        assert isinstance(error, common)
        assert (error.status_code, error.response_data) == (status, {"message": "no"})
        assert error.request_id


def test_what_is_no_status_is_an_error_of_both_trees(chat_with, timed):
    for answer, kind, common in (
        (CLOSE, errors.ConnectionError, codegen_ext.NetworkError),
        (reply(b"{"), errors.InvalidResponseError, codegen_ext.InvalidResponseError),
        (reply({"error": {"message": "no quota"}}), errors.InvalidResponseError, codegen_ext.InvalidResponseError),
    ):
        with pytest.raises(common, match="create_chat_completion") as caught:
            chat_with(answer).create_completion("m", ["x"])
        assert type(caught.value) is kind
        assert caught.value.__cause__ is not None
    assert "the service says: no quota" in caught.value.message
    with pytest.raises(TimeoutError) as timeout:
        timed(Fault.latency(60)).create_completion("m", ["x"])
    assert type(timeout.value) is errors.TimeoutError
    assert timeout.value.timeout_duration == 5


@pytest.mark.parametrize(
    ("fault", "requests"),
    [(Fault.reset_after(), 1), (Fault.status(503), 1), (Fault.empty_body(), 1), (Fault.status(429), 4)],
)
@pytest.mark.parametrize("stream", [False, True])
def test_a_completion_is_repeated_only_where_it_was_not_begun(connect_chat, sandbox, clock, fault, requests, stream):
    sandbox.inject("create_chat_completion", fault)
    chat = connect_chat(TOKEN, sandbox.base_url, clock=clock)
    with pytest.raises(errors.ChatServerError, match="create_chat_completion"):
        list(chat.create_completion("gpt-4o", HELLO, stream=stream))
    assert len(sandbox.requests) == requests
    sandbox.inject("*", Fault.status(503), times=2)
    assert chat.list_models().data  # what only reads is repeated
    assert len(sandbox.requests) == requests + 3


def test_streaming_can_be_forbidden(chat, sandbox):
    chat.config.enable_streaming = False
    calls = [
        lambda: chat.create_completion("gpt-4o", HELLO, stream=True),
        lambda: chat.stream_chat_completion("gpt-4o", HELLO),
        lambda: chat.iter_sessions("u"),
        chat.iter_audit_log,
    ]
    for call in calls:
        with pytest.raises(codegen_ext.ConfigurationError, match="enable_streaming"):
            call()
    assert sandbox.requests == []


def test_the_public_names():
    for name in dir(chatserver):
        assert getattr(chatserver, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'Nothing'"):
        chatserver.Nothing  # noqa: B018
