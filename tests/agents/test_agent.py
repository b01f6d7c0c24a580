"""An agent: how it is made, what it sends, and how it finds runs again."""

import base64
import io
import pickle

import pytest

from codegen_ext import Agent, ClientConfig, CodegenClient, errors
from codegen_ext.testing import Fault

from ..conftest import TOKEN, once
from ..support.blocking import real
from ..support.calls import attempts, fill

PNG = b"\x89PNG\r\n\x1a\n....."
ENCODED = "data:image/png;base64," + base64.b64encode(PNG).decode()


def test_an_agent_is_made_from_its_organization_and_single_settings(flavour, sandbox):
    with flavour.agent("323", base_url=sandbox.base_url, timeout=7, api_key=TOKEN) as agent:
        assert (agent.org_id, agent.token, agent.base_url) == (323, TOKEN, sandbox.base_url)
        assert (type(agent.org_id), agent.client.config.timeout) == (int, 7)
        with flavour.agent(5, client=agent) as other, flavour.agent(client=agent.client) as same:
            assert (other.org_id, other.client, same.org_id) == (5, agent._client, 323)
        assert agent.run("hello").status == "pending", "a client that was brought along stays open"
    assert agent.client.session.is_closed
    with pytest.raises(TypeError, match="make one in each process"):
        pickle.dumps(real(agent))


@once
def test_an_agent_is_made_from_environment_or_configuration(monkeypatch, flavour):
    assert flavour.agent(323, "abc").base_url == "https://api.codegen.com/v1"
    config = ClientConfig(api_token="mine", base_url="http://localhost:1", org_id="7", timeout=5)
    monkeypatch.setenv("CODEGEN_API_TOKEN", TOKEN)
    monkeypatch.setenv("CODEGEN_ORG_ID", "323")
    monkeypatch.setenv("CODEGEN_BASE_URL", "http://localhost:2")
    for agent, made in (
        (flavour.agent(), (323, TOKEN, "http://localhost:2", 30)),
        (flavour.agent(org_id=5, token="other"), (5, "other", "http://localhost:2", 30)),
        (flavour.agent(config=config), (7, "mine", "http://localhost:1", 5)),
        (flavour.agent("8", config=config), (8, "mine", "http://localhost:1", 5)),
    ):
        assert (agent.org_id, agent.token, agent.base_url, agent.client.config.timeout) == made


CONFIG = ClientConfig(api_token="abc")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "CODEGEN_API_TOKEN"),
        ({"tokn": "abc"}, "tokn"),
        ({"token": "abc", "config": CONFIG}, "either config or token"),
        ({"client": CodegenClient, "token": "abc"}, "a client has its own settings"),
        ({"client": CodegenClient, "config": CONFIG}, "a client has its own settings"),
        *(
            ({"org_id": n, "token": "abc"}, "^org_id must be the organization's number")
            for n in (None, " 3", True, "٣")
        ),
    ],
)
def test_what_makes_no_agent_is_refused(arguments, message):
    built = {name: CodegenClient(CONFIG) if value is CodegenClient else value for name, value in arguments.items()}
    with pytest.raises(ValueError, match=message) as caught:
        Agent(**{"org_id": 323, **built})
    assert isinstance(caught.value, errors.ConfigurationError)


