"""Completions as streams: text, chunks, what is known in the end, and everything that can go wrong on the way."""

import asyncio
import gc
import json
import pickle
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, nullcontext, suppress
from itertools import pairwise
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import NetworkError
from codegen_ext.chatserver import (
    AsyncChatServerClient,
    BadRequestError,
    ChatServerClient,
    ChatServerError,
    InternalServerError,
    NotFoundError,
    RateLimitError,
    StreamInterruptedError,
    errors,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import Flavour
from ..support.loopback import HANG, Loopback, reply
from .conftest import EVENTS, HELLO, chunk, events, streamed

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def ask(chat: Any, **options: Any) -> Any:
    return chat.create_completion("gpt-4o", HELLO, stream=True, **options)


def test_a_stream_yields_text_and_knows_the_rest_in_the_end(chat: Any) -> None:
    with ask(chat, user="u") as stream:
        assert stream.response is None
        assert stream.metadata == {"system_fingerprint": None, "usage": None, "model": None, "finish_reason": None}
        assert list(stream) == ["Echo:", " Hello", " there"]
        response = stream.response
    assert stream.text == "Echo: Hello there"
    assert stream.metadata["finish_reason"] == "stop"
    assert stream.metadata["model"] == "gpt-4o"
    assert stream.metadata["usage"].total_tokens == stream.metadata["usage"]["total_tokens"] == 5
    (session,) = chat.list_sessions("u").sessions
    assert stream.metadata["system_fingerprint"] == session.id
    assert list(stream) == []
    whole = chat.create_completion("gpt-4o", HELLO, user="u", session_id=session.id)
    for answer in (whole, response):
        answer.id, answer.created = "c", 1
    assert response == whole


def test_a_stream_as_chunks(chat: Any) -> None:
    stream = ask(chat)
    with stream.events() as chunks:
        deltas = [event.choices[0].delta.content for event in chunks]
    assert deltas == ["", "Echo:", " Hello", " there", None]
    assert stream.response.choices[0].message.content == "Echo: Hello there"
    assert chunks.response == stream.response


def test_chunks_go_on_where_text_was_left(chat: Any) -> None:
    stream = ask(chat)
    assert next(stream) == "Echo:"
    assert [event.choices[0].delta.content for event in stream.events()] == [" Hello", " there", None]
    assert stream.response.choices[0].message.content == "Echo: Hello there"


def test_several_answers_are_kept_apart(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    def of(index: int, text: str | None, reason: str | None = None, **more: Any) -> dict[str, Any]:
        delta = {**({} if text is None else {"content": text}), **more}
        return {**chunk(None), "choices": [{"index": index, "delta": delta, "finish_reason": reason}]}

    server = serve(
        streamed(
            of(1, "x", thought="a"),
            of(0, "1", thought="b", tool_calls=[1]),
            of(1, "y", thought="c", role="assistant"),
            {**of(0, None, "stop", tool_calls=[2]), "mood": "good"},
            of(1, None, "length"),
            {**chunk(None), "choices": [], "usage": USAGE},
        )
    )
    stream = ask(connect_chat(None, server.base_url))
    assert list(stream) == ["1"]
    assert stream.metadata["finish_reason"] == "stop"
    response = stream.response
    assert [choice.dict() for choice in response.choices] == [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "1", "thought": "b", "tool_calls": [1, 2]},
            "finish_reason": "stop",
        },
        {"index": 1, "message": {"role": "assistant", "content": "xy", "thought": "ac"}, "finish_reason": "length"},
    ]
    assert (response.usage.total_tokens, response.mood, response.object) == (3, "good", "chat.completion")


def test_the_request_is_sent_at_once_and_a_refusal_comes_at_once(chat: Any, sandbox: Sandbox) -> None:
    ask(chat).close()
    assert len(sandbox.requests) == 1
    with pytest.raises(NotFoundError) as caught:
        ask(chat, session_id="unknown", user="u")
    assert (caught.value.status_code, caught.value.partial) == (404, None)


BREAKS: list[tuple[Fault, type[ChatServerError], str]] = [
    (Fault.cut(3), StreamInterruptedError, "without sending complete message body"),
    (Fault.error_event(3, "out of memory"), InternalServerError, "out of memory"),
    (Fault.error_event(3, "too much", 429), RateLimitError, "too much"),
    (Fault.error_event(3, "too long", 400), BadRequestError, "too long"),
    (Fault.error_event(3, "too long", "context_length_exceeded"), BadRequestError, "too long"),
    (Fault.error_event(3, "busy", "rate_limit_exceeded"), RateLimitError, "busy"),
    (Fault.error_event(3, "odd", "something_else"), InternalServerError, "odd"),
]


