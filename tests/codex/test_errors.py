"""Whatever fails is an error of the `openai` package, sync, async, streamed or not."""

import asyncio
import time

import openai
import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex import CodexConfigurationError, CodexError, CodexNotFoundError
from codegen_ext.testing import MockCodexClient

from .conftest import KEY, content, create, script, text
from .responses import CUT, HALF, Answer, created, failed, refuse, say

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
    "failed quota": (Answer([created(), failed("insufficient_quota", "x")]), openai.RateLimitError, 429, None, 1),
    "failed rate": (Answer([created(), failed("rate_limit_exceeded", "x")]), openai.RateLimitError, 429, None, 2),
    "unknown": (Answer([created(), failed("invalid_prompt", "not that")]), openai.APIError, None, None, 1),
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
    service.reset(refuse(400, text="bad field"))
    with pytest.raises(openai.BadRequestError, match=r"^bad field$"):
        create(each_client)
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
    service.reset(Answer([created()]), say("Whole", "."))  # without text there is nothing to take back
    assert content(create(client, stream=True)) == "Whole."


def test_a_missing_cli_is_an_error_of_the_first_call(tmp_path):
    program = tmp_path / "codex"
    program.write_text("nothing")
    program.chmod(0o755)
    for path, problem in (("/no/such/codex", "is not at /no/such/codex"), (program, "cannot be started")):
        for kind in (CodexClient, AsyncCodexClient):
            client = kind(None if path == "/no/such/codex" else KEY, str(path))  # named before a missing key
            with pytest.raises(CodexNotFoundError, match=f"{problem}.*npm install -g @openai/codex") as caught:
                create(client) if kind is CodexClient else asyncio.run(create(client, stream=True))
            assert isinstance(caught.value, openai.OpenAIError)


OLD_REPLY = '{"id":1,"result":{"userAgent":"codegen_sdk/0.98.0 (x)"}}'
TOO_OLD, GONE = CodexNotFoundError, openai.APIConnectionError
STARTS = {
    # what the program does, in whose place $1 is --version or app-server; the error, and its words
    "no app-server": (
        "echo \"error: unrecognized subcommand 'app-server'\" >&2; exit 2",
        *(TOO_OLD, r"too old: an older version was found, 0\.160\.0 or newer"),
    ),
    "old, and ends": (
        "[ $1 = --version ] && echo codex-cli 0.98.0 || { echo 'Unknown feature flag: x' >&2; exit 1; }",
        *(TOO_OLD, r"too old: 0\.98\.0 was found, 0\.160\.0 or newer is needed; install it with: npm"),
    ),
    "old, and answers": (
        f"read line; echo '{OLD_REPLY}'; while read line; do :; done",
        *(TOO_OLD, r"too old: 0\.98\.0 was found, 0\.160\.0 or newer"),
    ),
    "ends at once": (
        "[ $1 = --version ] && echo codex-cli 0.169.0 || { echo oh dear $CODEGEN_CODEX_API_KEY >&2; exit 3; }",
        *(GONE, r"exit code 3\) before it answered; .*npm install -g @openai/codex oh dear \[key\]"),
    ),
    "never answers": ("exec sleep 100", openai.APITimeoutError, r"did not answer within 0\.3 s of its start"),
    "writes what is no message": (
        "[ $1 = --version ] && exec sleep 100; echo hello; echo '[1]'; exit 1",
        GONE,
        "code 1",
    ),
}


@pytest.mark.parametrize("name", STARTS)
def test_a_cli_that_does_not_start(tmp_path, name):
    code, kind, words = STARTS[name]
    started = time.monotonic()
    with CodexClient(KEY, script(tmp_path / "codex", code), start_timeout=0.3 if "never" in name else 30) as client:
        with pytest.raises(kind, match=words) as caught:
            client.models.list()
        assert type(caught.value) is kind
    assert time.monotonic() - started < 20


WRONG = [
    {"sandbox_mode": "none"},
    {"timeout": 0},
    {"start_timeout": 0},
    {"max_retries": -1},
    {"approval_policy": "always"},
    {"base_url": "127.0.0.1"},
    {"base_url": "http://user:secret@127.0.0.1/v1"},
    {"base_url": "http://127.0.0.1/v1?key=secret"},
    {"api_key": "sk-secret\nsk-other"},
    {"api_key": "sk-secret\0"},
    {"api_key": 5},
]


@pytest.mark.parametrize("settings", WRONG, ids=repr)
def test_a_wrong_setting_is_named(settings):
    with pytest.raises(CodexConfigurationError, match=next(iter(settings))) as caught:
        CodexClient(**{"api_key": KEY, **settings})
    assert "secret" not in str(caught.value)


def test_a_missing_working_dir_and_a_closed_client_are_errors_of_a_call(tmp_path):
    mock = MockCodexClient(working_dir=tmp_path / "missing")
    with pytest.raises(CodexConfigurationError, match=r"working_dir is no directory: .*missing"):
        create(mock)
    (tmp_path / "missing").mkdir()
    assert create(mock).choices
    client = CodexClient(KEY)
    client.close()
    client.close()
    with pytest.raises(CodexError, match="closed"):
        client.models.list()
