"""Chat completions over the real CLI: what is asked, what comes back."""

import asyncio
import base64
import gc
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex import CodexError

from .responses import WAIT, Answer, Asked, Responses, call, completed, created, incomplete, message, reasoning, say

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
Ask = Callable[..., Any]


def content(chunks: list[ChatCompletionChunk], index: int = 0) -> str:
    return "".join(choice.delta.content or "" for chunk in chunks for choice in chunk.choices if choice.index == index)


def test_a_completion_is_the_openai_packages_own(ask: Ask) -> None:
    completion = ask()
    assert type(completion) is ChatCompletion
    assert completion.choices[0].message.content == "Hello there."
    assert completion.choices[0].message.role == "assistant"
    assert completion.choices[0].finish_reason == "stop"
    assert (completion.object, completion.model) == ("chat.completion", "gpt-5")
    assert completion.id.startswith("chatcmpl-")
    assert abs(completion.created - time.time()) < 600
    assert completion == ChatCompletion.model_validate(completion.model_dump())


def test_usage_is_what_the_service_counted(ask: Ask, answer: Ask) -> None:
    answer(say("x", input_tokens=1000, output_tokens=77, cached=512, reasoning=64))
    usage = ask().usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1000, 77, 1077)
    assert usage.prompt_tokens_details.cached_tokens == 512
    assert usage.completion_tokens_details.reasoning_tokens == 64


def test_usage_of_a_turn_with_tools_counts_every_response(ask: Ask, answer: Ask) -> None:
    answer(Answer([created(), call("exec_command", cmd="true"), completed()]), say("Done."))
    completion = ask()
    assert completion.choices[0].message.content == "Done."
    assert completion.usage.total_tokens == 32


def test_a_stream_has_real_deltas(ask: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("One ", WAIT, "two."), completed()]))
    stream = ask(stream=True)
    first, second = next(stream), next(stream)
    assert type(first) is ChatCompletionChunk
    assert (first.choices[0].delta.role, first.object) == ("assistant", "chat.completion.chunk")
    assert second.choices[0].delta.content == "One "  # while the service has not said more
    service.go_on()
    rest = list(stream)
    assert content(rest) == "two."
    assert [chunk.choices[0].finish_reason for chunk in rest] == [None, "stop"]
    assert {chunk.id for chunk in rest} == {first.id}
    assert all(chunk.usage is None for chunk in rest)


def test_a_stream_may_include_usage(ask: Ask) -> None:
    *chunks, last = ask(stream=True, stream_options={"include_usage": True})
    assert content(chunks) == "Hello there."
    assert last.choices == []
    assert last.usage.total_tokens == 16


def test_choices_are_parallel_threads(ask: Ask, answer: Ask, service: Responses) -> None:
    numbers = iter(range(3))

    def each(asked: Asked) -> Answer:
        return Answer([created(), *message("choice ", WAIT, str(next(numbers))), completed()])

    answer(each)
    stream = ask(n=3, stream=True)
    begun = {chunk.choices[0].index for chunk in (next(stream) for _ in range(6))}
    assert begun == {0, 1, 2}  # all wait at once
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
    client.chat.completions.create(
        messages=[
            {"role": "system", "content": "You are terse."},
            {"role": "developer", "content": [{"type": "text", "text": "Use Python."}]},
            {
                "role": "user",
                "content": [{"type": "image_url", "image_url": {"url": uri}}, {"type": "text", "text": "1"}],
            },
            {"role": "assistant", "content": "2"},
            {"role": "system", "content": "Mind the time."},
            {
                "role": "assistant",
                "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
            },
            {"role": "tool", "tool_call_id": "c", "content": "seen"},
            {
                "role": "user",
                "content": [
                    {"type": "text", "text": "3"},
                    {"type": "image_url", "image_url": {"url": str(picture)}},
                    {"type": "image_url", "image_url": {"url": picture.as_uri(), "detail": "low"}},
                ],
            },
        ]
    )
    asked = service.asked[0]
    texts = asked.texts
    assert texts[0] == ("developer", "You are terse.")  # the base instructions
    assert ("developer", "Use Python.") in texts
    assert not any("You are Codex" in text for _, text in texts)
    history = texts[texts.index(("user", "1")) :]
    assert [one for one in history if not one[1].startswith("<")] == [
        ("user", "1"),
        ("assistant", "2"),
        ("developer", "Mind the time."),
        ("user", "3"),
    ]
    pictures = [
        part for item in asked.body["input"] for part in item.get("content", ()) if part["type"] == "input_image"
    ]
    assert [part["image_url"] for part in pictures] == [uri, uri, uri]
    kinds = [item["type"] for item in asked.body["input"]]
    assert kinds.index("function_call") < kinds.index("function_call_output")


