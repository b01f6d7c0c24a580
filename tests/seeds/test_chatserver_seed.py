"""Every Python block of the ChatServer's seed runs as it stands; only key and address differ."""

import pytest

from codegen_ext.testing import Sandbox

from ..docs.pages import Block
from ..docs.running import run
from .reading import SEEDS, code_blocks, matches

PAGE = SEEDS / "4-chatserver-sdk.md"
OUTPUT = {
    "Quick Start": "Available models: ['claude-3-haiku', 'claude-3-5-sonnet', 'gpt-4o', 'droid-core']\n"
    "Assistant: Echo: Write a hello world function in Python.\nTokens used: 20\n",
    "Context manager": "Echo: Hello!\n",
    "Streaming": "Streaming response:\nEcho: Tell me a story\nSession fingerprint: <id>\n",
    "Multi-turn": "Echo: Can you give me an example?\n",
    "Session history": "Echo: Add a bullet list of risks.\nStream recorded under: <id>\nLoaded 4 stored messages\n",
    "Administration": "Total users: 1\nActive users: 1\nTotal requests: 7\nPlatform admins: 1\n"
    + 7 * "[<time>] chat.completion: <id>\n"
    + "[<time>] admin.added: admin@example.com\n",
    "Errors": "Bad request: <why>\nStatus code: 400\n",
    "Message formats": "",
}
BLOCKS = code_blocks(PAGE)


@pytest.fixture
def service(monkeypatch, old_names):
    """A sandbox that takes any key, where the environment says that the ChatServer is."""
    with Sandbox(rate_limits=False, token=None) as sandbox:
        monkeypatch.setenv("CHATSERVER_BASE_URL", sandbox.base_url)
        yield sandbox


def test_every_block_runs(service, request):
    namespace = {"__name__": "seed"}
    for block, (name, expected) in zip(BLOCKS, OUTPUT.items(), strict=True):
        content = block.content.replace("http://localhost:3284", service.base_url)
        printed = run(Block(block.language, content, block.line), PAGE, namespace, request.getfixturevalue)
        assert matches(printed, expected), f"{name}: {printed}"
