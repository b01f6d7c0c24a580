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
from .chatserver import bounded
from .service import AsyncServiceProvider

POLL_INTERVAL = 5.0


class AsyncCodegenProvider(AsyncServiceProvider):
    """Agent runs: each answer creates one.

    Options: `org_id` (CODEGEN_ORG_ID), `token` (CODEGEN_API_TOKEN), `base_url`, `config`, `model`, and `client`.
    """

    name = "codegen"
    settings = frozenset({"org_id", "token", "base_url", "config"})
    key = "token"
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

    @property
    def has_credentials(self) -> bool:
        """Whether there are a token and an organization; sends nothing."""
        return bool(self.secret() and self._setting("org_id", "CODEGEN_ORG_ID"))

    def _connect(self) -> Any:
        settings = self._settings if "client" in self._settings else {**self._settings, "clock": self._clock}
        return AsyncAgent(**settings)

    async def _validate(self, client: AsyncAgent, request: Request) -> None:
        """Read one run of the organization: that proves token and membership, and creates nothing."""
        await bounded(client.client, request).list_agent_runs(client.org_id, limit=1)

    async def _models(self, client: Any, request: Request) -> list[str]:  # noqa: ARG002 - the service lists none
        return [PSEUDO_MODEL]

    async def _ask(self, client: AsyncAgent, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        """Create a run, yield the thoughts and actions of its log as they come, and last its result."""
        waiting = {name: value for name, value in request.options.items() if name in options.OF_A_WAIT}
        chosen = {name: value for name, value in request.options.items() if name not in waiting}
        interval = waiting.get("poll_interval", POLL_INTERVAL)
        check_seconds("poll_interval", interval)  # a run that cannot be waited for must not be paid for
        agent = AsyncAgent(client.org_id, client=bounded(client.client, request))
        task = await agent.run(request.text, model=self._model(request), **chosen)
        self._usage.add(task_count=1)
        with self._existing(task):
            if request.streams:
                entries = stream_run_logs(
                    client.client, task.org_id, task.id, follow=True, poll_interval=interval, deadline=request.deadline
                )
                async with aclosing(entries):
                    async for entry in entries:
                        if piece := _piece(entry):
                            yield piece
                await task.refresh()
            else:
                await task.wait_for_completion(timeout=request.allowance(), **waiting)
        response = self._response(task, request)
        if request.streams and response.content:
            yield response.content
        yield response

    def _response(self, task: AsyncTask, request: Request) -> AIResponse:
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
            failed = self._failure(error)
            if failed is None:
                raise
            if isinstance(failed, ProviderTimeoutError) and not error.status_code:
                failed.message = f"{failed.message}; run {task.id} goes on ({task.web_url})"
                failed.args = (failed.message,)
            failed.may_have_effect, failed.run_id = True, task.id
            raise failed from None

    def _has_acted(self, error: Exception, request: Request) -> bool:  # noqa: ARG002
        """Whether there may be a run: the outcome of the create is unknown."""
        if isinstance(error, AmbiguousRequestError):
            return True
        is_create = isinstance(error, CodegenAPIError) and error.operation in (None, "create_agent_run")
        return is_create and is_ambiguous(error)  # type: ignore[arg-type]


def _piece(entry: Any) -> str:
    """Return what a log entry says: what the agent thinks and which tool it uses."""
    tool = f"[{entry.tool_name}]" if entry.tool_name else None
    return "".join(f"{line}\n" for line in (entry.thought, tool) if line)
