"""The operations on agent runs; each method is the operation of its name."""

# ruff: noqa: D102 - the contract says what each operation takes and does

from .reading import Call
from .runs import Order, Run
from .script import LIMIT_REACHED, Script
from .wire import InvalidError, Json, Problem
from .world import World


class Agents:
    """Agent runs and their logs."""

    def __init__(self, world: World) -> None:
        self._world = world

    def create_agent_run(self, call: Call) -> Json:
        body = call.body
        order = Order(
            body["prompt"],
            "API",
            self._repo_id(body),
            body["metadata"],
            body["images"] or [],
            body["model"],
            body["agent_type"],
        )
        return self._show(self._world.create_run(order, refusal=402))

    def get_agent_run(self, call: Call) -> Json:
        return self._show(self._world.run(call.parameters["agent_run_id"]))

    def list_agent_runs(self, call: Call) -> Json:
        wanted = call.parameters
        now = self._world.timeline.now()
        runs = [
            run
            for run in reversed(self._world.runs.values())
            if wanted["user_id"] in (None, run.user_id) and wanted["source_type"] in (None, run.order.source_type)
        ]
        answer = call.page(runs)
        return {**answer, "items": [run.as_json(now) for run in answer["items"]]}

    def resume_agent_run(self, call: Call) -> Json:
        run = self._world.run(call.body["agent_run_id"])
        prompt = call.body["prompt"]
        script = self._world.directive(prompt) or Script()
        if script.outcome == LIMIT_REACHED:
            raise InvalidError(Problem(("body", "prompt"), "Only a new run can reach the limit", "directive"))
        run.resume(script, self._world.settings.run_seconds, prompt)
        return self._show(run)

    def ban_agent_run(self, call: Call) -> Json:
        run = self._world.run(call.body["agent_run_id"])
        run.ban()
        return {"message": "Agent run banned.", "agent_run_id": run.id, "status": run.status}

    def unban_agent_run(self, call: Call) -> Json:
        run = self._world.run(call.body["agent_run_id"])
        run.unban()
        return {"message": "Agent run unbanned.", "agent_run_id": run.id, "status": run.status}

    def remove_codegen_from_pr(self, call: Call) -> Json:
        # The service documents this as the friendlier name of the ban.
        return {**self.ban_agent_run(call), "message": "Codegen removed from the pull request."}

    def get_agent_run_logs(self, call: Call) -> Json:
        now = self._world.timeline.now()
        run = self._world.run(call.parameters["agent_run_id"])
        shown = run.as_json(now)
        logs = run.visible_logs(now)
        answer = call.page(logs[::-1] if call.parameters["reverse"] else logs)
        return {
            **{
                key: shown[key]
                for key in ("id", "organization_id", "status", "created_at", "web_url", "result", "metadata")
            },
            "logs": answer.pop("items"),
            "total_logs": answer.pop("total"),
            **answer,
        }

    def generate_setup_commands(self, call: Call) -> Json:
        prompt = call.body["prompt"] or "Find the commands that set up this repository."
        run = self._world.create_run(Order(prompt, "SETUP_COMMANDS", call.body["repo_id"]), refusal=400)
        return {"agent_run_id": run.id, "status": run.status, "url": run.web_url}

    def analyze_sandbox_logs(self, call: Call) -> Json:
        sandbox_id = call.parameters["sandbox_id"]
        self._world.check_sandbox(sandbox_id)
        prompt = f"Analyze the setup logs of sandbox {sandbox_id}."
        run = self._world.create_run(Order(prompt, "API", self._world.default_repository), refusal=400)
        return {"agent_run_id": run.id, "status": run.status, "message": "Log analysis started."}

    def _repo_id(self, body: Json) -> int:
        repo_id: int | None = body["repo_id"]
        return self._world.default_repository if repo_id is None else repo_id

    def _show(self, run: Run) -> Json:
        return run.as_json(self._world.timeline.now())
