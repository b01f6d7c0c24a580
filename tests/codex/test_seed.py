"""The code that existing users have, block by block as their documentation shows it (seed.md), on the real CLI.

Their package's name stands for ours, and a client that names no service asks the one on loopback.
"""

import sys
import types
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
import tenacity
from attrs import evolve

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex.app_server import AppServer, ServerManager

from ..docs.pages import Block, blocks
from .responses import Asked, Responses, echo, refuse, say

PAGE = Path(__file__).with_name("seed.md")
EXCLUDED = "import unittest"
"""It patches subprocess.run and expects one call of it per completion; one running app-server takes all completions."""
CODE = "Here:\n```python\nprint(1)\n```\nand\n```js\nlet a\n```\n"
ALL = [block for block in blocks(PAGE) if block.language == "python"]
SHOWN = [block for block in ALL if EXCLUDED not in block.content]
Answer = Callable[..., None]


class Shared:
    """The running server that all blocks use and none ends."""

    def __init__(self, servers: ServerManager) -> None:
        self.start = servers.start
        self._servers = servers

    @property
    def running(self) -> AppServer | None:
        return self._servers.running

    def close(self) -> None:
        pass


@pytest.fixture
def namespace(
    client: CodexClient, answer: Answer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, Any]]:
    servers = Shared(client._settings.servers)

    def pointed(kind: Any) -> Any:
        class Pointed(kind):  # type: ignore[misc]
            def __init__(self, **settings: Any) -> None:
                super().__init__(**{"api_key": "your-api-key", **settings})
                self._settings = evolve(self._settings, servers=servers)

        return Pointed

    package = types.ModuleType("claif_cod")
    package.CodexClient = pointed(CodexClient)  # type: ignore[attr-defined]
    package.AsyncCodexClient = pointed(AsyncCodexClient)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "claif_cod", package)
    monkeypatch.setattr(tenacity, "wait_exponential", lambda **_: tenacity.wait_none())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my-project").mkdir()  # which one of the blocks works in

    def reply(asked: Asked) -> Any:
        return echo(asked) if "hello world" in asked.prompt else say(CODE)

    answer(reply)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # temperature and on-failure warn, `usage.dict()` is old; tested elsewhere
        yield {"__name__": "seed"}


def run(block: Block, namespace: dict[str, Any]) -> None:
    if "client" not in namespace and "client = " not in block.content:
        exec("from claif_cod import CodexClient\nclient = CodexClient()", namespace)  # as the blocks before it did
    exec(compile("\n" * (block.line - 1) + block.content, str(PAGE), "exec", dont_inherit=True), namespace)


def titled(start: str) -> Block:
    (found,) = [block for block in SHOWN if any(line.startswith(start) for line in block.content.splitlines())]
    return found


@pytest.mark.parametrize("block", SHOWN, ids=lambda block: f"line {block.line}")
def test_a_block_runs(block: Block, namespace: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    run(block, namespace)
    shown = capsys.readouterr().out
    assert "rror" not in shown
    if "print(" in block.content and "def " not in block.content and "except" not in block.content:
        assert shown
    if "class CodexProcessor" in block.content:
        assert len(namespace["results"]) == 3
        first = namespace["results"][0]
        assert (first["content"], first["finish_reason"], first["model"]) == (CODE, "stop", "o4-mini")
        assert first["total_tokens"] == first["prompt_tokens"] + first["completion_tokens"] == 16
        assert first["usage"]["total_tokens"] == 16
    if "def extract_code_blocks" in block.content:
        found = [(one["language"], one["code"]) for one in namespace["code_blocks"]]
        assert found == [("python", "print(1)"), ("js", "let a")]
    if "async def concurrent_requests" in block.content:
        for language in ("Python", "JavaScript", "Go", "Rust"):
            assert f"{language}:\nyou said Write a {language} hello world" in shown
    if "full_response" in block.content:
        assert namespace["full_response"] == CODE
        assert f"{len(CODE)} characters" in shown


def test_the_blocks_are_all_there() -> None:
    assert len(SHOWN) + 1 == len(ALL) == 20


def test_the_conversation_grows(namespace: dict[str, Any], service: Responses) -> None:
    run(titled("conversation = []"), namespace)
    assert len(service.asked) == 3
    roles = [message["role"] for message in namespace["conversation"]]
    assert roles == ["system", *["user", "assistant"] * 3]


def test_error_handling(namespace: dict[str, Any], capsys: pytest.CaptureFixture[str], answer: Answer) -> None:
    for status, printed in ((429, "Rate limit exceeded"), (401, "API error"), (500, "API error"), (400, "API error")):
        answer(refuse(status))
        run(titled("except RateLimitError"), namespace)
        assert capsys.readouterr().out.startswith(printed)


def test_tenacity_retries(namespace: dict[str, Any], answer: Answer, service: Responses) -> None:
    run(titled("def robust_request"), namespace)
    answer(refuse(429), refuse(429), say("at last"))
    hi = [{"role": "user", "content": "hi"}]
    assert namespace["robust_request"](hi).choices[0].message.content == "at last"
    answer(refuse(429))
    with pytest.raises(tenacity.RetryError) as caught:
        namespace["robust_request"](hi)
    assert isinstance(caught.value.last_attempt.exception(), openai.RateLimitError)
    assert len(service.asked) == 3


def test_graceful_degradation(namespace: dict[str, Any], answer: Answer) -> None:
    run(titled("def safe_code_generation"), namespace)
    assert namespace["code"] == CODE
    answer(refuse(401))
    assert namespace["safe_code_generation"]("x") == "# Code generation unavailable"


def test_flask_and_fastapi(namespace: dict[str, Any], answer: Answer) -> None:
    from fastapi.testclient import TestClient

    run(titled("from fastapi"), namespace)
    with TestClient(namespace["app"]) as browser:
        answered = browser.post("/generate", json={"prompt": "hi"}).json()
        models = browser.get("/models").json()["models"]
    assert (answered["content"], answered["model"], answered["usage"]["total_tokens"]) == (CODE, "o4-mini", 16)
    assert len(models) > 1
    run(titled("from flask"), namespace)
    with namespace["app"].test_client() as browser:
        answered = browser.post("/generate", json={"prompt": "hi"})
        assert (answered.status_code, answered.json["content"]) == (200, CODE)
        assert answered.json["usage"]["total_tokens"] == 16
        answer(refuse(401))
        answered = browser.post("/generate", json={"prompt": "hi"})
        assert (answered.status_code, answered.json["success"]) == (500, False)


def test_their_integration_tests_pass(namespace: dict[str, Any]) -> None:
    run(titled("def test_health_check"), namespace)
    client = namespace["CodexClient"]()
    try:
        namespace["test_health_check"](client)
        namespace["test_streaming"](client)
    except pytest.skip.Exception as skipped:  # they turn whatever fails into a skip
        pytest.fail(str(skipped))
