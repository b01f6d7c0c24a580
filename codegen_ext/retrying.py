"""The retry policy for users' own functions."""

from __future__ import annotations

import functools
import inspect
import random
from collections.abc import Callable, Collection, Generator
from typing import Any, TypeVar

from codegen_api.operations import OPERATIONS

from .clock import SYSTEM_CLOCK, Clock
from .errors import (
    CodegenAPIError,
    ConfigurationError,
    NetworkError,
    RateLimitError,
    ServerError,
    TimeoutError,
    WaitTimeoutError,
)
from .once import is_ambiguous
from .transport.retry import RetryPolicy

F = TypeVar("F", bound=Callable[..., Any])


def retry_on_error(
    max_attempts: int = 3,
    backoff_factor: float = 1.5,
    *,
    delay: float = 1.0,
    clock: Clock = SYSTEM_CLOCK,
    draw: Callable[[], float] = random.random,
) -> Callable[[F], F]:
    """Repeat a function, or a coroutine function, that fails with an error that may pass.

    The pauses are those of the client's own repetitions: full jitter below a growing bound, and at least what
    `RateLimitError.retry_after` says. An error after which it is unknown whether something costly happened, such as
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
    policy = RetryPolicy(max_retries=max_attempts - 1, delay=delay, factor=backoff_factor)

    def pauses() -> Generator[float, CodegenAPIError, None]:
        """Yield the pause after each error that is sent in; raise the error when there is no further attempt."""
        error = yield 0.0
        for attempt in range(max_attempts - 1):
            if not may_pass(error, policy.statuses):
                raise error
            wait = error.retry_after if isinstance(error, RateLimitError) else 0.0
            error = yield max(policy.pause(attempt, draw), wait)
        raise error

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def repeated(*args: Any, **kwargs: Any) -> Any:
            plan = pauses()
            next(plan)
            while True:
                try:
                    return function(*args, **kwargs)
                except CodegenAPIError as error:
                    pause = plan.send(error)
                clock.sleep(pause)

        @functools.wraps(function)
        async def repeated_async(*args: Any, **kwargs: Any) -> Any:
            plan = pauses()
            next(plan)
            while True:
                try:
                    return await function(*args, **kwargs)
                except CodegenAPIError as error:
                    pause = plan.send(error)
                await clock.sleep_async(pause)

        return repeated_async if inspect.iscoroutinefunction(function) else repeated  # type: ignore[return-value]

    return decorate


def may_pass(error: CodegenAPIError, statuses: Collection[int]) -> bool:
    """Whether another attempt may succeed and does no harm."""
    if isinstance(error, WaitTimeoutError) or not isinstance(
        error, NetworkError | RateLimitError | ServerError | TimeoutError
    ):
        return False
    if error.status_code is not None and error.status_code not in statuses:
        return False
    name = error.operation or ""
    operation = OPERATIONS.get(name)
    # What the contract does not know is named by method and path.
    harmless = operation.idempotent if operation else not name.startswith(("POST ", "PATCH "))
    return harmless or not is_ambiguous(error)
