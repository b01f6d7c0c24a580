"""The life of an agent run, with its statuses, logs and script, and the ChatServer with its sessions."""

import json
from datetime import datetime

from codegen_api.enums import MessageType
from hypothesis import example, given, settings
from hypothesis import strategies as st

from codegen_ext.testing import FakeClock, Sandbox, Script

from .conftest import Api


def test_a_run_lives_through_its_time(api):
    metadata = {"ticket": {"id": 7, "ü": [None, 1.5]}}
    run_id = api.create("Fix the bug\nin main", metadata=metadata)
    created, seen = api.run(), []
    assert (created["source_type"], created["metadata"]) == ("API", metadata)
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


def test_logs_are_whole_when_the_run_is_seen_to_end_paged_and_reversed(api):
    for seconds in ("0.7", "1.1", "3.3"):
        run_id = api.create(f"[[seconds={seconds} logs=7]]")
        api.clock.advance(float(seconds))
        logs = api.logs(run_id)
        assert (logs["status"], logs["logs"][-1]["message_type"]) == ("COMPLETE", "FINAL_ANSWER")
    run_id = api.create("[[logs=250 seconds=0]]")
    pages = [api.logs(run_id, skip=skip, limit=100) for skip in (0, 100, 200)]
    assert [(len(page["logs"]), page["page"]) for page in pages] == [(100, 1), (100, 2), (50, 3)]
    assert {(page["total_logs"], page["size"], page["pages"]) for page in pages} == {(250, 100, 3)}
    forward = [entry for page in pages for entry in page["logs"]]
    assert api.logs(run_id, reverse=True, limit=10)["logs"] == forward[::-1][:10]


def test_runs_of_all_kinds_are_listed_newest_first_and_filtered(api):
    for number in range(4):
        api.create(f"Task {number}")
    setup = api.json("generate_setup_commands", repo_id=2, prompt="[[outcome=failed]] hello")
    analysis = api.json("analyze_sandbox_logs", sandbox_id=2)
    assert (setup["status"], analysis["status"]) == ("PENDING", "PENDING")
    assert setup["url"] == api.run(setup["agent_run_id"])["web_url"]

    def ids(**arguments):
        return [run["id"] for run in api.json("list_agent_runs", **arguments)["items"]]

    assert ids(limit=2) == [6, 5]
    assert (ids(source_type="API"), ids(source_type="SETUP_COMMANDS")) == ([6, 4, 3, 2, 1], [5])
    me = api.json("get_current_user")["id"]
    assert (len(ids(user_id=me)), ids(user_id=me + 1), len(ids(user_id="", source_type="null"))) == (6, [], 6)
    api.clock.advance(2)
    assert [run.status for run in api.sandbox.runs[4:]] == ["FAILED", "COMPLETE"]


def test_what_is_unknown(api):
    for name in ("get_agent_run", "get_agent_run_logs", "ban_agent_run", "unban_agent_run", "resume_agent_run"):
        assert api.json(name, agent_run_id=9, prompt="x") == {"message": "Agent run not found.", "status_code": 404}
    for name in ("create_agent_run", "generate_setup_commands"):
        assert api.json(name, prompt="x", repo_id=999)["message"] == "Repository not found."
    assert api.status("analyze_sandbox_logs", sandbox_id=99) == 404


def test_the_limit_of_runs_is_reached_by_credits_or_by_a_script(api):
    def create(prompt):
        return [api.status(name, prompt=prompt, repo_id=1) for name in ("create_agent_run", "generate_setup_commands")]

    assert create("[[outcome=limit_reached]]") == [402, 400]
    api.sandbox.script("limit_reached", times=2)
    assert create("x") == [402, 400]
    api.sandbox.credits = 1
    assert (api.create(), api.sandbox.credits) == (1, 0)
    assert create("x") == [402, 400]
    api.sandbox.credits = None
    assert create("x") == [200, 200]
    assert api.status("resume_agent_run", agent_run_id=1, prompt="[[outcome=limit_reached]]") == 422


def test_a_script_or_a_test_decides_over_an_outcome(api):
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
    api.create()
    decided = api.sandbox.runs[-1]
    decided.finish("OUT_OF_TOKENS", result="no more", summary="sorry")
    api.clock.advance(9)
    ended = api.run(decided.id)
    assert (ended["status"], ended["result"], ended["summary"]) == ("OUT_OF_TOKENS", "no more", "sorry")
    assert (decided.result, len(decided.logs)) == ("no more", 1)


