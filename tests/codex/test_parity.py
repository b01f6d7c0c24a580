"""Both clients have the same names, parameters and defaults."""

import inspect
from typing import Any

import pytest

from codegen_ext import AsyncCodexClient, CodexClient
from codegen_ext.codex.async_client import AsyncCompletions, AsyncModels
from codegen_ext.codex.async_threads import AsyncCodexThread, AsyncThreads
from codegen_ext.codex.client import Completions, Models
from codegen_ext.codex.streams import AsyncStream, Stream
from codegen_ext.codex.threads import CodexThread, Threads

TWINS = [
    (CodexClient, AsyncCodexClient),
    (Completions, AsyncCompletions),
    (Models, AsyncModels),
    (Threads, AsyncThreads),
    (CodexThread, AsyncCodexThread),
    (Stream, AsyncStream),
]


def members(kind: Any) -> dict[str, list[tuple[str, Any]]]:
    found = {}
    for name in dir(kind):
        if not name.startswith("_"):
            member = inspect.getattr_static(kind, name)
            parameters = inspect.signature(member).parameters.values() if inspect.isfunction(member) else ()
            found[name] = [(item.name, item.default) for item in parameters]
    return found


@pytest.mark.parametrize(("kind", "twin"), TWINS, ids=lambda kind: kind.__name__)
def test_twins_have_the_same_members(kind: Any, twin: Any) -> None:
    assert members(kind) == members(twin)
    assert inspect.signature(kind) == inspect.signature(twin) or kind is Stream
