"""The Codex CLI by this package's client; needs the extra `[codex]` and the CLI."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import Any, ClassVar

from ..base import Request
from .completions import AsyncCompletionsProvider

READ_ONLY = "read-only"


class AsyncCodexProvider(AsyncCompletionsProvider):
    """Completions of an agent on this machine.

    Options: those of `CodexClient`, and `client`. The sandbox is `read-only` unless the option or CODEX_SANDBOX_MODE
    says otherwise: an agent that may write may have written before it failed, so its failures are not handed over.
    """

    name = "codex"
    settings = frozenset(
        {
            "api_key",
            "approval_callback",
            "approval_policy",
            "base_url",
            "codex_home",
            "codex_path",
            "max_retries",
            "sandbox_mode",
            "start_timeout",
            "strict",
            "timeout",
            "working_dir",
        }
    )
    key_variables = ("OPENAI_API_KEY",)
    model_variable = "CODEX_DEFAULT_MODEL"
    remedy = "set OPENAI_API_KEY, or log in with `codex login`"
    features: ClassVar = {"kind": "local agent", "streams": "text", "tools": False, "creates_runs": False}

    @property
    def sandbox_mode(self) -> str:
        """What the agent may touch."""
        return str(self._setting("sandbox_mode", "CODEX_SANDBOX_MODE") or READ_ONLY)

    @property
    def may_act(self) -> bool:  # type: ignore[override]
        """Whether the agent may write."""
        return self.sandbox_mode != READ_ONLY

    @property
    def has_credentials(self) -> bool:
        """Whether there is a key, the CLI's own login, or a service that may need none; sends nothing."""
        if super().has_credentials or {"codex_home", "base_url"} & set(self._settings):
            return True
        if not find_spec("openai"):
            return False
        from ...codex.command import cli_home

        return cli_home() is not None

    def _missing(self) -> str | None:
        if not find_spec("openai"):
            return "needs the extra: pip install 'codegen-sdk[codex]'"
        program = os.path.expanduser(str(self._settings.get("codex_path") or "codex"))
        if "client" in self._settings or shutil.which(program):
            return None
        return "needs the Codex CLI: npm install -g @openai/codex"

    def _connect(self) -> Any:
        """Return the client, which starts the CLI with its first call."""
        from ...codex import AsyncCodexClient

        given = {**self._settings, "sandbox_mode": self.sandbox_mode}
        return given.get("client") or AsyncCodexClient(**given)

    def _has_acted(self, error: Exception, request: Request) -> bool:  # noqa: ARG002
        """Whether an agent that may write has begun: what it left behind is unknown."""
        from ...codex.errors import CodexError

        return self.may_act and not isinstance(error, CodexError)
