"""Names of the further arguments that a request may have, for each provider."""

from __future__ import annotations

import inspect
from functools import cache
from importlib.util import find_spec

NAMES = ("codegen", "openai", "codex", "chatserver")
"""The providers of this package, in the order of preference."""
OF_A_RUN = frozenset(
    {
        "agent_type",
        "branch",
        "context",
        "images",
        "metadata",
        "priority",
        "repo_id",
        "repository",
        "tags",
        "webhook_url",
    }
)
OF_A_WAIT = frozenset({"poll_interval", "progress_callback"})
OF_CHATSERVER = frozenset(
    {
        "allowed_tools",
        "mcp_servers",
        "metadata",
        "organization_id",
        "session_id",
        "setting_sources",
        "top_p",
        "user",
        "variables",
        "workflow",
    }
)
ACTING = frozenset({"allowed_tools", "mcp_servers", "session_id", "workflow"})
"""Options with which a ChatServer's answer does more than answer."""
_OWN = frozenset({"self", "messages", "model", "stream", "n", "timeout"})
"""Arguments of a completion that are the provider's own to set."""


@cache
def of_openai() -> frozenset[str]:
    """Return what `chat.completions.create` of the installed package takes."""
    if not find_spec("openai"):
        return frozenset()
    from openai.resources.chat.completions import Completions

    return frozenset(inspect.signature(Completions.create).parameters) - _OWN


@cache
def of_codex() -> frozenset[str]:
    """Return what a completion of the Codex client takes."""
    if not find_spec("openai"):
        return frozenset()
    from ..codex.arguments import argument_names

    return argument_names() - _OWN


def known() -> frozenset[str]:
    """Return the names that some provider of this package takes."""
    return OF_A_RUN | OF_A_WAIT | OF_CHATSERVER | of_openai() | of_codex()
