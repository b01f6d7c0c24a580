# Generated from codegen_ext/providers/_async/fallback.py by make generate; edit there.
"""Several providers as one: the next answers when one cannot."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from attrs import evolve

from ..._request import check_count, check_seconds
from ...clock import SYSTEM_CLOCK, Clock
from ..base import AIResponse, Request, logger
from ..breaker import CircuitBreaker
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..usage import total_of
from .base import AIProvider

DEFAULT_TIMEOUT = 600.0
"""Seconds for an answer, all providers together, where the caller names no time."""
SHARE_KEPT = 0.25
"""Part of the time that a provider leaves to those behind it, where its own time-out would be handed over."""
REFUSED_SECONDS = 300.0
"""Seconds for which a provider that refused the credential is not asked."""


class _Candidate(NamedTuple):
    """A provider of a chain, and what keeps it out when it fails."""

    provider: AIProvider
    breaker: CircuitBreaker


class FallbackProvider(AIProvider):
    """Several providers as one, asked in their order until one answers; may be shared by threads.

    Args:
        providers: In the order of preference.
        clock: Where time comes from.
        timeout: Seconds for an answer, all providers together, where the caller names no time; None for no limit.
        breaker_failures: How many failures in a row keep a provider out.
        breaker_cooldown: Seconds that it is kept out.

    Raises:
        ConfigurationError: for a number that is wrong.

    """

    name = "fallback"

    def __init__(
        self,
        providers: Sequence[AIProvider],
        *,
        clock: Clock = SYSTEM_CLOCK,
        timeout: float | None = DEFAULT_TIMEOUT,
        breaker_failures: int = 3,
        breaker_cooldown: float = 30.0,
    ) -> None:
        if timeout is not None:
            check_seconds("timeout", timeout)
        check_seconds("breaker_cooldown", breaker_cooldown)
        check_count("breaker_failures", breaker_failures, least=1)
        self._clock = clock
        self._longest = timeout
        self._candidates = [
            _Candidate(provider, CircuitBreaker(clock, breaker_failures, breaker_cooldown)) for provider in providers
        ]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(self.provider_names)})"

    @property
    def provider_names(self) -> list[str]:
        """The providers, in the order in which they are asked."""
        return [candidate.provider.name for candidate in self._candidates]

    def _available(self) -> list[AIProvider]:
        self._check_open()
        return [candidate.provider for candidate in self._candidates if candidate.provider.is_available]

    def answer(self, request: Request) -> Generator[str | AIResponse, None, None]:
        """Ask one provider after the other; yield what the first that can answers."""
        self._check_open()
        tried: list[dict[str, str]] = []
        last: AIProviderError | None = None
        refusals = [one.provider.refusal(request) or one.provider.unavailable_because for one in self._candidates]
        for index, (provider, breaker) in enumerate(self._candidates):
            if request.deadline.expired:
                break
            reason = refusals[index] or (None if breaker.allow_request() else "kept out after failures")
            if reason is not None:
                _note(tried, provider, "skipped", reason)
                continue
            later = zip(self._candidates[index + 1 :], refusals[index + 1 :], strict=True)
            has_others = any(refusal is None and other.breaker.state != "open" for other, refusal in later)
            keeps = has_others and not provider.may_act
            share = request.deadline.earlier(request.deadline.left() * (1 - SHARE_KEPT) if keeps else None)
            own = evolve(request, deadline=share, may_repeat=not has_others)
            logger.info("asking provider %s with %.1f s left", provider.name, share.left())
            try:
                with closing(provider.answer(own)) as items:
                    for item in items:
                        share.at = request.deadline.at  # no other provider takes over a stream that has begun
                        if isinstance(item, str):
                            yield item
                        else:
                            yield evolve(item, metadata={**item.metadata, "tried": tried})
            except AIProviderError as error:
                _judge(breaker, error)
                _note(tried, provider, type(error).__name__, error.message)
                last = error
                last.tried = tried
                # Not when something may have happened, nor when the user has seen text.
                if not error.hands_over or error.may_have_effect or error.partial:
                    raise
            except BaseException:
                breaker.released()
                raise
            else:
                breaker.succeeded()
                return
        raise last or _nothing_asked(request, tried)

    @property
    def unavailable_because(self) -> str | None:
        """What is missing where none of the providers is available."""
        problems = [candidate.provider.unavailable_because for candidate in self._candidates]
        return None if None in problems else "; ".join(filter(None, problems))

    def validation_error(self) -> str | None:
        """Return why no service accepts its credentials, None when one does; asks until one does."""
        error = self.unavailable_because
        for provider in self._available():
            error = provider.validation_error()
            if error is None:
                break
        return error

    def get_available_models(self) -> list[str]:
        """Return the models of all providers that list them.

        Raises:
            AIProviderError: when none does, and the service of one failed.

        """
        found: list[str] = []
        failed: AIProviderError | None = None
        for provider in self._available():
            try:
                found += provider.get_available_models()
            except AIProviderError as error:
                failed = error
        if failed is not None and not found:
            raise failed
        return list(dict.fromkeys(found))

    def get_default_model(self) -> str | None:
        """Return the default model of the first provider that is available."""
        first = next((one.provider for one in self._candidates if one.provider.is_available), None)
        return first.get_default_model() if first is not None else None

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return the statistics of all together, and of each in `providers`, with the state of its `breaker`."""
        rows = {
            provider.name: {**provider.get_enhanced_stats(), "breaker": breaker.state}
            for provider, breaker in self._candidates
        }
        return {**total_of([*rows.values()]), "providers": rows}

    def close(self) -> None:
        """Close all providers; calls that follow raise ClientClosedError."""
        self._is_closed = True
        for candidate in self._candidates:
            candidate.provider.close()


def _note(tried: list[dict[str, str]], provider: AIProvider, outcome: str, reason: str) -> None:
    tried.append({"provider": provider.name, "outcome": outcome, "reason": reason})
    logger.info("provider %s: %s, %s", provider.name, outcome, reason)


def _judge(breaker: CircuitBreaker, error: AIProviderError) -> None:
    """Tell a breaker how a request failed."""
    if error.status_code == 401:
        breaker.failed(REFUSED_SECONDS)
    elif error.status_code == 403 or not type(error).hands_over:  # says nothing about the next request
        breaker.released()
    else:
        breaker.failed(getattr(error, "retry_after", None) or None)


def _nothing_asked(request: Request, tried: list[dict[str, str]]) -> AIProviderError:
    """Return the error for a request that no provider was asked."""
    said = "; ".join(f"{entry['provider']}: {entry['reason']}" for entry in tried) or "there is none"
    if request.deadline.expired:
        error: AIProviderError = ProviderTimeoutError(
            f"no provider was asked in time ({said})", timeout_duration=request.timeout
        )
    else:
        error = ProviderUnavailableError(f"no provider can answer: {said}")
    error.tried = tried
    return error
