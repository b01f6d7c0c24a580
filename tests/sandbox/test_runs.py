"""The life of an agent run: its statuses and logs, and the script that it follows."""

from datetime import datetime

import pytest
from codegen_api.enums import MessageType

from codegen_ext.testing import Script


def test_a_run_lives_through_its_time(api):
    run_id = api.create("Fix the bug\nin main", metadata={"ticket": {"id": 7, "ü": [None, 1.5]}})
    created, seen = api.run(), []
    assert (created["status"], created["source_type"]) == ("PENDING", "API")
    assert created["metadata"] == {"ticket": {"id": 7, "ü": [None, 1.5]}}
    assert created["result"] is created["summary"] is None
    assert created["web_url"].endswith(f"/323/{run_id}")
    assert datetime.fromisoformat(created["created_at"]).timestamp() == api.clock.time()
    for status in ("PENDING", *["RUNNING"] * 7, "COMPLETE"):
        logs = api.logs()
        assert (api.run()["status"], logs["total_logs"]) == (status, len(logs["logs"]))
        assert logs["logs"][: len(seen)] == seen
        seen = logs["logs"]
        api.clock.advance(0.25)
    assert {entry["message_type"] for entry in seen} == set(MessageType)
    assert (seen[0]["message_type"], seen[0]["observation"]) == ("USER_MESSAGE", "Fix the bug\nin main")
    assert (seen[-1]["message_type"], seen[-1]["observation"]) == ("FINAL_ANSWER", "Done: Fix the bug")
    times = [datetime.fromisoformat(entry["created_at"]) for entry in seen]
    assert times == sorted(times)
    actions = [entry for entry in seen if entry["message_type"] == "ACTION"]
    assert all(entry["tool_name"] and entry["tool_input"] and entry["tool_output"] for entry in actions)
    assert {type(entry["observation"]) for entry in actions} == {str, dict}
    ended = api.run()
    assert (ended["result"], bool(ended["summary"])) == ("Done: Fix the bug", True)
    assert ended["github_pull_requests"][0]["head_branch_name"] == "codegen/run-1"


def test_the_last_log_is_there_when_the_run_is_seen_to_end(api):
    for seconds in ("0.7", "1.1", "3.3"):
        run_id = api.create(f"[[seconds={seconds} logs=7]]")
        api.clock.advance(float(seconds))
        logs = api.logs(run_id)
        assert (logs["status"], logs["logs"][-1]["message_type"]) == ("COMPLETE", "FINAL_ANSWER")


def test_logs_are_paged_and_reversed(api):
    api.create("[[logs=250 seconds=0]]")
    pages = [api.logs(skip=skip, limit=100) for skip in (0, 100, 200)]
    assert [(len(page["logs"]), page["page"]) for page in pages] == [(100, 1), (100, 2), (50, 3)]
    assert {(page["total_logs"], page["size"], page["pages"]) for page in pages} == {(250, 100, 3)}
    forward = [entry for page in pages for entry in page["logs"]]
    assert api.logs(reverse=True, limit=10)["logs"] == forward[::-1][:10]
    assert api.logs(reverse=False, skip=249)["logs"] == forward[-1:]


def test_runs_are_listed_newest_first_and_filtered(api):
    for number in range(5):
        api.create(f"Task {number}")
    api.call("generate_setup_commands", {"repo_id": 1})

    def ids(**arguments):
        return [run["id"] for run in api.json("list_agent_runs", **arguments)["items"]]

    page = api.json("list_agent_runs", limit=2)
    assert [page[name] for name in ("total", "page", "size", "pages")] == [6, 1, 2, 3]
    assert ids(limit=2) == [6, 5]
    assert (ids(source_type="API"), ids(source_type="SETUP_COMMANDS")) == ([5, 4, 3, 2, 1], [6])
    me = api.json("get_current_user")["id"]
    assert (len(ids(user_id=me)), ids(user_id=me + 1), len(ids(user_id="", source_type="null"))) == (6, [], 6)


