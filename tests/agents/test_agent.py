"""An agent: how it is made, what it sends, and how it finds runs again."""

import base64
import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codegen_ext import (
    Agent,
    AsyncAgent,
    AsyncCodegenClient,
    ClientConfig,
    CodegenClient,
    ConfigurationError,
    NotFoundError,
    PaymentRequiredError,
    ServerError,
    ValidationError,
)
from codegen_ext.run_options import run_arguments
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..conftest import TOKEN, Flavour, once
from ..support.filling import fill
from ..support.inside import without_request_id

PNG = b"\x89PNG\r\n\x1a\n....."


def operations(sandbox: Sandbox) -> list[str | None]:
    return [record.operation for record in sandbox.requests]


@pytest.mark.parametrize("org_id", [323, "323"])
def test_an_agent_is_made_from_organization_token_and_address(flavour: Flavour, sandbox: Sandbox, org_id: Any) -> None:
    with flavour.agent(org_id, TOKEN, sandbox.base_url) as agent:
        assert (agent.org_id, agent.token, agent.base_url) == (323, TOKEN, sandbox.base_url)
        assert type(agent.org_id) is int
        assert agent.run("hello").status == "pending"
    assert agent.client.session.is_closed


def test_an_agent_is_made_from_the_environment(
    monkeypatch: pytest.MonkeyPatch, flavour: Flavour, sandbox: Sandbox
) -> None:
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv("CODEGEN_BASE_URL", sandbox.base_url)
    with flavour.agent() as agent:
        assert agent.run("hello").id == 1
    with flavour.agent(org_id=5, token="other") as agent:
        assert (agent.org_id, agent.token) == (5, "other")


@once
def test_an_agent_takes_the_token_by_any_name_and_single_settings(flavour: Flavour, sandbox: Sandbox) -> None:
    for name in ("token", "api_token", "api_key"):
        with flavour.agent(323, base_url=sandbox.base_url, timeout=7, **{name: TOKEN}) as agent:
            assert (agent.token, agent.client.config.timeout) == (TOKEN, 7)
            assert agent._client is agent.client
    with pytest.raises(ConfigurationError, match="tokn"):
        flavour.agent(323, tokn=TOKEN)
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(agent)


def test_an_agents_client_serves_another_agent(agent: Any, flavour: Flavour) -> None:
    kind = AsyncAgent if flavour.is_async else Agent
    other = kind(5, client=getattr(agent, "_target", agent))
    assert (other.org_id, other.client) == (5, getattr(agent, "_target", agent).client)


def test_an_agents_default_address_is_the_service(flavour: Flavour) -> None:
    with flavour.agent(323, "abc") as agent:
        assert agent.base_url == "https://api.codegen.com/v1"


def test_an_agent_is_made_from_a_configuration(flavour: Flavour, sandbox: Sandbox) -> None:
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, org_id="323", timeout=5)
    with flavour.agent(config=config) as agent:
        assert (agent.org_id, agent.client.config.timeout) == (323, 5)
    with flavour.agent("7", config=config) as agent:
        assert agent.org_id == 7
    with pytest.raises(ConfigurationError, match="either config or token"):
        flavour.agent(323, "abc", config=config)
    with pytest.raises(ConfigurationError, match="either config or token"):
        flavour.agent(323, base_url="http://x", config=config)


@pytest.mark.parametrize(("agent", "client"), [(Agent, AsyncCodegenClient), (AsyncAgent, CodegenClient), (Agent, str)])
def test_a_client_of_the_other_kind_is_refused(agent: Any, client: Any) -> None:
    with pytest.raises(ConfigurationError, match=f"got {client.__name__}"):
        agent(323, client=client() if client is str else client(ClientConfig(api_token="abc")))


@pytest.mark.parametrize("part", [{"token": "abc"}, {"base_url": "http://x"}, {"config": ClientConfig(api_token="a")}])
def test_settings_beside_a_client_are_refused(client: Any, flavour: Flavour, part: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="a client has its own settings"):
        flavour.agent(323, client=client, **part)


def test_a_client_that_was_brought_along_stays_open(client: Any, agent: Any) -> None:
    agent.close()
    assert not client.session.is_closed
    with agent:
        assert agent.client == client
    assert client.get_current_user().id == 1


def test_a_missing_token_is_refused(flavour: Flavour) -> None:
    with pytest.raises(ValueError, match="CODEGEN_API_TOKEN"):
        flavour.agent(323)
    with pytest.raises(ValueError, match="CODEGEN_API_TOKEN"):
        flavour.agent(323, "")


