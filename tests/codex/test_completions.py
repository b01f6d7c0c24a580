"""Chat completions over the real CLI: what is asked, what comes back."""

import asyncio
import base64
import gc
import json
import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex import ApprovalRequest, CodexError
from codegen_ext.testing import MockCodexClient

from .conftest import HI, content, in_background, text, wait_for
from .responses import (
    WAIT,
    Answer,
    Responses,
    call,
    completed,
    created,
    does,
    half,
    incomplete,
    message,
    reasoning,
    say,
)

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
Ask = Callable[..., Any]


def test_a_completion_is_the_openai_packages_own(ask_each: Ask, answer: Ask) -> None:
    answer(say("Hello", " there", ".", input_tokens=1000, output_tokens=77, cached=512, reasoning=64))
    completion = ask_each()
    assert type(completion) is ChatCompletion
    (choice,) = completion.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == ("Hello there.", "assistant", "stop")
    assert (completion.object, completion.model) == ("chat.completion", "gpt-5")
    assert completion.id.startswith("chatcmpl-")
    assert abs(completion.created - time.time()) < 600
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1000, 77, 1077)
    assert usage.prompt_tokens_details.cached_tokens == 512
    assert usage.completion_tokens_details.reasoning_tokens == 64
    assert completion == ChatCompletion.model_validate(completion.model_dump())


def test_a_stream_has_the_deltas_as_the_service_sends_them(ask_each: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("One ", WAIT, "two."), completed()]))
    stream = ask_each(stream=True, stream_options={"include_usage": True})
    first, second = next(stream), next(stream)
    assert type(first) is ChatCompletionChunk
    assert (first.choices[0].delta.role, first.object) == ("assistant", "chat.completion.chunk")
    assert second.choices[0].delta.content == "One "  # before the service sends more
    service.go_on()
    *rest, last = stream
    assert content(rest) == "two."
    assert [chunk.choices[0].finish_reason for chunk in rest] == [None, "stop"]
    assert {chunk.id for chunk in rest} == {first.id}
    assert (last.choices, last.usage.total_tokens) == ([], 16)


def test_choices_are_parallel_threads(ask: Ask, answer: Ask, service: Responses) -> None:
    numbers = iter(range(3))
    answer(lambda asked: Answer([created(), *message("choice ", WAIT, str(next(numbers))), completed()]))
    stream = ask(n=3, stream=True)
    chunks = [next(stream) for _ in range(6)]
    assert {chunk.choices[0].index for chunk in chunks} == {0, 1, 2}  # all wait at once
    service.go_on()
    completion = stream.result()
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert {choice.message.content for choice in completion.choices} == {"choice 0", "choice 1", "choice 2"}
    assert completion.usage.total_tokens == 3 * 16
    assert len({asked.headers["thread-id"] for asked in service.asked}) == 3


def test_messages_are_real_history(client: Any, service: Responses, tmp_path: Path) -> None:
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    function = {"name": "f", "arguments": "{}"}
    image = {"type": "image_url", "image_url": {"url": uri}}
    messages: Any = [
        {"role": "system", "content": "You are terse."},
        {"role": "developer", "content": [{"type": "text", "text": "Use Python."}]},
        {"role": "user", "content": [image, {"type": "text", "text": "1"}], "name": "Ann"},
        {"role": "assistant", "content": "2"},
        {"role": "system", "content": "Mind the time."},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c", "content": "seen"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "3"},
                {"type": "image_url", "image_url": {"url": str(picture)}},
                {"type": "image_url", "image_url": {"url": picture.as_uri(), "detail": "low"}},
            ],
        },
    ]
    client.chat.completions.create(messages=messages)
    asked = service.asked[0]
    assert asked.texts[0] == ("developer", "You are terse.")  # instead of the CLI's own instructions
    assert ("developer", "Use Python.") in asked.texts
    assert not any("You are Codex" in said for _, said in asked.texts)
    history = asked.texts[asked.texts.index(("user", "1")) :]
    said = [("user", "1"), ("assistant", "2"), ("developer", "Mind the time."), ("assistant", "No."), ("user", "3")]
    assert [one for one in history if not one[1].startswith("<")] == said
    parts = [part for item in asked.body["input"] for part in item.get("content", ())]
    assert [part["image_url"] for part in parts if part["type"] == "input_image"] == [uri, uri, uri]
    kinds = [item["type"] for item in asked.body["input"]]
    assert kinds.index("function_call") < kinds.index("function_call_output")


def test_an_answer_at_the_end_of_the_messages_is_continued(client: Any, service: Responses) -> None:
    first = client.chat.completions.create(messages=HI)
    client.chat.completions.create(messages=[*HI, first.choices[0].message])
    assert service.asked[-1].texts[-1] == ("assistant", "Hello there.")


