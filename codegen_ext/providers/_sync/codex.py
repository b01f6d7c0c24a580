# Generated from codegen_ext/providers/_async/codex.py by make generate; edit there.
"""The Codex CLI by this package's client; needs the extra `[codex]` and the CLI."""

from __future__ import annotations

import math
import os
import shutil
from importlib.util import find_spec
from typing import Any, ClassVar

from ..._request import Deadline
from .. import options
from ..base import Availability, Request
from ..errors import AIProviderError
from .completions import CompletionsProvider

READ_ONLY = "read-only"


class CodexProvider(CompletionsProvider):
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
            "client",
            "codex_home",
            "codex_path",
            "max_retries",
            "model",
            "sandbox_mode",
            "start_timeout",
            "strict",
            "timeout",
            "working_dir",
        }
    )
    remedy = "set OPENAI_API_KEY, or log in with `codex login`"
    features: ClassVar = {"kind": "local agent", "streams": "text", "tools": False, "creates_runs": False}

    def options(self) -> frozenset[str]:
        """Whatever the client's completions take."""
        return options.of_codex()

    @property
    def sandbox_mode(self) -> str:
        """What the agent may touch."""
        return str(self._setting("sandbox_mode", "CODEX_SANDBOX_MODE") or READ_ONLY)

    @property
    def late_has_effect(self) -> bool:
        """Whether the agent may write."""
        return self.sandbox_mode != READ_ONLY

    def secret(self) -> str:
        """Return the key."""
        return str(self._setting("api_key", "OPENAI_API_KEY"))

    def availability(self) -> Availability:
        """A key, the CLI's own login, a service that may need none, or a client; the package and the CLI."""
        given = bool(self.secret()) or bool({"client", "codex_home", "base_url"} & set(self._settings))
        if "client" in self._settings:
            return Availability(given)
        if not find_spec("openai"):
            return Availability(given, "needs the extra: pip install 'codegen-sdk[codex]'")
        from ...codex.command import cli_home

        program = os.path.expanduser(str(self._settings.get("codex_path") or "codex"))
        missing = None if shutil.which(program) else "needs the Codex CLI: npm install -g @openai/codex"
        return Availability(given or cli_home() is not None, missing)

    def _connect(self) -> Any:
        """Build the client, which starts the CLI with its first call."""
        from ...codex import CodexClient

        return CodexClient(**{**self._settings, "sandbox_mode": self.sandbox_mode})

    def get_default_model(self) -> str | None:
        """Return the option, else CODEX_DEFAULT_MODEL; None for the CLI's own choice."""
        return self._setting("model", "CODEX_DEFAULT_MODEL") or None

    def _arguments(self, request: Request) -> dict[str, Any]:
        given = {
            "model": self._model(request),
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "timeout": request.allowance(self._settings.get("timeout", math.inf)),
        }
        return {**{name: value for name, value in given.items() if value is not None}, **request.options}

    def _validate(self, client: Any, deadline: Deadline) -> None:
        """Let the CLI start and list its models; whether the service accepts the key shows with the first answer."""
        seconds = Request("", deadline=deadline).allowance(self._settings.get("timeout", math.inf))
        client.models.list(timeout=seconds)

    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """As for OpenAI; what an agent that may write left behind is unknown."""
        failed = super()._failure(error, request)
        if failed is not None and request is not None and self.late_has_effect and self._client is not None:
            from ...codex.errors import CodexError

            failed.may_have_effect = not isinstance(error, CodexError)
        return failed