def test_a_message_of_the_assistant_at_the_end_is_continued(client: Any, service: Responses) -> None:
    first = client.chat.completions.create(messages=[{"role": "user", "content": "Count"}])
    client.chat.completions.create(messages=[{"role": "user", "content": "Count"}, first.choices[0].message])
    assert [text for role, text in service.asked[-1].texts if role == "assistant"] == ["Hello there."]
    assert service.asked[-1].texts[-1] == ("assistant", "Hello there.")


@pytest.mark.parametrize(
    ("arguments", "param"),
    [
        ({"messages": []}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": [{"role": "robot", "content": "x"}, {"role": "user", "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "user"}]}, "messages[0].content"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]}, "messages[0].content[0].type"),
        (
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "/no/such.png"}}]}]},
            "messages[0].content[0].image_url",
        ),
        (
            {
                "messages": [
                    {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "https://x/y.png"}}]}
                ]
            },
            "messages[0].content[0].image_url",
        ),
        ({"messages": [{"role": ["user"], "content": "x"}]}, "messages[0].role"),
        ({"messages": [{"role": "assistant", "tool_calls": 5}]}, "messages[0].tool_calls"),
        ({"n": 0}, "n"),
        ({"max_tokens": 0}, "max_tokens"),
        ({"stop": [""]}, "stop"),
        ({"stop": 5}, "stop"),
        ({"stream_options": "include_usage"}, "stream_options"),
        ({"timeout": -1}, "timeout"),
        ({"timeout": math.nan}, "timeout"),
        ({"response_format": {"type": "xml"}}, "response_format"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "response_format"),
    ],
    ids=str,
)
def test_bad_arguments_are_refused_as_the_api_does(
    sync_client: CodexClient, service: Responses, arguments: dict[str, Any], param: str
) -> None:
    with pytest.raises(openai.BadRequestError) as caught:
        sync_client.chat.completions.create(**{"messages": [{"role": "user", "content": "hi"}], **arguments})
    assert caught.value.param == param
    assert service.asked == []


@pytest.mark.parametrize("text", ["\ud800", object()], ids=["a lone surrogate", "an object"])
def test_what_json_has_nothing_for_is_refused_and_disturbs_nobody(
    client: Any, service: Responses, answer: Ask, text: Any
) -> None:
    answer(Answer([created(), *message("One ", WAIT, "two."), completed()]))
    stream = client.chat.completions.create(messages=[{"role": "user", "content": "hi"}], stream=True)
    schema = {"name": "x", "schema": {"type": "object", "description": text}}
    with pytest.raises(openai.BadRequestError, match="cannot be sent as JSON"):
        client.chat.completions.create(
            messages=[{"role": "user", "content": "hi"}],
            response_format={"type": "json_schema", "json_schema": schema},
            timeout=60,
        )
    service.go_on()
    assert content(list(stream)) == "One two."


@pytest.mark.parametrize("timeout", [math.inf, 1e12, None], ids=str)
def test_a_timeout_may_be_endless(ask: Ask, timeout: float | None) -> None:
    assert ask(timeout=timeout).choices[0].message.content == "Hello there."


def test_an_argument_that_the_api_does_not_have_is_a_type_error(ask: Ask) -> None:
    with pytest.raises(TypeError, match="'temprature'"):
        ask(temprature=1)


def test_not_given_counts_as_absent(ask: Ask) -> None:
    given = dict.fromkeys(("temperature", "stop", "n", "response_format", "max_tokens", "timeout"), openai.NOT_GIVEN)
    assert ask(**given, seed=None).choices[0].message.content == "Hello there."


