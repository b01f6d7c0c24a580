"""What users' editors see: type checkers accept each line but those marked, where they show the mistake."""
# pyright: standard, reportUnnecessaryTypeIgnoreComment=true

from collections.abc import AsyncIterator, Iterator
from http import HTTPStatus
from typing import Any, assert_type

from codegen_api import models
from codegen_api.models import ChatCompletionChunk, ChatCompletionResponse
from codegen_api.types import Response
from openai.types.chat import ChatCompletion as OpenAICompletion
from openai.types.chat import ChatCompletionChunk as OpenAIChunk

import codegen_ext as sdk
from codegen_ext.chatserver import AsyncChatStream, ChatMessageRecord, ChatServerError, ChatStream, Message, MessageRole
from codegen_ext.providers import AIProvider, AIResponse, AsyncAIProvider, Codebase, get_ai_client, get_async_ai_client
from codegen_ext.webhooks import AnyRun, RunCompleted, RunFailed, unwrap


def settings() -> None:
    config = sdk.ConfigPresets.production()
    assert_type(config, sdk.ClientConfig)
    config.api_token = "abc"
    assert_type(config.timeout, float)
    assert_type(sdk.CodegenConfig.from_settings({"TIMEOUT": 5}), sdk.CodegenConfig)
    assert_type(sdk.CodegenConfig(rate_limit_requests=5, timeout=3).rate_limit_requests, int)
    sdk.ClientConfig(api_tokn="abc")  # type: ignore[call-arg]
    sdk.ClientConfig(timeout="5")  # type: ignore[arg-type]
    config.tiemout = 5  # type: ignore[attr-defined]


def agents(agent: sdk.Agent) -> None:
    task = agent.run("hello", images=["a.png", b"bytes"], metadata={"a": 1}, repository="owner/repo", priority="high")
    assert_type(task, sdk.Task)
    assert_type(task.wait_for_completion(timeout=5, progress_callback=print), sdk.Task)
    assert_type(sdk.Task.wait_all([task], timeout=5), list[sdk.Task])
    assert_type(task.stream_logs(), Iterator[sdk.AgentRunLogResponse])
    with sdk.Agent(323, "abc") as other:
        assert_type(other.org_id, int)
    print(task.reslt)  # type: ignore[attr-defined]
    print(task.run.reslt)  # type: ignore[attr-defined]
    task.id = 5  # type: ignore[misc]
    agent.run(5)  # type: ignore[arg-type]
    agent.run("hello", priorty="high")  # type: ignore[call-arg]
    agent.run("hello", priority="hihg")  # type: ignore[arg-type]
    agent.run("hello", None, None, "owner/repo")  # type: ignore[call-arg]
    task.wait(timeout="5")  # type: ignore[arg-type]


async def async_agents(agent: sdk.AsyncAgent) -> None:
    task = await agent.run("hello", tags=["a"])
    assert_type(await task.wait(), sdk.AsyncTask)
    assert_type(task.stream_logs(), AsyncIterator[sdk.AgentRunLogResponse])
    async with sdk.AsyncAgent("323", "abc") as other:
        assert_type(other, sdk.AsyncAgent)

    async def notify(progress: dict[str, Any]) -> None:
        print(progress)

    await task.wait_for_completion(progress_callback=notify)
    for entry in task.stream_logs():  # type: ignore[attr-defined]
        print(entry)


