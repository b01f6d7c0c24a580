"""What both clients are made of: settings from arguments and environment, and what they mean to the app-server."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

import openai
from attrs import frozen
from openai.types.chat import ChatCompletion

from .completions import Completion
from .conversation import ApprovalCallback, Conversation
from .errors import CodexConfigurationError
from .launch import Launch
from .protocol import Params
from .request import (
    CompletionArguments,
    Reporter,
    ThreadArguments,
    build,
    check_names,
    check_sandbox_mode,
    known_policy,
    seconds,
    without_none,
)
from .supervisor import Supervisor


class Default(str):
    """A default that nobody chose, so that the environment may."""


SANDBOX_MODE = Default("workspace-write")
APPROVAL_POLICY = Default("on-failure")


def _chosen(value: str, variable: str) -> str:
    return os.environ.get(variable) or value if isinstance(value, Default) else value


@frozen
class Core:
    """The settings of a client and its server; the parts of a client share it and do not know the client."""

    supervisor: Supervisor
    settings: Params
    """Parameters of a thread."""
    timeout: float | None
    reporter: Reporter
    approval_callback: ApprovalCallback | None

    def completion(
        self, messages: Iterable[Any], arguments: CompletionArguments, *, is_stream: bool
    ) -> Conversation[ChatCompletion]:
        """Return the conversation of a completion."""
        request = build(self.settings, self.reporter, messages, arguments)
        return lambda link: Completion(link, request, is_stream=is_stream).run()

    def thread(self, arguments: ThreadArguments) -> Params:
        """Return the parameters of a thread; what is not given is the client's."""
        check_names("start", arguments, ThreadArguments)
        folder, policy = arguments.get("working_dir"), arguments.get("approval_policy")
        given = {
            "model": arguments.get("model"),
            "cwd": _folder(folder) if folder else None,
            "sandbox": check_sandbox_mode(arguments.get("sandbox_mode") or self.settings["sandbox"]),
            "approvalPolicy": known_policy(policy, stacklevel=5) if policy else None,
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
        try:
            longest = seconds(timeout, None)
        except openai.BadRequestError as error:
            raise CodexConfigurationError(error.message) from None
        launch = Launch(
            codex_path=codex_path,
            codex_home=os.fspath(codex_home) if codex_home else None,
            base_url=base_url,
            api_key=os.environ.get("OPENAI_API_KEY") if api_key is None else api_key,
            max_retries=max_retries,
        )
        policy = _chosen(approval_policy, "CODEX_APPROVAL_POLICY")
        settings = {
            "cwd": _folder(working_dir or os.getcwd()),
            "sandbox": check_sandbox_mode(_chosen(sandbox_mode, "CODEX_SANDBOX_MODE")),
            "approvalPolicy": known_policy(policy, is_default=isinstance(policy, Default), stacklevel=3),
            "model": model or os.environ.get("CODEX_DEFAULT_MODEL") or None,
        }
        self._core = Core(
            Supervisor(launch), without_none(settings), longest, Reporter(strict=strict), approval_callback
        )

    @property
    def server_pid(self) -> int | None:
        """The process number of the running app-server, None without one."""
        return self._core.supervisor.pid


def _folder(path: str | os.PathLike[str]) -> str:
    return os.path.abspath(os.path.expanduser(path))
