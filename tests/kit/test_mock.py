"""The mock clients: every operation answers as the contract allows, what a test says is checked, calls are recorded."""

import asyncio

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import (
    Agent,
    ClientConfig,
    ConfigurationError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ValidationError,
)
from codegen_ext.chatserver import ChatServerError
from codegen_ext.testing import (
    AsyncMockChatServerClient,
    AsyncMockCodegenClient,
    FakeClock,
    MockCall,
    MockChatServerClient,
    MockCodegenClient,
)
from codegen_ext.testing.sandbox import schema as schemas

from ..support.calls import required


@pytest.fixture
def mock(monkeypatch):
    """A mock, which takes no settings from outside."""
    monkeypatch.setenv("CODEGEN_SHARED_STATE", "redis://127.0.0.1:1")
    monkeypatch.setenv("CODEGEN_API_TOKEN", "a real token")
    with MockCodegenClient() as client:
        yield client


@pytest.fixture
def chat(monkeypatch):
    """One of a ChatServer."""
    monkeypatch.setenv("CHATSERVER_BASE_URL", "https://chat.example.com")
    monkeypatch.setenv("CHATSERVER_API_KEY", "a real key")
    with MockChatServerClient() as client:
        yield client


def test_every_operation_answers_as_the_contract_allows(mock, chat):
    assert mock.config.api_token == chat.config.api_token == "mock-token"
    clients = {"codegen": mock, "chatserver": chat}
    for operation in OPERATIONS.values():
        given, client = required(operation), clients[operation.service]
        answer = getattr(client.with_raw_response, operation.id)(**given)
        body = httpx.Response(200, content=answer.content).json()
        assert list(schemas.problems(schemas.output(operation.id), body, ())) == []
        name, recorded = client.calls[-1]
        assert (name, {key: recorded[key] for key in given}) == (operation.id, given)


def test_missing_fields_come_from_the_call_and_the_contract(mock, chat):
    mock.set_mock_response("get_agent_run", {"github_pull_requests": [{"id": 1, "title": "T", "url": "u"}]})
    run = mock.get_agent_run("323", 17)
    assert (run.id, run.organization_id, run.status) == (17, 323, "completed")
    assert run.github_pull_requests[0].created_at == "2026-01-01T00:00:00Z"
    assert mock.get_user(323, 4).id == 4
    assert [mock.create_agent_run(323, "x").id for _ in range(2)] == [1, 2]
    assert mock.create_agent_run(323, "x").status == "pending"
    assert mock.get_current_user().id == 1, "only what creates counts"
    answer = chat.create_completion("m", ["Hello"])
    (choice,) = answer.choices
    assert (answer.object, answer.model, choice.index) == ("chat.completion", "m", 0)
    assert (choice.message.role, choice.message.content, choice.finish_reason) == ("assistant", "content", "stop")
    chat.set_mock_response("list_admins", {"admins": []})
    assert chat.list_admins() == {"admins": [], "count": 0}


def test_an_answer_of_ones_own_may_be_a_model_or_taken_back(mock):
    run = mock.get_agent_run(323, 1)
    run.result = "changed"
    mock.set_mock_response("get_agent_run", run)
    assert mock.get_agent_run(323, 1).result == "changed"
    mock.set_mock_response("get_agent_run", None)
    assert mock.get_agent_run(323, 9).result is None
    answer = {"metadata": {"a": [1]}}
    mock.set_mock_response("get_agent_run", answer)
    answer["metadata"]["a"].append(2)
    mock.get_agent_run(1, 1).metadata["a"].append(3)
    assert mock.get_agent_run(1, 1).metadata == {"a": [1]}, "it is a copy"


