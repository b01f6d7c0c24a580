"""Every Python block of seeds 0 and 1 that is a program runs on the sandbox as it stands; only the address differs.

The token is any, because this sandbox takes any. Blocks share the names of earlier ones. Time is a fake clock's.
"""

import hashlib
import logging
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

from codegen_ext import CodegenClient
from codegen_ext.testing import webhook_call
from examples import django_app

from ..docs.pages import Block
from ..support import serving
from .reading import SEEDS, code_blocks, matches

ZERO, ONE = SEEDS / "0-codegen-sdk-v2.md", SEEDS / "1-enhanced-api-client.md"
PREAMBLE = "import time"
"""What the pages use without importing it."""
BEFORE = {
    "from backend.api import RateLimitError\nimport time": (
        # The block before it has closed `client`, and no block names a prompt.
        'client = CodegenClient()\nprompt = "Create a function"'
    ),
}
"""Lines that go before a block, by how it begins."""
EXCLUDED = {
    "class Agent:": "a signature; compared below",
    "class Task:": "a signature; compared below",
    "class CodegenClient:": "a signature; compared below",
}
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
}
"""What each block prints; a word in angle brackets stands for anything on a line, a line of dots for any lines."""
DIGESTS = {
    "0-codegen-sdk-v2.md": "4943f4a944d6e7884dd69f19501ca60330da717e98a72a193b5da1dd07c1a89c",
    "1-enhanced-api-client.md": "48148d3bb473ceea07a1d5bd5e36f73bcdcacc9a91fcea8080266f7733198040",
    "2-providers-and-tasks.md": "842f012c0dc7b1e1643ca2e28e37130b0663f0e019f178af0bf79324b0fab67c",
    "4-chatserver-sdk.md": "2df0271ad081d1af3e6372fddac79b864616838c5b3ea17cb17cb9032a2087a6",
}
"""SHA-256 of the pages as they came, so that none of their blocks can be left out."""


def programs(page):
    blocks = [Block(b.language, textwrap.dedent(b.content), b.line) for b in code_blocks(page)]
    return [block for block in blocks if not block.content.startswith(tuple(EXCLUDED))]


@pytest.fixture
def tidy(monkeypatch):
    """Close the clients that the blocks leave open, and leave logging as it was."""
    made = []
    build = CodegenClient.__init__

    def remember(self, *args, **options):
        build(self, *args, **options)
        made.append(self)

    monkeypatch.setattr(CodegenClient, "__init__", remember)
    root = logging.getLogger()
    level, handlers = root.level, list(root.handlers)
    yield
    root.setLevel(level)
    for handler in set(root.handlers) - set(handlers):
        root.removeHandler(handler)
    for client in made:
        client.close()


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
    "import logging": look_at_debug,
}
"""What uses the functions and classes that a block only defines, by how it begins."""


def by_start(table, block):
    return next((value for start, value in table.items() if block.content.startswith(start)), None)


@pytest.mark.parametrize("page", [ZERO, ONE], ids=["seed 0", "seed 1"])
def test_every_program_runs(page, old_names, codegen_service, fake_time, tidy):
    names = {"__name__": "seed"}
    exec(PREAMBLE, names)
    for block, expected in zip(programs(page), OUTPUT[page], strict=True):
        content = block.content.replace("https://api.codegen.com", codegen_service.base_url)
        exec(by_start(BEFORE, block) or "", names)
        with redirect_stdout(StringIO()) as printed:
            exec(compile("\n" * (block.line - 1) + content, str(page), "exec", dont_inherit=True), names)
            if use := by_start(AFTER, block):
                use(names)
        assert matches(printed.getvalue(), expected), f"line {block.line}: {printed.getvalue()}"


@pytest.mark.parametrize("name", DIGESTS)
def test_the_pages_are_as_they_came(name):
    assert hashlib.sha256((SEEDS / name).read_bytes()).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("table", [BEFORE, AFTER, EXCLUDED])
def test_each_entry_belongs_to_one_block(table):
    contents = [textwrap.dedent(block.content) for page in (ZERO, ONE) for block in code_blocks(page)]
    for start in table:
        assert sum(content.startswith(start) for content in contents) == 1, start
