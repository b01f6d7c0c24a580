# Generated from codegen_ext/providers/_async/service.py by make generate; edit there.
"""A provider of one service: its client, what is counted, and what its failures mean."""

from __future__ import annotations

import os
import re
import threading
from abc import abstractmethod
from collections.abc import Generator
from contextlib import closing
from typing import Any, ClassVar

from attrs import evolve

from ..._request import Deadline
from ...clock import SYSTEM_CLOCK, Clock
from ...errors import ConfigurationError
from ...redact import MASK, Redactor
from .. import options
from ..base import PSEUDO_MODEL, AIResponse, Availability, Request
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..usage import Prices, Usage, check_prices, cost_of
from .base import AIProvider

VALIDATION_SECONDS = 20.0
"""The most that a validation takes."""
KEPT = 300.0
"""Seconds that a validation counts; one that failed in passing counts for a tenth of it."""


class Provider(AIProvider):
    """One service; a subclass builds its client, asks it, and says what its failures mean.

    Args:
        clock: Where time comes from.
        prices: `Price` objects by `provider/model`, model, or provider.
        settings: The provider's own options; `client` is one to use, which is not closed with the provider.

    Raises:
        ConfigurationError: for an unknown option.

    """

    settings: ClassVar[frozenset[str]]
    """Names of the options that building one takes."""
    remedy: ClassVar[str]
    """What to do where there are no credentials."""
    features: ClassVar[dict[str, Any]]
    """What `get_provider_comparison` shows of it."""
    calls_tools: ClassVar[bool] = False
    """Whether the caller's tools can be offered to the model."""

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, prices: Prices | None = None, **settings: Any) -> None:
        if unknown := sorted(set(settings) - self.settings):
            known = ", ".join(sorted(self.settings))
            raise ConfigurationError(f"{self.name} has no option {unknown[0]}; it has {known}", config_key=unknown[0])
        self._clock = clock
        self._prices = check_prices(prices or {})
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._usage = Usage()
        self._client: Any = None
        self._mutex = threading.Lock()
        self._validated_until = 0.0
        self.last_validation_error: str | None = None
        self.was_reached = False

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    def _setting(self, name: str, *variables: str) -> Any:
        """Return an option, else what the environment says, else an empty text."""
        return self._settings.get(name) or next((os.environ[key] for key in variables if os.environ.get(key)), "")

    @abstractmethod
    def options(self) -> frozenset[str]:
        """Return the names of the further arguments that a request takes."""

    @abstractmethod
    def secret(self) -> str:
        """Return the credential, for taking it out of messages; empty without one."""

    @abstractmethod
    def availability(self) -> Availability:
        """Tell what can be told without a request."""

    @abstractmethod
    def _connect(self) -> Any:
        """Build the client, which sends nothing."""

    @abstractmethod
    def _complete(self, client: Any, request: Request) -> AIResponse:
        """Answer; raises what the client raises."""

    @abstractmethod
    def _pieces(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        """Yield the pieces of an answer, and last the whole; raises what the client raises."""

    @abstractmethod
    def _validate(self, client: Any, deadline: Deadline) -> None:
        """Send the one cheap request; raises what the client raises."""

    @abstractmethod
    def _models(self, client: Any) -> list[str]:
        """Return the models that may be named."""

    @abstractmethod
    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Say what an exception of the client means; None for one that is the caller's own, such as a TypeError."""

    @property
    def late_has_effect(self) -> bool:
        """Whether a request that was not answered in time may have had an effect."""
        return False

    def _ignored(self, request: Request, *, streaming: bool) -> list[str]:  # noqa: ARG002 - codegen needs it
        """Return the names of what is asked for that this provider has nothing for, besides its options."""
        return [] if self.calls_tools or request.tool_choice is None else ["tool_choice"]

    @property
    def unavailable_because(self) -> str | None:
        """What is missing, None when nothing is."""
        has_credentials, missing = self.availability()
        return missing if has_credentials else f"no credentials: {self.remedy}"

    @property
    def is_available(self) -> bool:
        """Whether there are credentials and what the provider needs on this machine; sends nothing."""
        return self.unavailable_because is None

    def refusal(self, request: Request) -> str | None:
        """Say why this request cannot be answered here, None when it can; sends nothing."""
        owner = request.belongs_to()
        if owner not in (None, self.name):
            return f"the model is one of {owner}"
        return f"{self.name} cannot call the caller's tools" if request.tools and not self.calls_tools else None

    def connected(self) -> Any:
        """Return the client, built when it is first needed; sends nothing.

        Raises:
            ProviderUnavailableError: when something is missing, or a setting is wrong.
            ClientClosedError: after `close`.

        """
        with self._mutex:
            self._check_open()
            if self._client is None:
                if (missing := self.unavailable_because) is not None:
                    raise self.error(ProviderUnavailableError, missing)
                try:
                    self._client = self._settings.get("client") or self._connect()
                except ConfigurationError as error:
                    raise self.error(ProviderUnavailableError, str(error)) from None
            return self._client

    def answer(self, request: Request) -> AIResponse:
        """Answer a request."""
        started = self._clock.monotonic()
        taken, ignored = self._fitting(request, streaming=False)
        try:
            response = self._complete(self.connected(), taken)
        except Exception as error:  # noqa: BLE001 - the subclass says what it means
            failed = self._failed(error, taken, started)
        else:
            return self._counted(response, taken, ignored, started)
        raise failed  # out of the handler, so that the service's own exception is not chained

    def stream(self, request: Request) -> Generator[str | AIResponse, None, None]:
        """Yield the pieces of an answer, and last the whole."""
        started, partial = self._clock.monotonic(), ""
        taken, ignored = self._fitting(request, streaming=True)
        try:
            with closing(self._pieces(self.connected(), taken)) as items:
                for item in items:
                    if isinstance(item, str):
                        partial += item
                        yield item
                    else:
                        yield self._counted(item, taken, ignored, started)
            return
        except Exception as error:  # noqa: BLE001 - the subclass says what it means
            failed = self._failed(error, taken, started)
        if isinstance(failed, AIProviderError):
            failed.partial = partial
        raise failed

    def _fitting(self, request: Request, *, streaming: bool) -> tuple[Request, list[str]]:
        """Return the request with the options that this provider has, and the names of the others."""
        if (refusal := self.refusal(request)) is not None:
            raise self.error(AIProviderError, refusal)
        taken = self.options()
        chosen = {name: value for name, value in request.options.items() if name in taken}
        ignored = [name for name in request.options if name not in taken]
        if unknown := [name for name in ignored if name not in options.known()]:
            raise TypeError(f"no provider has an option {unknown[0]!r}; {self.name} has {', '.join(sorted(taken))}")
        return evolve(request, options=chosen), [*ignored, *self._ignored(request, streaming=streaming)]

    def _counted(self, response: AIResponse, request: Request, ignored: list[str], started: float) -> AIResponse:
        duration = self._clock.monotonic() - started
        self._usage.add(self._clock.time(), duration, is_error=False)
        cost = cost_of(self._prices, self.name, (response.model, self._model(request)), response.usage)
        self._usage.add_answer(response.usage, cost)
        priced = {} if cost is None else {"cost": cost}
        return evolve(
            response,
            model=response.model or self.get_default_model(),
            metadata={**response.metadata, "tried": [], "ignored": ignored, **priced},
            response_time=duration,
        )

    def _failed(self, error: Exception, request: Request, started: float) -> Exception:
        """Count a failure and return the error to raise."""
        self._usage.add(self._clock.time(), self._clock.monotonic() - started, is_error=True)
        failed = self._failure(error, request) or error
        if isinstance(failed, AIProviderError):
            failed.__context__ = None
        return failed.with_traceback(None)

    def validate_credentials(self, timeout: float | None = None) -> bool:
        """Whether the service accepts the credentials: one cheap request without effect, whose outcome is kept.

        `timeout` is the most that it takes, in seconds; it is never more than 20.
        """
        self._check_open()
        now = self._clock.monotonic()
        if now < self._validated_until:
            return self.last_validation_error is None
        seconds = VALIDATION_SECONDS if timeout is None else min(timeout, VALIDATION_SECONDS)
        failed: AIProviderError | None = None
        try:
            self._validate(self.connected(), Deadline.after(self._clock, seconds))
        except Exception as error:
            failed = self._failure(error, None)
            if failed is None:
                raise
        status = None if failed is None else failed.status_code
        if status in (403, 404, 405, 501):  # the service does not show what was asked for: that says nothing
            failed = None
        self.was_reached = failed is None or status is not None
        self.last_validation_error = None if failed is None else str(failed)
        self._validated_until = self._clock.monotonic() + (KEPT if failed is None or status == 401 else KEPT / 10)
        return failed is None

    def get_available_models(self) -> list[str]:
        """Return the models that may be named, none where the service does not list them; asks the service."""
        try:
            return self._models(self.connected())
        except Exception as error:  # noqa: BLE001 - the subclass says what it means
            failed = self._failure(error, None) or error
        if getattr(failed, "status_code", None) == 404:
            return []
        failed.__context__ = None
        raise failed.with_traceback(None)

    def _model(self, request: Request) -> str | None:
        """Return the model to ask for."""
        default = self.get_default_model()
        return request.model_for(self.name) or (None if default == PSEUDO_MODEL else default)

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return `get_stats`, success_rate, task_count (runs that were created) and average_response_time."""
        return self._usage.stats()

    def error(self, kind: type[AIProviderError], message: str, cause: Any = None, **details: Any) -> AIProviderError:
        """Return an error of this provider; its message shows nothing of the credential."""
        error = kind(
            self._clean(f"{self.name}: {message}"),
            getattr(cause, "status_code", None),
            getattr(cause, "request_id", None),
            provider_name=self.name,
        )
        for name, value in details.items():
            setattr(error, name, value)
        return error

    def _late(self, request: Request) -> AIProviderError:
        """Return the error of an answer that is not whole at the deadline."""
        limit = "" if request.timeout is None else f" within {request.timeout:g} s"
        return self.error(ProviderTimeoutError, f"no whole answer{limit}", timeout_duration=request.timeout)

    def _clean(self, message: str) -> str:
        """Take the credential out, also one that is masked in part, as OpenAI does."""
        secret = self.secret()
        ends = f"{re.escape(secret[:3])}|{re.escape(secret[-3:])}"
        masked = re.compile(rf"(?=\S*(?:{ends}))\S*(?:\*\*|\.\.|…)\S*")
        return Redactor(secret)(masked.sub(MASK, message) if secret else message)

    def close(self) -> None:
        """Close the connections; calls that follow raise ClientClosedError."""
        with self._mutex:
            self._is_closed, client, self._client = True, self._client, None
        if client is not None and client is not self._settings.get("client"):
            client.close()
