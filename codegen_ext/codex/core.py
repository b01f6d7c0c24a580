"""What both clients are made of: settings from arguments and environment, and what they mean to the app-server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any, TypeVar

import openai

from .completions import Completion
from .conversation import ApprovalCallback, Conversation
from .errors import CodexConfigurationError
from .launch import Launch
from .protocol import Params
from .request import (
    CompletionArguments,
    Reporter,
    ThreadArguments,
    approval_policy,
    build,
    check_names,
    sandbox_mode,
    seconds,
    without_none,
)
from .supervisor import Supervisor

R = TypeVar("R")


class Default(str):
    """A default that nobody chose, so that the environment may."""


SANDBOX_MODE = Default("workspace-write")
APPROVAL_POLICY = Default("on-failure")


def _chosen(value: str, variable: str) -> str:
    return os.environ.get(variable) or value if isinstance(value, Default) else value


class Core:
    """The settings of a client and its server; the parts of a client share it and do not know the client."""

    def __init__(
        self,
        *,
        api_key: str | None,
        codex_path: str | None,
        working_dir: str | os.PathLike[str] | None,
        model: str | None,
        sandbox: str,
        approvals: str,
        timeout: float | None,
        base_url: str | None,
        codex_home: str | os.PathLike[str] | None,
        max_retries: int,
        strict: bool,
        approval_callback: ApprovalCallback | None,
    ) -> None:
        try:
            self.timeout = seconds(timeout, None)
        except openai.BadRequestError as error:
            raise CodexConfigurationError(error.message) from None
        self.approval_callback = approval_callback
        self.reporter = Reporter(strict=strict)
        self.supervisor = Supervisor(
            Launch(
                codex_path=codex_path,
                codex_home=os.fspath(codex_home) if codex_home else None,
                base_url=base_url,
                api_key=os.environ.get("OPENAI_API_KEY") if api_key is None else api_key,
                max_retries=max_retries,
            )
        )
        policy = _chosen(approvals, "CODEX_APPROVAL_POLICY")
        self.settings: Params = {
            "cwd": _folder(working_dir or os.getcwd()),
            "sandbox": sandbox_mode(_chosen(sandbox, "CODEX_SANDBOX_MODE")),
            "approvalPolicy": approval_policy(policy, is_default=isinstance(policy, Default)),
        }
        model = model or os.environ.get("CODEX_DEFAULT_MODEL")
        if model:
            self.settings["model"] = model

    def completion(
        self, messages: Iterable[Any], arguments: CompletionArguments, *, is_stream: bool
    ) -> tuple[Supervisor, Completion, float | None, ApprovalCallback | None]:
        """Return what performs a completion."""
        request = build(self.settings, self.reporter, messages, arguments)
        timeout = seconds(arguments.get("timeout", openai.NOT_GIVEN), self.timeout)
        return self.supervisor, Completion(request, is_stream=is_stream), timeout, self.approval_callback

    def plain(
        self, conversation: Conversation[R], timeout: float | openai.NotGiven | None = openai.NOT_GIVEN
    ) -> tuple[Supervisor, Conversation[R], float | None, None]:
        """Return what performs a conversation in which nobody is asked."""
        return self.supervisor, conversation, seconds(timeout, self.timeout), None

    def thread(self, arguments: ThreadArguments) -> Params:
        """Return the parameters of a thread; what is not given is the client's."""
        check_names("start", arguments, ThreadArguments)
        folder, policy = arguments.get("working_dir"), arguments.get("approval_policy")
        given = {
            "model": arguments.get("model"),
            "cwd": _folder(folder) if folder else None,
            "sandbox": sandbox_mode(arguments.get("sandbox_mode") or self.settings["sandbox"]),
            "approvalPolicy": approval_policy(policy) if policy else None,
            "baseInstructions": arguments.get("base_instructions"),
            "developerInstructions": arguments.get("developer_instructions"),
        }
        return {**self.settings, **without_none(given)}


class ClientBase:
    """What the clients for threads and for asyncio share.

    Args:
        api_key: Default OPENAI_API_KEY; empty to use the login that `codex_home` holds. It reaches the CLI by its
            environment.
        codex_path: The CLI; default `codex` on PATH.
        working_dir: Where the agent works; default the current folder.
        model: Default CODEX_DEFAULT_MODEL, then the CLI's own choice.
        sandbox_mode: `read-only`, `workspace-write` or `danger-full-access`; default CODEX_SANDBOX_MODE.
        approval_policy: `untrusted`, `on-request` or `never`; default CODEX_APPROVAL_POLICY. `on-failure`, which the
            CLI no longer has, means `on-request`.
        timeout: Seconds for a whole answer, None for no limit.
        base_url: A service with the Responses API; default the one of OpenAI.
        codex_home: The CLI's folder for its settings, login and threads; default a private one that ends with the
            client.
        max_retries: How often the CLI repeats a request that failed.
        strict: Raise for an argument that the CLI has nothing for, instead of warning once.
        approval_callback: Gets an `ApprovalRequest` and returns whether the agent may; without it, it may not.

    """

    def __init__(
        self,
        api_key: str | None = None,
        codex_path: str | None = None,
        working_dir: str | os.PathLike[str] | None = None,
        model: str | None = None,
        sandbox_mode: str = SANDBOX_MODE,
        approval_policy: str = APPROVAL_POLICY,
        timeout: float | None = 600,
        *,
        base_url: str | None = None,
        codex_home: str | os.PathLike[str] | None = None,
        max_retries: int = 2,
        strict: bool = False,
        approval_callback: ApprovalCallback | None = None,
    ) -> None:
        self._core = Core(
            api_key=api_key,
            codex_path=codex_path,
            working_dir=working_dir,
            model=model,
            sandbox=sandbox_mode,
            approvals=approval_policy,
            timeout=timeout,
            base_url=base_url,
            codex_home=codex_home,
            max_retries=max_retries,
            strict=strict,
            approval_callback=approval_callback,
        )

    @property
    def server_pid(self) -> int | None:
        """The process number of the running app-server, None without one."""
        return self._core.supervisor.pid


def _folder(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(os.path.expanduser(path))
