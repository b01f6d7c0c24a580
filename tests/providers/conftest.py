"""Providers of both kinds, against the sandbox and a server that speaks OpenAI's API."""

import contextlib

import pytest

from codegen_ext import ClientConfig
from codegen_ext.providers import get_ai_client, get_async_ai_client
from codegen_ext.testing import Fault

from ..conftest import TOKEN
from ..support.completions import chunk, streamed
from ..support.loopback import reply

KEY = "sk-proj-QUARTZ-0123456789-ZEBRA"
HANGS, STALLS = Fault.latency(3600), Fault.stall(0, 3600)
"""No answer, and nothing but the head of one; on the fake clock, as the sandbox's transport tells the time."""


@pytest.fixture(autouse=True)
def no_login(environment, tmp_path, monkeypatch):
    """There is no Codex CLI on the machine's path, and it is logged in nowhere."""
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.setenv("CODEX_HOME", str(tmp_path / "no-login"))


def completion(text="From OpenAI", **message):
    choice = {"index": 0, "message": {"role": "assistant", "content": text, **message}, "finish_reason": "stop"}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    common = {"id": "chatcmpl-7", "object": "chat.completion", "created": 1, "model": "gpt-4o-2024-08-06"}
    return {**common, "choices": [choice], "usage": usage}


def refusal(status, code=None, message="No.", **headers):
    body = {"error": {"message": message, "type": "error", "code": code, "param": None}}
    return reply(body, status=f"{status} X", headers={name.replace("_", "-"): value for name, value in headers.items()})


ANSWER = reply(completion(), headers={"x-request-id": "req-openai"})
PIECES = streamed(chunk("From "), chunk("OpenAI"), chunk(None, "stop"))
MODELS = reply({"object": "list", "data": [{"id": "gpt-4o", "object": "model", "created": 1, "owned_by": "x"}]})


@pytest.fixture
def openai_service(serve):
    """Speaks OpenAI's API; `answers` may be changed."""
    return serve(ANSWER)


def codegen_options(sandbox, **settings):
    """Options for codegen, whose time-outs pass on the fake clock."""
    address = {"base_url": sandbox.base_url, "transport": sandbox.transport()}
    return {"config": ClientConfig(api_token=TOKEN, **{"timeout": 60, **address, **settings}), "org_id": 323}


@pytest.fixture
def options(sandbox, openai_service, clock):
    """Options for a client that could ask any of three."""
    return {
        "clock": clock,
        "codegen": codegen_options(sandbox),
        "openai": {"api_key": KEY, "base_url": f"{openai_service.base_url}/v1"},
        "chatserver": {"api_key": TOKEN, "base_url": sandbox.base_url, "transport": sandbox.transport()},
    }


@pytest.fixture
def make(flavour):
    """Call `get_ai_client` or its async twin; what it returns is closed after the test."""
    with contextlib.ExitStack() as stack:

        def build(*args, **kwargs):
            if not flavour.is_async:
                return stack.enter_context(get_ai_client(*args, **kwargs))
            return stack.enter_context(flavour._wrap(flavour.settle(get_async_ai_client(*args, **kwargs))))

        yield build


@pytest.fixture
def named(make, options):
    """Build one provider by its name."""

    def build(name, *, validate_on_creation=False, prices=None, **more):
        own = {**options[name], "clock": options["clock"], **more}
        return make(name, validate_on_creation=validate_on_creation, prices=prices, **own)

    return build


@pytest.fixture
def chain(make, options, monkeypatch):
    """Build a client that asks some of the providers in this order."""

    def build(*names, **more):
        monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", ",".join(names))
        return make(clock=options["clock"], **{name: options[name] for name in names}, **more)

    return build
