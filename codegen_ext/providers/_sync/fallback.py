# Generated from codegen_ext/providers/_async/fallback.py by make generate; edit there.
"""Several providers as one: the next answers when one cannot."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Any

from ..._request import Deadline
from ...clock import SYSTEM_CLOCK, Clock
from ..attempts import Attempts, Candidate
from ..base import AIResponse, Request, log
from ..breaker import CircuitBreaker
from ..errors import AIProviderError
from ..usage import total_of
from .base import AIProvider

DEFAULT_TIMEOUT = 600.0
"""Seconds for an answer, all providers together, where the caller names no time."""


class FallbackProvider(AIProvider):
    """Several providers as one, asked in their order until one answers; may be shared by threads.

    Args:
        providers: In the order of preference.
        clock: Where time comes from.
        timeout: Seconds for an answer, all providers together, where the caller names no time.
        breaker_failures: How many failures in a row keep a provider out.
        breaker_cooldown: Seconds that it is kept out.

    """

    name = "fallback"

    def __init__(
        self,
        providers: Sequence[Any],
        *,
        clock: Clock = SYSTEM_CLOCK,
        timeout: float = DEFAULT_TIMEOUT,
        breaker_failures: int = 3,
        breaker_cooldown: float = 30.0,
    ) -> None:
        self._clock = clock
        self._longest = timeout
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

    def answer(self, request: Request) -> AIResponse:
        """Answer a request by the first provider that can."""
        self._check_open()
        attempts = Attempts(self._candidates, request)
        for candidate, own in attempts:
            with attempts.asking(candidate):
                return attempts.answered(_answer(candidate.provider, own))
        raise attempts.error()

    def stream(self, request: Request) -> Generator[str | AIResponse, None, None]:
        """Yield the pieces of the answer of the first provider that can, and last the whole."""
        self._check_open()
        attempts = Attempts(self._candidates, request)
        for candidate, own in attempts:
            with attempts.asking(candidate):
                with closing(_stream(candidate.provider, own)) as items:
                    for item in items:
                        attempts.begun(own)
                        yield item if isinstance(item, str) else attempts.answered(item)
                return
        raise attempts.error()

    def validate_credentials(self, timeout: float | None = None) -> bool:
        """Whether the service of any provider accepts its credentials; asks until one does."""
        self._check_open()
        deadline = Deadline.after(self._clock, timeout)
        for provider in (candidate.provider for candidate in self._candidates if candidate.provider.is_available):
            own = provider.validate_credentials
            limits = {"timeout": deadline.left()} if isinstance(provider, AIProvider) and timeout else {}
            if own(**limits):
                return True
        return False

    def get_available_models(self) -> list[str]:
        """Return the models of all providers that list them.

        Raises:
            AIProviderError: when none does, and the service of one failed.

        """
        self._check_open()
        found: list[str] = []
        failed: AIProviderError | None = None
        for provider in (candidate.provider for candidate in self._candidates if candidate.provider.is_available):
            if hasattr(provider, "get_available_models"):
                try:
                    found += provider.get_available_models()
                except AIProviderError as error:
                    log("provider %s does not list its models: %s", provider.name, error)
                    failed = error
        if failed is not None and not found:
            raise failed
        return list(dict.fromkeys(found))

    def get_default_model(self) -> str | None:
        """Return the default model of the first provider that is available."""
        available = (candidate.provider for candidate in self._candidates if candidate.provider.is_available)
        first: Any = next(available, None)
        return first.get_default_model() if hasattr(first, "get_default_model") else None

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return the statistics of all together, and of each in `providers`, with the state of its `breaker`."""
        rows = {
            candidate.provider.name: {**candidate.provider.get_enhanced_stats(), "breaker": candidate.breaker.state}
            for candidate in self._candidates
            if hasattr(candidate.provider, "get_enhanced_stats")
        }
        return {**total_of(rows.values()), "providers": rows}

    def close(self) -> None:
        """Close all providers; calls that follow raise ClientClosedError."""
        self._is_closed = True
        for candidate in self._candidates:
            candidate.provider.close()


def _answer(provider: Any, request: Request) -> AIResponse:
    if isinstance(provider, AIProvider):
        return provider.answer(request)
    response: AIResponse = provider.generate_response(**_arguments(provider.name, request))
    return response


def _stream(provider: Any, request: Request) -> Generator[str | AIResponse, None, None]:
    """Yield what a provider streams; one without streams gives its answer as one piece."""
    if isinstance(provider, AIProvider):
        with closing(provider.stream(request)) as items:
            for item in items:
                yield item
    elif hasattr(provider, "stream_response"):
        stream = provider.stream_response(**_arguments(provider.name, request))
        with closing(stream):
            for piece in stream:
                yield piece
        yield stream.response
    else:
        response = _answer(provider, request)
        yield response.content
        yield response


def _arguments(provider: str, request: Request) -> dict[str, Any]:
    """Return the arguments of `generate_response` for a provider of another package; what is not given is left out."""
    names = ("prompt", "system_prompt", "temperature", "max_tokens", "tools", "tool_choice")
    given = {name: getattr(request, name) for name in names}
    given |= {"messages": request.given_messages, "model": request.model_for(provider), "timeout": request.allowance()}
    return {**{name: value for name, value in given.items() if value is not None}, **request.options}
