"""The mock clients: every operation answers as the contract allows, what a test says is checked, calls are recorded."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext import (
    Agent,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ValidationError,
)
from codegen_ext.testing import AsyncMockCodegenClient, FakeClock, MockCall, MockChatServerClient, MockCodegenClient
from codegen_ext.testing.sandbox import schema as schemas

VALUES: dict[str, Any] = {"integer": 7, "string": "text", "array": ["x"], "object": {}, "boolean": True}
MESSAGES = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def mock() -> Iterator[Any]:
    with MockCodegenClient() as client:
        yield client


def test_every_operation_answers_as_the_contract_allows() -> None:
    clients: dict[str, Any] = {"codegen": MockCodegenClient(), "chatserver": MockChatServerClient()}
    for operation in OPERATIONS.values():
        inputs, mock = schemas.inputs(operation.id), clients[operation.service]
        rules = {parameter["name"]: parameter["schema"] for parameter in inputs.parameters}
        rules |= (inputs.body or {}).get("properties", {})
        given = {
            one.python_name: MESSAGES
            if one.name == "messages"
            else schemas.resolve(rules[one.name]).get("enum", [VALUES[one.type]])[0]
            for one in operation.arguments
            if one.required
        }
        answer = getattr(mock.with_raw_response, operation.id)(**given)
        schema = schemas.output(operation.id)
        assert list(schemas.problems(schema, httpx.Response(200, content=answer.content).json(), ())) == []
        name, recorded = mock.calls[-1]
        assert (name, {key: recorded[key] for key in given}) == (operation.id, given)
    for mock in clients.values():
        mock.close()


def test_missing_fields_come_from_the_call_and_the_contract(mock: Any) -> None:
    mock.set_mock_response("get_agent_run", {"result": "ok"})
    run = mock.get_agent_run("323", 17)
    assert (run.id, run.organization_id, run.status, run.result) == (17, 323, "completed", "ok")
    assert mock.get_user(323, 4).id == 4
    assert [mock.create_agent_run(323, "x").id for _ in range(2)] == [1, 2]
    assert mock.create_agent_run(323, "x").status == "pending"
    mock.set_mock_response("get_agent_run", {"github_pull_requests": [{"id": 1, "title": "T", "url": "u"}]})
    pulls = mock.get_agent_run(323, 1).github_pull_requests
    assert (pulls[0].title, pulls[0].created_at) == ("T", "2026-01-01T00:00:00Z")


def test_an_answer_of_ones_own_may_be_a_model_or_taken_back(mock: Any) -> None:
    run = mock.get_agent_run(323, 1)
    run.result = "changed"
    mock.set_mock_response("get_agent_run", run)
    assert mock.get_agent_run(323, 1).result == "changed"
    with pytest.raises(InvalidResponseError, match="asked for 9, the response is about 1"):
        mock.get_agent_run(323, 9)
    mock.set_mock_response("get_agent_run", None)
    assert mock.get_agent_run(323, 9).result is None
    answer: dict[str, Any] = {"metadata": {"a": [1]}}
    mock.set_mock_response("get_agent_run", answer)
    answer["metadata"]["a"].append(2)
    mock.get_agent_run(1, 1).metadata["a"].append(3)
    assert mock.get_agent_run(1, 1).metadata == {"a": [1]}, "it is a copy"


def test_a_list_is_what_the_pages_consist_of(mock: Any) -> None:
    mock.set_mock_response("list_agent_runs", [{"result": f"number {number}"} for number in range(1, 251)])
    page = mock.list_agent_runs(323, skip=200, limit=100)
    assert (len(page.items), page.total, page.page, page.size, page.pages) == (50, 250, 3, 100, 3)
    assert [page.items[0].id, page.items[0].result] == [201, "number 201"]
    assert len(list(mock.stream_all_agent_runs(323))) == 250
    mock.set_mock_response("get_agent_run_logs", [{"thought": "one"}, {"thought": "two"}])
    logs = mock.get_agent_run_logs(323, 5)
    assert ([log.thought for log in logs.logs], logs.total_logs, logs.logs[0].agent_run_id) == (["one", "two"], 2, 5)
    mock.set_mock_response("list_agent_runs", [])
    assert mock.list_agent_runs(323).items == []
    mock.set_mock_response("get_mcp_providers", [{"name": "linear"}, {"name": "notion"}])
    assert [provider.name for provider in mock.get_mcp_providers()] == ["linear", "notion"]


def test_a_list_of_objects_is_one_answer_after_the_other(mock: Any) -> None:
    states = [{"status": "RUNNING"}, NotFoundError("gone"), {"status": "completed"}]
    mock.set_mock_response("get_agent_run", states)
    assert mock.get_agent_run(1, 1).status == "running"
    with pytest.raises(NotFoundError, match="gone"):
        mock.get_agent_run(1, 1)
    assert [mock.get_agent_run(1, 1).status for _ in range(2)] == ["completed", "completed"]
    with pytest.raises(ConfigurationError, match="empty"):
        mock.set_mock_response("get_agent_run", [])
    mock.set_mock_response("get_agent_run", [{"status": "running"}] * 20 + [{"status": "completed", "result": "yes"}])
    assert mock.wait_for_completion(323, 5, timeout=3600).result == "yes", "and waiting takes no time"
    assert len(mock.calls_to("get_agent_run")) == 4 + 21


@pytest.mark.parametrize(
    ("error", "raised"),
    [
        (RateLimitError("slow down", 429, retry_after=7), RateLimitError),
        (NotFoundError, NotFoundError),
        (httpx.ConnectError("refused"), NetworkError),
        (KeyError("mine"), KeyError),
    ],
)
def test_an_exception_is_raised(mock: Any, error: Any, raised: type[Exception]) -> None:
    for name in ("get_agent_run", "create_agent_run"):
        mock.set_mock_response(name, error)
        with pytest.raises(raised) as caught:
            getattr(mock, name)(323, "17")
        assert caught.value is error or not isinstance(error, raised)
        assert len(mock.calls_to(name)) == 1


def test_a_function_gets_the_arguments_by_name(mock: Any) -> None:
    mock.set_mock_response("get_agent_run", lambda org_id, agent_run_id: {"result": f"{org_id}/{agent_run_id}"})
    assert mock.get_agent_run(323, 8).result == "323/8"
    mock.set_mock_response("create_agent_run", lambda **given: NotFoundError(given["prompt"]))
    with pytest.raises(NotFoundError, match="Hello"):
        mock.create_agent_run(323, "Hello")
    mock.set_mock_response("list_agent_runs", lambda skip, limit, **_: [{"id": 3}, {"id": 4}])
    assert [run.id for run in mock.list_agent_runs(323).items] == [3, 4]
    mock.set_mock_response("get_user", lambda org_id, user_id: {"full_name": str(len(mock.calls))})
    assert mock.with_raw_response.get_user(1, 1).parsed.full_name.isdigit(), "it may use the client"
    mock.set_mock_response("get_current_user", lambda: None)
    assert mock.get_current_user().id == 1
    mock.set_mock_response("get_current_user", lambda: {"emial": "x"})
    with pytest.raises(ValidationError, match="did you mean email"):
        mock.get_current_user()


async def test_an_async_client_takes_async_functions(mock: Any) -> None:
    async def answer(**given: Any) -> dict[str, Any]:
        return {"result": "later"}

    async with AsyncMockCodegenClient() as client:
        client.set_mock_response("get_agent_run", [answer, {"status": "running"}, {"result": "last"}])
        assert (await client.get_agent_run(1, 1)).result == "later"
        assert (await client.wait_for_completion(1, 1)).result == "last"
        assert len(client.calls) == 3
    mock.set_mock_response("get_agent_run", answer)
    with pytest.raises(ConfigurationError, match="AsyncMockCodegenClient"):
        await asyncio.to_thread(mock.get_agent_run, 1, 1)


@pytest.mark.parametrize(
    ("response", "fields"),
    [
        ({"staus": "pending"}, {"staus": ["is not a field of the contract; did you mean status?"]}),
        ({"id": "x"}, {"id": ["Input should be a valid integer"]}),
        ({"id": True}, {"id": ["Input should be a valid integer"]}),
        ({"metadata": []}, None),
        ({"github_pull_requests": [{"titel": 1}]}, None),
        ({"result": object()}, None),
        ({"result": float("nan")}, None),
        ("completed", {"response": ["Input should be a valid object"]}),
        ([{"status": "running"}, {"id": "x"}], {"id": ["Input should be a valid integer"]}),
    ],
)
def test_what_the_contract_does_not_allow_is_refused(mock: Any, response: Any, fields: Any) -> None:
    with pytest.raises(ValidationError, match="the contract does not allow this mock response") as caught:
        mock.set_mock_response("get_agent_run", response)
    assert caught.value.operation == "get_agent_run"
    assert caught.value.field_errors
    assert fields is None or caught.value.field_errors == fields
    assert mock.get_agent_run(323, 1).status == "completed", "the answer is as it was"
    for page in ([3], [{"id": "x"}], {"items": [{"staus": 1}]}, {"total": "many"}):
        with pytest.raises(ValidationError, match="does not allow"):
            mock.set_mock_response("list_agent_runs", page)


def test_an_unknown_name_is_refused(mock: Any) -> None:
    names: dict[Any, str] = dict.fromkeys(("list_models", "", None), "no operation")
    names |= {"get_agnt_run": "did you mean get_agent_run"}
    names |= {"wait_for_completion": "that method performs others, .*get_agent_run"}
    for name, hint in names.items():
        for use in (lambda name: mock.set_mock_response(name, {}), mock.calls_to):
            with pytest.raises(ConfigurationError, match=hint):
                use(name)


def test_calls_are_recorded(mock: Any) -> None:
    mock.create_agent_run("323", "Hello", metadata={"a": 1})
    with pytest.raises(ValidationError):
        mock.create_agent_run("no number", "Hello")
    assert mock.calls == [MockCall("create_agent_run", {"org_id": 323, "prompt": "Hello", "metadata": {"a": 1}})]
    assert mock.calls_to("create_agent_run")[0]["prompt"] == "Hello"
    assert mock.calls_to("get_agent_run") == []
    mock.set_mock_response("get_current_user", {"email": "a@example.com"})
    mock.reset_mock()
    assert mock.calls == []
    assert mock.get_current_user().email is None


def test_the_repositories_are_those_of_the_sandbox(mock: Any) -> None:
    assert mock.get_repositories(7, limit=1).total == 150
    with Agent(323, client=mock) as agent:
        agent.run("Hello", repository="owner/repo")
    assert mock.calls_to("create_agent_run")[0]["repo_id"] == 107
    mock.set_mock_response("get_repositories", [{"full_name": "acme/shop"}])
    assert mock.get_repositories(323).items[0].full_name == "acme/shop"
    mock.reset_mock()
    assert mock.get_repositories(323).total == 150


def test_settings_of_ones_own_hold() -> None:
    clock = FakeClock()
    config = ClientConfig(api_token="any", base_url="https://api.example.com", max_retries=2, timeout=3)
    with MockCodegenClient(config, clock=clock) as mock:
        assert mock.config.timeout == 3
        mock.set_mock_response("get_agent_run", httpx.ConnectError("refused"))
        with pytest.raises(NetworkError):
            mock.get_agent_run(1, 1)
        assert len(mock.calls) == 3
        assert clock.slept
        mock.reset_mock()
        mock.create_agent_run(323, "Hello")
        mock.create_agent_run(323, "Hello", metadata={"a": 1})
        seen = [call.arguments.get("metadata") for call in mock.calls]
        assert seen == [None, {"a": 1}], "the id that creates carry is not among the arguments"
    assert (config.transport, config.base_url) == (None, "https://api.example.com")


def test_no_network_and_no_settings_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CODEGEN_SHARED_STATE", "redis://127.0.0.1:1")
    monkeypatch.setenv("CODEGEN_BASE_URL", "https://api.example.com")
    monkeypatch.setenv("CODEGEN_API_TOKEN", "real-token-of-somebody")
    with MockCodegenClient() as mock:
        assert isinstance(mock, CodegenClient)
        assert mock.get_current_user().id == 1
        assert mock.config.api_token == "mock-token"
        assert mock.health_check()["healthy"]
        with pytest.raises(NotFoundError):
            mock.request("GET", "/v1/nowhere")


def test_what_is_made_of_operations_works_on_a_mock(mock: Any) -> None:
    configs = [{"prompt": f"number {number}"} for number in range(30)]
    results = mock.bulk_create_agent_runs(323, configs, wait=True)
    assert [result.data.status for result in results] == ["completed"] * 30
    assert sorted(result.data.id for result in results) == list(range(1, 31))
    prompts = {call["prompt"] for call in mock.calls_to("create_agent_run")}
    assert prompts == {config["prompt"] for config in configs}
    mock.set_mock_response("get_agent_run_logs", [{"thought": "one"}, {"thought": "two"}])
    assert [log.thought for log in mock.stream_logs(323, 5)] == ["one", "two"]
    mock.set_mock_response("get_agent_run", [{"status": "running"}, {"status": "failed", "result": "No"}])
    with Agent(323, client=mock) as agent:
        task = agent.run("Hello").wait_for_completion()
    assert (task.status, task.error) == ("failed", "No")
    with mock.with_options(timeout=1) as derived:
        assert derived.calls == mock.calls
