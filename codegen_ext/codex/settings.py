"""Settings of a client, from arguments and environment; what both kinds of client share."""

from __future__ import annotations

import os
import warnings

import openai
from attrs import frozen

from ..redact import shown
from .app_server import Params, ServerManager
from .arguments import IgnoredReporter, seconds, without_none
from .command import Command
from .errors import CodexConfigurationError
from .session import ApprovalCallback


class _Default(str):
    """Default value, which a variable of the environment overrides; an equal argument is not overridden."""


_SANDBOX_MODE = _Default("workspace-write")
_APPROVAL_POLICY = _Default("on-failure")
_SANDBOX_MODES = ("read-only", "workspace-write", "danger-full-access")
_APPROVAL_POLICIES = ("untrusted", "on-request", "never")


@frozen
class Settings:
    """Settings of a client, and what its calls share; checked."""

    servers: ServerManager
    thread: Params
    """Parameters of `thread/start`."""
    timeout: float | None
    reporter: IgnoredReporter
    approval_callback: ApprovalCallback | None

    def check_working_dir(self) -> None:
        """Raise CodexConfigurationError where the working directory does not exist."""
        if not os.path.isdir(self.thread["cwd"]):
            raise CodexConfigurationError(f"working_dir is no directory: {self.thread['cwd']}")


class CodexClientBase:
    """Constructor of the synchronous and the asynchronous client.

    Args:
        api_key: Default OPENAI_API_KEY; without a key the CLI uses its own login (`codex login`). The key reaches the
            CLI in its environment.
        codex_path: The CLI; default `codex` on PATH.
        working_dir: The agent's working directory; default the current one.
        model: Default CODEX_DEFAULT_MODEL, then the CLI's own choice.
        sandbox_mode: `read-only`, `workspace-write` or `danger-full-access`; default CODEX_SANDBOX_MODE.
        approval_policy: `untrusted`, `on-request` or `never`; default CODEX_APPROVAL_POLICY. `on-failure`, which the
            CLI no longer has, means `on-request`.
        timeout: Seconds for a whole answer, None for no limit.
        base_url: A service with the Responses API; default OpenAI's.
        codex_home: The CLI's folder for settings and login; default a private one that is removed with the client, or
            the CLI's own where there is neither a key nor a base_url.
        max_retries: How often the CLI repeats a request that failed.
        strict: Raise for an argument without effect, instead of warning once.
        approval_callback: Takes an `ApprovalRequest` and returns whether the agent may; without it the answer is no.
        start_timeout: Seconds until the CLI has to have answered after its start.

    Raises:
        CodexConfigurationError: for a value that cannot be used.

    """

    def __init__(
        self,
        api_key: str | None = None,
        codex_path: str | None = None,
        working_dir: str | os.PathLike[str] | None = None,
        model: str | None = None,
        sandbox_mode: str = _SANDBOX_MODE,
        approval_policy: str = _APPROVAL_POLICY,
        timeout: float | None = 600,
        *,
        base_url: str | None = None,
        codex_home: str | os.PathLike[str] | None = None,
        max_retries: int = 2,
        strict: bool = False,
        approval_callback: ApprovalCallback | None = None,
        start_timeout: float = 30,
    ) -> None:
        paths = {"codex_path": codex_path, "working_dir": working_dir, "codex_home": codex_home, "model": model}
        for name, value in paths.items():
            if not isinstance(value, str | os.PathLike | None):
                raise CodexConfigurationError(f"{name} must be a string or a path, not {shown(value)}")
        if approval_callback is not None and not callable(approval_callback):
            raise CodexConfigurationError(f"approval_callback must be a function, not {shown(approval_callback)}")
        try:
            longest = seconds(timeout)
        except openai.BadRequestError as error:
            raise CodexConfigurationError(error.message) from None
        command = Command(
            codex_path=codex_path,
            codex_home=os.fspath(codex_home) if codex_home else None,
            base_url=base_url,
            api_key=os.environ.get("OPENAI_API_KEY") if api_key is None else api_key,
            max_retries=max_retries,
            start_timeout=start_timeout,
        )
        thread = {
            "cwd": os.path.abspath(os.path.expanduser(working_dir or os.getcwd())),
            "sandbox": _one_of("sandbox_mode", _chosen(sandbox_mode, "CODEX_SANDBOX_MODE"), _SANDBOX_MODES),
            "approvalPolicy": _policy(_chosen(approval_policy, "CODEX_APPROVAL_POLICY")),
            "model": model or os.environ.get("CODEX_DEFAULT_MODEL") or None,
        }
        self._settings = Settings(
            ServerManager(command), without_none(thread), longest, IgnoredReporter(strict=strict), approval_callback
        )

    @property
    def server_pid(self) -> int | None:
        """The process id of the running app-server, None without one."""
        server = self._settings.servers.running
        return server.pid if server is not None else None


def _chosen(value: str, variable: str) -> str:
    return os.environ.get(variable) or value if isinstance(value, _Default) else value


def _policy(value: str) -> str:
    """Return a policy that the CLI knows; `on-failure`, which it no longer has, becomes `on-request`."""
    if value != "on-failure":
        return _one_of("approval_policy", value, _APPROVAL_POLICIES)
    if not isinstance(value, _Default):
        problem = "the Codex CLI no longer has the approval policy on-failure: on-request is used"
        warnings.warn(problem, UserWarning, stacklevel=3)
    return "on-request"


def _one_of(name: str, value: str, values: tuple[str, ...]) -> str:
    if value not in values:
        raise CodexConfigurationError(f"{name} must be one of {', '.join(values)}, not {shown(value)}")
    return str(value)
