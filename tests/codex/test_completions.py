"""Chat completions over the real CLI: what is asked, what comes back, what is refused."""

import asyncio
import base64
import gc
import time

import openai
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from codegen_ext import AsyncCodexClient
from codegen_ext.codex import CodexError

from ..support.waiting import in_background, until
from .conftest import HI, content, create, image, text, user
from .responses import CREATED, CUT, HALF, INCOMPLETE, WAIT, Answer, does, failed, message, refuse, say, says

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


def test_a_completion_is_the_openai_packages_own(each_client, service):
    completion = create(each_client, reasoning_effort="high", model="gpt-5.5")
    assert type(completion) is ChatCompletion
    (choice,) = completion.choices
    assert (choice.message.content, choice.message.role, choice.finish_reason) == ("Hello there.", "assistant", "stop")
    assert (completion.object, completion.model) == ("chat.completion", "gpt-5.5")
    assert abs(completion.created - time.time()) < 600
    usage = completion.usage
    assert (usage.prompt_tokens, usage.completion_tokens, usage.total_tokens) == (11, 5, 16)
    assert usage.prompt_tokens_details.cached_tokens == 3
    assert usage.completion_tokens_details.reasoning_tokens == 2
    assert (service.asked[0].body["reasoning"]["effort"], service.asked[0].body["model"]) == ("high", "gpt-5.5")


def test_a_stream_shows_parallel_choices_as_the_service_sends_them(each_client, service):
    numbers = iter(range(3))
    service.reset(lambda asked: say("choice ", WAIT, str(next(numbers))))
    stream = create(each_client, n=3, stream=True)
    chunks = [next(stream) for _ in range(6)]  # before the service sends more
    assert {(type(chunk), chunk.object, chunk.id) for chunk in chunks} == {
        (ChatCompletionChunk, "chat.completion.chunk", chunks[0].id)
    }
    assert [chunk.choices[0].delta.role for chunk in chunks].count("assistant") == 3
    assert {chunk.choices[0].index for chunk in chunks if chunk.choices[0].delta.content == "choice "} == {0, 1, 2}
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


STOPS = says(*message("Hello th", "ere, ST", "OP and more", WAIT, "never"))
SCHEMA = {"type": "object", "properties": {"a": {"type": "integer"}}, "additionalProperties": False, "required": ["a"]}
FORM = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
SAID = {
    # the answers of the service, the arguments, the text, the finish reason, and the tokens where they were counted
    "a comment is no part of it": (
        [does("true", *message("I look.", phase="commentary")), says(*message("One.", phase="final_answer"))],
        *({}, "One.", "stop", 32),
    ),
    "a schema shapes the last message": (
        [does("true", *message('{"a": 0}')), say('{"a"', ": 1}")],
        *(FORM, '{"a": 1}', "stop", 32),
    ),
    "the service ends it": ([Answer([CREATED, *message("Par", "tial"), INCOMPLETE])], {}, "Partial", "length", None),
    "limits": ([STOPS], {"max_completion_tokens": 3, "max_tokens": 1}, "Hello there,", "length", None),
    "used in part": (
        [does("true", *message("I look.")), STOPS],
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
        yield CREATED
        try:
            yield from message(*["more "] * 100_000)
        except GeneratorExit:
            gone.append(True)
            raise

    service.reset(lambda asked: Answer(endless()))
    until(lambda: way(each_client) or service.asked)  # a time-out may be over before the CLI has asked
    until(lambda: gone)  # the CLI has hung up


def test_closing_a_stream_ends_the_wait_of_another_thread(client, service):
    service.reset(HALF)
    stream = create(client, stream=True)
    rest = in_background(lambda: list(stream))
    stream.close()
    assert content(rest.result(60)) in ("", "half")


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

    def decide(request):
        asked.append(request)
        if isinstance(decision, Exception):
            raise decision
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
    decision = LookupError("no decision")
    service.reset(does("touch made"), does("touch made"), say("Done."))
    for one, kind in ((client, LookupError), (build(approval_callback=decide_later, **settings), CodexError)):
        with pytest.raises(kind):  # the second needs the asynchronous client
            create(one)
    assert not (tmp_path / "made").exists()


CASES = {
    # what the service answers, the error, its status and code, and how many requests the CLI makes
    "400": (refuse(400, "invalid_value", "bad field"), openai.BadRequestError, 400, "invalid_value", 1),
    "401": (refuse(401, "invalid_api_key"), openai.AuthenticationError, 401, None, 1),
    "403": (refuse(403), openai.PermissionDeniedError, 403, None, 1),
    "model": (refuse(404, "model_not_found"), openai.NotFoundError, 404, "model_not_found", 1),
    "429": (refuse(429, "rate_limit_exceeded"), openai.RateLimitError, 429, None, 1),
    "quota": (refuse(429, "insufficient_quota"), openai.RateLimitError, 429, "insufficient_quota", 1),
    "500": (refuse(500), openai.InternalServerError, 500, None, 2),
    "503": (refuse(503, "server_is_overloaded"), openai.InternalServerError, 503, "server_is_overloaded", 1),
    "context": (refuse(400, "context_length_exceeded"), openai.BadRequestError, 400, "context_length_exceeded", 1),
    "failed quota": (failed("insufficient_quota"), openai.RateLimitError, 429, None, 1),
    "failed rate": (failed("rate_limit_exceeded"), openai.RateLimitError, 429, None, 2),
    "unknown": (failed("invalid_prompt"), openai.APIError, None, None, 1),
    "cut": (CUT, openai.APIConnectionError, None, None, 2),
}


@pytest.mark.parametrize("name", CASES)
def test_what_the_service_refuses(client, service, name):
    given, kind, status, code, requests = CASES[name]
    service.reset(given)
    with pytest.raises(openai.APIError) as caught:
        create(client)
    assert type(caught.value) is kind
    assert getattr(caught.value, "status_code", None) == status
    assert code in (None, caught.value.code)
    assert len(service.asked) == requests


def test_a_refusal_before_the_answer_is_raised_by_create_itself(each_client, service):
    service.reset(refuse(401))
    with pytest.raises(openai.AuthenticationError, match=r"^unexpected status 401 Unauthorized: the service says no"):
        create(each_client, stream=True)
    service.reset(HALF, refuse(429))  # one choice that fails fails the call
    with pytest.raises(openai.RateLimitError):
        create(each_client, n=2)
    service.reset()
    with pytest.raises(openai.BadRequestError, match=r"^turn/start: "):  # by the CLI itself
        create(each_client, reasoning_effort="")
    assert service.asked == []


def test_text_before_a_repetition_is_void(client, service):
    for limit in ({}, {"stop": "tialW"}):
        service.reset(CUT, say("Whole", "."))
        assert text(create(client, **limit)) == "Whole."
    service.reset(CUT, say("Whole", "."))
    stream = create(client, stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(3)] == ["", "Par", "tial"]
    with pytest.raises(openai.APIConnectionError, match="void"):
        next(stream)
    assert list(stream) == []
    service.reset(Answer([CREATED]), say("Whole", "."))  # without text there is nothing to take back
    assert content(create(client, stream=True)) == "Whole."
