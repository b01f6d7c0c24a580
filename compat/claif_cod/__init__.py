"""The old name of `codegen_ext.codex`; written by tools/compat.py."""

from typing import TYPE_CHECKING

from codegen_ext.oldnames import moved

if TYPE_CHECKING:
    from codegen_ext.codex import AsyncCodexClient as AsyncCodexClient
    from codegen_ext.codex import CodexClient as CodexClient

_HOMES = {
    "codegen_ext.codex": """
        AsyncCodexClient CodexClient
    """,
}

if not TYPE_CHECKING:
    __getattr__, __dir__, __all__ = moved(__name__, _HOMES)
