"""The stateful operations of the Codegen API."""

# ruff: noqa: D102 - the contract says what each operation takes and does

from collections import deque
from functools import cache
from typing import Any

from .messages import ApiError, InvalidError, Json, Problem
from .routing import Call
from .runs import Run
from .script import LIMIT_REACHED, Script, script_in
from .state import State
from .webhook_sender import WebhookSender

_SANDBOXES = range(1, 6)
_LANGUAGES = ("Python", "TypeScript", "Go", "Rust", None)
_USERS = (
    ("octocat", "Mona Lisa Octocat"),
    ("ada", "Ada Lovelace"),
    ("grace", "Grace Hopper"),
    ("alan", "Alan Turing"),
    ("edsger", None),
)
_DEFAULT_REPOSITORY = 107
"""The id of `owner/repo`; on the second page, so that only readers of all pages find it."""


class Codegen:
    """Agent runs, users, repositories and their settings; each method with a `Call` is the operation of its name."""

    def __init__(self, state: State, webhooks: WebhookSender) -> None:
        self.runs: dict[int, Run] = {}
        self.scripts: deque[Script] = deque()
        self.repositories = repositories(state.settings.org_id)
        self._state = state
        self._webhooks = webhooks
        self._users = _users()
        self._check_suites: dict[int, Json] = {}

    def create_agent_run(self, call: Call) -> Json:
        given = call.arguments
        repo_id = _DEFAULT_REPOSITORY if given["repo_id"] is None else given["repo_id"]
        others = {name: given[name] for name in ("metadata", "model", "agent_type")}
        run = self._create(given["prompt"], repo_id, refusal=402, images=given["images"] or [], **others)
        return self._show(run)

    def get_agent_run(self, call: Call) -> Json:
        return self._show(self._run(call))

    def list_agent_runs(self, call: Call) -> Json:
        user_id, source_type = call.arguments["user_id"], call.arguments["source_type"]
        runs = [
            run
            for run in reversed(self.runs.values())
            if user_id in (None, run.user_id) and source_type in (None, run.source_type)
        ]
        page = call.page(runs)
        return {**page, "items": [self._show(run) for run in page["items"]]}

    def resume_agent_run(self, call: Call) -> Json:
        run, prompt = self._run(call), call.arguments["prompt"]
        script = _directive(prompt) or Script()
        if script.outcome == LIMIT_REACHED:
            raise InvalidError(Problem(("body", "prompt"), "Only a new run can reach the limit", "directive"))
        run.resume(script, prompt)
        return self._show(run)

    def ban_agent_run(self, call: Call) -> Json:
        run = self._run(call)
        run.ban()
        return {"message": "Agent run banned.", "agent_run_id": run.id, "status": run.status}

    def unban_agent_run(self, call: Call) -> Json:
        run = self._run(call)
        run.unban()
        return {"message": "Agent run unbanned.", "agent_run_id": run.id, "status": run.status}

    remove_codegen_from_pr = ban_agent_run  # the service documents it as the friendlier name of the ban

    def get_agent_run_logs(self, call: Call) -> Json:
        now = self._state.now()
        run = self._run(call)
        logs = run.logs_at(now)
        kept = ("id", "organization_id", "status", "created_at", "web_url", "result", "metadata")
        shown = {name: value for name, value in run.as_json(now).items() if name in kept}
        return {**shown, **call.page(logs[::-1] if call.arguments["reverse"] else logs)}

    def generate_setup_commands(self, call: Call) -> Json:
        prompt = call.arguments["prompt"] or "Find the commands that set up this repository."
        run = self._create(prompt, call.arguments["repo_id"], "SETUP_COMMANDS")
        return {"agent_run_id": run.id, "status": run.status, "url": run.web_url}

    def analyze_sandbox_logs(self, call: Call) -> Json:
        sandbox_id = call.arguments["sandbox_id"]
        if sandbox_id not in _SANDBOXES:
            raise ApiError(404, "Sandbox not found.")
        run = self._create(f"Analyze the setup logs of sandbox {sandbox_id}.", _DEFAULT_REPOSITORY)
        return {"agent_run_id": run.id, "status": run.status, "message": "Log analysis started."}

    def get_users(self, call: Call) -> Json:
        return call.page(self._users)

    def get_user(self, call: Call) -> Json:
        return _found(self._users, call.arguments["user_id"], "User")

    def get_current_user(self, _call: Call) -> Json:
        return self._users[0]

    def get_organizations(self, call: Call) -> Json:
        settings = {"enable_pr_creation": True, "enable_rules_detection": True}
        return call.page([{"id": self._state.settings.org_id, "name": "Sandbox Organization", "settings": settings}])

    def get_repositories(self, call: Call) -> Json:
        return call.page(self.repositories)

    def get_check_suite_settings(self, call: Call) -> Json:
        repo_id = _found(self.repositories, call.arguments["repo_id"], "Repository")["id"]
        return self._check_suites.setdefault(repo_id, _check_suite_settings())

    def update_check_suite_settings(self, call: Call) -> Json:
        settings = self.get_check_suite_settings(call)
        given = call.arguments
        settings.update({name: given[name] for name in settings if given.get(name) is not None})
        return {"message": "Check suite settings updated."}

    def generate_slack_connect_token(self, call: Call) -> Json:
        token = f"slack-connect-{call.arguments['org_id']}"
        return {"token": token, "message": "Send this token to the Codegen app in Slack.", "expires_in_minutes": 10}

    def _run(self, call: Call) -> Run:
        run = self.runs.get(call.arguments["agent_run_id"])
        if run is None:
            raise ApiError(404, "Agent run not found.")
        return run

    def _show(self, run: Run) -> Json:
        return run.as_json(self._state.now())

    def _create(self, prompt: str, repo_id: int, source: str = "API", *, refusal: int = 400, **others: Any) -> Run:
        """Start a run; raise ApiError with the status `refusal` when the limit of runs is reached."""
        settings = self._state.settings
        repository = _found(self.repositories, repo_id, "Repository")["full_name"]
        script = _directive(prompt) or (self.scripts.popleft() if self.scripts else Script())
        if script.outcome == LIMIT_REACHED or settings.credits == 0:
            raise ApiError(refusal, "Agent run limit reached.")
        if settings.credits is not None:
            settings.credits -= 1
        created = (len(self.runs) + 1, self._users[0]["id"], prompt, source, repo_id, repository)
        run = Run(*created, self._state, script, self._webhooks.wake, **others)
        self.runs[run.id] = run
        self._webhooks.watch(run)
        return run


