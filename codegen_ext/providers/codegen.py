"""Codegen: an answer is the result of an agent run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from codegen_api.enums import AgentRunStatus

from .._request import check_seconds
from .._sync.agent import Agent
from ..clock import Clock
from ..errors import AmbiguousRequestError, CodegenAPIError
from ..retry import is_ambiguous
from .backend import PSEUDO_MODEL, Availability, Backend, Deadline
from .chatserver import bounded
from .errors import AIProviderError, ProviderTimeoutError
from .package_errors import provider_error
from .protocol import AIResponse, Request
from .steps import END, Call, Emit, Steps, advance

_RUN = frozenset(
    {
        "agent_type",
        "branch",
        "context",
        "images",
        "metadata",
        "priority",
        "repo_id",
        "repository",
        "tags",
        "webhook_url",
    }
)
_WAIT = frozenset({"poll_interval", "progress_callback"})
POLL_INTERVAL = 5.0


class CodegenBackend(Backend):
    """Agent runs: each answer creates one.

    Options: `org_id` (CODEGEN_ORG_ID), `token` (CODEGEN_API_TOKEN), `base_url`, `config`, `model`, and `client`.
    """

    name = "codegen"
    settings = frozenset({"org_id", "token", "base_url", "config", "model", "client"})

    def __init__(self, clock: Clock, settings: Any) -> None:
        super().__init__(clock, settings)
        self.on_run: Callable[[], object] = lambda: None
        """Called when a run was created."""

    @classmethod
    def options(cls) -> frozenset[str]:
        """What a run and waiting for it take."""
        return _RUN | _WAIT

    def ignores(self, request: Request, *, streaming: bool) -> list[str]:
        """Return what a run has no field for; a stream shows its progress by itself."""
        ignored = super().ignores(request, streaming=streaming)
        ignored += ["max_tokens"] if request.max_tokens is not None else []
        ignored += ["temperature"] if request.temperature else []
        return [*ignored, *({"progress_callback"} & set(request.options) if streaming else ())]

    def secret(self) -> str:
        """Return the token."""
        return str(self._setting("token", "CODEGEN_API_TOKEN", "CODEGEN_TOKEN"))

    def _setting(self, name: str, *variables: str) -> Any:
        """Return what was given, by itself or with a configuration, else what the environment says."""
        config = self._settings.get("config") or getattr(self._settings.get("client"), "config", None)
        configured = getattr(config, "api_token" if name == "token" else name, "")
        return self._settings.get(name) or configured or super()._setting(name, *variables)

    def availability(self) -> Availability:
        """A token and an organisation."""
        return Availability(bool(self.secret()) and bool(self._setting("org_id", "CODEGEN_ORG_ID")))

    def identity(self) -> list[object]:
        """Address, organisation, token."""
        address = self._setting("base_url", "CODEGEN_BASE_URL", "CODEGEN_API_BASE_URL")
        return [address, str(self._setting("org_id", "CODEGEN_ORG_ID")), self.secret()]

    def connect(self, *, is_async: bool) -> Any:
        """Return an agent, which closes the client unless it was brought along."""
        from .._async.agent import AsyncAgent

        client = super().connect(is_async=is_async)
        agent: Any = (AsyncAgent if is_async else Agent)(self._settings.get("org_id"), client=client)
        agent._owns_client = "client" not in self._settings
        return agent

    def _build(self, *, is_async: bool) -> Any:
        from .._async.client import AsyncCodegenClient
        from .._sync.client import CodegenClient
        from ..config import ClientConfig

        config = self._settings.get("config")
        if config is None:
            named = {"api_token": "token", "base_url": "base_url", "org_id": "org_id"}
            given = {field: self._settings[name] for field, name in named.items() if name in self._settings}
            config = ClientConfig(**given)
        return (AsyncCodegenClient if is_async else CodegenClient)(config, clock=self._clock)

    def default_model(self) -> str | None:
        """Return the option; None for the organisation's choice."""
        return self._settings.get("model")

    def validate(self, client: Any, deadline: Deadline) -> Steps[None]:
        """Read one run of the organisation: that proves token and membership, and creates nothing."""
        api = bounded(client.client, deadline, may_repeat=False)
        yield Call(lambda: api.list_agent_runs(client.org_id, limit=1))

    def models(self, client: Any) -> Steps[list[str]]:  # noqa: ARG002 - there is nobody to ask
        """Return the pseudo-model: the service does not list its models."""
        yield from ()
        return [PSEUDO_MODEL]

    def _begin(self, agent: Any, request: Request, deadline: Deadline) -> Steps[Any]:
        options = {name: value for name, value in request.options.items() if name in _RUN}
        # Nobody shall pay for a run that nobody can wait for.
        check_seconds("poll_interval", request.options.get("poll_interval", POLL_INTERVAL))
        prompt = f"{request.system_prompt}\n\n{request.prompt}" if request.system_prompt else request.prompt
        api = bounded(agent.client, deadline, may_repeat=request.may_repeat)
        limited = type(agent)(agent.org_id, client=api)
        task = yield Call(lambda: limited.run(prompt, model=self.chosen_model(request), **options))
        self.on_run()
        return task

    def complete(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Create a run and wait for its result."""
        task = yield from self._begin(client, request, deadline)
        options = {name: value for name, value in request.options.items() if name in _WAIT}
        with self._existing(task):
            yield Call(lambda: task.wait_for_completion(timeout=deadline.allowance(), **options))
        return self._answer(task, request)

    def stream(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Create a run, emit the thoughts and actions of its log as they come, and last its result."""
        task = yield from self._begin(client, request, deadline)
        poll_interval = request.options.get("poll_interval", POLL_INTERVAL)
        api = bounded(client.client, deadline)
        entries = api.stream_logs(task.org_id, task.id, follow=True, poll_interval=poll_interval)
        with self._existing(task):
            try:
                while (entry := (yield advance(entries))) is not END:
                    if deadline.left() == 0.0:
                        self._expired(deadline, may_have_effect=True, run_id=task.id)
                    if piece := _piece(entry):
                        yield Emit(piece)
            finally:
                yield Call(getattr(entries, "aclose", None) or entries.close)
            yield Call(task.refresh)
        answer = self._answer(task, request)
        if answer.content:
            yield Emit(answer.content)
        return answer

    def _answer(self, task: Any, request: Request) -> AIResponse:
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
        model, request_id = self.chosen_model(request), str(task.id)
        return AIResponse(
            task.result or "", self.name, model, metadata=metadata, raw_response=task, request_id=request_id
        )

    @contextmanager
    def _existing(self, task: Any) -> Iterator[None]:
        """Say in every error that there is a run, whatever went wrong with looking at it."""
        try:
            yield
        except CodegenAPIError as error:
            failed = provider_error(self, error)
            if failed is None:
                raise
            if isinstance(failed, ProviderTimeoutError) and not error.status_code:
                failed.args = (f"{failed.args[0]}; run {task.id} goes on ({task.web_url})",)
                failed.message = failed.args[0]
            failed.may_have_effect, failed.run_id = True, task.id
            raise failed from None

    def failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Map the client's errors; a create whose outcome is unknown may have an effect."""
        failed = provider_error(self, error)
        if failed is not None and request is not None and not isinstance(error, AIProviderError):
            assert isinstance(error, CodegenAPIError)  # noqa: S101 - provider_error maps no other
            failed.may_have_effect = isinstance(error, AmbiguousRequestError) or (
                is_ambiguous(error) and error.operation in (None, "create_agent_run")
            )
        return failed


def _piece(entry: Any) -> str:
    """Return what a log entry says: what the agent thinks and which tool it uses."""
    lines = [entry.thought] if entry.thought else []
    if entry.tool_name:
        lines.append(f"[{entry.tool_name}]")
    return "".join(f"{line}\n" for line in lines)
