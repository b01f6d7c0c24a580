"""What users' editors see; every line must pass mypy --strict."""

from collections.abc import AsyncIterator, Iterator, Mapping
from http import HTTPStatus
from typing import Any, assert_type

from codegen_api.models import ChatCompletionChunk, ChatCompletionResponse
from codegen_api.types import Response
from openai.types.chat import ChatCompletion as OpenAICompletion
from openai.types.chat import ChatCompletionChunk as OpenAIChunk

from codegen_ext import (
    Agent,
    AgentRunLogResponse,
    AgentRunResponse,
    AgentRunsResponse,
    AgentRunStatus,
    AsyncAgent,
    AsyncChatServerClient,
    AsyncCodegenClient,
    AsyncCodexClient,
    AsyncTask,
    ChatServerClient,
    ClientConfig,
    CodegenAPIError,
    CodegenClient,
    CodegenConfig,
    CodexClient,
    ConfigPresets,
    HealthStatus,
    MessageType,
    RateLimitError,
    SourceType,
    Task,
    UserResponse,
    ValidationError,
    WaitTimeoutError,
    WebhookEvent,
    WebhookHandler,
)
from codegen_ext.chatserver import AsyncChatStream, ChatMessageRecord, ChatServerError, ChatStream, Message, MessageRole
from codegen_ext.providers import AIProvider, AIResponse, AsyncAIProvider, Codebase, get_ai_client, get_async_ai_client
from codegen_ext.testing import FakeClock, Sandbox
from codegen_ext.webhooks import AnyRun, RunCompleted, RunEvent, RunFailed, unwrap


def settings() -> None:
    config = ConfigPresets.production()
    assert_type(config, ClientConfig)
    config.api_token = "abc"
    config.timeout = 5
    assert_type(config.timeout, float)
    assert_type(CodegenConfig.from_settings({"TIMEOUT": 5}), CodegenConfig)
    assert_type(CodegenConfig(rate_limit_requests=5, timeout=3).rate_limit_requests, int)


def agents(agent: Agent) -> None:
    task = agent.run("hello", images=["a.png", b"bytes"], metadata={"a": 1}, repository="owner/repo", priority="high")
    assert_type(task, Task)
    assert_type(task.wait_for_completion(timeout=5, progress_callback=print), Task)
    assert_type(Task.wait_all([task], timeout=5), list[Task])
    assert_type(task.resume("go on"), Task)
    assert_type(task.status, AgentRunStatus | str | None)
    assert_type(task.result, str | None)
    assert_type(task.get_logs(5), list[AgentRunLogResponse])
    assert_type(task.stream_logs(), Iterator[AgentRunLogResponse])
    assert_type(agent.get_task("5"), Task)
    assert_type(agent.list_tasks(), list[Task])
    with Agent(323, "abc") as other:
        assert_type(other.org_id, int)


async def async_agents(agent: AsyncAgent) -> None:
    task = await agent.run("hello", tags=["a"])
    assert_type(await task.wait(), AsyncTask)
    assert_type(task.stream_logs(), AsyncIterator[AgentRunLogResponse])
    async with AsyncAgent("323", "abc") as other:
        assert_type(other, AsyncAgent)

    async def notify(progress: dict[str, Any]) -> None:
        print(progress)

    await task.wait_for_completion(progress_callback=notify)


def clients(client: CodegenClient) -> None:
    run = client.create_agent_run(323, "hello", metadata={"a": {"b": 1}}, agent_type="codegen")
    assert_type(run, AgentRunResponse)
    assert_type(client.get_agent_run("323", 1, timeout=5, extra_headers={"X": "y"}), AgentRunResponse)
    assert_type(client.get_users(323).items, list[UserResponse])
    assert_type(client.wait_for_all(323, [1, "2"], timeout=5), list[AgentRunResponse])
    assert_type(client.as_completed(323, [1]), Iterator[AgentRunResponse])
    assert_type(client.stream_all_agent_runs(323), Iterator[AgentRunResponse])
    assert_type(next(client.watch(323)).run, AgentRunResponse)
    assert_type(client.with_options(timeout=5), CodegenClient)
    assert_type(next(client.iter_pages("list_agent_runs", org_id=323, page_size=10)), AgentRunsResponse)
    assert_type(client.list_agent_runs(323, source_type=SourceType.API)[0], AgentRunResponse)
    for each in client.list_agent_runs(323).auto_paging_iter():
        assert_type(each, AgentRunResponse)
    whole = client.with_raw_response.get_agent_run(323, 1)
    assert_type(whole, Response[AgentRunResponse])
    assert_type(whole.status_code, HTTPStatus)
    assert_type(run.status, AgentRunStatus | str | None)
    assert_type(run.metadata, dict[str, Any] | None)
    assert_type(client.get_agent_run_logs(323, 1).logs[0].message_type, MessageType | str | None)
    with client.create_health_monitor(interval=30) as monitor:
        assert_type(monitor.status, HealthStatus)


