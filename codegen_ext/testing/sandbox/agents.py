"""The operations on agent runs; each method is the operation of its name."""

# ruff: noqa: D102 - the contract says what each operation takes and does

from .messages import InvalidError, Json, Problem
from .routing import Call
from .runs import Order, Run
from .script import LIMIT_REACHED, Script
from .seed_data import DEFAULT_REPOSITORY
from .state import State


class Agents:
    """Agent runs and their logs."""

    def __init__(self, state: State) -> None:
        self._state = state

    def create_agent_run(self, call: Call) -> Json:
        given = call.arguments
        repo_id = DEFAULT_REPOSITORY if given["repo_id"] is None else given["repo_id"]
        order = Order(
            given["prompt"],
            "API",
            repo_id,
            given["metadata"],
            given["images"] or [],
            given["model"],
            given["agent_type"],
        )
        return self._show(self._state.create_run(order, refusal=402))

    def get_agent_run(self, call: Call) -> Json:
        return self._show(self._run(call))

    def list_agent_runs(self, call: Call) -> Json:
        user_id, source_type = call.arguments["user_id"], call.arguments["source_type"]
        runs = [
            run
            for run in reversed(self._state.runs.values())
            if user_id in (None, run.user_id) and source_type in (None, run.order.source_type)
        ]
        answer = call.page(runs)
        return {**answer, "items": [self._show(run) for run in answer["items"]]}

    def resume_agent_run(self, call: Call) -> Json:
        run, prompt = self._run(call), call.arguments["prompt"]
        script = self._state.directive(prompt) or Script()
        if script.outcome == LIMIT_REACHED:
            raise InvalidError(Problem(("body", "prompt"), "Only a new run can reach the limit", "directive"))
        run.resume(script, self._state.settings.run_seconds, prompt)
        return self._show(run)

    def ban_agent_run(self, call: Call) -> Json:
        run = self._run(call)
        run.ban()
        return {"message": "Agent run banned.", "agent_run_id": run.id, "status": run.status}

    def unban_agent_run(self, call: Call) -> Json:
        run = self._run(call)
        run.unban()
        return {"message": "Agent run unbanned.", "agent_run_id": run.id, "status": run.status}

    def remove_codegen_from_pr(self, call: Call) -> Json:
        # The service documents this as the friendlier name of the ban.
        return {**self.ban_agent_run(call), "message": "Codegen removed from the pull request."}

    def get_agent_run_logs(self, call: Call) -> Json:
        now = self._state.timeline.now()
        run = self._run(call)
        logs = run.logs_at(now)
        page = call.page(logs[::-1] if call.arguments["reverse"] else logs)
        kept = ("id", "organization_id", "status", "created_at", "web_url", "result", "metadata")
        shown = {name: value for name, value in run.as_json(now).items() if name in kept}
        return {**shown, "logs": page.pop("items"), "total_logs": page.pop("total"), **page}

    def generate_setup_commands(self, call: Call) -> Json:
        prompt = call.arguments["prompt"] or "Find the commands that set up this repository."
        run = self._state.create_run(Order(prompt, "SETUP_COMMANDS", call.arguments["repo_id"]), refusal=400)
        return {"agent_run_id": run.id, "status": run.status, "url": run.web_url}

    def analyze_sandbox_logs(self, call: Call) -> Json:
        sandbox_id = call.arguments["sandbox_id"]
        self._state.check_sandbox(sandbox_id)
        prompt = f"Analyze the setup logs of sandbox {sandbox_id}."
        run = self._state.create_run(Order(prompt, "API", DEFAULT_REPOSITORY), refusal=400)
        return {"agent_run_id": run.id, "status": run.status, "message": "Log analysis started."}

    def _run(self, call: Call) -> Run:
        return self._state.run(call.arguments["agent_run_id"])

    def _show(self, run: Run) -> Json:
        return run.as_json(self._state.timeline.now())
