"""The algorithms without a process: the text of a turn, its end, stop sequences and limits."""

from itertools import pairwise

import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext.codex.turn import BYTES_PER_TOKEN, Turn

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
    (COMPLETED, "stop"),
    (("turn/completed", {"turn": {"status": "interrupted"}}), openai.APIError),
    (failed({"message": f"{CUT}max_output_tokens"}), "length"),
    (failed({"message": None, "additionalDetails": f"{CUT}content_filter"}), "content_filter"),
    *[(failed(error), openai.APIError) for error in (None, {}, {"message": None}, {"message": "[" * 100_000})],
    (failed({"message": "7", "codexErrorInfo": "newer"}), openai.APIError),
    (failed({"codexErrorInfo": {"x": {"httpStatusCode": 418}}}), openai.APIStatusError),
    (failed({"codexErrorInfo": {"x": None}}), openai.APIConnectionError),
    (failed({"codexErrorInfo": {}}), openai.APIConnectionError),
    (failed({"message": '{"error": {"code": "c"}}'}), openai.BadRequestError),
    (retry(401), openai.AuthenticationError),  # what no repetition mends is not waited for
    (retry(404), openai.NotFoundError),
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
