"""The decisions of a chain and of a breaker, on a fake clock, for any sequence of outcomes."""

from collections.abc import Callable
from typing import Any

import pytest
from codegen_ext.providers.fallback import Candidate, ask_in_turn
from codegen_ext.providers.protocol import Request
from codegen_ext.providers.steps import Emit, Steps, iterate
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from codegen_ext.providers import (
    AIProviderError,
    AIResponse,
    CircuitBreaker,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from codegen_ext.testing import FakeClock, Fault, Sandbox

from ..support.loopback import Loopback
from .conftest import MODELS

OUTCOMES = ["answer", "unavailable", "refused", "limited", "timeout", "wrong", "effect", "mid-stream"]
FAILURES: dict[str, Callable[[], AIProviderError]] = {
    "unavailable": lambda: ProviderUnavailableError("x"),
    "refused": lambda: ProviderAuthenticationError("x"),
    "limited": lambda: ProviderRateLimitError("x"),
    "timeout": lambda: ProviderTimeoutError("x"),
    "wrong": lambda: AIProviderError("x"),
    "effect": lambda: ProviderTimeoutError("x", may_have_effect=True),
    "mid-stream": lambda: ProviderUnavailableError("x"),
}
FINAL = {"wrong", "effect", "mid-stream"}


class Named:
    """Something with a name, in place of a provider."""

    is_available = True

    def __init__(self, name: str, valid: bool) -> None:
        self.name = name
        self._valid = valid

    def validate_credentials(self) -> bool:
        return self._valid


plans = st.lists(st.tuples(st.sampled_from(OUTCOMES), st.booleans(), st.floats(0, 50)), max_size=6)


@given(plans, st.floats(1, 100))
def test_who_is_asked_and_with_how_much_time(plan: list[tuple[str, bool, float]], timeout: float) -> None:
    clock = FakeClock()
    asked: list[tuple[int, float]] = []

    def ask(provider: Named, request: Request) -> Steps[AIResponse]:
        index = int(provider.name)
        outcome, _, seconds = plan[index]
        assert request.timeout is not None
        asked.append((index, request.timeout))
        assert request.timeout == pytest.approx(timeout - clock.monotonic())
        clock.advance(seconds)
        if outcome in ("answer", "mid-stream"):
            yield Emit("piece")
        if outcome != "answer":
            raise FAILURES[outcome]()
        return AIResponse("text", provider.name, None)

    candidates = [
        Candidate(Named(str(index), valid), CircuitBreaker(clock)) for index, (_, valid, _) in enumerate(plan)
    ]
    steps = ask_in_turn(candidates, Request("hi", timeout=timeout), clock, ask)
    response, error = None, None
    running = iterate(steps)
    try:
        while True:
            assert next(running) == "piece"
    except StopIteration as end:
        response = end.value
    except AIProviderError as caught:
        error = caught

    elapsed, expected = 0.0, []
    for index, (outcome, valid, seconds) in enumerate(plan):
        if elapsed >= timeout:
            break
        if valid:
            expected.append(index)
            elapsed += seconds
            if outcome == "answer" or outcome in FINAL:
                break
    assert [index for index, _ in asked] == expected
    decided = plan[expected[-1]][0] if expected else None
    tried = response.metadata["tried"] if response else error.tried  # type: ignore[union-attr]
    assert (response is not None) == (decided == "answer")
    failed = expected[:-1] if response else expected
    assert [int(entry["provider"]) for entry in tried if entry["outcome"] != "invalid"] == failed
    if error is not None and expected:
        assert type(error) is type(FAILURES[str(decided)]())
    elif error is not None:
        assert isinstance(error, ProviderUnavailableError)


class Breaker(RuleBasedStateMachine):
    """A breaker beside what it should be."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = FakeClock()
        self.breaker = CircuitBreaker(self.clock, failures=3, cooldown=30)
        self.in_a_row = 0
        self.open_until: float | None = None
        self.probing = False
        self.under_way = 0

    @rule()
    def ask(self) -> None:
        admitted = self.breaker.admit()
        if self.open_until is None:
            assert admitted
        else:
            assert admitted is (self.clock.monotonic() >= self.open_until and not self.probing)
            self.probing = self.probing or admitted
        self.under_way += admitted

    @rule(seconds=st.floats(0, 40))
    def wait(self, seconds: float) -> None:
        self.clock.advance(seconds)

    @precondition(lambda self: self.under_way)
    @rule()
    def succeed(self) -> None:
        self.breaker.succeeded()
        self.under_way -= 1
        self.in_a_row, self.open_until, self.probing = 0, None, False

    @precondition(lambda self: self.under_way)
    @rule(keep_out=st.none() | st.floats(0, 90))
    def fail(self, keep_out: float | None) -> None:
        self.breaker.failed(keep_out)
        self.under_way -= 1
        self.in_a_row += 1
        if keep_out is not None or self.probing or self.in_a_row >= 3:
            until = self.clock.monotonic() + (30 if keep_out is None else keep_out)
            self.open_until = max(until, self.open_until or until)
        self.probing = False

    @precondition(lambda self: self.under_way)
    @rule()
    def learn_nothing(self) -> None:
        self.breaker.released()
        self.under_way -= 1
        self.probing = False

    @invariant()
    def the_state_has_a_name(self) -> None:
        expected = "closed"
        if self.open_until is not None:
            expected = "open" if self.clock.monotonic() < self.open_until else "half-open"
        assert self.breaker.state == expected


TestBreaker = Breaker.TestCase


def test_a_failing_provider_is_kept_out_and_probed(
    make: Callable[..., Any],
    options: dict[str, Any],
    sandbox: Sandbox,
    openai_service: Loopback,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CODEGEN_PROVIDER_ORDER", "chatserver,openai")
    openai_service.answers = [openai_service.answers[0]]
    sandbox.inject("create_chat_completion", Fault.status(503))
    chosen = {name: options[name] for name in ("clock", "openai", "chatserver")}
    client = make(validate_on_creation=False, breaker_failures=2, breaker_cooldown=60, **chosen)

    def asked() -> int:
        before = len(sandbox.requests)
        response = client.generate_response("hi", model="gpt-4o")
        assert response.provider_name == "openai" or len(response.metadata["tried"]) == 0
        return len(sandbox.requests) - before

    assert [asked() for _ in range(4)] == [1, 1, 0, 0]
    assert client.get_enhanced_stats()["providers"]["chatserver"]["breaker"] == "open"
    clock.advance(61)
    assert [asked() for _ in range(2)] == [1, 0]  # one probe, which failed
    clock.advance(61)
    sandbox.clear_faults()
    assert client.generate_response("hi", model="gpt-4o").provider_name == "chatserver"
    assert client.get_enhanced_stats()["providers"]["chatserver"]["breaker"] == "closed"


def test_a_rate_limit_keeps_out_as_long_as_it_asks(
    make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox, clock: FakeClock
) -> None:
    sandbox.inject("create_agent_run", Fault.status(429, retry_after=200), times=1)
    chosen = {name: options[name] for name in ("clock", "codegen", "openai")}
    client = make(validate_on_creation=False, **chosen)
    assert client.generate_response("hi").provider_name == "openai"
    clock.advance(199)
    response = client.generate_response("hi")
    assert response.metadata["tried"][0] == {
        "provider": "codegen",
        "outcome": "skipped",
        "reason": "kept out after failures",
    }
    clock.advance(2)
    assert client.generate_response("hi").provider_name == "codegen"


def test_a_stream_that_is_left_frees_the_probe(
    make: Callable[..., Any], options: dict[str, Any], sandbox: Sandbox, clock: FakeClock
) -> None:
    sandbox.inject("create_chat_completion", Fault.status(503), times=1)
    chosen = {name: options[name] for name in ("clock", "chatserver")}
    client = make(validate_on_creation=False, breaker_failures=1, **chosen)
    with pytest.raises(ProviderUnavailableError):
        client.generate_response("hi")
    clock.advance(31)
    stream = client.stream_response("Hello there")
    assert next(stream)
    (stream.aclose if hasattr(stream, "aclose") else stream.close)()
    assert stream.response is None
    assert client.generate_response("hi").provider_name == "chatserver"


def test_models_of_all(make: Callable[..., Any], options: dict[str, Any], openai_service: Loopback) -> None:
    openai_service.answers = [MODELS]
    models = make(validate_on_creation=False, **options).get_available_models()
    assert models[:2] == ["codegen-agent", "gpt-4o"]
    assert "claude-3-haiku" in models