def test_scripts_are_for_so_many_runs_have_any_statuses_and_prompts_go_first(api):
    states = [("QUEUED", 1.0), ("ODD_WORD", 1.0), (None, 1.0), ("COMPLETED", 0.0)]
    assert api.sandbox.script(states=states, times=2) == Script(states=states)
    directives = ("", "[[outcome=paused seconds=0]]", "[[states=QUEUED:1,ODD_WORD:1,:1,COMPLETED:0]]", "", "")
    for directive in directives:
        api.create(f"Fix the bug\n{directive}")
    for status, _ in states:
        assert [api.run(run_id)["status"] for run_id in (1, 2, 3, 4)] == [status, "PAUSED", status, status]
        api.clock.advance(1)
    assert (api.run()["result"], api.logs()["total_logs"] > 2) == ("Done: Fix the bug", True)
    assert api.run(5)["status"] == "COMPLETE"


def test_a_prompt_carries_one_valid_directive_at_most(api):
    for directive in (
        *("outcome=lost", "speed=3", "outcome=failed fast", "seconds=soon", "seconds=nan", "logs=-1"),
        *("pull_request=maybe", "states=RUNNING", 'result="open', "logs=1]] and [[logs=2", "logs=1 logs=1"),
    ):
        refused = api.call("create_agent_run", prompt=f"Do [[{directive}]]")
        assert refused.status_code == 422, directive
        (problem,) = refused.json()["detail"]
        assert problem["loc"] == ["body", "prompt"]
    assert api.sandbox.runs == []
    for prompt in ("", "[[", "a[[0]]", "if [[ $x == y ]]; then", "[[Outcome=failed]]"):
        api.create(prompt)
    api.clock.advance(2)
    assert {run.status for run in api.sandbox.runs} == {"COMPLETE"}


OUTCOMES = {"completed": "COMPLETE", "failed": "FAILED", "cancelled": "CANCELLED", "paused": "PAUSED", "never": None}
STANDING = ["CANCELLED", "COMPLETE", "FAILED", "PAUSED"]
STEPS = st.lists(
    st.tuples(st.just("wait"), st.integers(0, 24).map(lambda eighths: eighths / 8))
    | st.tuples(st.just("resume"), st.sampled_from(sorted(OUTCOMES)))
    | st.tuples(st.just("finish"), st.sampled_from(STANDING))
    | st.sampled_from([("ban", "CANCELLED"), ("unban", None)]),
    max_size=15,
)


@settings(max_examples=40)
@example("completed", [("wait", 2.0), ("resume", "completed"), ("wait", 2.0)])
@given(st.sampled_from(sorted(OUTCOMES)), STEPS)
def test_a_run_stays_in_the_states_that_it_can_be_in(outcome, steps):
    """A model knows only when the run started last, and its status and result at the end."""
    clock = FakeClock()
    api = Api(Sandbox(run_seconds=2, rate_limits=False, clock=clock), clock)
    api.sandbox.script(outcome)
    api.create()
    (run,) = api.sandbox.runs
    begin, started, end, result = "PENDING", clock.monotonic(), OUTCOMES[outcome], "Done: Fix the bug"
    logs, pulls = [], []
    for what, value in [("wait", 0.0), *steps]:
        status = run.status
        if what == "wait":
            clock.advance(value)
        elif what == "finish":
            run.finish(value)
        elif what == "resume":
            prompt = f"Go on [[outcome={value}]]"
            assert api.status("resume_agent_run", agent_run_id=1, prompt=prompt) == 200
            assert run.logs[len(logs)]["observation"] == prompt
            if status in STANDING:
                begin, started, end, result = "RUNNING", clock.monotonic(), OUTCOMES[value], f"Done: {prompt}"
        else:
            assert api.status(f"{what}_agent_run", agent_run_id=1) == 200
            assert run.banned is (what == "ban")
        if what == "finish" or (what == "ban" and status not in ("CANCELLED", "COMPLETE", "FAILED")):
            started, end, result = clock.monotonic() - 2, value, None
        elapsed = clock.monotonic() - started
        is_pending = begin == "PENDING" and elapsed < 0.2
        assert run.status == (end if end and elapsed >= 2 else "PENDING" if is_pending else "RUNNING")
        assert run.result == (result if run.status == "COMPLETE" else None)
        shown = api.run()["github_pull_requests"]
        assert (run.logs[: len(logs)], shown[: len(pulls)]) == (logs, pulls), "nothing is taken back"
        assert len(shown) <= 1
        logs, pulls = run.logs, shown


def events(response):
    blocks = response.text.split("\n\n")
    assert blocks[-2:] == ["data: [DONE]", ""]
    return [json.loads(block.removeprefix("data: ")) for block in blocks[:-2]]


