"""The clients of a ChatServer: operations, credentials, and completions as a stream of events."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from codegen_api.models import ChatCompletionChunk

from codegen_ext import (
    AsyncChatServerClient,
    AuthenticationError,
    CodegenAPIError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    PermissionDeniedError,
    ValidationError,
    chatserver,
)
from codegen_ext import TimeoutError as CodegenTimeoutError
from codegen_ext.testing import Fault, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.loopback import HANG, Loopback, reply
from .conftest import EVENTS, HELLO, chunk, events, streamed


def ask(chat: Any, **options: Any) -> Any:
    return chat.stream_chat_completion("gpt-4o", HELLO, **options)


def text_of(stream: Any) -> str:
    return "".join(chunk.choices[0].delta.content or "" for chunk in stream)


def test_the_defaults_are_a_server_on_this_machine_without_credential(flavour: Flavour) -> None:
    with flavour.chat() as chat:
        assert chat.config.base_url == "http://localhost:3284"
        assert chat.config.timeout == 30
        assert chat.config.api_token == ""


def test_the_environment_of_the_other_service_does_not_count(monkeypatch: pytest.MonkeyPatch, flavour: Flavour) -> None:
    for name, text in (("API_TOKEN", "other"), ("BASE_URL", "http://other"), ("ORG_ID", "5"), ("TIMEOUT", "1")):
        monkeypatch.setenv(f"CODEGEN_{name}", text)
    with flavour.chat() as chat:
        config = chat.config
        assert (config.api_token, config.base_url, config.timeout) == ("", "http://localhost:3284", 30)


@pytest.mark.parametrize(("key", "header"), [(None, None), ("abc", "Bearer abc")])
def test_the_key_is_a_bearer_token_and_without_one_there_is_no_header(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], key: str | None, header: str | None
) -> None:
    server = serve(reply({"object": "list", "data": []}), streamed(chunk("x")))
    chat = connect_chat(key, server.base_url)
    chat.list_models()
    list(ask(chat))
    assert [request.headers.get("authorization") for request in server.requests] == [header, header]


def test_a_completion(chat: Any) -> None:
    answer = chat.create_chat_completion("gpt-4o", HELLO, temperature=0.0, max_tokens=2, metadata={"x": 1})
    choice = answer.choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Echo: Hello", "length")
    assert answer.usage.total_tokens == 4
    assert answer.system_fingerprint


def test_sessions_are_found_again(chat: Any) -> None:
    first = chat.create_chat_completion("gpt-4o", HELLO, user="u1")
    session_id = first.system_fingerprint
    chat.create_chat_completion("gpt-4o", HELLO, user="u1", metadata={"session_id": session_id})
    page = chat.list_sessions("u1")
    assert ([session.id for session in page.sessions], page.total, page.has_more) == ([session_id], 1, False)
    assert len(chat.get_session(session_id, "u1").messages) == 4
    with pytest.raises(NotFoundError, match="Session not found"):
        chat.get_session(session_id, "somebody else")


def test_administration(chat: Any, sandbox: Sandbox) -> None:
    chat.add_admin("user_9", "new@example.com", "New")
    admins = chat.list_admins()
    assert (admins["count"], admins["admins"][-1]["email"]) == (2, "new@example.com")
    assert chat.remove_admin("new@example.com").success is True
    assert chat.get_audit_log(limit=1).entries[0].action == "admin.removed"
    assert chat.get_platform_stats().total_requests == 0
    sandbox.admin = False
    with pytest.raises(PermissionDeniedError):
        chat.get_platform_stats()


def test_models(chat: Any) -> None:
    models = chat.list_models().data
    assert models[0].id == "claude-3-haiku"
    assert models[0].provider == "claude"


def test_a_wrong_key_and_a_wrong_argument(connect_chat: Callable[..., Any], chat: Any, sandbox: Sandbox) -> None:
    with pytest.raises(AuthenticationError):
        connect_chat("wrong", sandbox.base_url).list_models()
    with pytest.raises(ValidationError) as caught:
        chat.create_chat_completion("gpt-4o", [])
    assert caught.value.status_code == 400


def test_derived_clients_and_unknown_paths(chat: Any) -> None:
    assert chat.with_options(timeout=5).config.timeout == 5
    assert chat.request("GET", "/v1/models")["object"] == "list"
    assert chat.get_stats().total_requests == 1
    assert chat.with_raw_response.list_models().status_code == 200


def test_a_stream_yields_the_answer_in_chunks(chat: Any, sandbox: Sandbox) -> None:
    chunks = list(ask(chat))
    assert {type(chunk) for chunk in chunks} == {ChatCompletionChunk}
    assert text_of(chunks) == "Echo: Hello there"
    assert chunks[-1].usage.completion_tokens == 3
    assert chunks[-1].choices[0].finish_reason == "stop"
    assert len({chunk.system_fingerprint for chunk in chunks}) == 1
    assert sandbox.requests[0].operation == "create_chat_completion"


def test_a_stream_asks_for_events(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    server = serve(streamed(chunk("x")))
    list(ask(connect_chat(None, server.base_url), extra_headers={"X-A": "1"}, user="u"))
    (request,) = server.requests
    assert request.headers["accept"] == "text/event-stream"
    assert request.headers["x-a"] == "1"
    assert (request.json()["stream"], request.json()["user"]) == (True, "u")


def test_events_in_every_notation(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    body = (
        ": a comment\n\n"
        f"event: message\nid: 1\ndata: {json.dumps(chunk('a'))}\n\n"
        f"data:{json.dumps(chunk('b', error=None))}\r\n\r\n"
        "data: [DONE]\n\n"
        "data: what comes after the end does not count\n\n"
    )
    server = serve(reply(body.encode(), content_type="text/event-stream; charset=utf-8"))
    assert text_of(ask(connect_chat(None, server.base_url))) == "ab"


def test_unknown_fields_of_a_chunk_are_kept(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    server = serve(streamed(chunk("a", mood="good")))
    assert next(ask(connect_chat(None, server.base_url))).mood == "good"


def test_a_stream_that_ends_early_is_an_error_after_what_came(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    server = serve(streamed(chunk("a"), chunk("b"), done=False))
    stream = ask(connect_chat(None, server.base_url))
    assert [next(stream).choices[0].delta.content, next(stream).choices[0].delta.content] == ["a", "b"]
    with pytest.raises(NetworkError, match="the stream ended early") as caught:
        next(stream)
    assert caught.value.operation == "create_chat_completion"


@pytest.mark.parametrize("keep", [0, 10, 200, 700])
def test_a_stream_that_is_cut_is_an_error(chat: Any, sandbox: Sandbox, keep: int) -> None:
    sandbox.inject("create_chat_completion", Fault.truncate(keep))
    with pytest.raises(NetworkError) as caught:
        list(ask(chat))
    assert caught.value.operation == "create_chat_completion"


def test_a_stream_whose_connection_is_reset_is_an_error(chat: Any, sandbox: Sandbox) -> None:
    sandbox.inject("create_chat_completion", Fault.reset_before())
    with pytest.raises(NetworkError) as caught:
        next(ask(chat))
    assert caught.value.original_error is caught.value.__cause__


def test_a_stream_that_does_not_begin_in_time(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    stream = ask(connect_chat(None, serve(HANG).base_url), timeout=0.03)
    with pytest.raises(CodegenTimeoutError) as caught:
        next(stream)
    assert caught.value.timeout_duration == 0.03


ERROR_EVENTS = [
    'data: {"error": {"message": "out of memory", "type": "server_error"}}\n\n',
    'data: {"error": "out of memory"}\n\n',
    'event: error\ndata: {"message": "out of memory"}\n\n',
]


@pytest.mark.parametrize("event", ERROR_EVENTS)
def test_an_error_in_the_stream_is_an_error_with_its_message(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], event: str
) -> None:
    server = serve(reply(events(chunk("a"), done=False) + event.encode(), content_type=EVENTS))
    stream = ask(connect_chat(None, server.base_url))
    next(stream)
    with pytest.raises(CodegenAPIError, match="out of memory") as caught:
        next(stream)
    assert caught.value.operation == "create_chat_completion"
    assert caught.value.response_data == json.loads(event.partition("data: ")[2])


def test_an_error_in_the_stream_may_say_nothing(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    server = serve(reply(b"event: error\ndata: {}\n\n", content_type=EVENTS))
    with pytest.raises(CodegenAPIError, match="the service reported an error"):
        next(ask(connect_chat(None, server.base_url)))


@pytest.mark.parametrize("data", ["nonsense", "[]", "5", "{}", "[" * 100_000, '{"id": 1}'])
def test_an_event_that_is_no_chunk_is_skipped_with_a_warning(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], data: str, caplog: pytest.LogCaptureFixture
) -> None:
    chunks = list(ask(connect_chat(None, serve(streamed(chunk("a"), data, chunk("b"))).base_url)))
    assert [each.choices[0].delta.content for each in chunks] == ["a", "b"]
    assert "an event of the stream is skipped" in caplog.text


@pytest.mark.parametrize("content_type", ["application/json", "text/html", None])
def test_another_content_type_is_an_error(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], content_type: str | None
) -> None:
    server = serve(reply({"id": 1}, content_type=content_type, headers={"x-request-id": "r-1"}))
    with pytest.raises(InvalidResponseError, match="expected a stream of events") as caught:
        next(ask(connect_chat(None, server.base_url)))
    assert (caught.value.status_code, caught.value.request_id) == (200, "r-1")


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, chatserver.BadRequestError),
        (401, chatserver.UnauthorizedError),
        (404, chatserver.NotFoundError),
        (500, chatserver.InternalServerError),
    ],
)
def test_a_refused_stream_is_the_error_of_its_status(
    chat: Any, sandbox: Sandbox, status: int, kind: type[CodegenAPIError]
) -> None:
    sandbox.inject("create_chat_completion", Fault.status(status, {"message": "no"}))
    with pytest.raises(kind, match="no") as caught:
        next(ask(chat))
    assert caught.value.response_data == {"message": "no"}
    assert type(caught.value) is kind


def test_a_stream_checks_its_arguments_before_anything_is_sent(chat: Any, sandbox: Sandbox) -> None:
    with pytest.raises(ValidationError, match="max_tokens"):
        next(chat.stream_chat_completion("gpt-4o", HELLO, max_tokens=0))
    assert sandbox.requests == []


def test_a_stream_that_is_left_early_gives_its_connection_back(chat: Any) -> None:
    for _ in range(3):
        stream = ask(chat)
        next(stream)
        stream.close()
    assert chat.list_models().data


def test_breaking_out_of_a_stream_is_clean(sandbox: Sandbox) -> None:
    async def main() -> None:
        async with AsyncChatServerClient(TOKEN, sandbox.base_url) as chat:
            async for _ in chat.stream_chat_completion("gpt-4o", HELLO):
                break
            assert (await chat.list_models()).data

    asyncio.run(main())


def test_a_stream_can_be_cancelled(serve: Callable[..., Loopback]) -> None:
    async def main() -> None:
        server = serve(HANG)
        async with AsyncChatServerClient(None, server.base_url) as chat:

            async def read() -> None:
                async for _ in chat.stream_chat_completion("gpt-4o", HELLO):
                    pass

            reading = asyncio.create_task(read())
            await asyncio.to_thread(server.arrived.wait)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading

    asyncio.run(main())


def test_in_process_without_a_socket(flavour: Flavour) -> None:
    sandbox = Sandbox(rate_limits=False)
    with flavour.chat(sandbox.token, sandbox.base_url, transport=sandbox.transport()) as chat:
        assert text_of(ask(chat)) == "Echo: Hello there"
