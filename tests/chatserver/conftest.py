"""Clients of a ChatServer of both kinds, and what servers of written answers say."""

import contextlib

import pytest

from codegen_ext.testing import Sandbox

from ..conftest import TOKEN

HELLO = [{"role": "user", "content": "Hello there"}]
COMPLETION = {"id": "c", "object": "chat.completion", "created": 1, "model": "m", "choices": []}


@pytest.fixture
def connect_chat(flavour, serve):
    with contextlib.ExitStack() as stack:
        yield lambda *args, **options: stack.enter_context(flavour.chat(*args, **options))


@pytest.fixture
def chat(connect_chat, sandbox):
    return connect_chat(TOKEN, sandbox.base_url)


@pytest.fixture
def chat_with(serve, connect_chat):
    """Build a client of a server that gives written answers."""
    return lambda *answers: connect_chat(None, serve(*answers).base_url)


@pytest.fixture
def timed(connect_chat, clock):
    """Build a client, with a time-out of 5 s, of a sandbox with a fault, both on the fake clock."""

    def build(fault):
        sandbox = Sandbox(rate_limits=False, clock=clock)
        sandbox.inject("*", fault)
        return connect_chat(sandbox.token, sandbox.base_url, 5, transport=sandbox.transport(), clock=clock)

    return build


def ask(chat, **options):
    """Ask for a stream."""
    return chat.create_completion("gpt-4o", HELLO, stream=True, **options)


@pytest.fixture(autouse=True)
def no_limits(environment, monkeypatch):
    """Let nobody wait for the limits, which tests/limits shows for the ChatServer too."""
    monkeypatch.setenv("CODEGEN_RATE_LIMITS", "false")
