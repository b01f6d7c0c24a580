"""The documented rate limits, and no others."""

import pytest
from codegen_api.operations import OPERATIONS

from ..support.calls import required

GROUPS = sorted({(operation.service, operation.rate_limit.group) for operation in OPERATIONS.values()})


@pytest.mark.parametrize("group", GROUPS, ids="-".join)
def test_every_group_has_its_limit(serve, group):
    limited = serve(rate_limits=True)
    members = [one for one in OPERATIONS.values() if (one.service, one.rate_limit.group) == group]
    limit = members[0].rate_limit

    def call(index):
        member = members[index % len(members)]
        return limited.call(member.id, check=False, **required(member))

    assert all(call(index).status_code != 429 for index in range(limit.requests))
    refused = call(0)
    assert (refused.status_code, refused.json()["status_code"]) == (429, 429)
    assert refused.headers["retry-after"] == str(int(limit.seconds))
    limited.clock.advance(limit.seconds - 0.5)
    assert call(1).headers["retry-after"] == "1", "a refused request does not count"
    limited.clock.advance(0.5)
    assert call(2).status_code != 429


def test_groups_services_and_tokens_count_apart(serve):
    api = serve(rate_limits=True, token=None)
    assert [api.status("get_current_user") for _ in range(61)][-1] == 429
    assert api.status("get_cli_rules") == api.status("list_models") == 200
    api.client.headers["authorization"] = "bearer any other"
    assert api.status("get_current_user") == 200
    del api.client.headers["authorization"]
    assert api.status("get_current_user") == 401


def test_speed_shortens_runs_and_windows_which_can_be_switched_off(serve):
    api = serve(rate_limits=True, speed=20)
    answers = [api.call("create_agent_run", prompt="x") for _ in range(11)]
    assert answers[-1].headers["retry-after"] == "3"
    api.sandbox.settings.rate_limits = False
    assert api.create() == 11
    api.sandbox.rate_limits = True
    api.clock.advance(0.09)
    assert api.run(11)["status"] == "RUNNING", "2 s at this speed are 0.1 s"
    api.clock.advance(2.91)
    assert (api.create(), api.run(11)["status"]) == (12, "COMPLETE")
