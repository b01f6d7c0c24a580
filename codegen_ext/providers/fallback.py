"""Who answers when somebody cannot: the decisions, and the provider that follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from attrs import evolve, frozen

from ..clock import SYSTEM_CLOCK, Clock
from .backend import Deadline
from .breaker import CircuitBreaker
from .calls import AsyncCalls, SyncCalls
from .credentials import unfit
from .errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from .log import log
from .protocol import AIResponse, Request
from .provider import ProviderBase, relayed, with_partial
from .steps import Call, Emit, Steps
from .usage import plain, total_of

DEFAULT_TIMEOUT = 600.0
"""Seconds for an answer, all providers together, where the caller names no time."""


@frozen
class Candidate:
    """A provider that may be asked, and what keeps it out when it fails."""

    provider: Any
    breaker: CircuitBreaker


def ask_in_turn(
    candidates: Sequence[Candidate],
    request: Request,
    clock: Clock,
    ask: Callable[[Any, Request], Steps[AIResponse]],
    *,
    validate: bool = True,
    default_timeout: float = DEFAULT_TIMEOUT,
) -> Steps[AIResponse]:
    """Ask one provider after the other until one answers; each gets what is left of the time.

    Args:
        candidates: In the order of preference.
        request: What is asked.
        clock: Where time comes from.
        ask: Returns the steps that ask one provider; what they emit has reached the user.
        validate: Whether a provider's credentials must be accepted before it is asked.
        default_timeout: Seconds for all of it where the request names none.

    Raises:
        AIProviderError: the error of the provider that must not be followed by another; or, when nobody is left, that
            of the last one that was asked, and ProviderUnavailableError when nobody was. `tried` lists all.

    """
    deadline = Deadline(clock, default_timeout if request.timeout is None else request.timeout)
    tried: list[dict[str, Any]] = []
    last: AIProviderError | None = None
    for position, candidate in enumerate(candidates):
        provider, breaker = candidate.provider, candidate.breaker
        if deadline.is_over:
            break
        reason = _refusal(provider, request) or (None if breaker.admit() else "kept out after failures")
        if reason is not None:
            _note(tried, provider.name, "skipped", reason)
            continue
        report = breaker.released  # interrupted, or the caller's own mistake: nothing is learnt
        try:
            reason = yield from _unfit(provider, deadline, validate=validate)
            if reason is not None:
                report = breaker.failed
                _note(tried, provider.name, "invalid", reason)
                continue
            if deadline.is_over:
                break
            others = [other for other in candidates[position + 1 :] if not _refusal(other.provider, request)]
            log("asking provider %s with %.1f s left", provider.name, deadline.left())
            left = evolve(request, timeout=deadline.left(), may_repeat=not others)
            response = yield from with_partial(ask(provider, left))
            report = breaker.succeeded
            return evolve(response, metadata={**response.metadata, "tried": tried})
        except AIProviderError as error:
            last = error
            if error.hands_over:
                report = partial(breaker.failed, getattr(error, "retry_after", None) or None)
        finally:
            report()
        _note(tried, provider.name, type(last).__name__, last.message)
        # Not when something may have happened, nor when the user has seen text.
        if not last.hands_over or last.may_have_effect or last.partial:
            break
    raise _nobody(last, tried, deadline)


def _unfit(provider: Any, deadline: Deadline, *, validate: bool = True) -> Steps[str | None]:
    limits = {"timeout": deadline.left()} if isinstance(provider, ProviderBase) else {}
    return (yield from unfit(provider, validate=validate, **limits))


def _refusal(provider: Any, request: Request) -> str | None:
    refuses = getattr(provider, "refuses", None)
    refusal: str | None = refuses(request) if refuses else None
    return refusal or getattr(provider, "unavailable_because", None if provider.is_available else "not available")


def _note(tried: list[dict[str, Any]], name: str, outcome: str, reason: str) -> None:
    tried.append({"provider": name, "outcome": outcome, "reason": reason})
    log("provider %s: %s, %s", name, outcome, reason)


def _nobody(last: AIProviderError | None, tried: list[dict[str, Any]], deadline: Deadline) -> AIProviderError:
    if last is None:
        said = "; ".join(f"{entry['provider']}: {entry['reason']}" for entry in tried)
        if deadline.is_over:
            last = ProviderTimeoutError(f"no provider answered within {deadline.seconds:g} s ({said or 'none asked'})")
            last.timeout_duration = deadline.seconds
        else:
            last = ProviderUnavailableError(f"no provider can answer: {said or 'none has credentials'}")
    last.tried = tried
    return last


class FallbackBase:
    """What the sync and the async chain share."""

    name = "fallback"

    def __init__(
        self,
        providers: Sequence[Any],
        *,
        clock: Clock = SYSTEM_CLOCK,
        timeout: float = DEFAULT_TIMEOUT,
        validate: bool = True,
        breaker_failures: int = 3,
        breaker_cooldown: float = 30.0,
    ) -> None:
        self._clock = clock
        self._timeout = timeout
        self._validates = validate
        self._candidates = [
            Candidate(provider, CircuitBreaker(clock, breaker_failures, breaker_cooldown)) for provider in providers
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.provider_names)})"

    @property
    def provider_names(self) -> list[str]:
        """The providers, in the order in which they are asked."""
        return [candidate.provider.name for candidate in self._candidates]

    @property
    def is_available(self) -> bool:
        """Whether any of the providers is."""
        return any(candidate.provider.is_available for candidate in self._candidates)

    def get_default_model(self) -> str | None:
        """Return the default model of the first provider that is available."""
        available = (candidate.provider for candidate in self._candidates if candidate.provider.is_available)
        first: Any = next(available, None)
        return first.get_default_model() if hasattr(first, "get_default_model") else None

    def get_stats(self) -> dict[str, Any]:
        """Return the statistics of all providers together."""
        return plain(self.get_enhanced_stats(), "providers")

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return the statistics of all together, and of each in `providers`, with the state of its `breaker`."""
        rows = {
            candidate.provider.name: {
                **candidate.provider.get_enhanced_stats(),
                "breaker": candidate.breaker.state,
            }
            for candidate in self._candidates
            if hasattr(candidate.provider, "get_enhanced_stats")
        }
        return {**total_of(rows.values()), "providers": rows}

    def _in_turn(self, request: Request, ask: Callable[[Any, Request], Steps[AIResponse]]) -> Steps[AIResponse]:
        return ask_in_turn(
            self._candidates,
            request,
            self._clock,
            ask,
            validate=self._validates,
            default_timeout=self._timeout,
        )

    def _generate(self, request: Request) -> Steps[AIResponse]:
        return (yield from self._in_turn(request, _generated))

    def _stream(self, request: Request) -> Steps[AIResponse]:
        return (yield from self._in_turn(request, _streamed))

    def _validate(self, timeout: float | None) -> Steps[bool]:
        deadline = Deadline(self._clock, timeout)
        for candidate in self._candidates:
            if (yield from _unfit(candidate.provider, deadline)) is None:
                return True
        return False

    def _models(self) -> Steps[list[str]]:
        found: list[str] = []
        failed: AIProviderError | None = None
        for candidate in self._candidates:
            if candidate.provider.is_available and hasattr(candidate.provider, "get_available_models"):
                try:
                    found += yield Call(candidate.provider.get_available_models)
                except AIProviderError as error:
                    log("provider %s does not list its models: %s", candidate.provider.name, error)
                    failed = error
        if failed is not None and not found:
            raise failed
        return list(dict.fromkeys(found))

    def _close(self) -> Steps[None]:
        for candidate in self._candidates:
            yield Call(candidate.provider.close)


def _generated(provider: Any, request: Request) -> Steps[AIResponse]:
    response: AIResponse = yield Call(lambda: provider.generate_response(**_arguments(provider, request)))
    return response


def _streamed(provider: Any, request: Request) -> Steps[AIResponse]:
    if not hasattr(provider, "stream_response"):
        response = yield from _generated(provider, request)
        yield Emit(response.content)
        return response
    stream = provider.stream_response(**_arguments(provider, request))
    return (yield from relayed(stream, stream.aclose if hasattr(stream, "aclose") else stream.close))


def _arguments(provider: Any, request: Request) -> dict[str, Any]:
    own = {"may_repeat": request.may_repeat} if isinstance(provider, ProviderBase) else {}
    names = ("prompt", "system_prompt", "model", "temperature", "max_tokens", "tools", "tool_choice", "timeout")
    return {**{name: getattr(request, name) for name in names}, **own, **request.options}


class FallbackProvider(FallbackBase, SyncCalls):
    """Several providers as one: the next answers when one cannot; may be shared by threads."""


class AsyncFallbackProvider(FallbackBase, AsyncCalls):
    """`FallbackProvider` for asyncio."""
