"""The algorithms without a process: the text of a turn, stop sequences and limits, errors of a turn."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext.codex.errors import incomplete_reason, turn_error
from codegen_ext.codex.truncation import BYTES_PER_TOKEN, Truncation
from codegen_ext.codex.turn import Turn

texts = st.text("abcé€ \n", max_size=12)
pieces = st.lists(texts, max_size=6)
stops = st.lists(st.text("abcé€ \n", min_size=1, max_size=4), max_size=3)


def direct(text: str, stop: list[str], max_tokens: int | None) -> tuple[str, str | None]:
    """Return what must come out, from the whole text."""
    ends = [at for sequence in stop if (at := text.find(sequence)) >= 0]
    shown, reason = (text[: min(ends)], "stop") if ends else (text, None)
    data = shown.encode()
    if max_tokens is not None and len(data) > max_tokens * BYTES_PER_TOKEN:
        return data[: max_tokens * BYTES_PER_TOKEN].decode(errors="ignore"), "length"
    return shown, reason


@given(pieces, stops, st.none() | st.integers(min_value=1, max_value=8))
def test_a_truncation_does_not_depend_on_how_the_text_is_cut(
    parts: list[str], stop: list[str], max_tokens: int | None
) -> None:
    truncation = Truncation(stop, max_tokens)
    shown = "".join(map(truncation.feed, parts)) + truncation.flush()
    assert (shown, truncation.finish_reason) == direct("".join(parts), stop, max_tokens)


def test_nothing_is_held_back_without_need() -> None:
    truncation = Truncation(["STOP"])
    assert [truncation.feed(text) for text in ("abc", "S", "x", "ST", "OP", "more")] == ["abc", "", "Sx", "", "", ""]


class Script:
    """Notifications of one turn."""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, method: str, **params: Any) -> dict[str, Any]:
        return {"method": method, "params": {"threadId": "t", "turnId": "u", **params}}

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
steps = st.lists(st.tuples(st.sampled_from(["response", "cut"]), spoken), max_size=4)


def play(steps: Any, *, last_only: bool) -> tuple[Turn, str]:
    """Feed a turn; return it and what a stream showed, from the beginning again where text was voided."""
    sent, turn, shown = Script(), Turn(last_message_only=last_only), ""
    for kind, said in steps:
        messages = [message for parts, phase in said for message in sent.message(parts, phase)]
        messages += [*sent.message(["lost"], ends=False), sent.retry()] if kind == "cut" else [sent.usage()]
        for message in messages:
            shown += turn.feed(message)
            if turn.is_voided:
                turn.is_voided = False
                shown = "" if last_only else turn.text
    return turn, shown + turn.feed(sent.completed())


@given(steps)
def test_the_text_is_what_was_said_and_not_voided(steps: Any) -> None:
    said = [
        "".join(parts) for kind, parts_ in steps if kind != "cut" for parts, phase in parts_ if phase != "commentary"
    ]
    turn, shown = play(steps, last_only=False)
    assert turn.text == shown == "\n\n".join(filter(None, said))
    assert (turn.finish_reason, turn.is_over, turn.error) == ("stop", True, None)
    responses = sum(kind == "response" for kind, _ in steps)
    assert (turn.usage or {}).get("outputTokens", 0) == 2 * responses


@given(steps)
def test_of_shaped_answers_only_the_last_message_counts(steps: Any) -> None:
    steps = [step for step in steps if step[0] != "cut"]
    said = ["".join(parts) for _, parts_ in steps for parts, phase in parts_ if phase != "commentary"]
    turn, shown = play(steps, last_only=True)
    assert turn.text == (said[-1] if said else "")
    assert shown.endswith(turn.text)


@pytest.mark.parametrize(("status", "over"), [(401, True), (404, True), (429, False), (500, False), (None, False)])
def test_a_repetition_that_mends_nothing_is_not_waited_for(status: int | None, *, over: bool) -> None:
    turn = Turn()
    turn.feed(Script().retry(status))
    assert turn.is_over is over


def test_text_without_deltas_is_text() -> None:
    turn = Turn()
    started, completed = Script().message([])
    completed["params"]["item"]["text"] = "all at once"
    turn.feed(started)
    assert turn.feed(completed) == "all at once"


@pytest.mark.parametrize(("status", "reason"), [("interrupted", None), ("failed", None), ("completed", "stop")])
def test_how_a_turn_ends(status: str, reason: str | None) -> None:
    turn = Turn()
    turn.feed(Script().completed(status))
    assert (turn.is_over, turn.finish_reason) == (True, reason)


details = st.none() | st.dictionaries(st.text(), st.integers()) | st.just({"httpStatusCode": 418})
fields = {
    "message": st.text() | st.none() | st.just(json.dumps({"error": {"message": "m", "code": "c"}})),
    "additionalDetails": st.text() | st.none(),
    "codexErrorInfo": st.none() | st.text() | st.dictionaries(st.text(), details),
}


@settings(max_examples=40)
@given(st.fixed_dictionaries({}, optional=fields))
def test_every_error_of_a_turn_becomes_an_openai_error(error: dict[str, Any]) -> None:
    assert str(turn_error(error))
    assert incomplete_reason(error) in (None, "length", "content_filter")
