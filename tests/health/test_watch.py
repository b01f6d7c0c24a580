"""The monitor's decisions, driven by hand on a fake clock."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest
from codegen_ext.health import PROBE, watch
from hypothesis import given
from hypothesis import strategies as st

from codegen_ext import HealthStatus, NetworkError, RateLimitError, ServerError
from codegen_ext.testing import FakeClock

from ..support.driving import drive

FINE, DOWN, LIMITED = None, ServerError("down", 503), RateLimitError("slow down", 429, retry_after=90)


class EndError(Exception):
    """Ends a flow that has no end."""


def watched(
    outcomes: Iterable[Any], interval: float = 30, threshold: int = 1
) -> tuple[list[HealthStatus], list[float]]:
    """Return what a monitor makes of these outcomes, and how long it sleeps after each."""
    clock, left = FakeClock(), list(outcomes)
    seen: list[HealthStatus] = []

    def perform(effect: Any) -> None:
        assert effect.operation is PROBE
        if not left:
            raise EndError
        clock.advance(0.5)
        if (outcome := left.pop(0)) is not None:
            raise outcome

    steps = watch(clock, interval, threshold)
    slept: list[float] = []
    with pytest.raises(EndError):
        drive(_noting(steps, seen, slept), perform, clock)
    return seen, slept


def _noting(steps: Any, seen: list[HealthStatus], slept: list[float]) -> Any:
    """Pass a flow's effects on and keep what it emits and sleeps."""
    from codegen_ext.flow import Emit, Sleep

    resume: Callable[[Any], Any] = steps.send
    outcome: Any = None
    while True:
        effect = resume(outcome)
        resume = steps.send
        if isinstance(effect, Emit):
            seen.append(effect.item)
        if isinstance(effect, Sleep):
            slept.append(effect.seconds)
        try:
            outcome = yield effect
        except Exception as error:  # noqa: BLE001
            resume, outcome = steps.throw, error


def test_it_checks_at_once_and_then_every_interval() -> None:
    seen, slept = watched([FINE] * 3)
    assert slept == [30, 30, 30]
    assert [status.checks for status in seen] == [1, 2, 3]
    assert {status.healthy for status in seen} == {True}
    assert seen[0].last is not None
    assert seen[0].last["response_time_seconds"] == 0.5
    assert seen[0].last["error"] is None


def test_so_many_failures_in_a_row_as_the_threshold_says() -> None:
    seen, _ = watched([FINE, DOWN, DOWN, FINE, DOWN, DOWN, DOWN, DOWN, FINE], threshold=3)
    assert [status.healthy for status in seen] == [True, True, True, True, True, True, False, False, True]
    assert [status.consecutive_failures for status in seen] == [0, 1, 2, 0, 1, 2, 3, 4, 0]
    assert seen[6].last is not None
    assert "down" in seen[6].last["error"]


def test_nothing_is_decided_before_the_threshold() -> None:
    seen, _ = watched([DOWN, DOWN, NetworkError("gone")], threshold=3)
    assert [(status.healthy, status.status) for status in seen] == [
        (None, "unknown"),
        (None, "unknown"),
        (False, "unhealthy"),
    ]


def test_too_many_requests_decide_nothing_and_are_waited_out() -> None:
    seen, slept = watched([LIMITED, FINE, LIMITED, DOWN, LIMITED, DOWN], threshold=2)
    assert [status.healthy for status in seen] == [None, True, True, True, True, False]
    assert slept == [90, 30, 90, 30, 90, 30]


def test_a_short_interval_stays_inside_the_rate_limit() -> None:
    _, slept = watched([FINE] * 200, interval=0.001)
    limit = PROBE.rate_limit
    assert slept == [limit.seconds / limit.requests] * 200


@given(st.lists(st.sampled_from([FINE, DOWN, LIMITED]), max_size=40), st.integers(1, 5))
def test_what_it_says_follows_from_the_last_answers(outcomes: list[Any], threshold: int) -> None:
    seen, _ = watched(outcomes, threshold=threshold)
    telling: list[Any] = []
    for outcome, status in zip(outcomes, seen, strict=True):
        telling += [outcome] if outcome is not LIMITED else []
        failures = len(telling) if FINE not in telling else telling[::-1].index(FINE)
        assert status.consecutive_failures == failures
        if failures >= threshold:
            assert status.healthy is False
        if telling and failures == 0:
            assert status.healthy is True
