"""Whatever is done to a run, and whenever: it stays in the states that it can be in."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from codegen_ext.testing import FakeClock, Script
from codegen_ext.testing.sandbox.runs import Order, PullRequest, Run
from codegen_ext.testing.sandbox.timing import Timeline
from codegen_ext.testing.sandbox.world import Settings, World

RUN_SECONDS = 2.0
OUTCOMES = {"completed": "COMPLETE", "failed": "FAILED", "cancelled": "CANCELLED", "paused": "PAUSED", "never": None}
STANDING = {"COMPLETE", "FAILED", "CANCELLED", "PAUSED"}
TERMINAL = STANDING - {"PAUSED"}


class RunMachine(RuleBasedStateMachine):
    """A model that knows only when the run started last, and what comes at its end."""

    @initialize(outcome=st.sampled_from(sorted(OUTCOMES)))
    def create(self, outcome: str) -> None:
        self.clock = FakeClock()
        world = World(Settings(run_seconds=RUN_SECONDS), Timeline(self.clock, 1.0))
        world.add_script(Script(outcome), 1)
        self.run: Run = world.create_run(Order("Fix the bug", "API", 1), refusal=402)
        self.begin, self.started, self.end = "PENDING", self.clock.monotonic(), OUTCOMES[outcome]
        self.logs: list[object] = []
        self.pulls: list[PullRequest] = []

    @property
    def expected(self) -> str:
        elapsed = self.clock.monotonic() - self.started
        if self.end and elapsed >= RUN_SECONDS:
            return self.end
        return "PENDING" if self.begin == "PENDING" and elapsed < RUN_SECONDS / 10 else "RUNNING"

    @rule(eighths=st.integers(0, 24))
    def wait(self, eighths: int) -> None:
        self.clock.advance(eighths / 8)

    @rule(outcome=st.sampled_from(sorted(OUTCOMES)))
    def resume(self, outcome: str) -> None:
        standing = self.expected in STANDING
        said = len(self.run.logs)
        self.run.resume(Script(outcome), RUN_SECONDS, "Go on")
        assert self.run.logs[said]["observation"] == "Go on"
        if standing:
            self.begin, self.started, self.end = "RUNNING", self.clock.monotonic(), OUTCOMES[outcome]

    @rule()
    def ban(self) -> None:
        if self.expected not in TERMINAL:
            self.started, self.end = self.clock.monotonic() - RUN_SECONDS, "CANCELLED"
        self.run.ban()
        assert self.run.banned

    @rule()
    def unban(self) -> None:
        self.run.unban()
        assert not self.run.banned

    @rule(status=st.sampled_from(sorted(STANDING)))
    def finish(self, status: str) -> None:
        self.started, self.end = self.clock.monotonic() - RUN_SECONDS, status
        self.run.finish(status)

    @invariant()
    def stands_where_the_model_does(self) -> None:
        assert self.run.status == self.expected

    @invariant()
    def never_takes_back_what_it_showed(self) -> None:
        logs, pulls = list(self.run.logs), self.run.pull_requests
        assert logs[: len(self.logs)] == self.logs
        assert pulls[: len(self.pulls)] == self.pulls
        self.logs, self.pulls = logs, pulls

    @invariant()
    def has_no_result_before_the_end(self) -> None:
        assert self.run.result is None or self.run.status == "COMPLETE"


TestRunMachine = RunMachine.TestCase
TestRunMachine.settings = settings(max_examples=60, stateful_step_count=20, deadline=None, derandomize=True)
