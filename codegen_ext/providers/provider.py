"""A provider of this package: one backend, counted, timed, and with its failures named."""

from __future__ import annotations

import threading
from typing import Any

from attrs import evolve

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError
from .backend import PSEUDO_MODEL, Answer, Availability, Backend, Deadline
from .calls import AsyncCalls, SyncCalls
from .errors import AIProviderError, ProviderAuthenticationError, ProviderUnavailableError
from .protocol import AIResponse, Request
from .steps import END, Advance, Call, Emit, Steps
from .usage import Prices, Usage, check_prices, cost_of, plain
from .validation import Verdict, digest, validations

VALIDATION_SECONDS = 20.0
"""The most that a validation takes."""


class ProviderBase:
    """What the sync and the async provider share."""

    _is_async: bool

    def __init__(self, backend: Backend, *, clock: Clock = SYSTEM_CLOCK, prices: Prices | None = None) -> None:
        self.name = backend.name
        self._backend = backend
        self._clock = clock
        self._prices = check_prices(prices or {})
        self._usage = Usage()
        self._connected: Any = None
        self._lock = threading.Lock()
        self.last_validation_error: str | None = None
        self.was_reached = False
        if hasattr(backend, "on_run"):
            backend.on_run = self._usage.add_task

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    @property
    def is_available(self) -> bool:
        """Whether there are credentials and what the provider needs on this machine; sends nothing."""
        return self.unavailable_because is None

    @property
    def unavailable_because(self) -> str | None:
        """What is missing, None when nothing is."""
        has_credentials, missing = self.availability()
        return missing if has_credentials else "no credentials"

    def availability(self) -> Availability:
        """Tell what can be told without a request."""
        return self._backend.availability()

    def get_default_model(self) -> str | None:
        """Return the model that answers where none is named, None where the service chooses."""
        return self._backend.default_model() or (PSEUDO_MODEL if self.name == "codegen" else None)

    def get_stats(self) -> dict[str, Any]:
        """Return request_count, error_count, error_rate, last_request_time, tokens, duration and cost."""
        return plain(self._usage.stats())

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return `get_stats`, success_rate, task_count (runs that were created) and average_response_time."""
        return self._usage.stats()

    def refuses(self, request: Request) -> str | None:
        """Say why this request cannot be answered here, None when it can."""
        return self._backend.refuses(request)

    def _client(self) -> Any:
        if (missing := self.unavailable_because) is not None:
            raise self._backend.error(ProviderUnavailableError, missing)
        with self._lock:
            if self._connected is None:
                try:
                    self._connected = self._backend.connect(is_async=self._is_async)
                except ConfigurationError as error:
                    raise self._backend.error(ProviderUnavailableError, str(error)) from None
            return self._connected

    def _fitting(self, request: Request, *, streaming: bool) -> tuple[Request, list[str]]:
        """Return the request with the options that this provider has, and the names of the others."""
        from .registry import known_options

        taken = self._backend.options()
        options = {name: value for name, value in request.options.items() if name in taken}
        ignored = [name for name in request.options if name not in taken]
        unknown = [name for name in ignored if name not in known_options()]
        if unknown:
            raise TypeError(f"no provider has an option {unknown[0]!r}; {self.name} has {', '.join(sorted(taken))}")
        return evolve(request, options=options), [*ignored, *self._backend.ignores(request, streaming=streaming)]

    def _asked(self, request: Request, *, streaming: bool) -> Steps[AIResponse]:
        started = self._clock.monotonic()
        if (refusal := self.refuses(request)) is not None:
            raise self._backend.error(AIProviderError, refusal)
        request, ignored = self._fitting(request, streaming=streaming)
        ask = self._backend.stream if streaming else self._backend.complete
        failed: Exception | None = None
        try:
            answer = yield from ask(self._client(), request, Deadline(self._clock, request.timeout))
        except Exception as error:  # noqa: BLE001 - the backend says what it means
            failed = self._backend.failure(error, request) or error
        duration = self._clock.monotonic() - started
        self._usage.add(self._clock.time(), duration, is_error=failed is not None)
        if isinstance(failed, ProviderAuthenticationError):
            self._keep(failed)
        if failed is not None:
            # Out of the handler, so that the service's own exception is not chained; a backend may have raised in one.
            if isinstance(failed, AIProviderError):
                failed.__context__ = None
            raise failed.with_traceback(None)
        cost = cost_of(self._prices, self.name, answer.model, answer.usage)
        self._usage.add_answer(answer.usage, cost)
        return self._response(answer, ignored, cost, duration)

    def _response(self, answer: Answer, ignored: list[str], cost: float | None, duration: float) -> AIResponse:
        metadata = {**answer.metadata, "tried": [], "ignored": ignored}
        if cost is not None:
            metadata["cost"] = cost
        return AIResponse(
            content=answer.content,
            provider_name=self.name,
            model=answer.model or self.get_default_model(),
            usage=answer.usage,
            metadata=metadata,
            raw_response=answer.raw_response,
            response_time=duration,
            request_id=answer.request_id,
        )

    def _generate(self, request: Request) -> Steps[AIResponse]:
        return (yield from self._asked(request, streaming=False))

    def _stream(self, request: Request) -> Steps[AIResponse]:
        return (yield from with_partial(self._asked(request, streaming=True)))

    def _validate(self, timeout: float | None) -> Steps[bool]:
        if (missing := self.unavailable_because) is not None:
            self.last_validation_error = missing
            return False
        known = validations(self._clock).get(self._identity())
        if known is None:
            seconds = min(VALIDATION_SECONDS, VALIDATION_SECONDS if timeout is None else timeout)
            failed: Exception | None = None
            try:
                yield from self._backend.validate(self._client(), Deadline(self._clock, seconds))
            except Exception as error:  # noqa: BLE001 - the backend says what it means
                failed = self._backend.failure(error, None) or error
            if failed is not None and not isinstance(failed, AIProviderError):
                raise failed.with_traceback(None)
            known = self._keep(failed)
        self.last_validation_error, self.was_reached = known.error, known.was_reached
        return known.error is None

    def _identity(self) -> bytes:
        return digest([self.name, *self._backend.identity()])

    def _keep(self, failed: AIProviderError | None) -> Verdict:
        lasting = failed is None or isinstance(failed, ProviderAuthenticationError)
        was_reached = failed is None or failed.status_code is not None
        message = None if failed is None else str(failed)
        return validations(self._clock).put(self._identity(), message, was_reached=was_reached, lasting=lasting)

    def _models(self) -> Steps[list[str]]:
        failed: Exception | None = None
        try:
            names: list[str] = yield from self._backend.models(self._client())
        except Exception as error:  # noqa: BLE001 - the backend says what it means
            failed = self._backend.failure(error, None) or error
        if failed is not None:
            raise failed.with_traceback(None)
        return names

    def _close(self) -> Steps[None]:
        connected, self._connected = self._connected, None
        if connected is not None:
            yield Call(lambda: self._backend.close(connected))


def with_partial(steps: Steps[AIResponse]) -> Steps[AIResponse]:
    """Run the steps of a stream within others; an error gets the text that was emitted before it."""
    pieces: list[str] = []
    resume: Any = steps.send
    outcome: Any = None
    while True:
        try:
            effect = resume(outcome)
        except StopIteration as end:
            response: AIResponse = end.value
            return response
        except AIProviderError as error:
            error.partial = error.partial or "".join(pieces)
            raise
        if isinstance(effect, Emit):
            pieces.append(effect.item)
        resume, outcome = steps.send, None
        try:
            outcome = yield effect
        except BaseException as error:  # noqa: BLE001 - the steps decide
            resume, outcome = steps.throw, error


def relayed(stream: Any, close: Any) -> Steps[AIResponse]:
    """Emit what another provider's stream yields, and return its answer."""
    try:
        while (piece := (yield Advance(stream))) is not END:
            yield Emit(piece)
    finally:
        yield Call(close)
    response: AIResponse = stream.response
    return response


class Provider(ProviderBase, SyncCalls):
    """A provider for threads; may be shared by them."""

    _is_async = False


class AsyncProvider(ProviderBase, AsyncCalls):
    """A provider for asyncio."""

    _is_async = True