def _found(records: list[Json], number: int, name: str) -> Json:
    for record in records:
        if record["id"] == number:
            return record
    raise ApiError(404, f"{name} not found.")


def _directive(prompt: str) -> Script | None:
    """Return the script in a prompt, if there is one; raise InvalidError for a wrong one."""
    try:
        return script_in(prompt)
    except ValueError as error:
        raise InvalidError(Problem(("body", "prompt"), str(error), "directive")) from None


def _users() -> list[Json]:
    """Return the members of the organization; the token belongs to the first one."""
    return [
        {
            "id": number,
            "email": f"{username}@example.com" if name else None,
            "github_user_id": str(1000 + number),
            "github_username": username,
            "avatar_url": None,
            "full_name": name,
            "role": "ADMIN" if number == 1 else "MEMBER",
            "is_admin": number == 1,
        }
        for number, (username, name) in enumerate(_USERS, 1)
    ]


def repositories(organization_id: int) -> list[Json]:
    """Return the repositories, more than one page of them, among them `owner/repo`."""
    return [{**repository, "organization_id": organization_id} for repository in _repositories()]


@cache
def _repositories() -> list[Json]:
    return [_repository(number) for number in range(1, 151)]


def _repository(number: int) -> Json:
    full_name = "owner/repo" if number == _DEFAULT_REPOSITORY else f"sandbox/service-{number:03}"
    return {
        "id": number,
        "name": full_name.partition("/")[2],
        "full_name": full_name,
        "description": f"The code of {full_name}." if number % 3 else None,
        "github_id": str(500_000 + number),
        "visibility": "private" if number % 2 else "public",
        "archived": number % 25 == 0,
        "setup_status": "COMPLETED" if number % 4 else "PENDING",
        "language": _LANGUAGES[number % len(_LANGUAGES)],
    }


def _check_suite_settings() -> Json:
    """Return the check-suite settings of a repository before any change."""
    return {
        "check_retry_count": 3,
        "ignored_checks": [],
        "check_retry_counts": {},
        "custom_prompts": {},
        "high_priority_apps": ["github-actions"],
        "available_check_suite_names": ["build", "lint", "test"],
    }
