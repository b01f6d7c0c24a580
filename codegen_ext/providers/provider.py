"""A provider of this package: one backend, counted, timed, and with its failures named."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from attrs import evolve

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError
from . import validation
from .backend import PSEUDO_MODEL, Availability, Backend, Deadline
from .calls import AsyncCalls, SyncCalls
from .errors import AIProviderError, ProviderAuthenticationError, ProviderUnavailableError
from .protocol import AIResponse, Request
from .steps import END, Call, Emit, R, Steps, advance, relay
from .usage import Prices, Usage, check_prices, cost_of, plain

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

    def _use(self, use: Callable[[Any], Steps[R]], request: Request | None = None) -> Steps[R]:
        """Use the client; what goes wrong becomes an error of the provider."""
        try:
            return (yield from use(self._client()))
        except Exception as error:  # noqa: BLE001 - the backend says what it means
            failed = self._backend.failure(error, request) or error
        # Out of the handler, so that the service's own exception is not chained; a backend may have raised in one.
        if isinstance(failed, AIProviderError):
            failed.__context__ = None
        raise failed.with_traceback(None)

    def _asked(self, request: Request, *, streaming: bool) -> Steps[AIResponse]:
        started = self._clock.monotonic()
        if (refusal := self.refuses(request)) is not None:
            raise self._backend.error(AIProviderError, refusal)
        request, ignored = self._fitting(request, streaming=streaming)
        ask = self._backend.stream if streaming else self._backend.complete
        deadline = Deadline(self._clock, request.timeout)
        try:
            answer = yield from self._use(lambda client: ask(client, request, deadline), request)
        except Exception as error:
            self._usage.add(self._clock.time(), self._clock.monotonic() - started, is_error=True)
            if isinstance(error, ProviderAuthenticationError):
                self._keep(error)
            raise
        duration = self._clock.monotonic() - started
        self._usage.add(self._clock.time(), duration, is_error=False)
        cost = cost_of(self._prices, self.name, answer.model, answer.usage)
        self._usage.add_answer(answer.usage, cost)
        priced = {} if cost is None else {"cost": cost}
        return evolve(
            answer,
            model=answer.model or self.get_default_model(),
            metadata={**answer.metadata, "tried": [], "ignored": ignored, **priced},
            response_time=duration,
        )

    def _generate(self, request: Request) -> Steps[AIResponse]:
        return (yield from self._asked(request, streaming=False))

    def _stream(self, request: Request) -> Steps[AIResponse]:
        return (yield from with_partial(self._asked(request, streaming=True)))

    def _validate(self, timeout: float | None) -> Steps[bool]:
        if (missing := self.unavailable_because) is not None:
            self.last_validation_error = missing
            return False
        known = validation.known(self._clock, self._identity())
        if known is None:
            seconds = VALIDATION_SECONDS if timeout is None else min(timeout, VALIDATION_SECONDS)
            deadline = Deadline(self._clock, seconds)
            failed = None
            try:
                yield from self._use(lambda client: self._backend.validate(client, deadline))
            except AIProviderError as error:
                failed = error
            known = self._keep(failed)
        self.last_validation_error, self.was_reached = known.error, known.was_reached
        return known.error is None

    def _identity(self) -> list[object]:
        return [self.name, *self._backend.identity()]

    def _keep(self, failed: AIProviderError | None) -> validation.Verdict:
        return validation.keep(
            self._clock,
            self._identity(),
            None if failed is None else str(failed),
            was_reached=failed is None or failed.status_code is not None,
            lasting=failed is None or isinstance(failed, ProviderAuthenticationError),
        )

    def _models(self) -> Steps[list[str]]:
        return (yield from self._use(self._backend.models))

    def _close(self) -> Steps[None]:
        connected, self._connected = self._connected, None
        if connected is not None:
            yield Call(lambda: self._backend.close(connected))


def with_partial(steps: Steps[AIResponse]) -> Steps[AIResponse]:
    """Run the steps of a stream within others; an error gets the text that was emitted before it."""
    pieces: list[str] = []

    def note(effect: Any) -> Any:
        if isinstance(effect, Emit):
            pieces.append(effect.item)
        return effect

    try:
        return (yield from relay(steps, note))
    except AIProviderError as error:
        error.partial = error.partial or "".join(pieces)
        raise


def relayed(stream: Any, close: Any) -> Steps[AIResponse]:
    """Emit what another provider's stream yields, and return its answer."""
    try:
        while (piece := (yield advance(stream))) is not END:
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
