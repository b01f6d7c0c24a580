"""The life of an agent run."""

from datetime import datetime

import pytest

from codegen_ext.testing.sandbox.schema import message_types


def test_a_run_lives_through_its_time(api):
    run_id = api.create("Fix the bug\nin main", metadata={"ticket": {"id": 7, "ü": [None, 1.5]}})
    created = api.run(run_id)
    assert created["status"] == "PENDING"
    assert created["source_type"] == "API"
    assert created["metadata"] == {"ticket": {"id": 7, "ü": [None, 1.5]}}
    assert created["result"] is created["summary"] is None
    assert "323" in created["web_url"]
    assert str(run_id) in created["web_url"]
    assert datetime.fromisoformat(created["created_at"]).timestamp() == api.clock.time()
    api.clock.advance(1)
    assert api.run(run_id)["status"] == "RUNNING"
    api.clock.advance(1)
    ended = api.run(run_id)
    assert ended["status"] == "COMPLETE"
    assert ended["result"] == "Done: Fix the bug"
    assert ended["summary"]
    assert ended["github_pull_requests"][0]["head_branch_name"] == "codegen/run-1"


def test_logs_appear_in_order_with_every_type_of_message(api):
    run_id = api.create("Fix the bug")
    seen = []
    for _ in range(9):
        logs = api.logs(run_id)
        assert logs["total_logs"] == len(logs["logs"])
        assert logs["logs"][: len(seen)] == seen
        seen = logs["logs"]
        api.clock.advance(0.25)
    assert {entry["message_type"] for entry in seen} == set(message_types())
    assert (seen[0]["message_type"], seen[0]["observation"]) == ("USER_MESSAGE", "Fix the bug")
    assert (seen[-1]["message_type"], seen[-1]["observation"]) == ("FINAL_ANSWER", "Done: Fix the bug")
    times = [datetime.fromisoformat(entry["created_at"]) for entry in seen]
    assert times == sorted(times)
    actions = [entry for entry in seen if entry["message_type"] == "ACTION"]
    assert all(entry["tool_name"] and entry["tool_input"] and entry["tool_output"] for entry in actions)
    assert {type(entry["observation"]) for entry in actions} == {str, dict}


def test_the_last_log_is_there_when_the_run_is_seen_to_end(api):
    for seconds in ("0.7", "1.1", "3.3"):
        run_id = api.create(f"[[seconds={seconds} logs=7]]")
        api.clock.advance(float(seconds))
        logs = api.logs(run_id)
        assert logs["status"] == "COMPLETE"
        assert logs["logs"][-1]["message_type"] == "FINAL_ANSWER"


def test_logs_are_paged_and_reversed(api):
    run_id = api.create("[[logs=250 seconds=0]]")
    pages = [api.logs(run_id, skip=skip, limit=100) for skip in (0, 100, 200)]
    assert [len(page["logs"]) for page in pages] == [100, 100, 50]
    assert [page["page"] for page in pages] == [1, 2, 3]
    assert {(page["total_logs"], page["size"], page["pages"]) for page in pages} == {(250, 100, 3)}
    forward = [entry for page in pages for entry in page["logs"]]
    backward = api.logs(run_id, reverse=True, limit=10)["logs"]
    assert backward == forward[::-1][:10]
    assert api.logs(run_id, reverse=False, skip=249)["logs"] == forward[-1:]


def test_runs_are_listed_newest_first_and_filtered(api):
    ids = [api.create(f"Task {number}") for number in range(5)]
    api.call("generate_setup_commands", {"repo_id": 1})
    page = api.call("list_agent_runs", limit=2).json()
    assert [run["id"] for run in page["items"]] == [6, 5]
    assert (page["total"], page["page"], page["size"], page["pages"]) == (6, 1, 2, 3)
    by_api = api.call("list_agent_runs", source_type="API").json()
    assert [run["id"] for run in by_api["items"]] == ids[::-1]
    assert [run["id"] for run in api.call("list_agent_runs", source_type="SETUP_COMMANDS").json()["items"]] == [6]
    me = api.call("get_current_user").json()["id"]
    assert api.call("list_agent_runs", user_id=me).json()["total"] == 6
    assert api.call("list_agent_runs", user_id=me + 1).json()["items"] == []
    assert api.call("list_agent_runs", user_id="", source_type="null").json()["total"] == 6


def test_a_repository_can_be_named(api):
    api.create(repo_id=3, images=["data:image/png;base64,"], model="m", agent_type="claude_code")
    order = api.sandbox.runs[0].order
    assert (order.repo_id, order.images, order.model, order.agent_type) == (
        3,
        ["data:image/png;base64,"],
        "m",
        "claude_code",
    )
    assert api.call("create_agent_run", {"prompt": "x", "repo_id": 999}).status_code == 404


def test_the_pull_request_of_a_run_can_be_edited_once_it_is_there(api):
    run_id = api.create("[[pull_request=yes]]", repo_id=3)
    number = 4
    assert api.call("edit_pull_request", {"state": "closed"}, pr_id=number).status_code == 404
    api.clock.advance(2)
    assert [pull["id"] for pull in api.run(run_id)["github_pull_requests"]] == [number]
    assert api.call("edit_repo_pull_request", {"state": "closed"}, repo_id=3, pr_id=number).json()["state"] == "closed"
    assert [pull.state for pull in api.sandbox.runs[0].pull_requests] == ["closed"]


