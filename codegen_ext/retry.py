"""Decide whether and when a request is sent again; the same policy serves users' own functions."""

from __future__ import annotations

import functools
import inspect
import random
from collections.abc import Callable, Collection
from typing import Any, NamedTuple, TypeVar

import httpx

from ._request import Call, check_clock, is_idempotent, operation_named
from ._response import is_permanent, never_arrived, retry_after_of
from .clock import SYSTEM_CLOCK, Clock
from .errors import (
    CodegenAPIError,
    ConfigurationError,
    InvalidResponseError,
    NetworkError,
    RateLimitError,
    ServerError,
    TimeoutError,
    WaitTimeoutError,
)

F = TypeVar("F", bound=Callable[..., Any])

LONGEST_PAUSE = 60.0
"""Seconds of the longest pause, but for what `Retry-After` asks for."""


class RetryPolicy(NamedTuple):
    """How soon a request is repeated, and after which statuses; `delay` is seconds."""

    delay: float = 1.0
    factor: float = 2.0
    statuses: Collection[int] = (429, 500, 502, 503, 504)
    draw: Callable[[], float] = random.random

    def pause(self, attempt: int) -> float:
        """Return the pause after an attempt, counted from 1: full jitter below an exponential bound."""
        try:
            return self.draw() * min(self.delay * self.factor ** (attempt - 1), LONGEST_PAUSE)
        except OverflowError:  # after some hundreds of attempts
            return self.draw() * LONGEST_PAUSE

    def pause_after(
        self, request: httpx.Request, call: Call, attempt: int, outcome: httpx.Response | Exception
    ) -> float | None:
        """Return the pause before a request is sent again, None where it is not.

        A failure to connect and 429 are repeated always; a failure after the request may have arrived, and a status of
        5xx, only for an idempotent operation; what would only fail again, never.
        """
        if attempt > call.max_retries:
            return None
        pause = self.pause(attempt)
        if isinstance(outcome, httpx.Response):
            status = outcome.status_code
            if status not in self.statuses or not (status == 429 or is_idempotent(call, request)):
                return None
            pause = max(pause, retry_after_of(outcome) or 0.0)
        elif is_permanent(outcome) or not (never_arrived(outcome) or is_idempotent(call, request)):
            return None
        return pause if pause < call.deadline.left() else None


def is_ambiguous(error: CodegenAPIError) -> bool:
    """Whether the service may have done what was asked although the call failed."""
    if isinstance(error, NetworkError | TimeoutError):
        return not never_arrived(error.__cause__)
    return isinstance(error, ServerError | InvalidResponseError)


def is_transient(error: CodegenAPIError, statuses: Collection[int] = RetryPolicy().statuses) -> bool:
    """Whether another attempt may succeed and does no harm."""
    if isinstance(error, WaitTimeoutError) or not isinstance(
        error, NetworkError | RateLimitError | ServerError | TimeoutError
    ):
        return False
    if error.status_code is not None and error.status_code not in statuses:
        return False
    name = error.operation or ""
    operation = operation_named(name)
    # What the contract does not know is named by method and path.
    harmless = operation.idempotent if operation else not name.startswith(("POST ", "PATCH "))
    return harmless or not is_ambiguous(error)


def retry_on_error(
    max_attempts: int = 3,
    backoff_factor: float = 1.5,
    *,
    delay: float = 1.0,
    clock: Clock = SYSTEM_CLOCK,
    draw: Callable[[], float] = random.random,
) -> Callable[[F], F]:
    """Repeat a function, or a coroutine function, that fails with a transient error.

    The pauses are those of the client's own repetitions: full jitter below a growing bound, and at least what
    the error's `retry_after` says. An error after which it is unknown whether something costly happened, such as
    `AmbiguousRequestError`, is never followed by another attempt.

    Args:
        max_attempts: How often the function is called at most.
        backoff_factor: By how much the bound of the pause grows with each attempt.
        delay: The bound of the first pause, in seconds.
        clock: Where time comes from.
        draw: Returns random numbers from 0 to 1, for the jitter.

    Raises:
        ConfigurationError: when `max_attempts` is less than 1, or `backoff_factor` or `delay` less than 0.
        CodegenAPIError: the last error.

    """
    if type(max_attempts) is not int or max_attempts < 1:
        problem = "max_attempts must be a whole number of at least 1; without arguments write @retry_on_error()"
        raise ConfigurationError(problem, config_key="max_attempts")
    for name, value in (("backoff_factor", backoff_factor), ("delay", delay)):
        if not isinstance(value, int | float) or not 0 <= value < float("inf"):
            raise ConfigurationError(f"{name} must be a number that is not negative", config_key=name)
    check_clock(clock)
    policy = RetryPolicy(delay, backoff_factor, draw=draw)

    def pause_after(attempt: int, error: CodegenAPIError) -> float:
        if attempt >= max_attempts or not is_transient(error):
            raise error
        return max(policy.pause(attempt), error.retry_after or 0.0)

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def repeated(*args: Any, **kwargs: Any) -> Any:
            attempt = 0
            while True:
                attempt += 1
                try:
                    return function(*args, **kwargs)
                except CodegenAPIError as error:
                    pause = pause_after(attempt, error)
                clock.sleep(pause)

        @functools.wraps(function)
        async def repeated_async(*args: Any, **kwargs: Any) -> Any:
            attempt = 0
            while True:
                attempt += 1
                try:
                    return await function(*args, **kwargs)
                except CodegenAPIError as error:
                    pause = pause_after(attempt, error)
                await clock.sleep_async(pause)

        return repeated_async if inspect.iscoroutinefunction(function) else repeated  # type: ignore[return-value]

    return decorate
