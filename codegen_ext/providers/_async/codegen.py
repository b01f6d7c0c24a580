"""Codegen: an answer is the result of an agent run."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, ClassVar

from codegen_api.enums import AgentRunStatus

from ..._async.agent import AsyncAgent
from ..._async.run_logs import stream_run_logs
from ..._async.task import AsyncTask
from ..._request import check_seconds
from ...errors import AmbiguousRequestError, CodegenAPIError
from ...retry import is_ambiguous
from .. import options
from ..base import PSEUDO_MODEL, AIResponse, Request
from ..errors import AIProviderError, ProviderTimeoutError
from ..failures import of_package
from .base import AsyncAIProvider
from .chatserver import bounded

POLL_INTERVAL = 5.0


class AsyncCodegenProvider(AsyncAIProvider):
    """Agent runs: each answer creates one.

    Options: `org_id` (CODEGEN_ORG_ID), `token` (CODEGEN_API_TOKEN), `base_url`, `config`, `model`, and `client`.
    """

    name = "codegen"
    settings = frozenset({"org_id", "token", "base_url", "config", "model"})
    key_variables = ("CODEGEN_API_TOKEN", "CODEGEN_TOKEN")
    remedy = "set CODEGEN_API_TOKEN and CODEGEN_ORG_ID"
    features: ClassVar = {"kind": "agent runs", "streams": "log", "tools": False, "creates_runs": True}
    unused = ("max_tokens", "temperature", "tool_choice")
    may_act = True  # a run goes on
    _offered = PSEUDO_MODEL  # the organization's choice

    def _setting(self, name: str, *variables: str) -> Any:
        """Return what was given, by itself or with a configuration, else what the environment says."""
        config = self._settings.get("config") or getattr(self._settings.get("client"), "config", None)
        return self._settings.get(name) or getattr(config, name, "") or super()._setting(name, *variables)

    def secret(self) -> str:
        """Return the token."""
        return str(self._setting("token", *self.key_variables))

    @property
    def has_credentials(self) -> bool:
        """Whether there are a token and an organization; sends nothing."""
        return bool(self.secret() and self._setting("org_id", "CODEGEN_ORG_ID"))

    def _connect(self) -> Any:
        given: dict[str, Any] = {name: value for name, value in self._settings.items() if name != "model"}
        return AsyncAgent(**given) if "client" in given else AsyncAgent(**given, clock=self._clock)

    async def _validate(self, client: AsyncAgent, request: Request) -> None:
        """Read one run of the organization: that proves token and membership, and creates nothing."""
        await bounded(client.client, request).list_agent_runs(client.org_id, limit=1)

    async def _models(self, client: Any, request: Request) -> list[str]:  # noqa: ARG002 - the service lists none
        return [PSEUDO_MODEL]

    async def _run(self, agent: AsyncAgent, request: Request) -> AsyncTask:
        chosen = {name: value for name, value in request.options.items() if name not in options.OF_A_WAIT}
        # A run that cannot be waited for must not be paid for.
        check_seconds("poll_interval", request.options.get("poll_interval", POLL_INTERVAL))
        limited = AsyncAgent(agent.org_id, client=bounded(agent.client, request))
        task = await limited.run(request.text, model=self._model(request), **chosen)
        self._usage.add(task_count=1)
        return task

    async def _complete(self, client: AsyncAgent, request: Request) -> AIResponse:
        """Create a run and wait for its result."""
        task = await self._run(client, request)
        chosen = {name: value for name, value in request.options.items() if name in options.OF_A_WAIT}
        with self._existing(task):
            await task.wait_for_completion(timeout=request.allowance(), **chosen)
        return self._answer(task, request)

    async def _pieces(self, client: AsyncAgent, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        """Create a run, yield the thoughts and actions of its log as they come, and last its result."""
        task = await self._run(client, request)
        interval = request.options.get("poll_interval", POLL_INTERVAL)
        with self._existing(task):
            entries = stream_run_logs(
                client.client, task.org_id, task.id, follow=True, poll_interval=interval, deadline=request.deadline
            )
            async with aclosing(entries):
                async for entry in entries:
                    if piece := _piece(entry):
                        yield piece
            await task.refresh()
        answer = self._answer(task, request)
        if answer.content:
            yield answer.content
        yield answer

    def _answer(self, task: AsyncTask, request: Request) -> AIResponse:
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
    def _existing(self, task: AsyncTask) -> Iterator[None]:
        """Say in every error that there is a run, whatever went wrong with looking at it."""
        try:
            yield
        except CodegenAPIError as error:
            failed = of_package(self.error, error)
            if failed is None:
                raise
            if isinstance(failed, ProviderTimeoutError) and not error.status_code:
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
    tool = f"[{entry.tool_name}]" if entry.tool_name else None
    return "".join(f"{line}\n" for line in (entry.thought, tool) if line)
