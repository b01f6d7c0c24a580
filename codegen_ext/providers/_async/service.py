"""A provider that asks one service by a client: what is counted, and what its failures mean."""

from __future__ import annotations

import os
import re
from abc import abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import Any, ClassVar

from attrs import evolve

from ..._io import asynchronous as io
from ..._request import Deadline
from ...clock import SYSTEM_CLOCK, Clock
from ...errors import ConfigurationError
from ...redact import MASK, Redactor
from .. import options
from ..base import PSEUDO_MODEL, AIResponse, Request
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..failures import of_package
from ..usage import Prices, Usage, check_prices, cost_of, tokens_of
from .base import AsyncAIProvider

VALIDATION_SECONDS = 20.0
"""The most that a validation, or a list of models, takes."""


class AsyncServiceProvider(AsyncAIProvider):
    """A provider with a client; a subclass says how it is asked.

    Args:
        clock: Where time comes from.
        prices: `Price` objects by `provider/model`, model, or provider.
        settings: The provider's own options; `client` is one to use, which is not closed with the provider.

    Raises:
        ConfigurationError: for an unknown option.

    """

    settings: ClassVar[frozenset[str]] = frozenset()  # names of the options, besides `client` and `model`
    key: ClassVar[str] = "api_key"  # the option that is the credential
    key_variables: ClassVar[tuple[str, ...]] = ()  # environment variables that have it
    model_variable: ClassVar[str] = ""  # environment variable that has the model
    remedy: ClassVar[str] = ""  # what to do where there are no credentials
    features: ClassVar[dict[str, Any]] = {}  # for `get_provider_comparison`; `tools`: whether it may call the caller's
    unused: ClassVar[tuple[str, ...]] = ("tool_choice",)  # arguments of a request that the service has nothing for
    _offered: str | None = None  # the model that answers where neither caller nor environment name one

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, prices: Prices | None = None, **settings: Any) -> None:
        known = {*self.settings, "client", "model"}
        if unknown := sorted(set(settings) - known):
            problem = f"{self.name} has no option {unknown[0]}; it has {', '.join(sorted(known))}"
            raise ConfigurationError(problem, config_key=unknown[0])
        self._clock = clock
        self._prices = check_prices(prices or {})
        self._default_model = settings.pop("model", None)
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._usage = Usage()
        self._client: Any = None
        self._mutex = io.Mutex()

    # How the service is asked; each may raise what its client raises.

    @abstractmethod
    def _connect(self) -> Any:
        """Return the client that was given or a new one; sends nothing."""

    @abstractmethod
    def _ask(self, client: Any, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        """Yield the pieces of an answer where they are asked for, and last the whole."""

    @abstractmethod
    async def _models(self, client: Any, request: Request) -> list[str]:
        """Return the models that may be named, within the time of the request."""

    async def _validate(self, client: Any, request: Request) -> Any:
        """Send one cheap request without effect, within the time of the request."""
        return await self._models(client, request)

    def _failure(self, error: Exception) -> AIProviderError | None:
        """Say what an exception of the client means; None for one that is the caller's own, such as a TypeError."""
        return of_package(self.error, error)

    def _has_acted(self, error: Exception, request: Request) -> bool:  # noqa: ARG002 - for services that do things
        """Whether a request that failed so may have had an effect."""
        return False

    def _missing(self) -> str | None:
        """Say what is missing on this machine."""
        return None

    async def answer(self, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        """Yield the pieces of an answer where they are asked for, and last the whole."""
        started, partial = self._clock.monotonic(), ""
        request, ignored = self._fitting(request)
        client = self.connected()
        try:
            async with aclosing(self._ask(client, request)) as items:
                async for item in items:
                    if isinstance(item, str):
                        partial += item
                        yield item
                    else:
                        yield self._counted(item, request, ignored, started)
            return
        except Exception as error:
            self._count(started, error_count=1)
            failed = self._translated(error)
            if failed is None:
                raise
            failed.may_have_effect = failed.may_have_effect or self._has_acted(error, request)
        if isinstance(failed, ProviderTimeoutError):
            failed.timeout_duration = request.timeout or failed.timeout_duration
        failed.partial = partial
        raise failed  # out of the handler, so that the service's own exception is not chained

    def _fitting(self, request: Request) -> tuple[Request, list[str]]:
        """Return the request with the options that this provider has, and the names of what it has nothing for."""
        if (refusal := self.refusal(request)) is not None:
            raise self.error(AIProviderError, refusal)
        taken = options.of(self.name)
        if taken is None:
            return request, []
        ignored = [name for name in request.options if name not in taken]
        if unknown := [name for name in ignored if name not in options.known()]:
            raise TypeError(f"no provider has an option {unknown[0]!r}; {self.name} has {', '.join(sorted(taken))}")
        chosen = {name: value for name, value in request.options.items() if name in taken}
        return evolve(request, options=chosen), [*ignored, *request.given(*self.unused)]

    def _counted(self, response: AIResponse, request: Request, ignored: list[str], started: float) -> AIResponse:
        tokens = tokens_of(response.usage)
        cost = cost_of(self._prices, self.name, (response.model, self._model(request)), tokens)
        duration = self._count(started, cost, unpriced_count=cost is None, **tokens)
        priced = {} if cost is None else {"cost": cost}
        return evolve(
            response,
            model=response.model or self.get_default_model(),
            metadata={**response.metadata, "tried": [], "ignored": ignored, **priced},
            response_time=duration,
        )

    def _count(self, started: float, cost: float | None = None, **counts: float) -> float:
        """Count a request and return the seconds that it took."""
        duration = self._clock.monotonic() - started
        self._usage.add(request_count=1, total_duration=duration, at=self._clock.time(), cost=cost, **counts)
        return duration

    def _translated(self, error: Exception) -> AIProviderError | None:
        """Return the error that an exception means, without its context; None where it is the caller's own."""
        failed = error if isinstance(error, AIProviderError) else self._failure(error)
        if failed is not None:
            failed.__context__ = None
            failed.with_traceback(None)
        return failed

    @property
    def has_credentials(self) -> bool:
        """Whether there is a credential, or a client that has one; sends nothing."""
        return bool(self._settings.get("client") or self.secret())

    @property
    def unavailable_because(self) -> str | None:
        """What is missing, None when nothing is; sends nothing."""
        return self._missing() if self.has_credentials else f"no credentials: {self.remedy}"

    def refusal(self, request: Request) -> str | None:
        """Say why this request cannot be answered here, None when it can; sends nothing."""
        owner = request.belongs_to()
        if owner not in (None, self.name):
            return f"the model is one of {owner}"
        if request.tools and not self.features.get("tools"):
            return f"{self.name} cannot call the caller's tools"
        return None

    def connected(self) -> Any:
        """Return the client, built when it is first needed; sends nothing.

        Raises:
            ProviderUnavailableError: when something is missing, or a setting is wrong.
            ClientClosedError: after `close`.

        """
        with self._mutex:
            self._check_open()
            if self._client is None:
                problem = self.unavailable_because
                if problem is None:
                    try:
                        self._client = self._connect()
                    except ConfigurationError as error:
                        problem = str(error)
                if problem is not None:
                    raise self.error(ProviderUnavailableError, problem)
            return self._client

    async def validation_error(self) -> str | None:
        """Return why the service does not accept the credentials, None when it does."""
        _, failed = await self._ask_cheaply(self._validate)
        # With these statuses the service does not show what was asked for: that says nothing.
        return None if failed is None or failed.status_code in (403, 404, 405, 501) else str(failed)

    async def get_available_models(self) -> list[str]:
        """Return the models that may be named, none where the service does not list them; asks the service."""
        found, failed = await self._ask_cheaply(self._models)
        if failed is not None and failed.status_code != 404:
            raise failed
        return found or []

    async def _ask_cheaply(self, ask: Callable[[Any, Request], Awaitable[Any]]) -> tuple[Any, AIProviderError | None]:
        """Return what a request without effect found, or how it failed."""
        request = Request(deadline=Deadline.after(self._clock, VALIDATION_SECONDS), may_repeat=False)
        try:
            return await ask(self.connected(), request), None
        except Exception as error:
            failed = self._translated(error)
            if failed is None:
                raise
            return None, failed

    def get_default_model(self) -> str | None:
        """Return the model that answers where none is named, None where the service chooses."""
        return self._default_model or os.environ.get(self.model_variable) or self._offered

    def _model(self, request: Request) -> str | None:
        """Return the model to ask for."""
        default = self.get_default_model()
        return request.model_for(self.name) or (None if default == PSEUDO_MODEL else default)

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return `get_stats`, success_rate, task_count (runs that were created) and average_response_time."""
        return self._usage.stats()

    def _setting(self, name: str, *variables: str) -> Any:
        """Return an option, else what the environment says, else an empty text."""
        return self._settings.get(name) or next((os.environ[key] for key in variables if os.environ.get(key)), "")

    def secret(self) -> str:
        """Return the credential, for taking it out of messages; empty without one."""
        return str(self._setting(self.key, *self.key_variables))

    def error(self, kind: type[AIProviderError], message: str, cause: Any = None, **details: Any) -> AIProviderError:
        """Return an error of this provider; its message shows nothing of the credential."""
        secret = self.secret()
        if secret:  # also where it is masked in part, as OpenAI does
            ends = f"{re.escape(secret[:3])}|{re.escape(secret[-3:])}"
            message = re.sub(rf"(?=\S*(?:{ends}))\S*(?:\*\*|\.\.|…)\S*", MASK, message)
        error = kind(
            Redactor(secret)(f"{self.name}: {message}"),
            getattr(cause, "status_code", None),
            getattr(cause, "request_id", None),
            provider_name=self.name,
            operation=getattr(cause, "operation", None),
        )
        for name, value in details.items():
            setattr(error, name, value)
        return error

    async def close(self) -> None:
        """Close the connections; calls that follow raise ClientClosedError."""
        with self._mutex:
            self._is_closed, client, self._client = True, self._client, None
        if client is not None and "client" not in self._settings:
            await client.close()
