"""The code that existing users have, block by block as their documentation shows it (seed.md), on the real CLI.

Their package's name stands for ours, and a client that names no service asks the one on loopback.
"""

import sys
import types
import warnings
from pathlib import Path

import pytest
import tenacity
from attrs import evolve

from codegen_ext import AsyncCodexClient, CodexClient

from ..docs.pages import blocks
from .conftest import HI
from .responses import echo, refuse, say

PAGE = Path(__file__).with_name("seed.md")
EXCLUDED = "import unittest"
"""It patches subprocess.run and expects one call of it per completion; one running app-server takes all completions."""
CODE = "Here:\n```python\nprint(1)\n```\nand\n```js\nlet a\n```\n"
ALL = [block for block in blocks(PAGE) if block.language == "python"]
SHOWN = [block for block in ALL if EXCLUDED not in block.content]


@pytest.fixture
def namespace(client, service, tmp_path, monkeypatch):
    servers = client._settings.servers
    monkeypatch.setattr(servers, "close", lambda: None)  # all blocks use the running server, and none ends it

    def pointed(kind):
        class Pointed(kind):
            def __init__(self, **settings):
                super().__init__(**{"api_key": "your-api-key", **settings})
                self._settings = evolve(self._settings, servers=servers)

        return Pointed

    package = types.ModuleType("claif_cod")
    package.CodexClient = pointed(CodexClient)
    package.AsyncCodexClient = pointed(AsyncCodexClient)
    monkeypatch.setitem(sys.modules, "claif_cod", package)
    monkeypatch.setattr(tenacity, "wait_exponential", lambda **_: tenacity.wait_none())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-project").mkdir()  # which one of the blocks works in
    service.reset(lambda asked: echo(asked) if "hello world" in asked.prompt else say(CODE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # temperature and on-failure warn, `usage.dict()` is old; tested elsewhere
        yield {"__name__": "seed"}


def run(block, namespace):
    exec(compile("\n" * (block.line - 1) + block.content, str(PAGE), "exec", dont_inherit=True), namespace)


def titled(start):
    (found,) = [block for block in SHOWN if any(line.startswith(start) for line in block.content.splitlines())]
    return found


def test_every_block_runs(namespace, service, capsys):
    assert len(SHOWN) + 1 == len(ALL) == 20
    for block in SHOWN:
        run(block, namespace)
        shown = capsys.readouterr().out
        assert "rror" not in shown
        if "print(" in block.content and "def " not in block.content and "except" not in block.content:
            assert shown
        if "async def concurrent_requests" in block.content:
            for language in ("Python", "JavaScript", "Go", "Rust"):
                assert f"{language}:\nyou said Write a {language} hello world" in shown
    roles = [message["role"] for message in namespace["conversation"]]
    assert roles == ["system", *["user", "assistant"] * 3]
    assert namespace["full_response"] == namespace["code"] == CODE
    first, *others = namespace["results"]
    assert (first["content"], first["finish_reason"], first["model"]) == (CODE, "stop", "o4-mini")
    assert (first["prompt_tokens"], first["completion_tokens"], first["usage"]["total_tokens"]) == (11, 5, 16)
    assert len(others) == 2
    found = [(one["language"], one["code"]) for one in namespace["code_blocks"]]
    assert found == [("python", "print(1)"), ("js", "let a")]


def test_their_errors_and_retries(namespace, service, capsys):
    run(titled("def robust_request"), namespace)
    run(titled("def safe_code_generation"), namespace)
    service.reset(refuse(429), refuse(429), say("at last"))
    assert namespace["robust_request"](HI).choices[0].message.content == "at last"
    capsys.readouterr()
    for status, printed in ((429, "Rate limit exceeded"), (401, "API error"), (500, "API error"), (400, "API error")):
        service.reset(refuse(status))
        run(titled("except RateLimitError"), namespace)
        assert capsys.readouterr().out.startswith(printed)
        assert namespace["safe_code_generation"]("x") == "# Code generation unavailable"
        capsys.readouterr()


def test_their_applications_and_their_own_tests(namespace, service):
    from fastapi.testclient import TestClient

    run(titled("from fastapi"), namespace)
    with TestClient(namespace["app"]) as browser:
        answered = browser.post("/generate", json={"prompt": "hi"}).json()
        models = browser.get("/models").json()["models"]
    assert (answered["content"], answered["model"], answered["usage"]["total_tokens"]) == (CODE, "o4-mini", 16)
    assert len(models) > 1
    run(titled("from flask"), namespace)
    with namespace["app"].test_client() as browser:
        assert browser.post("/generate", json={"prompt": "hi"}).json["content"] == CODE
    run(titled("def test_health_check"), namespace)
    client = namespace["CodexClient"]()
    try:
        namespace["test_health_check"](client)
        namespace["test_streaming"](client)
    except pytest.skip.Exception as skipped:  # they turn whatever fails into a skip
        pytest.fail(str(skipped))
