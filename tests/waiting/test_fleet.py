"""Pages that processes read for one another: the right runs, whatever part of them somebody asks for."""

from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from codegen_api import operations
from codegen_ext.flow import Perform
from codegen_ext.watching import fleet as module
from codegen_ext.watching.fleet import Fleet

from codegen_ext import ClientConfig, CodegenClient
from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN
from ..support.redis_server import RedisServer

RUNS = 230


def asked(sandbox: Sandbox, operation: str = "list_agent_runs") -> int:
    return sum(request.operation == operation for request in sandbox.requests)


class Sharing(CodegenClient):
    """A client whose waits share their pages."""

    fleet: Fleet

    def _follow(self, orders: Any) -> Any:
        return self._watcher.follow(orders, self.fleet.sharing(self._perform))


@pytest.fixture
def sharing(redis_server: RedisServer, sandbox: Sandbox, clock: FakeClock) -> Iterator[Sharing]:
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, rate_limits=False, enable_caching=False)
    with Sharing(config, clock=clock) as client:
        client.bulk_create_agent_runs(323, [{"prompt": f"run {number}"} for number in range(RUNS)])
        with closing(Fleet(redis_server.address, sandbox.base_url, TOKEN, clock)) as client.fleet:
            yield client


def ids(client: Sharing, skip: int) -> list[int]:
    ask = client.fleet.sharing(client._perform)
    effect = Perform(operations.LIST_AGENT_RUNS, {"org_id": 323, "skip": skip, "limit": 100})
    return [run.id for run in ask(effect).parsed.items]


def one(client: Sharing, run_id: int) -> int:
    effect = Perform(operations.GET_AGENT_RUN, {"org_id": 323, "agent_run_id": run_id})
    found: int = client.fleet.sharing(client._perform)(effect).parsed.id
    return found


def test_whoever_asks_again_gets_the_next_page_too(sharing: Sharing) -> None:
    newest = sorted((run.id for run in sharing.stream_all_agent_runs(323)), reverse=True)
    assert ids(sharing, 30) == newest[30:100]
    assert ids(sharing, 30) == newest[30:130]
    assert ids(sharing, 0) == newest[:100]
    assert ids(sharing, 210) == ids(sharing, 210) == newest[210:]
    assert ids(sharing, 500) == []


def test_runs_that_arrive_between_two_pages_make_no_gap(sharing: Sharing) -> None:
    first = ids(sharing, 30)
    for number in range(5):
        sharing.create_agent_run(323, f"late {number}")
    shown = ids(sharing, 30)
    assert set(first[5:]) <= set(shown)
    assert len(shown) == len(set(shown)) == 100
    assert shown == list(range(shown[0], shown[0] - 100, -1))


def test_a_single_run_comes_from_the_page_when_others_wait_too(sharing: Sharing, sandbox: Sandbox) -> None:
    newest = ids(sharing, 0)
    assert one(sharing, newest[0]) == newest[0]
    assert asked(sandbox, "get_agent_run") == 1
    assert one(sharing, newest[1]) == newest[1]
    assert one(sharing, newest[0]) == newest[0]
    assert asked(sandbox, "get_agent_run") == 1
    assert one(sharing, newest[-1] - 50) == newest[-1] - 50
    assert asked(sandbox, "get_agent_run") == 2


def test_what_was_changed_is_read_anew(sharing: Sharing, sandbox: Sandbox) -> None:
    ids(sharing, 0)
    before = asked(sandbox)
    sharing.fleet.forget()
    ids(sharing, 0)
    assert asked(sandbox) == before + 1


def test_every_wait_ends(sharing: Sharing, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    # Redis keeps pages in real time, and this clock is faster.
    monkeypatch.setattr(module, "FRESH", 0.001)
    wanted = sorted(run.id for run in sandbox.runs)[::3]
    assert {run.status for run in sharing.wait_for_all(323, wanted)} == {"completed"}
    assert asked(sandbox) + asked(sandbox, "get_agent_run") < 60


def test_without_redis_each_asks_for_itself(mortal_redis: RedisServer, sandbox: Sandbox, clock: FakeClock) -> None:
    config = ClientConfig(api_token=TOKEN, base_url=sandbox.base_url, rate_limits=False, enable_caching=False)
    with (
        Sharing(config, clock=clock) as client,
        closing(Fleet(mortal_redis.address, sandbox.base_url, TOKEN, clock)) as client.fleet,
    ):
        runs = [client.create_agent_run(323, f"run {number}") for number in range(3)]
        mortal_redis.kill()
        ended = client.wait_for_all(323, [run.id for run in runs])
        assert [run.status for run in ended] == ["completed"] * 3
        with client.fleet.alone("0" * 32, 1.0) as free:
            assert free