def user(*parts: Any) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [*parts]}]}


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


BAD: list[tuple[dict[str, Any], str]] = [
    ({"messages": []}, "messages"),
    ({"messages": "hi"}, "messages"),
    ({"messages": ["hi"]}, "messages[0]"),
    ({"messages": [{"content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "robot", "content": "x"}, *HI]}, "messages[0].role"),
    ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
    ({"messages": [{"role": "user"}]}, "messages[0].content"),
    ({"messages": [{"role": "assistant", "tool_calls": 5}]}, "messages[0].tool_calls"),
    ({"messages": [{"role": "assistant", "tool_calls": [{"id": 5}]}]}, "messages[0].tool_calls[0].id"),
    ({"messages": [{"role": "tool", "content": "x"}]}, "messages[0].tool_call_id"),
    (user({"type": "input_audio"}), "messages[0].content[0].type"),
    (user({"type": "text"}), "messages[0].content[0].text"),
    (user({"type": "image_url", "image_url": {}}), "messages[0].content[0].image_url.url"),
    (user(image("/no/such.png")), "messages[0].content[0].image_url"),
    (user(image("https://x/y.png")), "messages[0].content[0].image_url"),
    ({"n": 0}, "n"),
    ({"max_tokens": 0}, "max_tokens"),
    ({"stop": [""]}, "stop"),
    ({"stop": 5}, "stop"),
    ({"stream_options": "include_usage"}, "stream_options"),
    ({"timeout": -1}, "timeout"),
    ({"timeout": math.nan}, "timeout"),
    ({"response_format": {"type": "xml"}}, "response_format"),
    ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format"),
]


@pytest.mark.parametrize(("arguments", "param"), BAD, ids=str)
def test_bad_arguments_are_refused_as_the_api_does(
    client: CodexClient, service: Responses, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"messages": HI, **arguments})
    assert caught.value.param == param
    assert service.asked == []


HALF_PAIR = {"role": "user", "content": "a\ud83d"}
UNSENDABLE: dict[str, dict[str, Any]] = {
    "half a character to answer": {"messages": [HALF_PAIR]},
    "half a character in the history": {"messages": [HALF_PAIR, *HI]},
    "half a character in the instructions": {"messages": [{**HALF_PAIR, "role": "system"}, *HI]},
    "half a character of a model": {"model": "\ud800"},
    "an object": {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": object()}}}},
}


@pytest.mark.parametrize("name", UNSENDABLE)
def test_what_json_cannot_hold_is_refused_before_anything_is_sent(
    client: CodexClient, service: Responses, name: str
) -> None:
    for one in (client, MockCodexClient()):
        with pytest.raises(openai.BadRequestError, match="cannot be sent as JSON"):
            one.chat.completions.create(**{"messages": HI, **UNSENDABLE[name]})
    assert service.asked == []


@pytest.mark.parametrize("timeout", [math.inf, 1e12, None], ids=str)
def test_a_timeout_may_be_endless(ask_each: Ask, timeout: float | None) -> None:
    assert text(ask_each(timeout=timeout)) == "Hello there."


def test_arguments_that_are_unknown_or_not_given(ask: Ask) -> None:
    with pytest.raises(TypeError, match="'temprature'"):
        ask(temprature=1)
    given = dict.fromkeys(("temperature", "stop", "n", "response_format", "max_tokens", "timeout"), openai.NOT_GIVEN)
    assert text(ask(**given, seed=None)) == "Hello there."


def test_response_format_shapes_the_last_message(ask: Ask, answer: Ask, service: Responses) -> None:
    schema = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False}
    look = Answer([created(), *message('{"a": 0}'), call("exec_command", cmd="true"), completed()])
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {**schema, "required": ["a"]}}}
    answer(look, say('{"a"', ": 1}"))
    assert json.loads(text(ask(response_format=form))) == {"a": 1}
    assert service.asked[0].body["text"]["format"]["schema"] == form["json_schema"]["schema"]  # type: ignore[index]
    answer(look, say('{"a"', ": 1}"))
    assert json.loads(content(ask(response_format=form, stream=True))) == {"a": 1}


def test_reasoning_effort_and_model_travel(ask: Ask, service: Responses) -> None:
    assert ask(reasoning_effort="high", model="gpt-5.5").model == "gpt-5.5"
    assert service.asked[0].body["reasoning"]["effort"] == "high"
    assert service.asked[0].body["model"] == "gpt-5.5"


LOOK = call("exec_command", cmd="true")
COMMENT = Answer([created(), *message("I look.", phase="commentary"), LOOK, completed()])
SAID: dict[str, tuple[list[Answer], str]] = {
    "a comment is no part of it": (
        [COMMENT, Answer([created(), *reasoning("hm"), *message("One.", phase="final_answer"), completed()])],
        "One.",
    ),
    "messages are separated": (
        [Answer([created(), *message("First", "."), LOOK, completed()]), say("Second", ".")],
        "First.\n\nSecond.",
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_the_answer_is_what_the_agent_says_to_the_user(ask: Ask, answer: Ask, name: str) -> None:
    answers, expected = SAID[name]
    answer(*answers)
    completion = ask()
    assert text(completion) == expected
    assert completion.usage.total_tokens == 2 * 16  # every response counts
    answer(*answers)
    assert content(ask(stream=True)) == expected


@pytest.mark.parametrize(("reason", "expected"), [("max_output_tokens", "length"), ("content_filter",) * 2])
def test_finish_reasons_of_the_service(ask: Ask, answer: Ask, reason: str, expected: str) -> None:
    answer(Answer([created(), *message("Par", "tial"), incomplete(reason)]))
    choice = ask().choices[0]
    assert (choice.message.content, choice.finish_reason) == ("Partial", expected)
    chunks = list(ask(stream=True))
    assert (content(chunks), chunks[-1].choices[0].finish_reason) == ("Partial", expected)


ENDLESS = Answer([created(), *message("Hello th", "ere, ST", "OP and more", WAIT, "never"), completed()])
CUT: list[tuple[dict[str, Any], str, str]] = [
    ({"stop": ["STOP", "END"]}, "Hello there, ", "stop"),
    ({"stop": "STOP"}, "Hello there, ", "stop"),
    ({"max_tokens": 2}, "Hello th", "length"),
    ({"max_completion_tokens": 3, "max_tokens": 1}, "Hello there,", "length"),
]


@pytest.mark.parametrize(("limit", "shown", "reason"), CUT, ids=str)
def test_stop_and_max_tokens_end_the_answer(
    ask_each: Ask, answer: Ask, limit: dict[str, Any], shown: str, reason: str
) -> None:
    answer(ENDLESS)
    completion = ask_each(**limit)
    assert (text(completion), completion.choices[0].finish_reason) == (shown, reason)
    assert completion.usage is None  # the service was interrupted before it counted
    answer(ENDLESS)
    chunks = list(ask_each(stream=True, stream_options={"include_usage": True}, **limit))
    assert (content(chunks), chunks[-1].choices[0].finish_reason) == (shown, reason)


def test_what_an_interrupted_turn_used_is_not_known(ask: Ask, answer: Ask) -> None:
    answer(Answer([created(), *message("I look."), LOOK, completed()]), ENDLESS)
    completion = ask(stop="STOP")
    assert (text(completion), completion.usage) == ("I look.\n\nHello there, ", None)


def test_a_limit_that_is_not_reached_changes_nothing(ask: Ask, answer: Ask) -> None:
    answer(say("a S", "T", "O"))
    completion = ask(max_tokens=3, stop="STOP")
    assert (text(completion), completion.choices[0].finish_reason) == ("a STO", "stop")
    assert completion.usage.total_tokens == 16


@pytest.fixture
def gone(answer: Ask) -> list[bool]:
    """Let the service answer for ever, and note when the CLI hangs up."""
    seen: list[bool] = []

    def endless() -> Any:
        yield created()
        try:
            yield from message(*["more "] * 100_000)
        except GeneratorExit:
            seen.append(True)
            raise

    answer(lambda asked: Answer(endless()))
    return seen


def test_a_timeout_interrupts_the_turn(ask_each: Ask, gone: list[bool]) -> None:
    with pytest.raises(openai.APITimeoutError, match=r"0\.4 s"):
        ask_each(timeout=0.4)
    wait_for(lambda: gone)


def test_leaving_a_stream_interrupts_the_turn(ask_each: Ask, gone: list[bool]) -> None:
    with ask_each(stream=True) as stream:
        next(stream)
        next(stream)
    wait_for(lambda: gone)
    assert list(stream) == []
    with pytest.raises(CodexError, match="closed before its end"):
        stream.result()


def test_losing_a_stream_interrupts_the_turn(ask_each: Ask, gone: list[bool]) -> None:
    stream = ask_each(stream=True)
    next(stream)
    del stream
    gc.collect()
    wait_for(lambda: gone)


def test_a_cancelled_task_interrupts_its_turn(build: Ask, gone: list[bool], service: Responses) -> None:
    client = build(AsyncCodexClient)

    async def cancel() -> None:
        task = asyncio.create_task(client.chat.completions.create(messages=HI))
        await asyncio.to_thread(wait_for, lambda: service.asked)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.to_thread(wait_for, lambda: gone)

    asyncio.run(cancel())


def test_closing_a_stream_ends_the_wait_of_another_thread_or_task(client: Any, build: Ask, answer: Ask) -> None:
    answer(half())
    stream = client.chat.completions.create(messages=HI, stream=True)
    rest = in_background(lambda: list(stream))
    stream.close()
    assert content(rest.result(60)) in ("", "half")

    async def run() -> str:
        async with await build(AsyncCodexClient).chat.completions.create(messages=HI, stream=True) as stream:

            async def rest() -> list[ChatCompletionChunk]:
                return [chunk async for chunk in stream]

            task = asyncio.create_task(rest())
            await asyncio.sleep(0)
            await stream.close()
            return content(await asyncio.wait_for(task, 60))

    assert asyncio.run(run()) in ("", "half")


IGNORED = {"temperature": 0.2, "top_p": 0.9, "seed": 1, "frequency_penalty": 0.1, "logprobs": True}


def test_an_argument_without_effect_warns_once_by_name(build: Ask, service: Responses) -> None:
    client = build()
    with pytest.warns(UserWarning, match="it is ignored") as caught:
        client.chat.completions.create(messages=HI, **IGNORED)
    assert sorted(str(one.message).split(" support ")[1].split(":")[0] for one in caught) == sorted(IGNORED)
    assert {Path(one.filename).name for one in caught} == {Path(__file__).name}
    client.chat.completions.create(messages=HI, **IGNORED)  # a second warning would be an error
    with pytest.warns(UserWarning, match="response_format json_object"):
        client.chat.completions.create(messages=HI, response_format={"type": "json_object"})
    strict = build(strict=True)
    for name, value in IGNORED.items():
        service.reset()
        with pytest.raises(openai.BadRequestError, match=name) as refused:
            strict.chat.completions.create(messages=HI, **{name: value})
        assert (refused.value.param, service.asked) == (name, [])


def test_the_models_of_the_cli_are_listed(each_client: Any, build: Ask, service: Responses) -> None:
    models = each_client.models.list()
    assert all(type(model) is openai.types.Model for model in models.data)
    assert len({model.id for model in models.data}) == len(models.data) > 1

    async def iterate() -> list[str]:
        return [model.id async for model in build(AsyncCodexClient).models.list()]

    assert asyncio.run(iterate()) == [model.id for model in models.data]
    completion = build(model=None).chat.completions.create(messages=HI)
    assert completion.model == service.asked[-1].body["model"] != ""  # the CLI's own choice


DECISIONS: list[tuple[Any, bool]] = [(False, False), (None, False), (True, True), ("acceptForSession", True)]


def test_the_callback_decides_what_the_agent_may_do(build: Ask, answer: Ask, tmp_path: Path) -> None:
    asked: list[ApprovalRequest] = []
    decision: Any = None

    def decide(request: ApprovalRequest) -> Any:
        asked.append(request)
        return decision

    async def decide_later(request: ApprovalRequest) -> Any:
        await asyncio.sleep(0)
        return decide(request)

    settings: Any = {"approval_policy": "untrusted", "sandbox_mode": "danger-full-access", "working_dir": tmp_path}
    client = build(approval_callback=decide, **settings)
    other = build(AsyncCodexClient, approval_callback=decide_later, **settings)
    for number, (decision, may) in enumerate(DECISIONS):  # noqa: B007 - read by the callback
        answer(does(f"touch made{number}"), say("Done."), does(f"touch later{number}"), say("Done."))
        assert text(client.chat.completions.create(messages=HI)) == "Done."
        assert text(asyncio.run(other.chat.completions.create(messages=HI))) == "Done."
        for name in ("made", "later"):
            assert (tmp_path / f"{name}{number}").exists() is may
            request = asked.pop(0)
            assert (request.kind, request.cwd) == ("command", str(tmp_path))
            assert f"touch {name}{number}" in str(request.command)
    assert asked == []


def test_an_error_of_the_callback_reaches_the_caller(build: Ask, answer: Ask, tmp_path: Path) -> None:
    def fail(request: ApprovalRequest) -> bool:
        raise LookupError("no decision")

    async def decide(request: ApprovalRequest) -> bool:
        return True

    settings: Any = {"approval_policy": "untrusted", "sandbox_mode": "danger-full-access", "working_dir": tmp_path}
    for callback, kind in ((fail, LookupError), (decide, CodexError)):  # the second needs the asynchronous client
        answer(does("touch made"), say("Done."))
        with pytest.raises(kind):
            build(approval_callback=callback, **settings).chat.completions.create(messages=HI)
    assert not (tmp_path / "made").exists()


def test_the_agent_has_its_own_programs(build: Ask, answer: Ask, tmp_path: Path) -> None:
    """Below the temporary folder, the CLI does not install the program that applies patches."""
    answer(does("command -v apply_patch > found; true"), say("Done."))
    build(sandbox_mode="danger-full-access", working_dir=tmp_path).chat.completions.create(messages=HI)
    assert "apply_patch" in (tmp_path / "found").read_text()
