"""The state that all operations share."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain, count, repeat
from threading import RLock

from . import fixtures
from .courier import WEBHOOK_SECRET, Courier
from .runs import Order, PullRequest, Run
from .script import LIMIT_REACHED, Script, script_in
from .timing import Timeline
from .wire import ApiError, InvalidError, Json, Problem

_SANDBOXES = range(1, 6)
_SEEDED_PULL_REQUESTS = 3


@dataclass(slots=True)
class Settings:
    """How the sandbox behaves; all but `org_id` and `seed` may change while it runs."""

    token: str | None = "local-token"  # noqa: S105 - it opens nothing
    """The token that is accepted; None accepts every one."""
    org_id: int = 323
    run_seconds: float = 2.0
    """How long a run takes that has no script, in the sandbox's seconds."""
    rate_limits: bool = True
    credits: int | None = None
    """How many more runs may be created; None is no limit."""
    admin: bool = True
    """Whether the token is a platform administrator's."""
    seed: int = 0
    webhook_secret: str = WEBHOOK_SECRET
    """What webhook calls are signed with."""

    @property
    def member_token(self) -> str:
        """A token that is accepted, but is no platform administrator's."""
        return f"{self.token or 'any-token'}-member"


@dataclass(slots=True)
class World:
    """Organisations, repositories and runs; whoever reads or changes them holds `lock`."""

    settings: Settings
    timeline: Timeline
    lock: RLock = field(default_factory=RLock)
    runs: dict[int, Run] = field(default_factory=dict)
    scripts: deque[Script] = field(default_factory=deque)
    users: list[Json] = field(default_factory=fixtures.users)
    integrations: dict[str, Json] = field(default_factory=fixtures.integrations)
    repositories: dict[int, Json] = field(init=False)
    check_suites: dict[int, Json] = field(default_factory=dict)
    pull_requests: list[PullRequest] = field(init=False)
    courier: Courier = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(_SEEDED_PULL_REQUESTS + 1))

    def __post_init__(self) -> None:
        org_id = self.settings.org_id
        self.courier = Courier(self.timeline, self.lock, self.settings)
        self.repositories = {repository["id"]: repository for repository in fixtures.repositories(org_id)}
        self.pull_requests = [
            self._pull_request(number, self.default_repository, 0.0, f"change-{number}")
            for number in range(1, _SEEDED_PULL_REQUESTS + 1)
        ]

    @property
    def default_repository(self) -> int:
        """The id of `owner/repo`, where runs work that name no other."""
        return next(number for number, repository in self.repositories.items() if repository["name"] == "repo")

    def check_access(self, organization_id: int) -> None:
        """Raise ApiError unless the token may use this organisation."""
        if organization_id == self.settings.org_id + 1:
            raise ApiError(403, "You do not have access to this organization.")
        if organization_id != self.settings.org_id:
            raise ApiError(404, "Organization not found.")

    def repository(self, repo_id: int) -> Json:
        """Return a repository; raise ApiError when there is none of this id."""
        if repo_id not in self.repositories:
            raise ApiError(404, "Repository not found.")
        return self.repositories[repo_id]

    def run(self, run_id: int) -> Run:
        """Return a run; raise ApiError when there is none of this id."""
        if run_id not in self.runs:
            raise ApiError(404, "Agent run not found.")
        return self.runs[run_id]

    def pull_request(self, number: int, repo_id: int | None = None) -> PullRequest:
        """Return a pull request, of this repository if one is named; raise ApiError when there is none."""
        opened = chain(self.pull_requests, *(run.pull_requests for run in self.runs.values()))
        for pull in opened:
            if pull.id == number and repo_id in (None, pull.repo_id):
                return pull
        raise ApiError(404, "Pull request not found.")

    def check_sandbox(self, sandbox_id: int) -> None:
        """Raise ApiError unless there is such a sandbox with logs to analyse."""
        if sandbox_id not in _SANDBOXES:
            raise ApiError(404, "Sandbox not found.")

    def create_run(self, order: Order, refusal: int) -> Run:
        """Start a run; raise ApiError with the status `refusal` when the limit of runs is reached."""
        self.repository(order.repo_id)
        script = self.directive(order.prompt) or (self.scripts.popleft() if self.scripts else Script())
        if script.outcome == LIMIT_REACHED or self.settings.credits == 0:
            raise ApiError(refusal, "Agent run limit reached.")
        if self.settings.credits is not None:
            self.settings.credits -= 1
        run = Run(
            len(self.runs) + 1,
            self.settings.org_id,
            self.users[0]["id"],
            order,
            self.timeline,
            self.lock,
            self._open_pull_request,
            self.courier.wake,
        )
        run.start(script, self.settings.run_seconds)
        self.runs[run.id] = run
        self.courier.watch(run)
        return run

    def directive(self, prompt: str) -> Script | None:
        """Return the script in a prompt, if there is one; raise InvalidError for a wrong one."""
        try:
            return script_in(prompt)
        except ValueError as error:
            raise InvalidError(Problem(("body", "prompt"), str(error), "directive")) from None

    def add_script(self, script: Script, times: int) -> None:
        """Let the next runs live by a script."""
        with self.lock:
            self.scripts.extend(repeat(script, times))

    def _open_pull_request(self, run: Run, at: float) -> PullRequest:
        return self._pull_request(next(self._numbers), run.order.repo_id, at, f"codegen/run-{run.id}")

    def _pull_request(self, number: int, repo_id: int, at: float, branch: str) -> PullRequest:
        full_name = self.repositories[repo_id]["full_name"]
        url = f"https://sandbox.invalid/{full_name}/pull/{number}"
        return PullRequest(number, at, repo_id, f"Change {number}", url, branch)