def test_a_repository_can_be_named(api):
    image = "data:image/png;base64,"
    api.create(repo_id=3, images=[image], model="m", agent_type="claude_code")
    run = api.sandbox.runs[0]
    assert (run.repo_id, run.images, run.model, run.agent_type) == (3, [image], "m", "claude_code")
    api.clock.advance(2)
    assert api.run()["github_pull_requests"][0]["url"] == "https://sandbox.invalid/sandbox/service-003/pull/1"
    assert api.status("create_agent_run", {"prompt": "x", "repo_id": 999}) == 404


@pytest.mark.parametrize("status", ["PAUSED", "ODD_WORD"])
def test_a_run_that_stands_still_is_resumed(api, status):
    api.create(f"[[status={status} logs=3 seconds=1 pull_request=yes]]")
    api.clock.advance(1)
    assert api.run()["status"] == status
    resumed = api.json("resume_agent_run", {"agent_run_id": 1, "prompt": "Go on"})
    assert (resumed["status"], resumed["result"]) == ("RUNNING", None)
    said = api.logs()["logs"][3]
    assert (said["message_type"], said["observation"]) == ("USER_MESSAGE", "Go on")
    api.clock.advance(2)
    ended = api.run()
    assert (ended["status"], ended["result"], len(ended["github_pull_requests"])) == ("COMPLETE", "Done: Go on", 1)


def test_a_ban_cancels_at_once_and_for_good(api):
    ended = api.create("[[status=TIMEOUT seconds=0]]")
    run_id = api.create()
    api.clock.advance(1)
    logs = api.logs(run_id)["total_logs"]
    assert {api.status("remove_codegen_from_pr", {"agent_run_id": one}) for one in (ended, run_id)} == {200}
    api.clock.advance(5)
    assert (api.run(ended)["status"], api.logs(run_id)["total_logs"]) == ("TIMEOUT", logs)
    run = api.run(run_id)
    assert (run["status"], run["result"], run["github_pull_requests"]) == ("CANCELLED", None, [])
    assert api.sandbox.runs[1].banned
    assert api.status("unban_agent_run", {"agent_run_id": run_id}) == 200
    assert (api.sandbox.runs[1].banned, api.run(run_id)["status"]) == (False, "CANCELLED")


def test_unknown_runs(api):
    for operation_id in ("ban_agent_run", "unban_agent_run", "remove_codegen_from_pr", "resume_agent_run"):
        assert api.status(operation_id, {"agent_run_id": 9, "prompt": "x"}) == 404
    assert api.status("get_agent_run_logs", agent_run_id=9) == 404
    assert api.run(9) == {"message": "Agent run not found.", "status_code": 404}


def test_setup_commands_and_log_analysis_are_runs(api):
    setup = api.json("generate_setup_commands", {"repo_id": 2, "prompt": "[[outcome=failed]] hello"})
    analysis = api.json("analyze_sandbox_logs", sandbox_id=2)
    assert (setup["status"], analysis["status"]) == ("PENDING", "PENDING")
    assert setup["url"] == api.run(setup["agent_run_id"])["web_url"]
    assert api.run(analysis["agent_run_id"])["source_type"] == "API"
    api.clock.advance(2)
    assert [run.status for run in api.sandbox.runs] == ["FAILED", "COMPLETE"]
    assert api.status("generate_setup_commands", {"repo_id": 999}) == 404
    assert api.status("analyze_sandbox_logs", sandbox_id=99) == 404


def test_runs_cost_credits(api):
    api.sandbox.credits = 1
    api.create()
    assert api.sandbox.credits == 0
    assert api.status("create_agent_run", {"prompt": "x"}) == 402
    assert api.status("generate_setup_commands", {"repo_id": 1}) == 400
    api.sandbox.credits = None
    api.create()
    assert len(api.sandbox.runs) == 2


