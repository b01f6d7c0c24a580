"""The code that existing users have, block by block as their documentation shows it (seed.md), on the real CLI.

All clients share the server that asks the service on loopback.
"""

import warnings
from pathlib import Path

import pytest
import tenacity

from codegen_ext.codex import settings

from ..docs.conftest import run
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
def namespace(client, service, old_names, tmp_path, monkeypatch):
    servers = client._settings.servers
    monkeypatch.setattr(servers, "close", lambda: None)  # all blocks use the running server, and none ends it
    monkeypatch.setattr(settings, "ServerManager", lambda command: servers)
    monkeypatch.setattr(tenacity, "wait_exponential", lambda **_: tenacity.wait_none())
    monkeypatch.setattr(pytest, "skip", pytest.fail)  # their tests turn whatever fails into a skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-project").mkdir()  # which one of the blocks works in
    service.reset(lambda asked: echo(asked) if "hello world" in asked.prompt else say(CODE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # temperature and on-failure warn, `usage.dict()` is old; tested elsewhere
        yield {"__name__": "seed"}


def titled(start):
    (found,) = [block for block in SHOWN if any(line.startswith(start) for line in block.content.splitlines())]
    return found


@pytest.fixture
def execute(namespace, request):
    """Run a block, and the tests that it defines; return what it printed."""
    return lambda block: run(block, PAGE, namespace, request.getfixturevalue)


def test_every_block_runs(namespace, execute):
    assert len(SHOWN) + 1 == len(ALL) == 20
    for block in SHOWN:
        shown = execute(block)
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


def test_their_errors_and_retries(namespace, execute, service):
    execute(titled("def robust_request"))
    execute(titled("def safe_code_generation"))
    service.reset(refuse(429), refuse(429), say("at last"))
    assert namespace["robust_request"](HI).choices[0].message.content == "at last"
    for status, printed in ((429, "Rate limit exceeded"), (401, "API error"), (500, "API error"), (400, "API error")):
        service.reset(refuse(status))
        assert execute(titled("except RateLimitError")).startswith(printed)
        assert namespace["safe_code_generation"]("x") == "# Code generation unavailable"


def test_their_applications(namespace, execute):
    from fastapi.testclient import TestClient

    execute(titled("from fastapi"))
    with TestClient(namespace["app"]) as browser:
        answered = browser.post("/generate", json={"prompt": "hi"}).json()
        models = browser.get("/models").json()["models"]
    assert (answered["content"], answered["model"], answered["usage"]["total_tokens"]) == (CODE, "o4-mini", 16)
    assert len(models) > 1
    execute(titled("from flask"))
    with namespace["app"].test_client() as browser:
        assert browser.post("/generate", json={"prompt": "hi"}).json["content"] == CODE
