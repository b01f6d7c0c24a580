"""Chat completions over the real CLI: what is asked, what comes back."""

import asyncio
import base64
import gc
import time
from pathlib import Path

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from codegen_ext import AsyncCodexClient
from codegen_ext.codex import CodexError
from codegen_ext.testing import MockCodexClient

from ..support.waiting import in_background, until
from .conftest import HI, content, create, text
from .responses import HALF, WAIT, Answer, call, completed, created, does, incomplete, message, say, says

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_completion_is_the_openai_packages_own(each_client, service):
    service.reset(say("Hello", " there", ".", input_tokens=1000, output_tokens=77, cached=512, reasoning=64))
    completion = create(each_client, reasoning_effort="high", model="gpt-5.5")
    assert type(completion) is ChatCompletion
    (choice,) = completion.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == ("Hello there.", "assistant", "stop")
    assert (completion.object, completion.model) == ("chat.completion", "gpt-5.5")
    assert completion.id.startswith("chatcmpl-")
    assert abs(completion.created - time.time()) < 600
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (1000, 77, 1077)
    assert usage.prompt_tokens_details.cached_tokens == 512
    assert usage.completion_tokens_details.reasoning_tokens == 64
    assert (service.asked[0].body["reasoning"]["effort"], service.asked[0].body["model"]) == ("high", "gpt-5.5")


def test_a_stream_has_the_deltas_as_the_service_sends_them(each_client, service):
    service.reset(say("One ", WAIT, "two."))
    stream = create(each_client, stream=True, stream_options={"include_usage": True})
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


def test_choices_are_parallel_threads(client, service):
    numbers = iter(range(3))
    service.reset(lambda asked: say("choice ", WAIT, str(next(numbers))))
    stream = create(client, n=3, stream=True)
    chunks = [next(stream) for _ in range(6)]
    assert {chunk.choices[0].index for chunk in chunks} == {0, 1, 2}  # all wait at once
    service.go_on()
    completion = stream.result()
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert {choice.message.content for choice in completion.choices} == {"choice 0", "choice 1", "choice 2"}
    assert completion.usage.total_tokens == 3 * 16
    assert len({asked.headers["thread-id"] for asked in service.asked}) == 3


def test_messages_are_real_history(client, service, tmp_path):
    picture = tmp_path / "dot.png"
    picture.write_bytes(PNG)
    uri = f"data:image/png;base64,{base64.b64encode(PNG).decode()}"
    function = {"name": "f", "arguments": "{}"}
    messages = [
        {"role": "system", "content": "You are terse."},
        {"role": "developer", "content": [{"type": "text", "text": "Use Python."}]},
        {"role": "user", "content": [image(uri), {"type": "text", "text": "1"}], "name": "Ann"},
        {"role": "assistant", "content": "2"},
        {"role": "system", "content": "Mind the time."},
        {"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": function}]},
        {"role": "tool", "tool_call_id": "c", "content": "seen"},
        {"role": "assistant", "content": [{"type": "refusal", "refusal": "No."}]},
        user({"type": "text", "text": "3"}, image(str(picture)), image(picture.as_uri(), detail="low")),
    ]
    answer = create(client, messages=messages).choices[0].message
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
    create(client, messages=[*HI, answer])  # an answer at the end is continued
    assert service.asked[-1].texts[-1] == ("assistant", "Hello there.")


def user(*parts):
    return {"role": "user", "content": [*parts]}


def image(url, **more):
    return {"type": "image_url", "image_url": {"url": url, **more}}


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
]
UNSENDABLE = [
    {"messages": [{"role": "user", "content": "a\ud83d"}]},
    {"messages": [{"role": "user", "content": "a\ud83d"}, *HI]},
    {"response_format": {"type": "json_schema", "json_schema": {"schema": {"description": {1}}}}},
]


@pytest.mark.parametrize(("arguments", "param"), [*BAD, *[(one, None) for one in UNSENDABLE]], ids=ascii)
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


LOOK = call("exec_command", cmd="true")
STOPS = Answer([created(), *message("Hello th", "ere, ST", "OP and more", WAIT, "never"), completed()])
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False, "required": ["a"]}
FORM = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
SAID = {
    # the answers of the service, the arguments, the text, the finish reason, and the tokens where they were counted
    "a comment is no part of it": (
        [says(*message("I look.", phase="commentary"), LOOK), says(*message("One.", phase="final_answer"))],
        *({}, "One.", "stop", 32),
    ),
    "a schema shapes the last message": (
        [says(*message('{"a": 0}'), LOOK), say('{"a"', ": 1}")],
        *(FORM, '{"a": 1}', "stop", 32),
    ),
    "the service ends it": (
        [Answer([created(), *message("Par", "tial"), incomplete("max_output_tokens")])],
        *({}, "Partial", "length", None),
    ),
    "limits": ([STOPS], {"max_completion_tokens": 3, "max_tokens": 1}, "Hello there,", "length", None),
    "used in part": (
        [says(*message("I look."), LOOK), STOPS],
        *({"stop": "STOP"}, "I look.\n\nHello there, ", "stop", None),
    ),
}


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_and_why_it_ends(client, service, name):
    answers, arguments, said, reason, tokens = SAID[name]
    service.reset(*answers)
    completion = create(client, **arguments)
    assert (text(completion), completion.choices[0].finish_reason) == (said, reason)
    assert (completion.usage and completion.usage.total_tokens) == tokens
    assert arguments is not FORM or service.asked[0].body["text"]["format"]["schema"] == SCHEMA
    service.reset(*answers)
    chunks = list(create(client, stream=True, stream_options={"include_usage": True}, **arguments))
    assert content(chunks) == said
    counted = [chunk.usage.total_tokens for chunk in chunks if chunk.usage]
    assert counted == ([] if tokens is None else [tokens])
    assert [one.finish_reason for chunk in chunks for one in chunk.choices][-1] == reason


