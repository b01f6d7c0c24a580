"""Every Python block of the seeds that is a program runs on the sandbox as it stands; only the address differs.

The key is any, because this sandbox takes any. Blocks share the names of earlier ones. Time is a fake clock's.
"""

import hashlib
import logging
import re
import sys
import textwrap
import threading
import unittest
from contextlib import redirect_stdout
from io import StringIO

import httpx
import pytest
from django.conf import settings as django_settings
from django.test import RequestFactory, override_settings

from codegen_ext._sync.base_client import BaseClient
from codegen_ext.oldnames import offer_graph_sitter, withdraw_graph_sitter
from codegen_ext.providers import Codebase
from codegen_ext.testing import webhook_call
from examples import django_app

from ..docs.conftest import codegen_service, fake_time
from ..support import serving
from .reading import SEEDS, Block, code_blocks

__all__ = ["codegen_service", "fake_time"]
ZERO, ONE = SEEDS / "0-codegen-sdk-v2.md", SEEDS / "1-enhanced-api-client.md"
TWO, FOUR = SEEDS / "2-providers-and-tasks.md", SEEDS / "4-chatserver-sdk.md"
DIGESTS = {
    ZERO: "4943f4a944d6e7884dd69f19501ca60330da717e98a72a193b5da1dd07c1a89c",
    ONE: "48148d3bb473ceea07a1d5bd5e36f73bcdcacc9a91fcea8080266f7733198040",
    TWO: "842f012c0dc7b1e1643ca2e28e37130b0663f0e019f178af0bf79324b0fab67c",
    FOUR: "2df0271ad081d1af3e6372fddac79b864616838c5b3ea17cb17cb9032a2087a6",
}
"""SHA-256 of the pages as they came, so that none of their blocks can be left out."""
BEFORE = {
    "from backend.api import RateLimitError\nimport time": (
        # The block before it has closed `client`, and no block names a prompt.
        'client = CodegenClient()\nprompt = "Create a function"'
    ),
    "from graph_sitter import Codebase": "from textwrap import dedent as my_function",
}
"""Lines that go before a block, by how it begins."""
OUTPUT = {
    ZERO: [
        "pending\n",
        "Status: pending, Total Logs: 1\n  [USER_MESSAGE] None\nStatus: running, Total Logs: <n>\n"
        "  [PLAN_EVALUATION] <thought>\n  [ACTION] <thought>\n...\n"
        "Final Status: completed\nResult: Done: Your prompt here\n",
        "None\n",
        "",
        "",
        "Current user: octocat\nResult: Done: Create a hello world function\n",
        "Run <id>: completed\nTotal requests: 1\nCache hit rate: 0.00%\n",
        "Task ID: <id>\nStatus: pending\nWeb URL: <url>\nTool: ripgrep_search, Input: {<input>}\n...\n",
        "Uptime: <n>s\nTotal requests: 2\nError rate: 0.00%\nAvg response time: <n>s\nCache hit rate: 0.00%\n",
        "✅ API is healthy (response time: <n>s)\n",
        "Done: Create a function\n",
        "",
        "",
        "",
    ],
    ONE: [
        "API Status: healthy\nUser: octocat\nCreated agent run: 1\nRun completed with status: completed\n",
        "",
        "Run 2: pending\nRun 1: completed\n",
        "Created run <id>\nCreated run <id>\nCreated run <id>\n",
        "Agent run 7 failed: No such version\n",
        "Completed run: 1\nRun <id>: <status>\n...\nRun 1: completed\n",
        "API Health: healthy\nAPI is healthy\n",
        "",
        "",
        "",
        "Total requests: 1\nSuccess rate: 100.00%\nAverage response time: <n>s\nCache hit rate: 0.00%\n",
        "Cache hits: 0\nCache misses: 0\nCache size: 0\n",
        "Remaining requests: <n>\nReset time: <n>\n",
        *[""] * 10,
        "Help on class CodegenClient in module codegen_ext._sync.client:\n\n...\n"
        "Help on class AsyncCodegenClient in module codegen_ext._async.client:\n\n...\n",
    ],
    TWO: [
        "Done: <text>\n",
        "Done: You are a code analysis expert\n",
        "Progress: {'status': <more>\n...\nResult: Done: <text>\nArtifacts: <n>\n",
        "Available providers: <status>\n"
        "Recommended: codegen\nDetected credentials: {'codegen': True, 'openai': False, 'codex'<more>\n",
        "",
        "Requests: 0\nErrors: 0\nSuccess rate: 100.00%\nTask count: 0\n",
        "",
        "✅ codegen: Available\n❌ openai: no credentials: set <names>\n❌ codex: no credentials: set <names>\n"
        "❌ chatserver: no credentials: set <names>\n",
    ],
    FOUR: [
        "Available models: ['claude-3-haiku', 'claude-3-5-sonnet', 'gpt-4o', 'droid-core']\n"
        "Assistant: Echo: Write a hello world function in Python.\nTokens used: 20\n",
        "Echo: Hello!\n",
        "Streaming response:\nEcho: Tell me a story\nSession fingerprint: <id>\n",
        "Echo: Can you give me an example?\n",
        "Echo: Add a bullet list of risks.\nStream recorded under: <id>\nLoaded 4 stored messages\n",
        "Total users: 1\nActive users: 1\nTotal requests: 7\nPlatform admins: 1\n"
        + 7 * "[<time>] chat.completion: <id>\n"
        + "[<time>] admin.added: admin@example.com\n",
        "Bad request: <why>\nStatus code: 400\n",
        "",
    ],
}
"""What each block prints; a word in angle brackets stands for anything on a line, a line of dots for any lines."""


