"""The client's retry policy as a decorator for users' own functions."""

import asyncio
from typing import Any

import pytest

from codegen_ext import (
    AmbiguousRequestError,
    CodegenAPIError,
    ConfigurationError,
    NetworkError,
    NotFoundError,
    RateLimitError,
    ServerError,
    WaitTimeoutError,
    retry_on_error,
)
from codegen_ext.testing import FakeClock

# The errors of the calls, what the decorator is told, and the pauses between the calls.
REPEATED: dict[str, tuple[list[CodegenAPIError], dict[str, Any], list[float]]] = {
    "what may pass": ([ServerError("a"), NetworkError("b")], {"delay": 2.0}, [2.0, 3.0]),
    "as the service asks": ([RateLimitError("a", retry_after=17)], {}, [17.0]),
    **{f"status {status}": ([ServerError("a", status)], {}, [1.0]) for status in (500, 503)},
    **{f"{method} of its own": ([NetworkError("a", operation=f"{method} /x")], {}, [1.0]) for method in ("GET", "PUT")},
    "the last attempt": ([ServerError("a"), ServerError("b"), ServerError("last")], {"max_attempts": 3}, [1.0, 1.5]),
}
RAISED: list[CodegenAPIError] = [
    AmbiguousRequestError("unknown", request_id="id"),
    NotFoundError("gone"),
    WaitTimeoutError("late"),
    ServerError("a create that may have happened", operation="create_agent_run"),
    *(ServerError("a", status) for status in (501, 505)),
    *(NetworkError("a", operation=f"{method} /x") for method in ("POST", "PATCH")),
]


def call(kind: str, errors: list[CodegenAPIError], **options: Any) -> str:
    """Call a function, or a coroutine function, that raises each error once and then returns its name."""
    rest = list(errors)
    decorate = retry_on_error(draw=lambda: 1.0, **options)

    @decorate
    def function() -> str:
        """Say what it does."""
        if rest:
            raise rest.pop(0)
        return f"{function.__name__}: {function.__doc__}"

    @decorate
    async def coroutine() -> str:
        if rest:
            raise rest.pop(0)
        return "coroutine"

    return function() if kind == "sync" else asyncio.run(coroutine())


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize(("errors", "options", "pauses"), REPEATED.values(), ids=REPEATED)
def test_what_may_pass_is_repeated(
    kind: str, clock: FakeClock, errors: list[CodegenAPIError], options: dict[str, Any], pauses: list[float]
) -> None:
    if len(errors) > len(pauses):
        with pytest.raises(type(errors[-1]), match="last"):
            call(kind, errors, clock=clock, **options)
    else:
        shown = "function: Say what it does." if kind == "sync" else "coroutine"
        assert call(kind, errors, clock=clock, **options) == shown
    assert clock.slept == pauses


@pytest.mark.parametrize("kind", ["sync", "async"])
@pytest.mark.parametrize("error", RAISED, ids=str)
def test_what_will_not_pass_or_may_have_happened_is_raised(kind: str, error: CodegenAPIError, clock: FakeClock) -> None:
    with pytest.raises(type(error)):
        call(kind, [error], clock=clock)
    assert clock.slept == []


@pytest.mark.parametrize("wrong", [{"max_attempts": 0}, {"backoff_factor": -1.0}, {"delay": float("nan")}])
def test_wrong_arguments_are_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match=next(iter(wrong))) as caught:
        retry_on_error(**wrong)
    assert caught.value.config_key == next(iter(wrong))
    with pytest.raises(ConfigurationError, match=r"@retry_on_error\(\)"):
        retry_on_error(print)  # type: ignore[arg-type]