@pytest.mark.parametrize("status", ["PAUSED", "FAILED", "COMPLETE", "CANCELLED", "ODD_WORD"])
def test_a_run_that_stands_still_is_resumed(api, status):
    run_id = api.create(f"[[status={status} logs=3 seconds=1]]")
    api.clock.advance(1)
    assert api.run(run_id)["status"] == status
    resumed = api.call("resume_agent_run", {"agent_run_id": run_id, "prompt": "Go on"}).json()
    assert (resumed["status"], resumed["result"]) == ("RUNNING", None)
    said = api.logs(run_id)["logs"][3]
    assert (said["message_type"], said["observation"]) == ("USER_MESSAGE", "Go on")
    api.clock.advance(2)
    assert api.run(run_id)["status"] == "COMPLETE"
    assert api.run(run_id)["result"] == "Done: Go on"


def test_a_run_that_is_under_way_takes_note_of_another_prompt(api):
    run_id = api.create("[[logs=3]] First")
    api.clock.advance(1.5)
    api.call("resume_agent_run", {"agent_run_id": run_id, "prompt": "Second"})
    assert api.run(run_id)["status"] == "RUNNING"
    api.clock.advance(0.5)
    logs = api.logs(run_id)["logs"]
    assert [entry["message_type"] for entry in logs] == ["USER_MESSAGE", "ACTION", "USER_MESSAGE", "FINAL_ANSWER"]
    assert logs[2]["observation"] == "Second"


def test_a_resumed_run_follows_the_script_in_the_prompt(api):
    run_id = api.create("[[outcome=paused seconds=0]]")
    api.call("resume_agent_run", {"agent_run_id": run_id, "prompt": "[[outcome=failed seconds=1]]"})
    api.clock.advance(1)
    assert api.run(run_id)["status"] == "FAILED"
    refused = api.call("resume_agent_run", {"agent_run_id": run_id, "prompt": "[[outcome=limit_reached]]"})
    assert refused.status_code == 422


@pytest.mark.parametrize("operation_id", ["ban_agent_run", "remove_codegen_from_pr"])
def test_a_ban_cancels_at_once_and_for_good(api, operation_id):
    run_id = api.create()
    api.clock.advance(1)
    logs = api.logs(run_id)["total_logs"]
    assert api.call(operation_id, {"agent_run_id": run_id}).status_code == 200
    api.clock.advance(5)
    ended = api.run(run_id)
    assert (ended["status"], ended["result"], ended["github_pull_requests"]) == ("CANCELLED", None, [])
    assert api.logs(run_id)["total_logs"] == logs
    assert api.sandbox.runs[0].banned
    assert api.call("unban_agent_run", {"agent_run_id": run_id}).status_code == 200
    assert not api.sandbox.runs[0].banned
    assert api.run(run_id)["status"] == "CANCELLED"


def test_a_ban_leaves_what_has_ended(api):
    run_id = api.create("[[status=TIMEOUT seconds=0]]")
    api.call("ban_agent_run", {"agent_run_id": run_id})
    assert api.run(run_id)["status"] == "TIMEOUT"


def test_unknown_runs(api):
    for operation_id in ("ban_agent_run", "unban_agent_run", "remove_codegen_from_pr"):
        assert api.call(operation_id, {"agent_run_id": 9}).status_code == 404
    assert api.call("resume_agent_run", {"agent_run_id": 9, "prompt": "x"}).status_code == 404
    assert api.call("get_agent_run_logs", agent_run_id=9).status_code == 404
    missing = api.call("get_agent_run", agent_run_id=9)
    assert missing.json() == {"message": "Agent run not found.", "status_code": 404}


def test_setup_commands_and_log_analysis_are_runs(api):
    setup = api.call("generate_setup_commands", {"repo_id": 2, "prompt": "[[outcome=failed]] hello"}).json()
    analysis = api.call("analyze_sandbox_logs", sandbox_id=2).json()
    assert (setup["status"], analysis["status"]) == ("PENDING", "PENDING")
    assert setup["url"] == api.run(setup["agent_run_id"])["web_url"]
    assert api.run(setup["agent_run_id"])["source_type"] == "SETUP_COMMANDS"
    assert api.run(analysis["agent_run_id"])["source_type"] == "API"
    api.clock.advance(2)
    assert [run.status for run in api.sandbox.runs] == ["FAILED", "COMPLETE"]
    assert api.call("generate_setup_commands", {"repo_id": 999}).status_code == 404
    assert api.call("analyze_sandbox_logs", sandbox_id=99).status_code == 404


def test_runs_cost_credits(api):
    api.sandbox.credits = 1
    api.create()
    assert api.sandbox.credits == 0
    refused = api.call("create_agent_run", {"prompt": "x"})
    assert (refused.status_code, refused.json()["status_code"]) == (402, 402)
    assert api.call("generate_setup_commands", {"repo_id": 1}).status_code == 400
    api.sandbox.credits = None
    api.create()
    assert len(api.sandbox.runs) == 2


def test_speed_shortens_runs(serve):
    api = serve(speed=10, run_seconds=20)
    run_id = api.create()
    api.clock.advance(1.9)
    assert api.run(run_id)["status"] == "RUNNING"
    api.clock.advance(0.1)
    assert api.run(run_id)["status"] == "COMPLETE"


def test_a_test_decides_over_a_run(api):
    run_id = api.create(metadata={"a": 1})
    run = api.sandbox.runs[0]
    assert (run.id, run.prompt, run.metadata, run.status) == (run_id, "Fix the bug", {"a": 1}, "PENDING")
    assert run.created_at == api.run(run_id)["created_at"]
    run.finish("OUT_OF_TOKENS", result="no more", summary="sorry")
    api.clock.advance(9)
    ended = api.run(run_id)
    assert (ended["status"], ended["result"], ended["summary"]) == ("OUT_OF_TOKENS", "no more", "sorry")
    assert run.result == "no more"
    assert len(run.logs) == 1