@pytest.mark.parametrize(("fault", "kind", "message"), BREAKS)
@pytest.mark.parametrize("as_chunks", [False, True])
def test_what_breaks_a_stream_is_an_error_that_carries_what_arrived(
    chat: Any, sandbox: Sandbox, fault: Fault, kind: type[ChatServerError], message: str, as_chunks: bool
) -> None:
    sandbox.inject("create_chat_completion", fault)
    stream = ask(chat)
    received = []
    with pytest.raises(ChatServerError, match=message) as caught:
        received.extend(stream.events() if as_chunks else stream)
    error = caught.value
    assert type(error) is kind
    assert error.operation == "create_chat_completion"
    assert error.request_id == "sandbox-0-1"
    assert len(received) == (3 if as_chunks else 2)
    assert error.partial.choices[0].message.content == stream.text == "Echo: Hello"
    assert error.partial.choices[0].finish_reason is None
    assert error.partial.system_fingerprint
    assert pickle.loads(pickle.dumps(error)).partial == error.partial
    assert stream.response is None
    assert list(stream) == []
    assert stream.response is None
    assert len(sandbox.requests) == 1


@pytest.mark.parametrize("wrong", [{"index": None}, {"index": "0"}, {"index": []}, {"delta": {"content": 5}}])
def test_a_chunk_that_cannot_be_put_together_is_skipped(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], wrong: dict[str, Any], caplog: Any
) -> None:
    broken = chunk("b")
    broken["choices"][0] |= wrong
    stream = ask(connect_chat(None, serve(streamed(chunk("a"), broken, chunk("c"))).base_url))
    assert list(stream) == ["a", "c"]
    assert "skipped" in caplog.text


ODD_EVENTS = {
    "a ping": 'event: ping\ndata: {"type": "ping"}\n\n',
    "an event of another kind": 'event: thread.created\ndata: {"id": "t"}\n\n',
    "data that is not JSON": "data: hello there\n\n",
    "a number": "data: 5\n\n",
    "an endless list": "data: " + "[" * 100_000 + "\n\n",
}


@pytest.mark.parametrize("odd", ODD_EVENTS.values(), ids=list(ODD_EVENTS))
def test_odd_events_do_not_end_a_stream(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], odd: str
) -> None:
    body = events(chunk("one "), done=False) + odd.encode() + events(chunk("two"))
    server = serve(reply(body, content_type="Text/Event-Stream; charset=utf-8"))
    assert list(ask(connect_chat(None, server.base_url))) == ["one ", "two"]


def test_a_chunk_needs_no_id_time_or_model(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    bare = {name: chunk("b")[name] for name in ("object", "choices")}
    stream = ask(connect_chat(None, serve(streamed(bare, chunk("c"))).base_url))
    assert list(stream) == ["b", "c"]
    assert stream.response.choices[0].message.content == "bc"


@given(st.text(max_size=20), st.lists(st.integers(0, 45)))
def test_text_is_whole_wherever_its_code_units_are_cut(text: str, cuts: list[int]) -> None:
    encoded = text.encode("utf-16-be")
    units = [chr(int.from_bytes(encoded[at : at + 2])) for at in range(0, len(encoded), 2)]
    edges = [0, *sorted({min(cut, len(units)) for cut in cuts}), len(units)]
    pieces = ["".join(units[start:end]) for start, end in pairwise(edges)]
    body = "".join(f"data: {json.dumps(chunk(piece))}\n\n" for piece in pieces) + "data: [DONE]\n\n"

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": EVENTS}, content=body.encode())

    with ChatServerClient(transport=httpx.MockTransport(answer), rate_limits=False) as chat:
        stream = ask(chat)
        assert "".join(stream) == stream.text == text
        assert stream.response.choices[0].message.content == text


def test_half_a_character_is_replaced(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    stream = ask(connect_chat(None, serve(streamed(chunk("a\ud83d"), chunk("b"))).base_url))
    assert "".join(stream) == "a\ufffdb"


def test_the_status_in_an_error_event_is_that_of_the_error(chat: Any, sandbox: Sandbox) -> None:
    sandbox.inject("*", Fault.error_event(0, "no", 403))
    with pytest.raises(errors.ForbiddenError, match="no") as caught:
        list(ask(chat))
    assert (caught.value.status_code, caught.value.partial) == (403, None)


@pytest.mark.parametrize(
    "event",
    [
        "event: error\ndata: out of memory\n\n",
        'event: error\ndata: {"message": "out of memory"}\n\n',
        'data: {"message": "out of memory", "status_code": 503}\n\n',
        'data: {"detail": "out of memory"}\n\n',
    ],
)
def test_an_error_in_any_form_is_an_error(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], event: str
) -> None:
    server = serve(reply(events(chunk("a"), done=False) + event.encode(), content_type=EVENTS))
    with pytest.raises(InternalServerError, match="out of memory") as caught:
        list(ask(connect_chat(None, server.base_url)))
    assert caught.value.partial.choices[0].message.content == "a"


@pytest.mark.parametrize("mark", ["[DONE]", " [DONE] ", "[DONE]\t"])
def test_blanks_about_the_mark_of_completeness_mean_nothing(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], mark: str
) -> None:
    stream = ask(connect_chat(None, serve(streamed(chunk("a"), mark, done=False)).base_url))
    assert list(stream) == ["a"]
    assert stream.response is not None


