"""Scripts, from Python and from prompts."""

import pytest

from codegen_ext.testing import Script
from codegen_ext.testing.sandbox.script import script_in


@pytest.mark.parametrize(
    ("outcome", "status"),
    [("completed", "COMPLETE"), ("failed", "FAILED"), ("cancelled", "CANCELLED"), ("paused", "PAUSED")],
)
def test_outcomes(api, outcome, status):
    api.sandbox.script(outcome, seconds=1)
    run_id = api.create()
    other = api.create(f"[[outcome={outcome} seconds=1]]")
    api.clock.advance(0.5)
    assert api.run(run_id)["status"] == api.run(other)["status"] == "RUNNING"
    api.clock.advance(0.5)
    assert api.run(run_id)["status"] == api.run(other)["status"] == status


def test_a_run_may_never_end(api):
    run_id = api.create("[[outcome=never logs=5]]")
    api.clock.advance(1)
    assert api.logs(run_id)["total_logs"] == 3
    api.clock.advance(10_000)
    assert api.run(run_id)["status"] == "RUNNING"
    assert api.logs(run_id)["total_logs"] == 5


def test_the_details_of_an_outcome(api):
    api.sandbox.script("failed", logs=4, result="It broke", pull_request=True)
    run_id = api.create()
    quiet = api.create("[[pull_request=no result='' logs=0]]")
    api.clock.advance(2)
    ended = api.run(run_id)
    assert (ended["result"], len(ended["github_pull_requests"])) == ("It broke", 1)
    assert [entry["message_type"] for entry in api.logs(run_id)["logs"]][0::3] == ["USER_MESSAGE", "ERROR"]
    assert (api.run(quiet)["result"], api.run(quiet)["github_pull_requests"]) == ("", [])
    assert api.logs(quiet)["logs"] == []


@pytest.mark.parametrize("is_directive", [False, True])
def test_any_sequence_of_statuses(api, is_directive):
    if not is_directive:
        api.sandbox.script(states=[("QUEUED", 1.0), ("ODD_WORD", 1.0), (None, 1.0), ("COMPLETED", 0.0)])
    directive = "\n[[states=QUEUED:1,ODD_WORD:1,:1,COMPLETED:0]]" if is_directive else ""
    run_id = api.create(f"Fix the bug{directive}")
    seen = []
    for _ in range(4):
        seen.append(api.run(run_id)["status"])
        api.clock.advance(1)
    assert seen == ["QUEUED", "ODD_WORD", None, "COMPLETED"]
    assert api.run(run_id)["result"] == "Done: Fix the bug"
    assert api.logs(run_id)["total_logs"] > 2


def test_scripts_are_for_so_many_runs_and_prompts_go_first(api):
    script = api.sandbox.script(status="TIMEOUT", seconds=0, times=2)
    assert script == Script(status="TIMEOUT", seconds=0)
    ids = [api.create(prompt) for prompt in ("a", "[[outcome=paused seconds=0]]", "b", "c")]
    api.clock.advance(2)
    assert [api.run(run_id)["status"] for run_id in ids] == ["TIMEOUT", "PAUSED", "TIMEOUT", "COMPLETE"]


def test_a_script_can_say_that_the_limit_is_reached(api):
    api.sandbox.script("limit_reached")
    assert api.call("create_agent_run", {"prompt": "x"}).status_code == 402
    assert api.call("create_agent_run", {"prompt": "[[outcome=limit_reached]]"}).status_code == 402
    assert api.call("generate_setup_commands", {"repo_id": 1, "prompt": "[[outcome=limit_reached]]"}).status_code == 400
    assert api.sandbox.runs == []


@pytest.mark.parametrize(
    "directive",
    [
        "outcome=lost",
        "outcome=running",
        "speed=3",
        "outcome=failed fast",
        "seconds=soon",
        "seconds=-1",
        "seconds=nan",
        "logs=-1",
        "logs=1000000000",
        "pull_request=maybe",
        "states=RUNNING",
        "states=RUNNING:-1",
        'result="open',
        "logs=1]] and [[logs=2",
        "logs=1 logs=1",
    ],
)
def test_a_wrong_or_second_directive_is_refused(api, directive):
    refused = api.call("create_agent_run", {"prompt": f"Do [[{directive}]]"})
    assert refused.status_code == 422
    (problem,) = refused.json()["detail"]
    assert problem["loc"] == ["body", "prompt"]
    assert api.sandbox.runs == []


def test_a_prompt_may_have_other_brackets(api):
    for prompt in ("", "[[", "a[[0]]", "if [[ $x == y ]]; then", "[[Outcome=x]]"):
        assert script_in(prompt) is None
        api.create(prompt)


def test_wrong_scripts_are_refused():
    with pytest.raises(ValueError, match="at least one"):
        Script(states=[])