async def async_clients(client: AsyncCodegenClient) -> None:
    assert_type(await client.get_agent_run(323, 1), AgentRunResponse)
    assert_type(client.as_completed(323, [1]), AsyncIterator[AgentRunResponse])
    assert_type(await client.with_raw_response.get_agent_run(323, 1), Response[AgentRunResponse])
    async for entry in client.stream_logs(323, 1):
        assert_type(entry, AgentRunLogResponse)


def chat(client: ChatServerClient) -> None:
    mixed = client.create_completion("m", [Message(MessageRole.USER, "x"), {"role": "user", "content": "y"}, "z"])
    assert_type(mixed, ChatCompletionResponse)
    stream = client.create_completion("m", ["x"], stream=True, session_id="s", metadata={"a": 1})
    assert_type(stream, ChatStream)
    assert_type(next(stream), str)
    assert_type(next(stream.events()), ChatCompletionChunk)
    assert_type(client.create_completion("m", ["x"], stream=bool(1)), ChatCompletionResponse | ChatStream)
    assert_type(client.session("u").send("x", max_tokens=5), ChatCompletionResponse)
    assert_type(client.session("u").history(), list[ChatMessageRecord])
    assert_type(client.list_admins(), dict[str, Any])


async def async_chat(client: AsyncChatServerClient) -> None:
    assert_type(await client.create_completion("m", ["x"]), ChatCompletionResponse)
    stream = await client.create_completion("m", ["x"], stream=True)
    assert_type(stream, AsyncChatStream)
    async for text in stream:
        assert_type(text, str)
    assert_type(client.stream_chat_completion("m", []), AsyncIterator[ChatCompletionChunk])


def errors() -> None:
    try:
        pass
    except ChatServerError as error:
        assert_type(error.partial, ChatCompletionResponse | None)
    except ValidationError as error:
        assert_type(error.field_errors, dict[str, list[str]])
    except RateLimitError as error:
        assert_type(error.retry_after, float)
    except WaitTimeoutError as error:
        assert_type(error.timeout_duration, float | None)
    except CodegenAPIError as error:
        assert_type(error.status_code, int | None)


def sandboxes() -> None:
    with Sandbox(rate_limits=False, run_seconds=0.2, clock=FakeClock()) as sandbox:
        config = ClientConfig(api_token=sandbox.token, base_url=sandbox.base_url, transport=sandbox.transport())
        CodegenClient(config, clock=FakeClock()).close()


def webhooks(handler: WebhookHandler) -> None:
    @handler.on("agent_run.completed")
    def completed(payload: RunCompleted) -> None:
        assert_type(payload["result"], str | None)
        assert_type(payload["error"], None)

    @handler.on("agent_run.failed")
    async def failed(payload: RunFailed, event: WebhookEvent) -> None:
        assert_type(payload["error"], str)

    @handler.on("agent_run.*")
    def any_run(payload: RunEvent) -> None:
        assert_type(payload["id"], int)

    @handler.on("agent_run.*")
    def whatever_happens(payload: AnyRun) -> None:
        assert_type(payload["status"].is_terminal, bool)

    @handler.on("agent_run.completed")
    def plain(payload: Mapping[str, Any]) -> None: ...

    @handler.on("*")
    def anything(payload: dict[str, object]) -> None: ...

    @handler.on("agent_run.paused")
    def event_only(event: WebhookEvent) -> None: ...

    assert_type(unwrap(b"", {"webhook-id": "1"}, ["new", "old"]), WebhookEvent)
    assert_type(handler.handle_request(b"", {"webhook-id": "1"}).ok, bool)


def codex(client: CodexClient) -> None:
    completion = client.chat.completions.create(messages=[{"role": "user", "content": "x"}], n=2, temperature=0.2)
    assert_type(completion, OpenAICompletion)
    for chunk in client.chat.completions.create(messages=[{"role": "user", "content": "x"}], stream=True):
        assert_type(chunk, OpenAIChunk)
    assert_type([model.id for model in client.models.list()], list[str])


async def async_codex(client: AsyncCodexClient) -> None:
    async for chunk in await client.chat.completions.create(messages=[], stream=True, max_tokens=5):
        assert_type(chunk, OpenAIChunk)


def providers() -> None:
    with get_ai_client(prefer_codegen=False, openai={"model": "m"}) as client:
        assert_type(client.generate_response("x", timeout=5).usage, dict[str, int])
        for piece in client.stream_response("x"):
            assert_type(piece, str)
    provider: AIProvider = get_ai_client("openai")
    assert_type(provider.generate_response("x"), AIResponse)
    assert_type(Codebase(".").ai("x", target=providers), str)


async def async_providers() -> None:
    provider: AsyncAIProvider = await get_async_ai_client("openai")
    assert_type(await provider.generate_response("x"), AIResponse)