@pytest.mark.parametrize("org_id", [None, "", "abc", " 323", 3.0, True, "٣", "-1", 0, "0"])
def test_an_organization_that_is_no_number_is_refused(flavour: Flavour, org_id: Any) -> None:
    with pytest.raises(ConfigurationError, match="org_id") as caught:
        flavour.agent(org_id, "abc")
    assert caught.value.config_key == "org_id"


def test_the_smallest_use(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run("Create a function")
    assert (task.id, task.status, task.metadata) == (1, "pending", None)
    run = sandbox.runs[0]
    assert (run.prompt, without_request_id(run.metadata), run.images) == ("Create a function", {}, [])
    assert operations(sandbox) == ["create_agent_run"]


def test_every_option_reaches_the_service(agent: Any, sandbox: Sandbox) -> None:
    task = agent.run(
        "Fix the bug",
        ["data:image/png;base64,AAAA", PNG],
        {"ticket": 7},
        repo_id="5",
        branch="fix/it",
        priority="high",
        tags=("a", "b"),
        context={"why": "it breaks"},
        model="some-model",
        agent_type="claude_code",
        webhook_url="http://127.0.0.1:9/hook",
    )
    run = sandbox.runs[0]
    encoded = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert run.images == ["data:image/png;base64,AAAA", encoded]
    assert (run.repo_id, run.model, run.agent_type) == (5, "some-model", "claude_code")
    assert run.prompt == 'Branch: fix/it\nContext: {"why": "it breaks"}\n\nFix the bug'
    assert without_request_id(run.metadata) == {
        "ticket": 7,
        "webhook_url": "http://127.0.0.1:9/hook",
        "codegen_sdk": {
            "priority": "high",
            "tags": ["a", "b"],
            "branch": "fix/it",
            "context": {"why": "it breaks"},
        },
    }
    assert task.metadata == {"ticket": 7, "webhook_url": "http://127.0.0.1:9/hook"}


def test_options_without_metadata_show_none(agent: Any, sandbox: Sandbox) -> None:
    assert agent.run("hello", priority="low", tags=[]).metadata is None
    assert without_request_id(sandbox.runs[0].metadata) == {"codegen_sdk": {"priority": "low", "tags": []}}
    assert agent.run("hello", metadata={}).metadata == {}
    assert agent.run("hello", metadata={}, priority="low").metadata == {}


def test_options_are_added_to_what_callers_put_under_the_reserved_key(agent: Any, sandbox: Sandbox) -> None:
    agent.run("hello", metadata={"codegen_sdk": {"request_id": "mine"}}, priority="low")
    assert sandbox.runs[0].metadata == {"codegen_sdk": {"request_id": "mine", "priority": "low"}}


@pytest.mark.parametrize(
    ("options", "prompt"),
    [
        ({"branch": "main"}, "Branch: main\n\nDo it"),
        ({"context": "in a hurry"}, "Context: in a hurry\n\nDo it"),
        ({"context": ""}, "Do it"),
        ({"context": {"ü": [1]}}, 'Context: {"ü": [1]}\n\nDo it'),
    ],
)
def test_branch_and_context_stand_at_the_head_of_the_prompt(
    agent: Any, sandbox: Sandbox, options: dict[str, Any], prompt: str
) -> None:
    agent.run("Do it", **options)
    assert sandbox.runs[0].prompt == prompt


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"prompt": ""}, "prompt"),
    ({"prompt": " \n\t"}, "prompt"),
    ({"prompt": None}, "prompt"),
    ({"prompt": 5}, "prompt"),
    ({"priority": "asap"}, "priority"),
    ({"priority": 1}, "priority"),
    ({"tags": 5}, "tags"),
    ({"branch": 5}, "branch"),
    ({"webhook_url": b"https://example.com"}, "webhook_url"),
    ({"repository": 107}, "repository"),
    ({"metadata": [1]}, "metadata"),
    ({"metadata": "text"}, "metadata"),
    ({"context": {"a": object()}}, "context.a"),
    ({"context": 5}, "context"),
    ({"metadata": {"a": [1, {"b": Path()}]}}, "metadata.a.1.b"),
    ({"metadata": {1: 2}}, "metadata"),
    ({"webhook_url": "foo"}, "webhook_url"),
    ({"webhook_url": "https://"}, "webhook_url"),
    ({"images": ["https://example.com/a.png"]}, "images.0"),
    ({"images": [io.StringIO("text")]}, "images.0"),
    ({"images": io.BytesIO(PNG)}, "images"),
    ({"images": "picture.png"}, "images"),
    ({"images": ["no/such/file.png"]}, "images.0"),
    ({"images": [PNG, b"text"]}, "images.1"),
    ({"images": ["data:nonsense"]}, "images.0"),
    ({"images": ["data:image/png;base64,"]}, "images.0"),
    ({"images": 5}, "images"),
    ({"repo_id": "abc"}, "repo_id"),
    ({"repo_id": 1.5}, "repo_id"),
    ({"timeout": 0}, "timeout"),
    ({"timeout": "5"}, "timeout"),
    ({"repository": "owner/repo", "repo_id": 107}, "repository"),
]


