"""The rules without a process: framing, the state of a turn, stop sequences and token limits."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext.codex.emulation import BYTES_PER_TOKEN, TextLimit
from codegen_ext.codex.errors import incomplete_reason, turn_error
from codegen_ext.codex.protocol import Frames, encode
from codegen_ext.codex.turns import Turn

texts = st.text("abcé€ \n", max_size=12)
pieces = st.lists(texts, max_size=6)


@given(st.lists(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), max_size=5), st.data())
def test_messages_survive_any_cutting(messages: list[dict[str, Any]], data: st.DataObject) -> None:
    wire = b"".join(map(encode, messages))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(wire)), max_size=6)))
    frames, found = Frames(), []
    for start, end in zip([0, *cuts], [*cuts, len(wire)], strict=True):
        found += frames.feed(wire[start:end])
    assert found == messages
    assert frames.strange == []


def test_what_is_no_message_is_put_aside() -> None:
    frames = Frames()
    assert [*frames.feed(b'hello\n\n[1]\n{"id":1}\n')] == [{"id": 1}]
    assert frames.strange == [b"hello", b"[1]"]


def direct(text: str, stop: list[str], max_tokens: int | None) -> tuple[str, str | None]:
    """Say what must come out, from the whole text."""
    ends = [at for sequence in stop if (at := text.find(sequence)) >= 0]
    shown, reason = (text[: min(ends)], "stop") if ends else (text, None)
    data = shown.encode()
    if max_tokens is not None and len(data) > max_tokens * BYTES_PER_TOKEN:
        return data[: max_tokens * BYTES_PER_TOKEN].decode(errors="ignore"), "length"
    return shown, reason


@given(
    pieces,
    st.lists(st.text("abcé€ \n", min_size=1, max_size=4), max_size=3),
    st.none() | st.integers(min_value=1, max_value=8),
)
def test_limits_do_not_depend_on_how_the_text_is_cut(parts: list[str], stop: list[str], max_tokens: int | None) -> None:
    limit = TextLimit(stop, max_tokens)
    shown = "".join(map(limit.feed, parts)) + limit.flush()
    assert (shown, limit.finish_reason) == direct("".join(parts), stop, max_tokens)


def test_nothing_is_held_back_without_need() -> None:
    limit = TextLimit(["STOP"])
    assert [limit.feed(text) for text in ("abc", "S", "x", "ST", "OP", "more")] == ["abc", "", "Sx", "", "", ""]


class Script:
    """Notifications of one turn."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        return {"method": method, "params": {"threadId": "t", "turnId": "u", **params}}

    def started(self) -> dict[str, Any]:
        return self("turn/started", turn={"id": "u"})

    def message(self, parts: list[str], phase: str | None = None, *, ends: bool = True) -> list[dict[str, Any]]:
        self.count += 1
        item: dict[str, Any] = {"type": "agentMessage", "id": f"m{self.count}", "phase": phase, "text": ""}
        whole = {**item, "text": "".join(parts)}
        return [
            self("item/started", item=item),
            *(self("item/agentMessage/delta", itemId=item["id"], delta=part) for part in parts),
            *([self("item/completed", item=whole)] if ends else []),
        ]

    def usage(self) -> dict[str, Any]:
        last = {"inputTokens": 1, "cachedInputTokens": 0, "outputTokens": 2, "reasoningOutputTokens": 0}
        return self("thread/tokenUsage/updated", tokenUsage={"last": last, "total": last})

    def retry(self, status: int | None = None) -> dict[str, Any]:
        info = {"responseStreamDisconnected": {"httpStatusCode": status}}
        return self("error", error={"message": "again", "codexErrorInfo": info}, willRetry=True)

    def completed(self, status: str = "completed", error: Any = None) -> dict[str, Any]:
        return self("turn/completed", turn={"id": "u", "status": status, "error": error, "items": []})


phases = st.sampled_from([None, "commentary", "final_answer"])
spoken = st.lists(st.tuples(pieces, phases), max_size=3)
steps = st.lists(st.tuples(st.sampled_from(["response", "cut", "steered"]), spoken), max_size=4)


