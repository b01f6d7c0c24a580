"""Whatever is done to a run, and whenever: it stays in the states that it can be in."""

import httpx
from codegen_api.operations import OPERATIONS
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from codegen_ext.testing import FakeClock, Sandbox

RUN_SECONDS = 2.0
OUTCOMES = {"completed": "COMPLETE", "failed": "FAILED", "cancelled": "CANCELLED", "paused": "PAUSED", "never": None}
STANDING = {"COMPLETE", "FAILED", "CANCELLED", "PAUSED"}
TERMINAL = STANDING - {"PAUSED"}


class RunMachine(RuleBasedStateMachine):
    """A model that knows only when the run started last, and its status and result at the end."""

    @initialize(outcome=st.sampled_from(sorted(OUTCOMES)))
    def create(self, outcome):
        self.clock = FakeClock()
        self.sandbox = Sandbox(run_seconds=RUN_SECONDS, rate_limits=False, clock=self.clock)
        self.client = httpx.Client(
            base_url="http://sandbox",
            headers={"authorization": "Bearer local-token"},
            transport=self.sandbox.transport(),
        )
        self.sandbox.script(outcome)
        self.post("create_agent_run", prompt="Fix the bug")
        (self.run,) = self.sandbox.runs
        self.begin, self.started, self.end = "PENDING", self.clock.monotonic(), OUTCOMES[outcome]
        self.result = "Done: Fix the bug"
        self.logs = []
        self.pulls = []

    def post(self, operation_id, **body):
        response = self.client.post(OPERATIONS[operation_id].path.format(org_id=323), json=body)
        assert response.status_code == 200, response.text

    @property
    def expected(self):
        elapsed = self.clock.monotonic() - self.started
        if self.end and elapsed >= RUN_SECONDS:
            return self.end
        return "PENDING" if self.begin == "PENDING" and elapsed < RUN_SECONDS / 10 else "RUNNING"

    @rule(eighths=st.integers(0, 24))
    def wait(self, eighths):
        self.clock.advance(eighths / 8)

    @rule(outcome=st.sampled_from(sorted(OUTCOMES)))
    def resume(self, outcome):
        standing, count = self.expected in STANDING, len(self.run.logs)
        prompt = f"Go on [[outcome={outcome}]]"
        self.post("resume_agent_run", agent_run_id=1, prompt=prompt)
        assert self.run.logs[count]["observation"] == prompt
        if standing:
            self.begin, self.started, self.end = "RUNNING", self.clock.monotonic(), OUTCOMES[outcome]
            self.result = f"Done: {prompt}"

    def put_into(self, status):
        self.started, self.end, self.result = self.clock.monotonic() - RUN_SECONDS, status, None

    @rule()
    def ban(self):
        if self.expected not in TERMINAL:
            self.put_into("CANCELLED")
        self.post("ban_agent_run", agent_run_id=1)
        assert self.run.banned

    @rule()
    def unban(self):
        self.post("unban_agent_run", agent_run_id=1)
        assert not self.run.banned

    @rule(status=st.sampled_from(sorted(STANDING)))
    def finish(self, status):
        self.put_into(status)
        self.run.finish(status)

    @invariant()
    def has_the_status_and_the_result_of_the_model(self):
        assert self.run.status == self.expected
        assert self.run.result == (self.result if self.expected == "COMPLETE" else None)

    @invariant()
    def never_takes_back_what_it_showed(self):
        logs, pulls = self.run.logs, self.run.as_json(self.clock.monotonic())["github_pull_requests"]
        assert logs[: len(self.logs)] == self.logs
        assert pulls[: len(self.pulls)] == self.pulls
        assert len(pulls) <= 1
        self.logs, self.pulls = logs, pulls


TestRunMachine = RunMachine.TestCase
TestRunMachine.settings = settings(max_examples=20, stateful_step_count=15)