@pytest.mark.parametrize("kind", [EVENTS, f"{EVENTS} ; charset=iso-8859-1"])
def test_a_stream_is_utf_8_and_may_begin_with_a_byte_order_mark(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any], kind: str
) -> None:
    body = f"\ufeffdata: {json.dumps(chunk('Grüße'), ensure_ascii=False)}\n\ndata: [DONE]\n\n".encode()
    assert list(ask(connect_chat(None, serve(reply(body, content_type=kind)).base_url))) == ["Grüße"]


def test_an_error_event_may_be_empty(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    server = serve(reply(b"event: error\n\n" + events(chunk("a")), content_type=EVENTS))
    with pytest.raises(InternalServerError, match="the service reported an error"):
        list(ask(connect_chat(None, server.base_url)))


def test_a_stream_without_its_mark_of_completeness_is_cut(
    serve: Callable[..., Loopback], connect_chat: Callable[..., Any]
) -> None:
    stream = ask(connect_chat(None, serve(streamed(chunk("a"), done=False)).base_url))
    with pytest.raises(StreamInterruptedError, match="ended early") as caught:
        list(stream)
    assert isinstance(caught.value, NetworkError)
    assert caught.value.partial.choices[0].message.content == "a"


def test_silence_between_two_events_may_last(connect_chat: Callable[..., Any], clock: FakeClock) -> None:
    sandbox = Sandbox(rate_limits=False, clock=clock)
    sandbox.inject("*", Fault.stall(3, seconds=600))
    stream = ask(connect_chat(sandbox.token, sandbox.base_url, 5, transport=sandbox.transport(), clock=clock))
    assert list(stream) == ["Echo:", " Hello", " there"]
    assert clock.monotonic() >= 600


def test_silence_is_a_timeout_where_a_limit_was_given(flavour: Flavour) -> None:
    with Sandbox(rate_limits=False) as sandbox, flavour.chat(sandbox.token, sandbox.base_url) as chat:
        sandbox.inject("*", Fault.stall(3))
        with pytest.raises(errors.TimeoutError) as caught:
            list(ask(chat, timeout=0.2))
        assert caught.value.timeout_duration == 0.2
        assert caught.value.partial.choices[0].message.content == "Echo: Hello"


def test_comments_are_a_sign_of_life_where_a_limit_was_given(flavour: Flavour) -> None:
    with Sandbox(rate_limits=False) as sandbox, flavour.chat(sandbox.token, sandbox.base_url) as chat:
        sandbox.inject("*", Fault.keep_alive(2, 6, 0.1))
        assert list(ask(chat, timeout=0.4)) == ["Echo:", " Hello", " there"]


def test_a_slow_stream_may_take_longer_than_the_timeout(connect_chat: Callable[..., Any], clock: FakeClock) -> None:
    sandbox = Sandbox(rate_limits=False, clock=clock)
    sandbox.inject("*", Fault.slow_events(4))
    chat = connect_chat(sandbox.token, sandbox.base_url, 5, transport=sandbox.transport(), clock=clock)
    stream = ask(chat)
    for _ in stream:
        clock.advance(60)  # the reader's own time does not count
    assert stream.text == "Echo: Hello there"
    assert clock.slept == [4] * 6


def test_keep_alive_comments_are_no_events(chat: Any, sandbox: Sandbox) -> None:
    sandbox.inject("*", Fault.keep_alive(2, 5))
    assert list(ask(chat)) == ["Echo:", " Hello", " there"]


class Dribble:
    """A server that sends a body in given pieces, each in a packet of its own, and says when the client has gone."""

    def __init__(self, *pieces: bytes, endless: bytes = b"") -> None:
        self._pieces = pieces
        self._endless = endless
        self.left = threading.Event()
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(30)
        self.base_url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> "Dribble":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.left.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        try:
            connection, _ = self._socket.accept()
        except TimeoutError:
            return
        with connection, suppress(ConnectionError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            while (received := connection.recv(65536)) and not received.endswith(b"}"):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-type: text/event-stream\r\n\r\n")
            for piece in self._pieces:
                connection.sendall(piece)
            connection.settimeout(0.005)
            while self._endless and not self.left.is_set():
                connection.sendall(self._endless)
                try:
                    if not connection.recv(1):
                        break
                except TimeoutError:
                    pass
        self.left.set()


@pytest.fixture
def dribble() -> Iterator[Callable[..., Dribble]]:
    with ExitStack() as stack:
        yield lambda *pieces, **options: stack.enter_context(Dribble(*pieces, **options))


ENDLESS = events(chunk("more"), done=False)


def test_closing_early_closes_the_connection(dribble: Callable[..., Dribble], connect_chat: Callable[..., Any]) -> None:
    server = dribble(endless=ENDLESS)
    stream = ask(connect_chat(None, server.base_url))
    assert next(stream) == "more"
    assert not server.left.is_set()
    stream.close()
    assert server.left.wait(30)
    assert list(stream) == []
    assert stream.response is None
    stream.close()


def test_leaving_the_with_statement_closes_the_connection(
    dribble: Callable[..., Dribble], connect_chat: Callable[..., Any]
) -> None:
    server = dribble(endless=ENDLESS)
    with ask(connect_chat(None, server.base_url)) as stream:
        assert next(stream) == "more"
    assert server.left.wait(30)


@pytest.mark.parametrize("read", [0, 1])
def test_a_forgotten_stream_closes_its_connection(dribble: Callable[..., Dribble], read: int) -> None:
    server = dribble(endless=ENDLESS)
    with ChatServerClient(None, server.base_url) as chat:
        stream = ask(chat)
        for _ in range(read):
            next(stream)
        del stream
        gc.collect()
        assert server.left.wait(30)


def test_a_cancelled_reader_closes_its_connection(dribble: Callable[..., Dribble]) -> None:
    server = dribble(events(chunk("a"), done=False), endless=b": still here\n\n")

    async def main() -> None:
        async with AsyncChatServerClient(None, server.base_url) as chat:
            arrived = asyncio.Event()

            async def read() -> None:
                async for _ in await ask(chat):
                    arrived.set()

            reading = asyncio.create_task(read())
            await arrived.wait()
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading
            assert await asyncio.to_thread(server.left.wait, 30)

    asyncio.run(main())


NOTATION = (
    "\ufeff: welcome\r\n\r\n"
    f"id: 1\r\nevent: message\r\nretry: 5\r\ndata: {json.dumps(chunk('Grüße '), ensure_ascii=False)}\r\n\r\n"
    f"data:{json.dumps(chunk('日本 '), ensure_ascii=False)}\n\n"
    ": keep-alive\n\n"
    + "".join(f"data: {line}\n" for line in json.dumps(chunk("🎉\u2028\n"), ensure_ascii=False, indent=1).split("\n"))
    + "\n"
    + f"data: {json.dumps(chunk(' end', usage=USAGE))}\r\rdata: [DONE]\r\n\r\n"
    "data: what follows is nothing\n\n"
).encode()
SAID = ["Grüße ", "日本 ", "🎉\u2028\n", " end"]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 4096])
def test_events_in_every_notation_and_in_pieces_of_any_size(
    dribble: Callable[..., Dribble], connect_chat: Callable[..., Any], size: int
) -> None:
    server = dribble(*(NOTATION[start : start + size] for start in range(0, len(NOTATION), size)))
    stream = ask(connect_chat(None, server.base_url))
    assert list(stream) == SAID
    assert stream.response.usage.total_tokens == 3