def test_a_list_is_what_the_pages_consist_of(mock, chat):
    mock.set_mock_response("list_agent_runs", [{"result": f"number {number}"} for number in range(1, 251)])
    page = mock.list_agent_runs(323, skip=200, limit=100)
    assert (len(page.items), page.total, page.page, page.size, page.pages) == (50, 250, 3, 100, 3)
    assert [page.items[0].id, page.items[0].result] == [201, "number 201"]
    mock.set_mock_response("get_agent_run_logs", [{"thought": "one"}, {"thought": "two"}])
    logs = mock.get_agent_run_logs(323, 5)
    assert ([log.thought for log in logs.logs], logs.total_logs, logs.logs[0].agent_run_id) == (["one", "two"], 2, 5)
    mock.set_mock_response("list_agent_runs", [])
    assert mock.list_agent_runs(323).items == []
    mock.set_mock_response("get_mcp_providers", [{"name": "linear"}, {"name": "notion"}])
    assert [provider.name for provider in mock.get_mcp_providers()] == ["linear", "notion"]
    chat.set_mock_response("list_sessions", [{"title": str(number)} for number in range(145)])
    first, last = chat.list_sessions("u1", page=2), chat.list_sessions("u1", page=8)
    assert (first.sessions[0].title, first.total, first.page, first.has_more) == ("20", 145, 2, True)
    assert (last.sessions[-1].id, last.has_more) == ("145", False)
    assert chat.calls[0] == MockCall("list_sessions", {"user_id": "u1", "page": 2, "page_size": 20})
    chat.set_mock_response("get_audit_log", [{"action": str(number)} for number in range(120)])
    assert (chat.get_audit_log(offset=100).offset, len(list(chat.iter_audit_log()))) == (100, 120)


def test_a_list_of_objects_is_one_answer_after_the_other(mock):
    mock.set_mock_response("get_agent_run", [NotFoundError("gone"), {"status": "COMPLETE"}])
    with pytest.raises(NotFoundError, match="gone"):
        mock.get_agent_run(1, 1)
    assert [mock.get_agent_run(1, 1).status for _ in range(2)] == ["completed", "completed"]
    with pytest.raises(ConfigurationError, match="empty"):
        mock.set_mock_response("get_agent_run", [])


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RateLimitError("slow down", 429, retry_after=7), RateLimitError),
        (NotFoundError, NotFoundError),
        (httpx.ConnectError("refused"), NetworkError),
        (KeyError("mine"), KeyError),
    ],
)
def test_an_exception_is_raised(mock, chat, error, raised):
    mock.set_mock_response("create_agent_run", error)
    with pytest.raises(raised) as caught:
        mock.create_agent_run(323, "17")
    assert caught.value is error or not isinstance(error, raised)
    chat.set_mock_response("create_completion", error)
    for stream in (False, True):
        with pytest.raises(raised) as caught:
            chat.create_completion("m", ["Hello"], stream=stream)
        assert isinstance(caught.value, ChatServerError | KeyError)
    assert (len(mock.calls), len(chat.calls)) == (1, 2), "nothing is repeated"


def test_a_function_may_use_the_client_and_return_an_error(mock):
    mock.set_mock_response("create_agent_run", lambda **given: NotFoundError(given["prompt"]))
    with pytest.raises(NotFoundError, match="Hello"):
        mock.create_agent_run(323, "Hello")
    mock.set_mock_response("get_user", lambda org_id, user_id: {"full_name": str(len(mock.calls))})
    assert mock.get_user(1, 1).full_name.isdigit()
    mock.set_mock_response("get_current_user", lambda: {"emial": "x"})
    with pytest.raises(ValidationError, match="did you mean email"):
        mock.get_current_user()


async def test_an_async_client_takes_async_functions(mock):
    async def answer(**given):
        return {"result": "later"}

    async with AsyncMockCodegenClient() as client:
        client.set_mock_response("get_agent_run", [answer, {"status": "running"}, {"result": "last"}])
        assert (await client.get_agent_run(1, 1)).result == "later"
        assert (await client.wait_for_completion(1, 1)).result == "last"
    mock.set_mock_response("get_agent_run", answer)
    with pytest.raises(ConfigurationError, match="AsyncMockCodegenClient"):
        await asyncio.to_thread(mock.get_agent_run, 1, 1)


