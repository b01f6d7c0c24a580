"""Every Python block of the providers' seed runs as it stands; the old packages' names stand for ours."""

import logging
import sys
from types import ModuleType

import pytest

import codegen_ext
from codegen_ext import providers

from ..docs.running import run
from .reading import SEEDS, code_blocks

PAGE = SEEDS / "2-providers-and-tasks.md"
BLOCKS = code_blocks(PAGE)
OTHERS = ["openai", "codex", "chatserver"]


@pytest.fixture
def service(codegen_service, monkeypatch):
    """A sandbox where the environment says that Codegen is, and the old packages' names."""
    package = ModuleType("graph_sitter")
    package.Codebase = providers.Codebase
    for name, module in {
        "codegen": codegen_ext,
        "graph_sitter": package,
        "graph_sitter.ai": ModuleType("graph_sitter.ai"),
        "graph_sitter.ai.client": providers,
        "graph_sitter.ai.providers": providers,
    }.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.setenv("CODEX_HOME", "/nowhere")


def my_function():
    """What the page's reader has."""
    return 1


def test_every_block_runs(service, request, caplog):
    namespace = {"__name__": "seed", "my_function": my_function}
    printed = []
    built = []
    caplog.set_level(logging.DEBUG)  # what the page asks of basicConfig, which does nothing where pytest has handlers
    try:
        for block in BLOCKS:
            printed += [run(block, PAGE, namespace, request.getfixturevalue)]
            built += [value for value in namespace.values() if hasattr(value, "close") and not isinstance(value, type)]
    finally:
        for value in built:
            value.close()
    automatic, explicit, task, status, errors, statistics, debug, health = printed
    assert namespace["result"].startswith("Done: ")
    assert automatic == explicit == errors == debug == ""
    assert namespace["response"].content == "Done: Analyze this code"
    assert task.startswith("Progress: {'status': ")
    assert "\nResult: Done: " in task
    assert "\nArtifacts: " in task
    assert "\nRecommended: codegen\nDetected credentials: {'codegen': True, 'openai': False, 'codex'" in status
    assert statistics == "Requests: 0\nErrors: 0\nSuccess rate: 100.00%\nTask count: 0\n"
    lines = health.splitlines()
    assert lines[0] == "✅ codegen: Available"
    assert [line.partition(": set ")[0] for line in lines[1:]] == [f"❌ {name}: no credentials" for name in OTHERS]
    said = [record.getMessage() for record in caplog.records if record.name == "codegen_ext.providers"]
    assert any(line.startswith("asking provider codegen") for line in said)
