"""The state that all operations share."""

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from itertools import chain, count, repeat
from threading import RLock

from . import seed_data
from .messages import ApiError, InvalidError, Json, Problem
from .runs import Order, PullRequest, Run, Timeline
from .script import LIMIT_REACHED, Script, script_in
from .webhook_sender import WEBHOOK_SECRET, WebhookSender

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
    """The secret that signs webhook calls."""

    @property
    def member_token(self) -> str:
        """A token that is accepted, but is no platform administrator's."""
        return f"{self.token or 'any-token'}-member"


class RateWindows:
    """The admitted requests of each key, as long as they count."""

    def __init__(self) -> None:
        self._admitted: dict[Hashable, deque[float]] = {}

    def admit(self, key: Hashable, requests: int, seconds: float, now: float) -> float:
        """Admit a request and return 0.0, or return the seconds until there is room for it."""
        admitted = self._admitted.setdefault(key, deque())
        while admitted and admitted[0] + seconds <= now:
            admitted.popleft()
        if len(admitted) >= requests:
            return admitted[0] + seconds - now
        admitted.append(now)
        return 0.0


@dataclass(slots=True)
class State:
    """Repositories, runs and everything else that operations read and change while they hold `lock`."""

    settings: Settings
    timeline: Timeline
    lock: RLock = field(default_factory=RLock)
    windows: RateWindows = field(default_factory=RateWindows)
    runs: dict[int, Run] = field(default_factory=dict)
    scripts: deque[Script] = field(default_factory=deque)
    users: list[Json] = field(default_factory=seed_data.users)
    integrations: list[Json] = field(default_factory=seed_data.integrations)
    repositories: list[Json] = field(init=False)
    check_suites: dict[int, Json] = field(default_factory=dict)
    pull_requests: list[PullRequest] = field(init=False)
    webhooks: WebhookSender = field(init=False)
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.webhooks = WebhookSender(self.timeline, self.lock, lambda: self.settings.webhook_secret)
        self.repositories = seed_data.repositories(self.settings.org_id)
        self.pull_requests = [
            self._pull_request(seed_data.DEFAULT_REPOSITORY, 0.0, f"change-{number}")
            for number in range(_SEEDED_PULL_REQUESTS)
        ]

    def check_access(self, organization_id: int) -> None:
        """Raise ApiError unless the token may use this organization."""
        if organization_id == self.settings.org_id + 1:
            raise ApiError(403, "You do not have access to this organization.")
        if organization_id != self.settings.org_id:
            raise ApiError(404, "Organization not found.")

    def repository(self, repo_id: int) -> Json:
        """Return a repository; raise ApiError for an unknown id."""
        for repository in self.repositories:
            if repository["id"] == repo_id:
                return repository
        raise ApiError(404, "Repository not found.")

    def run(self, run_id: int) -> Run:
        """Return a run; raise ApiError for an unknown id."""
        if run_id not in self.runs:
            raise ApiError(404, "Agent run not found.")
        return self.runs[run_id]

    def pull_request(self, number: int, repo_id: int | None) -> PullRequest:
        """Return a pull request, of this repository if one is given; raise ApiError for an unknown one."""
        for pull in chain(self.pull_requests, *(run.pull_requests for run in self.runs.values())):
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
            self.webhooks.wake,
        )
        run.start(script, self.settings.run_seconds)
        self.runs[run.id] = run
        self.webhooks.watch(run)
        return run

    def directive(self, prompt: str) -> Script | None:
        """Return the script in a prompt, if there is one; raise InvalidError for a wrong one."""
        try:
            return script_in(prompt)
        except ValueError as error:
            raise InvalidError(Problem(("body", "prompt"), str(error), "directive")) from None

    def add_script(self, script: Script, times: int) -> None:
        """Let the next runs follow a script."""
        with self.lock:
            self.scripts.extend(repeat(script, times))

    def _open_pull_request(self, run: Run, at: float) -> PullRequest:
        return self._pull_request(run.order.repo_id, at, f"codegen/run-{run.id}")

    def _pull_request(self, repo_id: int, at: float, branch: str) -> PullRequest:
        number = next(self._numbers)
        url = f"https://sandbox.invalid/{self.repository(repo_id)['full_name']}/pull/{number}"
        return PullRequest(number, at, repo_id, url, branch)