async def test_an_async_client_of_a_chatserver_streams_what_a_whole_completion_says():
    async with AsyncMockChatServerClient() as client:
        said = {"choices": [{"message": {"content": "Hi there"}}], "system_fingerprint": "s1"}
        client.set_mock_response("create_completion", said)
        stream = await client.create_completion("m", ["Hello"], stream=True)
        assert [piece async for piece in stream] == ["Hi", " there"]
        assert (stream.metadata["system_fingerprint"], stream.metadata["finish_reason"]) == ("s1", "stop")


@pytest.mark.parametrize(
    ("name", "response", "field"),
    [
        ("get_agent_run", {"id": True}, "id"),
        ("get_agent_run", {"github_pull_requests": [{"titel": 1}]}, "github_pull_requests.0.titel"),
        ("get_agent_run", {"result": float("nan")}, "response"),
        ("get_agent_run", "completed", "response"),
        ("get_agent_run", [{"status": "running"}, {"id": "x"}], "id"),
        ("list_agent_runs", [3], "items.0"),
        ("list_agent_runs", [{"id": "x"}], "items.0.id"),
        ("list_agent_runs", {"items": [{"staus": 1}]}, "items.0.staus"),
    ],
)
def test_what_the_contract_does_not_allow_is_refused(mock, name, response, field):
    with pytest.raises(ValidationError, match="the contract does not allow this mock response") as caught:
        mock.set_mock_response(name, response)
    assert caught.value.operation == name
    assert field in caught.value.field_errors
    assert getattr(mock, name)(**required(OPERATIONS[name])), "the answer is as it was"


def test_an_unknown_name_is_refused(mock, chat):
    names = dict.fromkeys(("list_models", None), "no operation")
    names |= {"get_agnt_run": "did you mean get_agent_run"}
    names |= {"wait_for_completion": "that method performs others, .*get_agent_run"}
    for name, hint in names.items():
        for use in (lambda name: mock.set_mock_response(name, {}), mock.calls_to):
            with pytest.raises(ConfigurationError, match=hint):
                use(name)
    with pytest.raises(ConfigurationError, match="list_sessions"):
        chat.set_mock_response("get_agent_run", {})


def test_calls_are_recorded(mock):
    mock.create_agent_run("323", "Hello", metadata={"a": 1})
    with pytest.raises(ValidationError):
        mock.create_agent_run("no number", "Hello")
    assert mock.calls == [MockCall("create_agent_run", {"org_id": 323, "prompt": "Hello", "metadata": {"a": 1}})]
    assert mock.calls_to("get_agent_run") == []
    mock.set_mock_response("get_current_user", {"email": "a@example.com"})
    mock.reset_mock()
    assert mock.calls == []
    assert mock.get_current_user().email is None


def test_settings_of_ones_own_hold():
    clock = FakeClock()
    config = ClientConfig(api_token="any", base_url="https://api.example.com", max_retries=2, timeout=3)
    with MockCodegenClient(config, clock=clock) as mock:
        assert mock.config.timeout == 3
        mock.set_mock_response("get_agent_run", httpx.ConnectError("refused"))
        with pytest.raises(NetworkError):
            mock.get_agent_run(1, 1)
        assert len(mock.calls) == 3
        assert clock.slept
        mock.create_agent_run(323, "Hello")
        assert mock.calls[-1] == ("create_agent_run", {"org_id": 323, "prompt": "Hello"}), "no id of the client's own"
    assert (config.transport, config.base_url) == (None, "https://api.example.com")


def test_what_is_made_of_operations_works_on_a_mock(mock):
    results = mock.bulk_create_agent_runs(323, [{"prompt": "a"}, {"prompt": "b"}], wait=True)
    assert [result.data.status for result in results] == ["completed"] * 2
    mock.set_mock_response("get_agent_run", [{"status": "running"}, {"status": "failed", "result": "No"}])
    with Agent(323, client=mock) as agent:
        assert agent.run("Hello", repository="owner/repo").wait_for_completion().error == "No"
    assert mock.calls_to("create_agent_run")[-1]["repo_id"] == 107, "the repositories are those of the sandbox"
    mock.set_mock_response("get_repositories", [])
    with mock.with_options(timeout=1) as derived:
        assert derived.calls == mock.calls
    mock.reset_mock()
    assert mock.get_repositories(323).total == 150