def test_response_format_shapes_the_last_message(ask: Ask, answer: Ask, service: Responses) -> None:
    schema = {
        "type": "object",
        "properties": {"a": {"type": "integer"}},
        "required": ["a"],
        "additionalProperties": False,
    }
    look = Answer([created(), *message('{"a": 0}'), call("exec_command", cmd="true"), completed()])
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}
    answer(look, say('{"a"', ": 1}"))
    assert json.loads(ask(response_format=form).choices[0].message.content) == {"a": 1}
    assert service.asked[0].body["text"]["format"]["schema"] == schema
    answer(look, say('{"a"', ": 1}"))
    assert json.loads(content(list(ask(response_format=form, stream=True)))) == {"a": 1}


def test_reasoning_effort_and_model_travel(ask: Ask, service: Responses) -> None:
    assert ask(reasoning_effort="high", model="gpt-5.5").model == "gpt-5.5"
    assert service.asked[0].body["reasoning"]["effort"] == "high"
    assert service.asked[0].body["model"] == "gpt-5.5"


def test_comments_between_commands_are_no_part_of_the_answer(ask: Ask, answer: Ask) -> None:
    look = Answer([created(), *message("I look.", phase="commentary"), call("exec_command", cmd="true"), completed()])
    answer(look, Answer([created(), *reasoning("hm"), *message("One.", phase="final_answer"), completed()]))
    assert ask().choices[0].message.content == "One."
    answer(look, say("One."))
    assert content(list(ask(stream=True))) == "One."


def test_several_messages_are_parted_in_the_same_way_streamed_or_not(ask: Ask, answer: Ask) -> None:
    look = Answer([created(), *message("First", "."), call("exec_command", cmd="true"), completed()])
    answer(look, say("Second", "."))
    assert ask().choices[0].message.content == "First.\n\nSecond."
    answer(look, say("Second", "."))
    assert content(list(ask(stream=True))) == "First.\n\nSecond."


@pytest.mark.parametrize(
    ("reason", "expected"), [("max_output_tokens", "length"), ("content_filter", "content_filter")]
)
@pytest.mark.parametrize("stream", [False, True])
def test_finish_reasons_of_the_service(ask: Ask, answer: Ask, reason: str, expected: str, *, stream: bool) -> None:
    answer(Answer([created(), *message("Par", "tial"), incomplete(reason)]))
    if stream:
        chunks = list(ask(stream=True))
        assert (content(chunks), chunks[-1].choices[0].finish_reason) == ("Partial", expected)
    else:
        choice = ask().choices[0]
        assert (choice.message.content, choice.finish_reason) == ("Partial", expected)


def test_stop_ends_the_text_and_interrupts_the_turn(ask: Ask, answer: Ask, service: Responses) -> None:
    endless = Answer([created(), *message("Hello th", "ere, ST", "OP and more", WAIT, "never"), completed()])
    answer(endless)
    completion = ask(stop=["STOP", "END"])
    assert completion.choices[0].message.content == "Hello there, "
    assert completion.choices[0].finish_reason == "stop"
    assert completion.usage is None  # the service was interrupted before it counted
    answer(endless)
    chunks = list(ask(stop="STOP", stream=True, stream_options={"include_usage": True}))
    assert content(chunks) == "Hello there, "
    assert chunks[-1].choices[0].finish_reason == "stop"  # and no usage, as in OpenAI's streams that are interrupted


def test_what_only_looks_like_a_stop_sequence_is_text(ask: Ask, answer: Ask) -> None:
    answer(say("a S", "T", "O"))
    assert content(list(ask(stop="STOP", stream=True))) == "a STO"


@pytest.mark.parametrize("name", ["max_tokens", "max_completion_tokens"])
def test_max_tokens_cuts_the_text(ask: Ask, answer: Ask, name: str) -> None:
    answer(Answer([created(), *message("12345678", "9", WAIT, "never"), completed()]))
    choice = ask(**{name: 2}).choices[0]
    assert (choice.message.content, choice.finish_reason) == ("12345678", "length")


def test_a_limit_that_is_not_reached_changes_nothing(ask: Ask) -> None:
    completion = ask(max_tokens=3, stop="never")
    assert (completion.choices[0].message.content, completion.choices[0].finish_reason) == ("Hello there.", "stop")
    assert completion.usage.total_tokens == 16