def play(steps: Any, *, last_only: bool) -> tuple[Turn, str, list[str]]:
    """Feed a turn; return it, what a stream showed, and the messages that count."""
    script, turn, kept, shown = Script(), Turn(last_message_only=last_only), [], ""

    def feed(message: dict[str, Any]) -> None:
        nonlocal shown
        shown += turn.feed(message)
        if turn.is_voided:
            turn.is_voided = False
            shown = turn.text if not last_only else ""

    feed(script.started())
    for kind, spoken in steps:
        for parts, phase in spoken:
            for message in script.message(parts, phase):
                feed(message)
        if kind == "cut":
            for message in script.message(["lost"], ends=False):
                feed(message)
            feed(script.retry())
            continue
        kept += ["".join(parts) for parts, phase in spoken if phase != "commentary"]
        if kind == "response":
            feed(script.usage())
    feed(script.completed())
    return turn, shown, kept


@given(steps)
def test_the_text_is_what_was_said_and_not_voided(steps: Any) -> None:
    # What was steered is kept only if a complete response follows; a cut after it voids it as well.
    counted: list[Any] = []
    open_since = 0
    for kind, spoken in steps:
        if kind == "cut":
            del counted[open_since:]
            continue
        counted.append((kind, spoken))
        if kind == "response":
            open_since = len(counted)
    expected = ["".join(parts) for _, spoken in counted for parts, phase in spoken if phase != "commentary"]
    turn, shown, _ = play(steps, last_only=False)
    assert turn.text == "\n\n".join(text for text in expected if text)
    assert shown == turn.text
    assert (turn.finish_reason, turn.is_over, turn.error) == ("stop", True, None)
    responses = sum(kind == "response" for kind, _ in steps)
    assert (turn.usage.total_tokens if turn.usage else 0) == 3 * responses


@given(steps)
def test_of_shaped_answers_only_the_last_message_counts(steps: Any) -> None:
    steps = [step for step in steps if step[0] != "cut"]
    turn, shown, kept = play(steps, last_only=True)
    assert turn.text == (kept[-1] if kept else "")
    assert shown.endswith(turn.text)


def test_a_message_that_the_turn_was_steered_away_from_is_void() -> None:
    script, turn = Script(), Turn()
    for message in [script.started(), *script.message(["half"], ends=False)]:
        turn.feed(message)
    for message in script.message(["whole"]):
        turn.feed(message)
    assert (turn.text, turn.is_voided) == ("whole", True)


@pytest.mark.parametrize("early", [True, False])
def test_the_reply_and_the_notification_of_a_start_may_come_in_any_order(*, early: bool) -> None:
    script, turn = Script(), Turn()
    if early:
        turn.feed(script.started())
    turn.accepted({"id": "u"})
    if not early:
        assert turn.status == "pending"
        turn.feed(script.started())
    assert (turn.id, turn.is_running) == ("u", True)
    turn.feed(script.completed())
    turn.feed(script.started())
    assert turn.is_over


def test_a_late_reply_does_not_revive_a_turn() -> None:
    script, turn = Script(), Turn()
    turn.feed(script.started())
    turn.feed(script.completed("interrupted"))
    turn.accepted({"id": "u"})
    assert (turn.status, turn.finish_reason) == ("interrupted", None)


@pytest.mark.parametrize(("status", "decided"), [(401, True), (404, True), (429, False), (500, False), (None, False)])
def test_a_repetition_that_mends_nothing_is_not_waited_for(status: int | None, *, decided: bool) -> None:
    script, turn = Script(), Turn()
    turn.feed(script.started())
    turn.feed(script.retry(status))
    assert turn.is_decided is decided


def test_text_without_deltas_is_text() -> None:
    script, turn = Script(), Turn()
    started, completed = script.message([])
    completed["params"]["item"]["text"] = "all at once"
    turn.feed(started)
    assert turn.feed(completed) == "all at once"


def test_another_turns_notifications_change_nothing() -> None:
    script, turn = Script(), Turn()
    turn.feed(script.started())
    other = script.completed()
    other["params"]["turn"]["id"] = "other"
    turn.feed(other)
    turn.feed({**script.usage(), "params": {**script.usage()["params"], "turnId": "other"}})
    assert (turn.is_over, turn.usage) == (False, None)


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "message": st.text() | st.none() | st.just(json.dumps({"error": {"message": "m", "code": "c"}})),
            "additionalDetails": st.text() | st.none(),
            "codexErrorInfo": st.none()
            | st.text()
            | st.dictionaries(
                st.text(), st.none() | st.dictionaries(st.text(), st.integers()) | st.just({"httpStatusCode": 418})
            ),
        },
    )
)
def test_every_error_of_a_turn_becomes_an_openai_error(error: dict[str, Any]) -> None:
    assert str(turn_error(error))
    assert incomplete_reason(error) in (None, "length", "content_filter")