def clients(client: sdk.CodegenClient) -> None:
    run = client.create_agent_run(323, "hello", metadata={"a": {"b": 1}}, agent_type="codegen")
    assert_type(run, sdk.AgentRunResponse)
    assert_type(client.get_agent_run("323", 1, timeout=5, extra_headers={"X": "y"}), sdk.AgentRunResponse)
    assert_type(client.get_users(323).items, list[sdk.UserResponse])
    assert_type(client.wait_for_all(323, [1, "2"], timeout=5), list[sdk.AgentRunResponse])
    assert_type(client.as_completed(323, [1]), Iterator[sdk.AgentRunResponse])
    assert_type(next(client.watch(323)).run, sdk.AgentRunResponse)
    assert_type(client.with_options(timeout=5), sdk.CodegenClient)
    assert_type(next(client.iter_pages("list_agent_runs", org_id=323, page_size=10)), sdk.AgentRunsResponse)
    assert_type(client.list_agent_runs(323, source_type=sdk.SourceType.API)[0], sdk.AgentRunResponse)
    assert_type(client.list_agent_runs(323)[0:1], list[sdk.AgentRunResponse])
    for each in client.list_agent_runs(323).auto_paging_iter():
        assert_type(each, sdk.AgentRunResponse)
    whole = client.with_raw_response.get_agent_run(323, 1)
    assert_type(whole, Response[sdk.AgentRunResponse])
    assert_type(whole.status_code, HTTPStatus)
    assert_type(run.status, sdk.AgentRunStatus | str | None)
    assert_type(run.metadata, dict[str, Any] | None)
    assert_type(client.get_agent_run_logs(323, 1).logs[0].message_type, sdk.MessageType | str | None)
    assert_type(client.edit_pull_request(323, 1, "closed"), models.EditPRResponse)
    assert_type(client.edit_repo_pull_request(323, 1, 1, models.PullRequestState.DRAFT), models.EditPRResponse)
    assert_type(client.get_integrations(323), models.OrganizationIntegrationsResponse)
    assert_type(client.generate_slack_connect_token(323), models.GenerateTokenResponse)
    assert_type(client.get_oauth_token_status(323), Any)
    assert_type(client.remove_codegen_from_pr(323, 1), Any)
    with client.create_health_monitor(interval=30) as monitor:
        assert_type(monitor.status, sdk.HealthStatus)
    print(run.sumary)  # type: ignore[attr-defined]
    print(run.result.upper())  # type: ignore[union-attr]
    client.get_agent_run(323)  # type: ignore[call-arg]
    client.get_agent_run(323, 1.5)  # type: ignore[arg-type]
    client.get_agent_rnu(323, 1)  # type: ignore[attr-defined]
    client.create_agent_run(323, "hello", metadata=[1])  # type: ignore[arg-type]
    client.list_agent_runs(323, source_type="APY")  # type: ignore[arg-type]
    client.edit_pull_request(323, 1, "shut")  # type: ignore[arg-type]
    client.iter_pages("get_user")  # type: ignore[call-overload]
    client.stream_chat_completion("m", [])  # type: ignore[attr-defined]


async def async_clients(client: sdk.AsyncCodegenClient) -> None:
    assert_type(client.as_completed(323, [1]), AsyncIterator[sdk.AgentRunResponse])
    assert_type(await client.with_raw_response.get_agent_run(323, 1), Response[sdk.AgentRunResponse])
    async for each in (await client.list_agent_runs(323)).auto_paging_iter():
        assert_type(each, sdk.AgentRunResponse)
    async for entry in client.stream_logs(323, 1):
        assert_type(entry, sdk.AgentRunLogResponse)
    print(client.get_agent_run(323, 1).id)  # type: ignore[attr-defined]


def chat(client: sdk.ChatServerClient) -> None:
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
    client.create_completion("m", ["x"], session="s")  # type: ignore[call-overload]
    client.create_completion("m", [5])  # type: ignore[list-item]
    client.session("u").send("x", stream=True)  # type: ignore[call-arg]
    client.session.get("/")  # type: ignore[attr-defined]


async def async_chat(client: sdk.AsyncChatServerClient) -> None:
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
    except sdk.ValidationError as error:
        assert_type(error.field_errors, dict[str, list[str]])
        print(error.original_error)  # type: ignore[attr-defined]
    except sdk.RateLimitError as error:
        assert_type(error.retry_after, float)
    except sdk.WaitTimeoutError as error:
        assert_type(error.timeout_duration, float | None)
    except sdk.CodegenAPIError as error:
        assert_type(error.status_code, int | None)
        assert_type(error.retry_after, float | None)


def webhooks(handler: sdk.WebhookHandler) -> None:
    @handler.on("agent_run.completed")
    def completed(payload: RunCompleted) -> None:
        assert_type(payload["result"], str | None)
        assert_type(payload["error"], None)

    @handler.on("agent_run.failed")
    async def failed(payload: RunFailed, event: sdk.WebhookEvent) -> None:
        assert_type(payload["error"], str)
        print(payload["reason"])  # type: ignore[typeddict-item]

    @handler.on("agent_run.*")
    def whatever_happens(payload: AnyRun) -> None:
        assert_type(payload["status"].is_terminal, bool)

    @handler.on("*")
    def anything(payload: dict[str, object]) -> None: ...

    @handler.on("agent_run.paused")
    def event_only(event: sdk.WebhookEvent) -> None: ...

    assert_type(unwrap(b"", {"webhook-id": "1"}, ["new", "old"]), sdk.WebhookEvent)
    assert_type(handler.handle_request(b"", {"webhook-id": "1"}).ok, bool)
    sdk.WebhookHandler()  # type: ignore[call-arg]
    sdk.WebhookHandler(7)  # type: ignore[arg-type]
    handler.on("agent_run.completed")(failed)  # type: ignore[arg-type]


def codex(client: sdk.CodexClient) -> None:
    completion = client.chat.completions.create(messages=[{"role": "user", "content": "x"}], n=2, temperature=0.2)
    assert_type(completion, OpenAICompletion)
    for chunk in client.chat.completions.create(messages=[{"role": "user", "content": "x"}], stream=True):
        assert_type(chunk, OpenAIChunk)
    client.chat.completions.create(messages=[], temprature=1)  # type: ignore[call-overload]


async def async_codex(client: sdk.AsyncCodexClient) -> None:
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