@once
@pytest.mark.parametrize(("options", "field"), REFUSED)
def test_a_bad_option_is_refused_before_anything_is_sent(
    agent: Any, sandbox: Sandbox, options: dict[str, Any], field: str
) -> None:
    with pytest.raises(ValidationError) as caught:
        agent.run(**{"prompt": "hello", **options})
    assert caught.value.field == field
    assert list(caught.value.field_errors) == [field]
    assert sandbox.requests == []


@once
def test_images_come_from_paths_contents_open_files_and_data_uris(
    agent: Any, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    path = tmp_path / "picture.png"
    path.write_bytes(PNG)
    with path.open("rb") as file:
        images = [path, str(path), "~/picture.png", PNG, bytearray(PNG), memoryview(PNG), file, io.BytesIO(PNG)]
        agent.run("hello", images=[*images, "data:image/png;base64,AAAA"])
    encoded = "data:image/png;base64," + base64.b64encode(PNG).decode()
    assert sandbox.runs[0].images == [encoded] * len(images) + ["data:image/png;base64,AAAA"]


@once
def test_messages_name_what_was_meant(agent: Any) -> None:
    agent.run("hello")
    refused: list[tuple[Callable[[], object], str, str]] = [
        (lambda: agent.run("x", "owner/repo"), "repository=", "create_agent_run"),
        (lambda: agent.run("x", images=["https://example.com/a.png"]), "not fetched", "no such file"),
        (lambda: agent.run("x", metadata={"place": Path()}), "metadata.place: cannot be written as JSON", "operation"),
        (lambda: agent.get_task(1).resume(""), "prompt: must not be blank", "create_agent_run"),
    ]
    for call, named, unnamed in refused:
        with pytest.raises(ValidationError) as caught:
            call()
        assert named in str(caught.value)
        assert unnamed not in str(caught.value).lower()


@once
def test_tasks_are_filtered_by_what_they_were_created_with(agent: Any, sandbox: Sandbox, clock: FakeClock) -> None:
    for number in range(130):
        if number < 2 or number % 10 == 0:
            options = {"tags": ["ci", str(number)]} if number % 10 == 0 else {}
            agent.run("[[seconds=5 logs=0]]", repository="owner/repo" if number < 2 else None, **options)
        else:
            fill(sandbox, 1, "[[outcome=never logs=0]]")
    assert [task.id for task in agent.list_tasks(tag="ci")] == [n + 1 for n in range(120, 29, -10)]
    assert [task.id for task in agent.list_tasks(2, tag="0")] == [1]
    assert [task.id for task in agent.list_tasks(repository="Owner/Repo")] == [2, 1]
    assert agent.list_tasks(status="completed") == []
    clock.advance(60)
    assert len(agent.list_tasks(5, status="COMPLETE", tag="ci")) == 5
    with pytest.raises(ValidationError, match="status: expected one of"):
        agent.list_tasks(status="complet")
    with pytest.raises(ValidationError, match="limit"):
        agent.list_tasks(-1, tag="ci")


def test_the_services_refusal_comes_out(agent: Any, sandbox: Sandbox) -> None:
    sandbox.credits = 0
    with pytest.raises(PaymentRequiredError):
        agent.run("hello")
    with pytest.raises(NotFoundError):
        agent.run("hello", repo_id=9999)


@pytest.mark.parametrize("name", ["owner/repo", "Owner/Repo", " owner/repo "])
def test_a_repository_is_found_by_its_name_on_whatever_page(agent: Any, sandbox: Sandbox, name: str) -> None:
    agent.run("hello", repository=name)
    assert sandbox.runs[0].repo_id == 107
    assert operations(sandbox) == ["get_repositories", "get_repositories", "create_agent_run"]


def test_the_repositories_are_read_once(agent: Any, client: Any, flavour: Flavour, sandbox: Sandbox) -> None:
    agent.run("hello", repository="owner/repo")
    agent.run("hello", repository="sandbox/service-003")
    flavour.agent(323, client=client).run("hello", repository="owner/repo")
    assert operations(sandbox).count("get_repositories") == 2
    assert [run.repo_id for run in sandbox.runs] == [107, 3, 107]


def test_a_repository_that_is_new_is_looked_up_anew(agent: Any, sandbox: Sandbox) -> None:
    agent.run("hello", repository="owner/repo")
    sandbox.repositories.append({**sandbox.repositories[-1], "id": 151, "name": "new", "full_name": "owner/new"})
    agent.run("hello", repository="owner/new")
    assert sandbox.runs[1].repo_id == 151


def test_an_unknown_repository_is_refused_with_the_names_that_are_close(agent: Any, sandbox: Sandbox) -> None:
    with pytest.raises(ValidationError, match=r"no repository 'owner/rep'; close matches: owner/repo") as caught:
        agent.run("hello", repository="owner/rep")
    assert caught.value.field == "repository"
    with pytest.raises(ValidationError, match=r"no repository 'zzzzzzzz'$"):
        agent.run("hello", repository="zzzzzzzz")
    assert "create_agent_run" not in operations(sandbox)


def test_repositories_that_cannot_be_read_are_an_error_of_the_service(agent: Any, sandbox: Sandbox) -> None:
    sandbox.inject("get_repositories", Fault.status(503))
    with pytest.raises(ServerError):
        agent.run("hello", repository="owner/repo")
    sandbox.clear_faults()
    assert agent.run("hello", repository="owner/repo").id == 1


def test_another_process_can_pick_a_run_up(agent: Any, flavour: Flavour, sandbox: Sandbox) -> None:
    agent.run("hello", metadata={"a": 1}, priority="high")
    with flavour.agent(323, TOKEN, sandbox.base_url) as other:
        for task_id in (1, "1"):
            task = other.get_task(task_id)
            assert (task.id, task.status, task.metadata) == (1, "pending", {"a": 1})
        with pytest.raises(NotFoundError):
            other.get_task(99)
        with pytest.raises(ValidationError):
            other.get_task("x")


def test_tasks_are_listed_newest_first(agent: Any, sandbox: Sandbox) -> None:
    fill(sandbox, 120)
    assert [task.id for task in agent.list_tasks()] == list(range(120, 110, -1))
    assert [task.id for task in agent.list_tasks(3)] == [120, 119, 118]
    assert sandbox.requests[-1].query == "skip=0&limit=3"
    assert [task.id for task in agent.list_tasks(limit=110)] == list(range(120, 10, -1))
    assert [task.id for task in agent.list_tasks(500)] == list(range(120, 0, -1))
    assert agent.list_tasks(0) == []


def test_the_status_is_that_of_the_latest_run(agent: Any, clock: FakeClock) -> None:
    assert agent.get_status() == {"id": None, "status": None, "result": None, "web_url": None}
    agent.run("one")
    agent.run("two")
    clock.advance(20)
    assert agent.get_status() == {
        "id": 2,
        "status": "completed",
        "result": "Done: two",
        "web_url": "https://sandbox.invalid/323/2",
    }


def test_an_agent_shows_organization_and_address(agent: Any, sandbox: Sandbox, flavour: Flavour) -> None:
    name = "AsyncAgent" if flavour.is_async else "Agent"
    assert repr(agent) == f"{name}(org_id=323, base_url={sandbox.base_url!r})"


METADATA = st.dictionaries(
    st.text().filter(lambda key: key not in ("codegen_sdk", "webhook_url")),
    st.recursive(st.none() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=2), max_leaves=3),
    min_size=1,
    max_size=3,
)


@settings(max_examples=30)
@given(METADATA, st.sampled_from([None, "high"]), st.none() | st.lists(st.text(max_size=5), max_size=3))
def test_whatever_is_given_as_metadata_is_not_touched(
    metadata: dict[str, Any], priority: str | None, tags: list[str] | None
) -> None:
    before = json.loads(json.dumps(metadata))
    sent = run_arguments("hello", metadata=metadata, priority=priority, tags=tags)["metadata"]
    assert metadata == before
    assert {key: value for key, value in sent.items() if key != "codegen_sdk"} == before
    assert ("codegen_sdk" in sent) is (priority is not None or tags is not None)


@given(st.text())
def test_any_prompt_that_is_not_blank_is_sent_as_it_is(prompt: str) -> None:
    if prompt.strip():
        assert run_arguments(prompt)["prompt"] == prompt
    else:
        with pytest.raises(ValidationError, match="blank"):
            run_arguments(prompt)
