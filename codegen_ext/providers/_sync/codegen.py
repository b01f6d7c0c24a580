# Generated from codegen_ext/providers/_async/codegen.py by make generate; edit there.
"""Codegen: an answer is the result of an agent run."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from typing import Any, ClassVar

from codegen_api.enums import AgentRunStatus

from ..._request import Deadline, check_seconds
from ..._sync.agent import Agent
from ..._sync.client import CodegenClient
from ..._sync.run_logs import stream_run_logs
from ..._sync.task import Task
from ...config import ClientConfig
from ...errors import AmbiguousRequestError, CodegenAPIError, ConfigurationError
from ...retry import is_ambiguous
from .. import options
from ..base import PSEUDO_MODEL, AIResponse, Availability, Request
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..failures import of_package
from .chatserver import bounded
from .service import Provider

POLL_INTERVAL = 5.0


class CodegenProvider(Provider):
    """Agent runs: each answer creates one.

    Options: `org_id` (CODEGEN_ORG_ID), `token` (CODEGEN_API_TOKEN), `base_url`, `config`, `model`, and `client`.
    """

    name = "codegen"
    settings = frozenset({"org_id", "token", "base_url", "config", "model", "client"})
    remedy = "set CODEGEN_API_TOKEN and CODEGEN_ORG_ID"
    features: ClassVar = {"kind": "agent runs", "streams": "log", "tools": False, "creates_runs": True}

    @property
    def late_has_effect(self) -> bool:
        """A run goes on."""
        return True

    def options(self) -> frozenset[str]:
        """What a run and waiting for it take."""
        return options.OF_A_RUN | options.OF_A_WAIT

    def _ignored(self, request: Request, *, streaming: bool) -> list[str]:
        """Return what a run has no field for; a stream shows its progress by itself."""
        unused = [name for name in ("max_tokens", "temperature") if getattr(request, name) is not None]
        shown = ["progress_callback"] if streaming and "progress_callback" in request.options else []
        return [*super()._ignored(request, streaming=streaming), *unused, *shown]

    def secret(self) -> str:
        """Return the token."""
        return str(self._setting("token", "CODEGEN_API_TOKEN", "CODEGEN_TOKEN"))

    def _setting(self, name: str, *variables: str) -> Any:
        """Return what was given, by itself or with a configuration, else what the environment says."""
        config = self._settings.get("config") or getattr(self._settings.get("client"), "config", None)
        configured = getattr(config, "api_token" if name == "token" else name, "")
        return self._settings.get(name) or configured or super()._setting(name, *variables)

    def availability(self) -> Availability:
        """A token and an organization."""
        return Availability(bool(self.secret()) and bool(self._setting("org_id", "CODEGEN_ORG_ID")))

    def connected(self) -> Any:
        """Return the agent, built when it is first needed; sends nothing."""
        client = super().connected()
        try:
            return Agent(self._settings.get("org_id"), client=client)
        except ConfigurationError as error:
            raise self.error(ProviderUnavailableError, str(error)) from None

    def _connect(self) -> Any:
        config = self._settings.get("config")
        if config is None:
            named = {"api_token": "token", "base_url": "base_url", "org_id": "org_id"}
            config = ClientConfig(
                **{field: self._settings[name] for field, name in named.items() if name in self._settings}
            )
        return CodegenClient(config, clock=self._clock)

    def get_default_model(self) -> str | None:
        """Return the option, else the pseudo-model: the organization's choice."""
        return self._settings.get("model") or PSEUDO_MODEL

    def _validate(self, client: Any, deadline: Deadline) -> None:
        """Read one run of the organization: that proves token and membership, and creates nothing."""
        api = bounded(client.client, Request("", deadline=deadline, may_repeat=False))
        api.list_agent_runs(client.org_id, limit=1)

    def _models(self, client: Any) -> list[str]:  # noqa: ARG002 - the service does not list its models
        return [PSEUDO_MODEL]

    def _run(self, agent: Agent, request: Request) -> Task:
        chosen = {name: value for name, value in request.options.items() if name in options.OF_A_RUN}
        # A run that cannot be waited for must not be paid for.
        check_seconds("poll_interval", request.options.get("poll_interval", POLL_INTERVAL))
        limited = Agent(agent.org_id, client=bounded(agent.client, request))
        task = limited.run(request.text, model=self._model(request), **chosen)
        self._usage.add_task()
        return task

    def _complete(self, client: Any, request: Request) -> AIResponse:
        """Create a run and wait for its result."""
        task = self._run(client, request)
        chosen = {name: value for name, value in request.options.items() if name in options.OF_A_WAIT}
        with self._existing(task, request):
            task.wait_for_completion(timeout=request.allowance(), **chosen)
        return self._answer(task, request)

    def _pieces(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        """Create a run, yield the thoughts and actions of its log as they come, and last its result."""
        task = self._run(client, request)
        interval = request.options.get("poll_interval", POLL_INTERVAL)
        with self._existing(task, request):
            entries = stream_run_logs(
                client.client, task.org_id, task.id, follow=True, poll_interval=interval, deadline=request.deadline
            )
            with closing(entries):
                for entry in entries:
                    if piece := _piece(entry):
                        yield piece
            task.refresh()
        answer = self._answer(task, request)
        if answer.content:
            yield answer.content
        yield answer

    def _answer(self, task: Task, request: Request) -> AIResponse:
        if task.status is not AgentRunStatus.COMPLETED:
            reason = f": {task.error}" if task.error else ""
            hint = "; give it a further prompt with Task.resume" if task.status is AgentRunStatus.PAUSED else ""
            message = f"run {task.id} is {task.status}{reason}{hint} ({task.web_url})"
            raise self.error(AIProviderError, message, may_have_effect=True, run_id=task.id)
        metadata = {
            "run_id": task.id,
            "status": str(task.status),
            "web_url": task.web_url,
            "pull_requests": [pull_request.dict() for pull_request in task.github_pull_requests],
            "summary": task.summary,
        }
        return AIResponse(
            task.result or "",
            self.name,
            self._model(request),
            metadata=metadata,
            raw_response=task,
            request_id=str(task.id),
        )

    @contextmanager
    def _existing(self, task: Task, request: Request) -> Iterator[None]:
        """Say in every error that there is a run, whatever went wrong with looking at it."""
        try:
            yield
        except CodegenAPIError as error:
            failed = of_package(self.error, error)
            if failed is None:
                raise
            if isinstance(failed, ProviderTimeoutError) and not error.status_code:
                failed.timeout_duration = request.timeout or failed.timeout_duration
                failed.message = f"{failed.message}; run {task.id} goes on ({task.web_url})"
                failed.args = (failed.message,)
            failed.may_have_effect, failed.run_id = True, task.id
            raise failed from None

    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Map the client's errors; a create whose outcome is unknown may have an effect."""
        failed = of_package(self.error, error)
        if failed is not None and failed is not error and request is not None and isinstance(error, CodegenAPIError):
            is_create = error.operation in (None, "create_agent_run")
            failed.may_have_effect = isinstance(error, AmbiguousRequestError) or (is_ambiguous(error) and is_create)
        return failed


def _piece(entry: Any) -> str:
    """Return what a log entry says: what the agent thinks and which tool it uses."""
    lines = [entry.thought] if entry.thought else []
    if entry.tool_name:
        lines.append(f"[{entry.tool_name}]")
    return "".join(f"{line}\n" for line in lines)
