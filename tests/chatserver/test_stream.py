"""Completions as streams: text, chunks, what is known in the end, and everything that can go wrong on the way."""

import asyncio
import gc
import json
import pickle
from itertools import pairwise

import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen_ext.chatserver import AsyncChatServerClient, ChatServerClient, errors
from codegen_ext.testing import Fault

from ..support.completions import chunk, events, streamed
from ..support.loopback import HANG, reply
from .conftest import HELLO, ask

USAGE = {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


def test_a_stream_yields_text_and_knows_the_rest_in_the_end(chat):
    with ask(chat, user="u") as stream:
        assert stream.response is None
        assert stream.metadata == {"system_fingerprint": None, "usage": None, "model": None, "finish_reason": None}
        assert list(stream) == ["Echo:", " Hello", " there"]
    response, metadata = stream.response, stream.metadata
    assert (stream.text, metadata["finish_reason"], metadata["model"]) == ("Echo: Hello there", "stop", "gpt-4o")
    assert metadata["usage"].total_tokens == metadata["usage"]["total_tokens"] == 5
    whole = chat.create_completion("gpt-4o", HELLO, user="u", session_id=metadata["system_fingerprint"])
    for answer in (whole, response):
        answer.id, answer.created = "c", 1
    assert response == whole


def test_a_stream_as_chunks_goes_on_where_text_was_left(chat):
    stream = ask(chat)
    chunks = stream.events()
    assert [next(chunks).choices[0].delta.content for _ in range(2)] == ["", "Echo:"]
    assert next(stream) == " Hello"
    assert [event.choices[0].delta.content for event in stream.events()] == [" there", None]
    assert list(chunks) == []
    assert stream.response.choices[0].message.content == "Echo: Hello there"


async def test_the_operation_itself_yields_chunks(sandbox):
    async with AsyncChatServerClient(sandbox.token, sandbox.base_url) as chat:
        chunks = [event async for event in chat.stream_chat_completion("gpt-4o", HELLO)]
        assert "".join(event.choices[0].delta.content or "" for event in chunks) == "Echo: Hello there"
        assert (chunks[-1].choices[0].finish_reason, chunks[-1].usage.completion_tokens) == ("stop", 3)
        async for _ in chat.stream_chat_completion("gpt-4o", HELLO):
            break
        assert (await chat.list_models()).data


def test_several_answers_are_kept_apart(chat_with):
    def of(index, reason=None, **delta):
        return chunk(choices=[{"index": index, "delta": delta, "finish_reason": reason}])

    parts = [
        of(1, content="x", thought="a"),
        of(0, content="1", thought="b", tool_calls=[1]),
        of(1, content="y", thought="c", role="assistant"),
        {**of(0, "stop", tool_calls=[2]), "mood": "good"},
        of(1, "length"),
        chunk(choices=[], usage=USAGE),
    ]
    stream = ask(chat_with(streamed(*parts)))
    assert list(stream) == ["1"]
    assert stream.metadata["finish_reason"] == "stop"
    response = stream.response
    first, second = (choice.dict() for choice in response.choices)
    assert first["message"] == {"role": "assistant", "content": "1", "thought": "b", "tool_calls": [1, 2]}
    assert second["message"] == {"role": "assistant", "content": "xy", "thought": "ac"}
    assert [(one["index"], one["finish_reason"]) for one in (first, second)] == [(0, "stop"), (1, "length")]
    assert (response.usage.total_tokens, response.mood, response.object) == (3, "good", "chat.completion")


def test_the_request_is_sent_at_once_and_a_refusal_comes_at_once(chat, sandbox):
    ask(chat).close()
    assert len(sandbox.requests) == 1
    with pytest.raises(errors.NotFoundError) as caught:
        ask(chat, session_id="unknown", user="u")
    assert (caught.value.status_code, caught.value.partial) == (404, None)


BREAKS = [
    (Fault.cut(3), errors.StreamInterruptedError, "without sending complete message body"),
    (Fault.error_event(3, "out of memory"), errors.InternalServerError, "out of memory"),
    (Fault.error_event(3, "too much", 429), errors.RateLimitError, "too much"),
    (Fault.error_event(3, "too much", "429"), errors.RateLimitError, "too much"),
    (Fault.error_event(3, "too long", "context_length_exceeded"), errors.BadRequestError, "too long"),
    (Fault.error_event(3, "odd", "something_else"), errors.InternalServerError, "odd"),
]


@pytest.mark.parametrize(("fault", "kind", "message"), BREAKS)
def test_what_breaks_a_stream_is_an_error_that_carries_what_arrived(chat, sandbox, fault, kind, message):
    sandbox.inject("create_chat_completion", fault)
    stream = ask(chat)
    with pytest.raises(errors.ChatServerError, match=message) as caught:
        for _ in stream:
            pass
    error = caught.value
    assert type(error) is kind
    assert (error.operation, error.request_id) == ("create_chat_completion", "sandbox-0-1")
    assert error.partial.choices[0].message.content == stream.text == "Echo: Hello"
    assert error.partial.choices[0].finish_reason is None
    assert error.partial.system_fingerprint
    assert pickle.loads(pickle.dumps(error)).partial == error.partial
    assert list(stream) == []
    assert stream.response is None
    assert len(sandbox.requests) == 1


def odd(**choice):
    return chunk(choices=[{"index": 0, "delta": {"content": "b"}, **choice}])


WRONG = {
    "a ping": b'event: ping\ndata: {"type": "ping"}\n\n',
    "no JSON": "hello there",
    "an endless list": "[" * 100_000,
    "no choices": {"id": 1},
}


@pytest.mark.parametrize("name", WRONG)
def test_odd_events_are_skipped(chat_with, caplog, name):
    body = streamed(chunk("a", mood="good"), WRONG[name], chunk("c", id=None, created=None, model=None))
    stream = ask(chat_with(body))
    assert list(stream) == ["a", "c"]
    assert stream.response.mood == "good"
    assert ("skipped" in caplog.text) is (name != "a ping")


MISFITS = {
    "no index": odd(index=None),
    "a number as text": odd(delta={"content": 5}),
    "no list of choices": chunk(choices=None),
    "half a second": chunk("b", created=1.5),
    "usage without counts": chunk("b", usage={}),
}


@pytest.mark.parametrize("name", MISFITS)
def test_a_chunk_that_does_not_fit_the_contract_is_an_error_because_text_is_missing(chat_with, name):
    stream = ask(chat_with(streamed(chunk("a"), MISFITS[name], chunk("c"))))
    with pytest.raises(errors.InvalidResponseError, match="does not fit the contract") as caught:
        list(stream)
    assert caught.value.partial.choices[0].message.content == "a"
    assert stream.response is None


@settings(max_examples=40)
@example("a🎉", [2])
@given(st.text("aé€🎉𝄞", max_size=20), st.lists(st.integers(0, 45)))
def test_text_is_whole_wherever_its_code_units_are_cut(text, cuts):
    encoded = text.encode("utf-16-be")
    units = [chr(int.from_bytes(encoded[at : at + 2])) for at in range(0, len(encoded), 2)]
    edges = [0, *sorted({min(cut, len(units)) for cut in cuts}), len(units)]
    pieces = ["".join(units[start:end]) for start, end in pairwise(edges)]
    with streaming(events(*map(chunk, pieces))) as chat:
        stream = ask(chat)
        assert "".join(stream) == stream.text == text
        assert stream.response.choices[0].message.content == text


def test_half_a_character_is_replaced(chat_with):
    assert "".join(ask(chat_with(streamed(chunk("a\ud83d"), chunk("b"))))) == "a\ufffdb"


ERRORS = [
    (b"event: error\ndata: out of memory\n\n", "out of memory"),
    (b"event: error\n\n", "the service reported an error"),
    ({"error": {"message": "out of memory", "type": "server_error"}}, "out of memory"),
    ({"message": "out of memory", "status_code": 503}, "out of memory"),
    ({"detail": "out of memory"}, "out of memory"),
]


@pytest.mark.parametrize(("event", "message"), ERRORS)
def test_an_error_in_any_form_is_an_error(chat_with, event, message):
    with pytest.raises(errors.InternalServerError, match=message) as caught:
        list(ask(chat_with(streamed(chunk("a"), event, chunk("b")))))
    assert caught.value.partial.choices[0].message.content == "a"


@pytest.mark.parametrize("content_type", ["application/json", None])
def test_another_content_type_is_an_error(chat_with, content_type):
    answer = reply({"id": 1}, content_type=content_type, headers={"x-request-id": "r-1"})
    with pytest.raises(errors.InvalidResponseError, match="expected a stream of events") as caught:
        ask(chat_with(answer))
    assert (caught.value.status_code, caught.value.request_id) == (200, "r-1")


@pytest.mark.parametrize(("fault", "seconds"), [(Fault.stall(3, seconds=600), 600), (Fault.slow_events(4), 24)])
def test_silence_between_two_events_may_last(timed, clock, fault, seconds):
    assert list(ask(timed(fault))) == ["Echo:", " Hello", " there"]
    assert clock.monotonic() >= seconds


@pytest.fixture
def hanging(serve):
    """A server that says nothing after the first piece of a stream."""
    return serve(streamed(chunk("One "), done=False, length=900) + HANG)


def test_silence_is_a_timeout_where_a_limit_was_given_and_a_comment_is_none(timed, hanging, connect_chat):
    assert list(ask(timed(Fault.keep_alive(2, 6, 10)), timeout=40)) == ["Echo:", " Hello", " there"]
    with pytest.raises(errors.TimeoutError) as caught:
        list(ask(timed(Fault.stall(3)), timeout=40))
    assert caught.value.timeout_duration == 40
    assert caught.value.partial.choices[0].message.content == "Echo: Hello"
    with pytest.raises(errors.TimeoutError):  # on the machine's clock, and perhaps before the first piece
        list(ask(connect_chat(None, hanging.base_url), timeout=0.2))


def test_leaving_early_closes_the_connection(hanging, connect_chat):
    with ask(connect_chat(None, hanging.base_url)) as stream:
        assert next(stream) == "One "  # before the server sends the next
        assert not hanging.left.is_set()
    assert hanging.left.wait(30)
    assert list(stream) == []
    assert stream.response is None


@pytest.mark.parametrize("read", [0, 1])
def test_a_forgotten_stream_closes_its_connection(hanging, read):
    with ChatServerClient(None, hanging.base_url) as chat:
        stream = ask(chat)
        for _ in range(read):
            next(stream)
        del stream
        gc.collect()
        assert hanging.left.wait(30)


async def test_a_cancelled_reader_closes_its_connection(hanging):
    async with AsyncChatServerClient(None, hanging.base_url) as chat:
        arrived = asyncio.Event()

        async def read():
            async for _ in await ask(chat):
                arrived.set()

        reading = asyncio.create_task(read())
        await arrived.wait()
        reading.cancel()
        with pytest.raises(asyncio.CancelledError):
            await reading
        assert await asyncio.to_thread(hanging.left.wait, 30)


NOTATION = (
    f"\ufeffdata: {json.dumps(chunk('Grüße '), ensure_ascii=False)}\r\nid: 1\r\nevent: message\r\nretry: 5\r\n\r\n"
    ": welcome\r\n\r\n"
    f"data:{json.dumps(chunk('日本 '), ensure_ascii=False)}\n\n"
    ": keep-alive\n\n"
    + "".join(f"data: {line}\r\n" for line in json.dumps(chunk("🎉\u2028\n"), ensure_ascii=False, indent=1).split("\n"))
    + "\r\n"
    + f"data: {json.dumps(chunk(' end', usage=USAGE, error=None))}\r\rdata:  [DONE]\t\r\n\r\n"
    "data: what follows is nothing\n\n"
).encode()
SAID = ["Grüße ", "日本 ", "🎉\u2028\n", " end"]


def streaming(content):
    """Return a client of a server that sends this."""

    def answer(request):
        return httpx.Response(200, headers={"content-type": "Text/Event-Stream ; charset=utf-8"}, content=content)

    return ChatServerClient(transport=httpx.MockTransport(answer), rate_limits=False)


@settings(max_examples=40)
@example(set(range(1, len(NOTATION))))
@given(st.sets(st.integers(1, len(NOTATION) - 1)))
def test_events_cut_anywhere(cuts):
    edges = [0, *sorted(cuts), len(NOTATION)]
    with streaming(NOTATION[start:end] for start, end in pairwise(edges)) as chat:
        stream = ask(chat)
        assert list(stream) == SAID
        assert stream.response.usage.total_tokens == 3