def test_a_timeout_interrupts_the_turn(ask: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("slow", WAIT), completed()]))
    with pytest.raises(openai.APITimeoutError, match=r"0\.4 s"):
        ask(timeout=0.4)
    answer(say("quick"))
    assert ask().choices[0].message.content == "quick"


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


def test_closing_a_stream_early_interrupts_the_turn(ask: Ask, gone: list[bool]) -> None:
    with ask(stream=True) as stream:
        assert next(stream).choices[0].delta.role == "assistant"
        next(stream)
    wait_for(lambda: gone)
    assert list(stream) == []
    with pytest.raises(CodexError, match="no result"):
        stream.result()


def test_closing_a_stream_ends_the_wait_of_another_thread(build: Ask, answer: Ask, service: Responses) -> None:
    answer(Answer([created(), *message("half", WAIT), completed()]))
    stream = build().chat.completions.create(messages=[{"role": "user", "content": "hi"}], stream=True)
    with ThreadPoolExecutor(1) as pool:
        rest = pool.submit(list, stream)
        wait_for(lambda: service.asked)
        stream.close()
        assert content(rest.result(60)) in ("", "half")


def test_closing_a_stream_ends_the_wait_of_another_task(build: Ask, answer: Ask) -> None:
    answer(Answer([created(), *message("half", WAIT), completed()]))

    async def run() -> str:
        stream = await build(AsyncCodexClient).chat.completions.create(
            messages=[{"role": "user", "content": "hi"}], stream=True
        )

        async def rest() -> list[ChatCompletionChunk]:
            return [chunk async for chunk in stream]

        task = asyncio.create_task(rest())
        await asyncio.sleep(0)
        await stream.close()
        return content(await asyncio.wait_for(task, 60))

    assert asyncio.run(run()) in ("", "half")


@pytest.mark.parametrize("kind", ["completion", "thread"])
def test_a_stream_that_nobody_holds_interrupts_the_turn(client: Any, ask: Ask, gone: list[bool], kind: str) -> None:
    stream = ask(stream=True) if kind == "completion" else client.threads.start().stream("hi")
    for _ in range(10):
        next(stream)
    del stream
    gc.collect()
    wait_for(lambda: gone)


def wait_for(condition: Callable[[], object], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


IGNORED = {
    "temperature": 0.2,
    "top_p": 0.9,
    "seed": 1,
    "frequency_penalty": 0.1,
    "presence_penalty": 0.1,
    "logprobs": True,
}


def test_what_the_cli_does_not_have_warns_once_by_name(build: Ask, service: Responses) -> None:
    client = build()
    say_hi = {"messages": [{"role": "user", "content": "hi"}]}
    with pytest.warns(UserWarning, match="it is ignored") as caught:
        client.chat.completions.create(**say_hi, **IGNORED)
    assert sorted(str(one.message).split(" nothing for ")[1].split(":")[0] for one in caught) == sorted(IGNORED)
    assert {Path(one.filename).name for one in caught} == {Path(__file__).name}
    client.chat.completions.create(**say_hi, **IGNORED)  # a second warning would be an error
    with pytest.warns(UserWarning, match="response_format json_object"):
        client.chat.completions.create(**say_hi, response_format={"type": "json_object"})


@pytest.mark.parametrize("name", IGNORED)
def test_strict_refuses_what_the_cli_does_not_have(build: Ask, service: Responses, name: str) -> None:
    with pytest.raises(openai.BadRequestError, match=name):
        build(strict=True).chat.completions.create(
            messages=[{"role": "user", "content": "hi"}], **{name: IGNORED[name]}
        )
    assert service.asked == []


def test_the_models_of_the_cli_are_listed(client: Any) -> None:
    models = client.models.list()
    assert all(type(model) is openai.types.Model for model in models.data)
    assert len({model.id for model in models.data}) == len(models.data) > 1


def test_the_clis_own_choice_of_a_model_is_reported(build: Ask, service: Responses) -> None:
    completion = build(model=None).chat.completions.create(messages=[{"role": "user", "content": "hi"}])
    assert completion.model == service.asked[0].body["model"] != ""