@given(st.sets(st.integers(1, len(NOTATION) - 1)))
def test_events_cut_anywhere(cuts: set[int]) -> None:
    edges = [0, *sorted(cuts), len(NOTATION)]
    pieces = [NOTATION[start:end] for start, end in pairwise(edges)]

    class Pieces(httpx.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            yield from pieces

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": EVENTS}, stream=Pieces())

    with ChatServerClient(transport=httpx.MockTransport(answer)) as chat:
        assert list(ask(chat)) == SAID


@given(st.integers(0, len(NOTATION)))
def test_a_stream_that_ends_anywhere_is_complete_or_an_error(end: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, headers={"content-type": EVENTS}, content=NOTATION[:end])

    with ChatServerClient(transport=httpx.MockTransport(answer)) as chat:
        stream = ask(chat)
        received: list[str] = []
        complete = b"[DONE]\r\n\r" in NOTATION[:end]
        with nullcontext() if complete else pytest.raises(StreamInterruptedError) as caught:
            received.extend(stream)
        partial = stream.response if complete else caught.value.partial
        assert (stream.response is not None) == complete
        assert received == SAID[: len(received)]
        assert (partial.choices[0].message.content if partial else "") == stream.text == "".join(received)


def test_a_stream_that_never_begins(serve: Callable[..., Loopback], connect_chat: Callable[..., Any]) -> None:
    with pytest.raises(errors.TimeoutError) as caught:
        ask(connect_chat(None, serve(HANG).base_url, 0.05))
    assert caught.value.partial is None
