"""What needs no CLI: the mock clients, the arguments of a completion, and the algorithms of a turn."""

import asyncio
from contextlib import nullcontext
from itertools import pairwise
from pathlib import Path

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from codegen_ext import CodexClient
from codegen_ext.codex import CodexConfigurationError, CodexError
from codegen_ext.codex.turn import BYTES_PER_TOKEN, Turn
from codegen_ext.testing import AsyncMockCodexClient, MockCodexClient

from .conftest import HI, content, create, image, text, user


@pytest.fixture
def client(monkeypatch):
    monkeypatch.setenv("PATH", "")
    return MockCodexClient()


def test_answers_and_calls(client):
    completion = client.chat.completions.create(messages=HI, model="m", max_tokens=9)
    assert type(completion) is ChatCompletion
    assert (text(completion), completion.model) == ("This is a mock answer.", "m")
    assert completion.usage is not None
    assert client.calls == [(HI, {"model": "m", "max_tokens": 9})]
    chunks = [*client.chat.completions.create(messages=HI, stream=True)]
    assert all(type(chunk) is ChatCompletionChunk for chunk in chunks)
    assert content(chunks) == text(completion)
    assert len([chunk for chunk in chunks if chunk.choices[0].delta.content]) > 1
    assert [model.id for model in client.models.list()] == ["mock"]
    assert client.server_pid is None
    client.reset_mock()
    client.set_mock_response(["One. Two.", "Three."])
    completion = client.chat.completions.create(messages=HI, stop=" Two", n=2)
    assert [choice.message.content for choice in completion.choices] == ["One.", "Three."]
    assert len(client.calls) == 1


def shout(messages, **arguments):
    return f"{messages[-1]['content'].upper()} {arguments}"


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (["one", "two"], ["one", "two", "two"]),
        ([CodexError, shout], [CodexError, "HI {}"]),
        (CodexError("oh"), [CodexError, CodexError]),
        (5, [TypeError]),
    ],
)
def test_responses(client, response, expected):
    asynchronous = AsyncMockCodexClient()
    for mock in (client, asynchronous):
        mock.set_mock_response(response)
    for outcome in expected:
        for call in (
            lambda: client.chat.completions.create(messages=HI),
            lambda: asyncio.run(asynchronous.chat.completions.create(messages=HI)),
        ):
            with nullcontext() if isinstance(outcome, str) else pytest.raises(outcome):
                assert text(call()) == outcome


