"""Decide which provider of a chain is asked, with how much time, and which failure the next one takes over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from attrs import evolve, frozen

from .base import AIResponse, Request, log
from .breaker import CircuitBreaker
from .errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError

SHARE_KEPT = 0.25
"""Part of the time that a provider leaves to those behind it, where its own time-out would be handed over."""
REFUSED_SECONDS = 300.0
"""Seconds for which a provider that refused the credential is not asked."""


@frozen
class Candidate:
    """A provider of a chain, and what keeps it out when it fails."""

    provider: Any
    breaker: CircuitBreaker


class Attempts:
    """Providers that are asked for one answer, one after the other; iterating yields each with its request."""

    def __init__(self, candidates: Sequence[Candidate], request: Request) -> None:
        self._candidates = candidates
        self._request = request
        self._tried: list[dict[str, Any]] = []
        self._last: AIProviderError | None = None

    def __iter__(self) -> Iterator[tuple[Candidate, Request]]:
        refusals = [_refusal(candidate.provider, self._request) for candidate in self._candidates]
        fit = [candidate for candidate, refusal in zip(self._candidates, refusals, strict=True) if refusal is None]
        for candidate, refusal in zip(self._candidates, refusals, strict=True):
            if self._request.deadline.expired:
                return
            reason = refusal or (None if candidate.breaker.allow_request() else "kept out after failures")
            if reason is not None:
                self._note(candidate, "skipped", reason)
                continue
            later = [other for other in fit[fit.index(candidate) + 1 :] if other.breaker.state != "open"]
            log("asking provider %s with %.1f s left", candidate.provider.name, self._request.deadline.left())
            yield candidate, self._share(candidate.provider, has_others=bool(later))

    def _share(self, provider: Any, *, has_others: bool) -> Request:
        deadline = self._request.deadline
        keeps = has_others and not getattr(provider, "late_has_effect", False)
        share = deadline.earlier(deadline.left() * (1 - SHARE_KEPT) if keeps else None)
        return evolve(self._request, deadline=share, may_repeat=not has_others)

    def begun(self, request: Request) -> None:
        """Give a stream that has begun, which no other provider takes over, all the time that is left."""
        request.deadline.at = self._request.deadline.at

    @contextmanager
    def asking(self, candidate: Candidate) -> Iterator[None]:
        """Report to the breaker how a provider ended; raise its error only where no other provider may follow."""
        breaker = candidate.breaker
        try:
            yield
        except AIProviderError as error:
            self._last = error
            error.tried = self._tried
            if error.status_code == 401:
                breaker.failed(REFUSED_SECONDS)
            elif error.status_code == 403 or not type(error).hands_over:  # says nothing about the next request
                breaker.released()
            else:
                breaker.failed(getattr(error, "retry_after", None) or None)
            self._note(candidate, type(error).__name__, error.message)
            # Not when something may have happened, nor when the user has seen text.
            if not error.hands_over or error.may_have_effect or error.partial:
                raise
        except BaseException:
            breaker.released()
            raise
        else:
            breaker.succeeded()

    def answered(self, response: AIResponse) -> AIResponse:
        """Return an answer that tells what was tried before."""
        return evolve(response, metadata={**response.metadata, "tried": self._tried})

    def error(self) -> AIProviderError:
        """Return the error for a request that no provider answered: that of the last one that was asked."""
        last = self._last
        if last is None:
            said = "; ".join(f"{entry['provider']}: {entry['reason']}" for entry in self._tried)
            if self._request.deadline.expired:
                last = ProviderTimeoutError(f"no provider answered in time ({said or 'none was asked'})")
                last.timeout_duration = self._request.timeout
            else:
                last = ProviderUnavailableError(f"no provider can answer: {said or 'there is none'}")
        last.tried = self._tried
        return last

    def _note(self, candidate: Candidate, outcome: str, reason: str) -> None:
        name = candidate.provider.name
        self._tried.append({"provider": name, "outcome": outcome, "reason": reason})
        log("provider %s: %s, %s", name, outcome, reason)


def _refusal(provider: Any, request: Request) -> str | None:
    """Say why a provider cannot be asked, None when it can; sends nothing."""
    refusal: str | None = provider.refusal(request) if hasattr(provider, "refusal") else None
    return refusal or missing(provider)


def missing(provider: Any) -> str | None:
    """Say what a provider lacks, None when it can be asked."""
    return getattr(provider, "unavailable_because", None if provider.is_available else "not available")