def matches(printed, expected):
    pattern = re.escape(expected).replace(re.escape("...\n"), r"(?:.*\n)*?")
    return re.fullmatch(re.sub(r"<\w+>", ".+", pattern), printed) is not None


def programs(page):
    """Return the blocks that are more than a signature, which `test_signatures` compares."""
    blocks = [Block(b.language, textwrap.dedent(b.content), b.line) for b in code_blocks(page)]
    return [block for block in blocks if not block.content.startswith("class ")]


@pytest.fixture
def tidy(monkeypatch):
    """Close the clients that the blocks leave open, and leave logging as it was."""
    made = []
    build = BaseClient.__init__

    def remember(self, *args, **options):
        build(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(BaseClient, "__init__", remember)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    for client in made:
        client.close()


@pytest.fixture
def every_old_name(old_names):
    """The old packages' names, with `Codebase` as the name of a package that is not ours."""
    offer_graph_sitter()
    sys.modules["graph_sitter"].Codebase = Codebase
    yield
    withdraw_graph_sitter()


def call_webhooks(names):
    class Request:
        body, headers = webhook_call("your-webhook-secret", "agent_run.failed", {"id": 7, "error": "No such version"})

    names["webhook_endpoint"](Request)


def stop_monitor(names):
    printed = sys.stdout
    assert isinstance(printed, StringIO)
    for _ in range(3000):
        if "API is healthy" in printed.getvalue():
            break
        threading.Event().wait(0.01)  # `time.sleep` is a fake
    names["monitor"].stop()


def create_with_retry(names):
    assert names["create_run_with_retry"]().status == "pending"


def call_fastapi(names):
    with serving.asgi(names["app"]) as address:
        created = httpx.post(f"{address}/agent-runs/323", params={"prompt": "Over HTTP"}).json()
        listed = httpx.get(f"{address}/agent-runs/323").json()["runs"]
    assert created["organization_id"] == 323
    assert created["id"] in [run["id"] for run in listed]


def call_django(names):
    if not django_settings.configured:
        django_app.configure("a-secret")
    with override_settings(CODEGEN_CONFIG=names["CODEGEN_CONFIG"], ALLOWED_HOSTS=["testserver"]):
        answer = names["create_agent_run"](RequestFactory().post("/", {"prompt": "From a view"}))
    assert b'"organization_id": 323' in answer.content


def run_test_case(names):
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(names["MyTestCase"]).run(result)
    assert (result.testsRun, result.errors, result.failures) == (2, [], [])


def look_at_debug(names):
    """The level is DEBUG; tests/telemetry tells what is logged then."""
    assert logging.getLogger("codegen_ext").level == logging.DEBUG
    assert names["client"].get_current_user().id == 1


AFTER = {
    "from backend.api import WebhookHandler": call_webhooks,
    "# Basic health check": stop_monitor,
    "# Automatic retries": create_with_retry,
    "from fastapi import": call_fastapi,
    "# settings.py": call_django,
    "from backend.api.testing import": run_test_case,
    "import logging\nlogging": look_at_debug,
    "from graph_sitter import Codebase": lambda names: print(names["result"]),
    "from graph_sitter.ai.client import": lambda names: print(names["response"].content),
}
"""What uses the functions and classes that a block only defines, or shows what it made, by how it begins."""


def by_start(table, block):
    return next((value for start, value in table.items() if block.content.startswith(start)), None)


@pytest.mark.parametrize("page", OUTPUT, ids=lambda page: page.name)
def test_every_program_runs(page, every_old_name, codegen_service, fake_time, tidy, monkeypatch, caplog):
    monkeypatch.setenv("CODEX_HOME", "/nowhere")
    if page == FOUR:
        monkeypatch.setenv("CHATSERVER_BASE_URL", codegen_service.base_url)
    if page == TWO:
        caplog.set_level(logging.DEBUG)  # as its basicConfig does, which has no effect where pytest has handlers
    names = {"__name__": "seed"}
    exec("import time", names)  # which the pages use without importing it
    for block, expected in zip(programs(page), OUTPUT[page], strict=True):
        content = re.sub(r"https://api\.codegen\.com|http://localhost:3284", codegen_service.base_url, block.content)
        exec(by_start(BEFORE, block) or "", names)
        with redirect_stdout(StringIO()) as printed:
            exec(compile("\n" * (block.line - 1) + content, str(page), "exec", dont_inherit=True), names)
            if use := by_start(AFTER, block):
                use(names)
        assert matches(printed.getvalue(), expected), f"line {block.line}: {printed.getvalue()}"
    assert ("asking provider codegen" in caplog.text) is (page == TWO)


@pytest.mark.parametrize("page", DIGESTS, ids=lambda page: page.name)
def test_the_pages_are_as_they_came(page):
    assert hashlib.sha256(page.read_bytes()).hexdigest() == DIGESTS[page]


@pytest.mark.parametrize("table", [BEFORE, AFTER])
def test_each_entry_belongs_to_one_block(table):
    contents = [block.content for page in OUTPUT for block in programs(page)]
    for start in table:
        assert sum(content.startswith(start) for content in contents) == 1, start