BAD = [
    ({"messages": []}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": [{"role": "robot", "content": "x"}, *HI]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"id": 5}]}]}, "messages[0].tool_calls[0].id"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    ({"messages": [user({"type": "input_audio"})]}, "messages[0].content[0].type"),
    ({"messages": [user({"type": "text"})]}, "messages[0].content[0].text"),
    ({"messages": [user(image("/no/such.png"))]}, "messages[0].content[0].image_url"),
    ({"messages": [user(image("https://x/y.png"))]}, "messages[0].content[0].image_url"),
    ({"n": 0}, "n"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"stop": [""]}, "stop"),
    ({"stream_options": "include_usage"}, "stream_options"),
    ({"timeout": -1}, "timeout"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format"),
    ({"messages": [{"role": "user", "content": "a\ud83d"}, *HI]}, None),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": {1}}}}}, None),
]


@pytest.mark.parametrize(("arguments", "param"), BAD, ids=ascii)
def test_bad_arguments_are_refused_as_the_api_does(arguments, param):
    client = MockCodexClient()
    with pytest.raises(openai.BadRequestError) as caught:
        create(client, **arguments)
    assert (caught.value.param, client.calls) == (param, [])
    assert ("cannot be sent as JSON" in str(caught.value)) is (param is None)


def test_arguments_that_are_unknown_or_not_given():
    client = MockCodexClient()
    with pytest.raises(TypeError, match="'temprature'"):
        create(client, temprature=1)
    given = dict.fromkeys(("temperature", "stop", "n", "response_format", "max_tokens", "timeout"), openai.NOT_GIVEN)
    assert text(create(client, **given, seed=None)) == "This is a mock answer."


IGNORED = {"temperature": 0.2, "top_p": 0.9, "seed": 1, "frequency_penalty": 0.1, "logprobs": True}


def test_an_argument_without_effect_warns_once_by_name():
    client, strict = MockCodexClient(), MockCodexClient(strict=True)
    with pytest.warns(UserWarning, match="it is ignored") as caught:
        client.chat.completions.create(messages=HI, **IGNORED)
    assert sorted(str(one.message).split(" support ")[1].split(":")[0] for one in caught) == sorted(IGNORED)
    client.chat.completions.create(messages=HI, **IGNORED)  # a second warning would be an error
    with pytest.warns(UserWarning, match="response_format json_object"):
        client.chat.completions.create(messages=HI, response_format={"type": "json_object"})
    for name, value in IGNORED.items():
        with pytest.raises(openai.BadRequestError, match=name) as refused:
            strict.chat.completions.create(messages=HI, **{name: value})
        assert (refused.value.param, strict.calls) == (name, [])
    real = CodexClient("key", working_dir="/no/such/directory")
    with pytest.warns(UserWarning, match="user: it is ignored") as caught, pytest.raises(CodexConfigurationError):
        real.chat.completions.create(messages=HI, user="me")
    assert Path(caught[0].filename).name == Path(__file__).name


texts = st.text("abcé€ \n", max_size=12)
pieces = st.lists(texts, max_size=6)
stops = st.lists(st.text("abcé€ \n", min_size=1, max_size=4), max_size=3)
phases = st.sampled_from([None, "commentary", "final_answer"])
COMPLETED = ("turn/completed", {"turn": {"status": "completed"}})
USAGE = ("thread/tokenUsage/updated", {"tokenUsage": {"last": {"inputTokens": 1, "outputTokens": 2}}})


def said(*parts, phase=None, item="m", ends=True):
    """The notifications of one message of the agent."""
    message = {"type": "agentMessage", "id": item, "phase": phase, "text": ""}
    yield "item/started", {"item": message}
    for part in parts:
        yield "item/agentMessage/delta", {"itemId": item, "delta": part}
    if ends:
        yield "item/completed", {"item": {**message, "text": "".join(parts)}}


def retry(status=None):
    info = {"responseStreamDisconnected": {"httpStatusCode": status}}
    return "error", {"error": {"message": "again", "codexErrorInfo": info}, "willRetry": True}


def play(turn, *notifications):
    """Feed a turn as long as it goes on; return what was shown after each notification."""
    shown = []
    for method, params in notifications:
        if turn.finish_reason is None:
            turn.feed(method, params)
            shown.append(turn.text)
    return shown


def direct(text, stop, max_tokens):
    """Return what must come out, from the whole text."""
    ends = [(at + len(sequence), at) for sequence in stop if (at := text.find(sequence)) >= 0]
    data = (text[: min(ends)[1]] if ends else text).encode()
    if max_tokens is not None and len(data) > max_tokens * BYTES_PER_TOKEN:
        return data[: max_tokens * BYTES_PER_TOKEN].decode(errors="ignore"), "length"
    return data.decode(), "stop"


@settings(max_examples=60)
@given(pieces, stops, st.none() | st.integers(min_value=1, max_value=8))
def test_where_a_text_ends_does_not_depend_on_its_pieces(parts, stop, max_tokens):
    turn = Turn(stop, max_tokens)
    shown = play(turn, *said(*parts), COMPLETED)
    assert (turn.text, turn.finish_reason) == direct("".join(parts), stop, max_tokens)
    assert all(after.startswith(before) for before, after in pairwise(shown))


def test_nothing_is_held_back_without_need():
    shown = play(Turn(["STOP"]), *said("abc", "S", "x", "ST", "OP", "more"))
    assert shown == ["", "abc", "abc", "abcSx", "abcSx", "abcSx"]


def test_an_earlier_message_may_still_grow():
    turn = Turn(["STOP"])
    more = ("item/agentMessage/delta", {"itemId": "m", "delta": " STOP"})
    play(turn, *said("early", ends=False), *said("a later one", item="n", ends=False), more)
    assert (turn.text, turn.finish_reason) == ("early ", "stop")


responses = st.lists(st.tuples(st.booleans(), st.lists(st.tuples(pieces, phases), max_size=3)), max_size=4)


@settings(max_examples=60)
@given(responses, st.booleans())
def test_the_text_is_what_was_said_and_not_voided(responses, last_only):
    turn = Turn(last_message_only=last_only)
    kept = []
    for is_cut, messages in responses:
        for number, (parts, phase) in enumerate(messages):
            shown = play(turn, *said(*parts, phase=phase, item=f"m{number}"))
            assert last_only or all(after.startswith(before) for before, after in pairwise(shown))
            kept += [] if is_cut or phase == "commentary" else ["".join(parts)]
        play(turn, *([*said("lost", ends=False), retry()] if is_cut else [USAGE]))
    play(turn, COMPLETED)
    assert turn.text == ("".join(kept[-1:]) if last_only else "\n\n".join(filter(None, kept)))
    counted = sum(not is_cut for is_cut, _ in responses)
    assert (turn.finish_reason, (turn.usage or {}).get("outputTokens", 0)) == ("stop", 2 * counted)


def failed(error):
    return "turn/completed", {"turn": {"status": "failed", "error": error}}


CUT = "Incomplete response returned, reason: "
AT_ONCE = ("item/completed", {"item": {"type": "agentMessage", "id": "m", "text": "at once"}})
ENDS = [
    (AT_ONCE, None),
    (("turn/completed", {"turn": {"status": "interrupted"}}), openai.APIError),
    (failed({"message": None, "additionalDetails": f"{CUT}content_filter"}), "content_filter"),
    *[(failed(error), openai.APIError) for error in (None, {}, {"message": None}, {"message": "[" * 100_000})],
    (failed({"message": "7", "codexErrorInfo": "newer"}), openai.APIError),
    (failed({"codexErrorInfo": {"x": {"httpStatusCode": 418}}}), openai.APIStatusError),
    (failed({"codexErrorInfo": {"x": None}}), openai.APIConnectionError),
    (failed({"codexErrorInfo": {}}), openai.APIConnectionError),
    (failed({"message": '{"error": {"code": "c"}}'}), openai.BadRequestError),
    (retry(404), openai.NotFoundError),  # what no repetition mends is not waited for
    (retry(429), None),
    (retry(), None),
]


@pytest.mark.parametrize(("notification", "end"), ENDS, ids=lambda value: str(value)[:60])
def test_how_a_turn_ends(notification, end):
    turn = Turn()
    if isinstance(end, type):
        with pytest.raises(end) as caught:
            turn.feed(*notification)
        assert type(caught.value) is end
        assert str(caught.value)
    else:
        assert play(turn, notification) == ["at once" if notification is AT_ONCE else ""]
        assert turn.finish_reason == end