def time_out(client):
    with pytest.raises(openai.APITimeoutError, match=r"0\.4 s"):
        create(client, timeout=0.4)


def leave(client):
    with create(client, stream=True) as stream:
        next(stream)
        next(stream)
    assert list(stream) == []
    with pytest.raises(CodexError, match="closed before its end"):
        stream.result()


def lose(client):
    stream = create(client, stream=True)
    next(stream)
    del stream
    gc.collect()


@pytest.mark.parametrize("way", [time_out, leave, lose])
def test_leaving_an_answer_interrupts_the_turn(each_client, service, way):
    gone = []

    def endless():
        yield created()
        try:
            yield from message(*["more "] * 100_000)
        except GeneratorExit:
            gone.append(True)
            raise

    service.reset(lambda asked: Answer(endless()))
    way(each_client)
    until(lambda: gone)  # the CLI has hung up


def test_closing_a_stream_ends_the_wait_of_another_thread_or_task(client, build, service):
    service.reset(HALF)
    stream = create(client, stream=True)
    rest = in_background(lambda: list(stream))
    stream.close()
    assert content(rest.result(60)) in ("", "half")

    async def run():
        async with await create(build(AsyncCodexClient), stream=True) as stream:

            async def rest():
                return [chunk async for chunk in stream]

            task = asyncio.create_task(rest())
            await asyncio.sleep(0)
            await stream.close()
            return content(await asyncio.wait_for(task, 60))

    assert asyncio.run(run()) in ("", "half")


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


def test_a_warning_names_the_line_of_the_caller(client):
    with pytest.warns(UserWarning, match="user: it is ignored") as caught:
        client.chat.completions.create(messages=HI, user="me")
    assert Path(caught[0].filename).name == Path(__file__).name


def test_the_models_of_the_cli_are_listed(each_client, build, service):
    models = each_client.models.list()
    assert all(type(model) is openai.types.Model for model in models.data)
    assert len({model.id for model in models.data}) == len(models.data) > 1

    async def iterate():
        return [model.id async for model in build(AsyncCodexClient).models.list()]

    assert asyncio.run(iterate()) == [model.id for model in models.data]
    assert create(build(model=None)).model == service.asked[-1].body["model"] != ""  # the CLI's own choice


DECISIONS = [(False, False), (None, False), (True, True), ("acceptForSession", True)]


def test_the_callback_decides_what_the_agent_may_do(build, service, tmp_path):
    asked = []
    decision = None

    def decide(request):
        asked.append(request)
        return decision

    async def decide_later(request):
        await asyncio.sleep(0)
        return decide(request)

    settings = {"approval_policy": "untrusted", "working_dir": tmp_path}
    client = build(approval_callback=decide, **settings)
    other = build(AsyncCodexClient, approval_callback=decide_later, **settings)
    for number, (decision, may) in enumerate(DECISIONS):  # noqa: B007 - read by the callback
        service.reset(does(f"touch made{number}"), say("Done."), does(f"touch later{number}"), say("Done."))
        assert text(create(client)) == text(asyncio.run(create(other))) == "Done."
        for name in ("made", "later"):
            assert (tmp_path / f"{name}{number}").exists() is may
            request = asked.pop(0)
            assert (request.kind, request.cwd) == ("command", str(tmp_path))
            assert f"touch {name}{number}" in str(request.command)
    assert asked == []


def test_an_error_of_the_callback_reaches_the_caller(build, service, tmp_path):
    def fail(request):
        raise LookupError("no decision")

    async def decide(request):
        return True

    for callback, kind in ((fail, LookupError), (decide, CodexError)):  # the second needs the asynchronous client
        service.reset(does("touch made"), say("Done."))
        with pytest.raises(kind):
            create(build(approval_callback=callback, approval_policy="untrusted", working_dir=tmp_path))
    assert not (tmp_path / "made").exists()


def test_the_agent_has_its_own_programs(build, service, tmp_path):
    """Below the temporary folder, the CLI does not install the program that applies patches."""
    service.reset(does("command -v apply_patch > found; true"), say("Done."))
    create(build(working_dir=tmp_path))
    assert "apply_patch" in (tmp_path / "found").read_text()
