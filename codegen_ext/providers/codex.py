"""The Codex CLI by this package's client; needs the extra `[codex]` and the CLI."""

from __future__ import annotations

import math
import os
import shutil
from importlib.util import find_spec
from typing import Any

from .backend import Availability, Deadline
from .completions import OWN, CompletionsBackend
from .errors import AIProviderError
from .protocol import Request
from .steps import Call, Steps

READ_ONLY = "read-only"


class CodexBackend(CompletionsBackend):
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

    @classmethod
    def options(cls) -> frozenset[str]:
        """Whatever the client's completions take."""
        if not find_spec("openai"):
            return frozenset()
        from ..codex.arguments import argument_names

        return argument_names() - OWN

    @property
    def sandbox_mode(self) -> str:
        """What the agent may touch."""
        return str(self._setting("sandbox_mode", "CODEX_SANDBOX_MODE") or READ_ONLY)

    def secret(self) -> str:
        """Return the key."""
        return str(self._setting("api_key", "OPENAI_API_KEY"))

    def availability(self) -> Availability:
        """A key, a login, or a client that has one; the package and the CLI."""
        has_credentials = bool(self.secret()) or bool({"client", "codex_home"} & set(self._settings))
        if "client" in self._settings:
            return Availability(has_credentials)
        program = os.path.expanduser(str(self._settings.get("codex_path") or "codex"))
        if not find_spec("openai"):
            return Availability(has_credentials, "needs the extra: pip install 'codegen-sdk[codex]'")
        missing = None if shutil.which(program) else "needs the Codex CLI: npm install -g @openai/codex"
        return Availability(has_credentials, missing)

    def identity(self) -> list[object]:
        """Program, address, key."""
        names = ("codex_path", "base_url", "codex_home")
        return [self.secret(), *map(self._settings.get, names), id(self._settings.get("client"))]

    def _build(self, *, is_async: bool) -> Any:
        """Build the client, which starts the CLI with its first call."""
        from ..codex import AsyncCodexClient, CodexClient

        return (AsyncCodexClient if is_async else CodexClient)(**{**self._settings, "sandbox_mode": self.sandbox_mode})

    def default_model(self) -> str | None:
        """Return the option, else CODEX_DEFAULT_MODEL; None for the CLI's own choice."""
        return self._setting("model", "CODEX_DEFAULT_MODEL") or None

    def arguments(self, request: Request, deadline: Deadline) -> dict[str, Any]:
        """Everything that is given; a temperature only where it is not the default, as the CLI has nothing for it."""
        given = {
            "model": self.chosen_model(request),
            "temperature": request.temperature or None,
            "max_tokens": request.max_tokens,
            "timeout": self._seconds(deadline),
        }
        return {**{name: value for name, value in given.items() if value is not None}, **request.options}

    def _seconds(self, deadline: Deadline) -> float | None:
        return deadline.allowance(self._settings.get("timeout", math.inf))

    def validate(self, client: Any, deadline: Deadline) -> Steps[None]:
        """Let the CLI start and list its models; whether the service accepts the key shows with the first answer."""
        yield Call(lambda: client.models.list(timeout=self._seconds(deadline)))

    def failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """As for OpenAI; what an agent that may write left behind is unknown."""
        failed = super().failure(error, request)
        if failed is not None and request is not None and self.sandbox_mode != READ_ONLY:
            from ..codex.errors import CodexError

            failed.may_have_effect = not isinstance(error, CodexError)
        return failed