def test_every_option_reaches_the_service(agent, sandbox, tmp_path, monkeypatch):
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path))
    (tmp_path / "picture.png").write_bytes(PNG)
    given = {"ticket": {"number": [7, None]}, "codegen_sdk": {"request_id": "mine"}}
    task = agent.run(
        "Fix the bug\n",
        ["data:image/png;base64,AAAA", PNG, bytearray(PNG), io.BytesIO(PNG), "~/picture.png", tmp_path / "picture.png"],
        given,
        repo_id="5",
        branch="fix/it",
        priority="high",
        tags=("a", "b"),
        context={"why": "ü"},
        model="some-model",
        agent_type="claude_code",
        webhook_url="http://127.0.0.1:9/hook",
    )
    run = sandbox.runs[0]
    assert run.images == ["data:image/png;base64,AAAA", *[ENCODED] * 5]
    assert (run.repo_id, run.model, run.agent_type) == (5, "some-model", "claude_code")
    assert run.prompt == 'Branch: fix/it\nContext: {"why": "ü"}\n\nFix the bug\n'
    assert task.metadata == {"ticket": {"number": [7, None]}, "webhook_url": "http://127.0.0.1:9/hook"}
    reserved = {"priority": "high", "tags": ["a", "b"], "branch": "fix/it", "context": {"why": "ü"}}
    assert run.metadata == {**task.metadata, "codegen_sdk": {"request_id": "mine", **reserved}}
    assert given == {"ticket": {"number": [7, None]}, "codegen_sdk": {"request_id": "mine"}}
    agent.run("hello", context="in a hurry")
    assert sandbox.runs[1].prompt == "Context: in a hurry\n\nhello"


@once
def test_tasks_are_listed_newest_first_and_filtered(agent, sandbox, clock):
    agent.run("[[seconds=5 logs=0]]", repository="owner/repo", tags=["ci", "first"])
    sandbox.script(states=[("TIMEOUT", 0)])
    agent.run("hello")
    fill(sandbox, 118, "[[outcome=never logs=0]]")
    for _ in range(10):
        agent.run("[[seconds=5 logs=0]]", tags=["ci"])
    clock.advance(60)
    newest = list(range(130, 0, -1))
    for options, ids in (
        ({}, newest[:10]),
        ({"limit": 110}, newest[:110]),
        ({"limit": 3}, newest[:3]),
        ({"limit": 0}, []),
        ({"tag": "ci", "limit": 11}, [*newest[:10], 1]),
        ({"tag": "ci", "limit": 5, "status": "COMPLETE"}, newest[:5]),
        ({"repository": "Owner/Repo"}, [1]),
        *(({"status": status}, [2]) for status in ("failed", "FAILED", "TIMEOUT")),
        ({"status": "ERROR"}, []),
    ):
        assert [task.id for task in agent.list_tasks(**options)] == ids
    for options, problem in (({"status": "complet"}, "status: expected one of"), ({"tag": "ci", "limit": -1}, "limit")):
        with pytest.raises(errors.ValidationError, match=problem):
            agent.list_tasks(**options)


@once
def test_a_repository_is_found_by_its_name_and_kept(connect, flavour, sandbox):
    client = connect(enable_caching=True)
    agent = flavour.agent(323, client=client)

    sandbox.inject("get_repositories", Fault.status(503), times=1)
    with pytest.raises(errors.ServerError):
        agent.run("hello", repository="owner/repo")
    before = attempts(sandbox, "get_repositories")
    for name in ("owner/repo", " Owner/Repo ", "sandbox/service-003"):
        agent.run("hello", repository=name)
    flavour.agent(323, client=client).run("hello", repository="owner/repo")
    assert attempts(sandbox, "get_repositories") - before == 2
    sandbox.repositories.append({**sandbox.repositories[-1], "id": 151, "full_name": "owner/new"})
    agent.run("hello", repository="owner/new")
    assert [run.repo_id for run in sandbox.runs] == [107, 107, 3, 107, 151]
    with pytest.raises(errors.ValidationError, match=r"^repository: .*has no repository 'zzzzzzzz'$"):
        agent.run("hello", repository="zzzzzzzz")
    assert len(sandbox.runs) == 5


def test_the_status_is_that_of_the_latest_run(agent, clock):
    assert agent.get_status() == {"id": None, "status": None, "result": None, "web_url": None}
    agent.run("one")
    agent.run("two")
    clock.advance(20)
    address = "https://sandbox.invalid/323/2"
    assert agent.get_status() == {"id": 2, "status": "completed", "result": "Done: two", "web_url": address}
    with pytest.raises(errors.NotFoundError):
        agent.get_task(99)