def test_a_test_decides_over_a_run(api):
    run_id = api.create(metadata={"a": 1})
    run = api.sandbox.runs[0]
    assert (run.id, run.prompt, run.metadata, run.status) == (run_id, "Fix the bug", {"a": 1}, "PENDING")
    assert run.created_at == api.run()["created_at"]
    run.finish("OUT_OF_TOKENS", result="no more", summary="sorry")
    api.clock.advance(9)
    ended = api.run()
    assert (ended["status"], ended["result"], ended["summary"]) == ("OUT_OF_TOKENS", "no more", "sorry")
    assert (run.result, len(run.logs)) == ("no more", 1)


def test_the_details_of_an_outcome(api):
    api.sandbox.script("failed", logs=5, result="It broke", pull_request=True)
    api.create()
    quiet = api.create("[[pull_request=no result='' logs=0]]")
    api.clock.advance(1)
    assert [api.logs(one)["total_logs"] for one in (1, quiet)] == [3, 0]
    api.clock.advance(1)
    ended = api.run()
    assert (ended["status"], ended["result"], len(ended["github_pull_requests"])) == ("FAILED", "It broke", 1)
    assert [entry["message_type"] for entry in api.logs()["logs"]][0::4] == ["USER_MESSAGE", "ERROR"]
    assert (api.run(quiet)["result"], api.run(quiet)["github_pull_requests"]) == ("", [])
    assert api.logs(quiet)["logs"] == []


@pytest.mark.parametrize("directive", ["", "\n[[states=QUEUED:1,ODD_WORD:1,:1,COMPLETED:0]]"])
def test_any_sequence_of_statuses(api, directive):
    if not directive:
        api.sandbox.script(states=[("QUEUED", 1.0), ("ODD_WORD", 1.0), (None, 1.0), ("COMPLETED", 0.0)])
    api.create(f"Fix the bug{directive}")
    for status in ("QUEUED", "ODD_WORD", None, "COMPLETED"):
        assert api.run()["status"] == status
        api.clock.advance(1)
    assert (api.run()["result"], api.logs()["total_logs"] > 2) == ("Done: Fix the bug", True)


def test_scripts_are_for_so_many_runs_and_prompts_go_first(api):
    script = api.sandbox.script(status="TIMEOUT", seconds=0, times=2)
    assert script == Script(status="TIMEOUT", seconds=0)
    ids = [api.create(prompt) for prompt in ("a", "[[outcome=paused seconds=0]]", "b", "c")]
    api.clock.advance(2)
    assert [api.run(run_id)["status"] for run_id in ids] == ["TIMEOUT", "PAUSED", "TIMEOUT", "COMPLETE"]


def test_a_script_can_say_that_the_limit_is_reached(api):
    api.sandbox.script("limit_reached")
    for prompt in ("x", "[[outcome=limit_reached]]"):
        assert api.status("create_agent_run", {"prompt": prompt}) == 402
    assert api.status("generate_setup_commands", {"repo_id": 1, "prompt": "[[outcome=limit_reached]]"}) == 400
    assert api.sandbox.runs == []
    api.create()
    assert api.status("resume_agent_run", {"agent_run_id": 1, "prompt": "[[outcome=limit_reached]]"}) == 422


def test_a_prompt_carries_one_valid_directive_at_most(api):
    for directive in (
        *("outcome=lost", "speed=3", "outcome=failed fast", "seconds=soon", "seconds=nan", "logs=-1"),
        *("pull_request=maybe", "states=RUNNING", 'result="open', "logs=1]] and [[logs=2", "logs=1 logs=1"),
    ):
        refused = api.call("create_agent_run", {"prompt": f"Do [[{directive}]]"})
        assert refused.status_code == 422, directive
        (problem,) = refused.json()["detail"]
        assert problem["loc"] == ["body", "prompt"]
    assert api.sandbox.runs == []
    for prompt in ("", "[[", "a[[0]]", "if [[ $x == y ]]; then", "[[Outcome=failed]]"):
        api.create(prompt)
    api.clock.advance(2)
    assert {run.status for run in api.sandbox.runs} == {"COMPLETE"}