def session_of(response):
    return response.json()["system_fingerprint"]


def test_a_completion_is_an_echo_with_the_exact_name_of_its_model(api):
    contents = [("system", "Be brief."), ("user", "Hello"), ("user", "How are you?\nWell "), ("assistant", "Well")]
    messages = [{"role": role, "content": content} for role, content in contents]
    answer = api.ask("", model="claude-3-5-sonnet", messages=messages, system_prompt="One two").json()
    assert (answer["model"], answer["created"]) == ("claude-3-5-sonnet-20241022", int(api.clock.time()))
    (choice,) = answer["choices"]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Echo: How are you?\nWell ", "stop")
    assert answer["usage"] == {"prompt_tokens": 10, "completion_tokens": 6, "total_tokens": 16}
    choice = api.ask("one two three", max_tokens=2).json()["choices"][0]
    assert (choice["message"]["content"], choice["finish_reason"]) == ("Echo: one", "length")
    choice = api.ask("", messages=messages[:1]).json()["choices"][0]
    assert choice["message"]["content"] == "Echo: Be brief."


def test_a_stream_says_the_same_word_by_word(either):
    for content in ("one two", "  spaced   out\n", "日本 語 \u2028 x", "a\x00b"):
        whole = either.ask(content).json()
        response = either.ask(content, stream=True)
        assert response.headers["content-type"] == "text/event-stream"
        *chunks, last = events(response)
        choices = [chunk["choices"][0] for chunk in (*chunks, last)]
        assert choices[0]["delta"] == {"role": "assistant", "content": ""}
        text = "".join(choice["delta"].get("content", "") for choice in choices)
        assert text == whole["choices"][0]["message"]["content"]
        assert {chunk["object"] for chunk in (*chunks, last)} == {"chat.completion.chunk"}
        assert {chunk["usage"] for chunk in chunks} == {choice["finish_reason"] for choice in choices[:-1]} == {None}
        assert (last["usage"], choices[-1]["finish_reason"]) == (whole["usage"], "stop")
        assert last["system_fingerprint"] != whole["system_fingerprint"]


def test_a_session_is_continued_by_its_user_alone(api):
    metadata = {"organization_id": "org_1", "workflow": "review"}
    first = session_of(api.ask("Write a mail", user="ada", metadata=metadata))
    api.clock.advance(5)
    again = api.ask("Shorter", metadata={"session_id": first, "step": 2, "user_id": "ada"}, stream=True)
    assert events(again)[0]["system_fingerprint"] == first
    detail = api.json("get_session", session_id=first, user_id="ada")
    said = [(message["message_index"], message["role"], message["content"]) for message in detail["messages"]]
    assert said[1:3] == [(1, "assistant", "Echo: Write a mail"), (2, "user", "Shorter")]
    session = detail["session"]
    names = "title agent_type organization_id message_count tokens_in tokens_out tokens_total"
    assert [session[name] for name in names.split()] == ["Write a mail", "claude", "org_1", 4, 4, 6, 10]
    assert session["metadata"].items() >= {**metadata, "step": 2}.items()
    created, updated = (datetime.fromisoformat(session[name]) for name in ("created_at", "updated_at"))
    assert (updated - created).total_seconds() == 5
    for user, session_id in (("grace", first), ("ada", "unknown"), ("ada", 5)):
        assert api.ask("Hi", user=user, metadata={"session_id": session_id}).status_code == 404
        assert api.status("get_session", session_id=session_id, user_id=user) == 404
    without_user = session_of(api.ask("Hi", metadata={"organization_id": 5}))
    assert session_of(api.ask("Ho", metadata={"session_id": without_user})) == without_user


def test_sessions_are_paged_latest_first(api):
    ids = [session_of(api.ask(f"Number {number}", user="ada")) for number in range(5)]
    api.ask("Again", user="ada", metadata={"session_id": ids[0]})
    pages = [api.json("list_sessions", user_id="ada", page=page, page_size=2) for page in (1, 2, 3, 4)]
    assert [session["id"] for page in pages for session in page["sessions"]] == [ids[0], *ids[:0:-1]]
    assert [(page["has_more"], page["total"]) for page in pages] == [(True, 5), (True, 5), (False, 5), (False, 5)]


def test_administration_can_be_for_others(api):
    api.sandbox.admin = False
    for name in ("get_platform_stats", "list_admins", "get_audit_log", "remove_admin", "add_admin"):
        assert api.status(name, workos_id="x", email="x@y") == 403
    assert api.ask("Hi").status_code == 200
