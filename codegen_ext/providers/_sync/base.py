# Generated from codegen_ext/providers/_async/base.py by make generate; edit there.
"""A provider: its client, what is counted, and what its failures mean."""

from __future__ import annotations

import os
import re
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, ClassVar, Self

from attrs import evolve

from ..._io import synchronous as io
from ..._request import Deadline
from ...clock import SYSTEM_CLOCK, Clock
from ...errors import ClientClosedError, ConfigurationError
from ...redact import MASK, Redactor
from .. import options
from ..base import PSEUDO_MODEL, AIResponse, Request, request_of
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..usage import Prices, Usage, check_prices, cost_of

VALIDATION_SECONDS = 20.0
"""The most that a validation, or a list of models, takes."""
KEPT = 300.0
"""Seconds that a validation counts; one that failed in passing counts for a tenth of it."""


class TextStream(Iterator[str]):
    """Pieces of an answer; nothing is sent before the first is read. `response` is the whole answer in the end."""

    def __init__(self, items: Generator[str | AIResponse, None, None]) -> None:
        self.response: AIResponse | None = None
        self._items = items

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> str:
        for item in self._items:
            if isinstance(item, str):
                return item
            self.response = item
        raise StopIteration

    def close(self) -> None:
        """End it; the connection is closed."""
        self._items.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AIProvider:
    """Answers prompts; raises AIProviderError and its kinds. A subclass says how its service is asked.

    Args:
        clock: Where time comes from.
        prices: `Price` objects by `provider/model`, model, or provider.
        settings: The provider's own options; `client` is one to use, which is not closed with the provider.

    Raises:
        ConfigurationError: for an unknown option.

    """

    name: str
    settings: ClassVar[frozenset[str]] = frozenset()
    """Names of the options that building one takes, besides `client`."""
    key_variables: ClassVar[tuple[str, ...]] = ()
    """Environment variables that have the credential."""
    model_variable: ClassVar[str] = ""
    """Environment variable that has the model."""
    remedy: ClassVar[str] = ""
    """What to do where there are no credentials."""
    features: ClassVar[dict[str, Any]] = {}
    """What `get_provider_comparison` shows of it; `tools` says whether the model may call the caller's."""
    unused: ClassVar[tuple[str, ...]] = ("tool_choice",)
    """Arguments of a request that the service has nothing for."""
    may_act = False
    """Whether a request that was not answered in time may have had an effect."""
    _offered: str | None = None
    """The model that answers where neither caller nor environment name one."""
    _longest: float | None = None
    """Seconds for an answer where the caller names none."""
    _is_closed = False

    def __init__(self, *, clock: Clock = SYSTEM_CLOCK, prices: Prices | None = None, **settings: Any) -> None:
        if unknown := sorted(set(settings) - self.settings - {"client"}):
            known = ", ".join(sorted({*self.settings, "client"}))
            raise ConfigurationError(f"{self.name} has no option {unknown[0]}; it has {known}", config_key=unknown[0])
        self._clock = clock
        self._prices = check_prices(prices or {})
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self._usage = Usage()
        self._client: Any = None
        self._mutex = io.Mutex()
        self._validated_until = 0.0
        self.last_validation_error: str | None = None

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.name!r})"

    # How one service is asked; each may raise what its client raises. A chain overrides the methods that call them.

    def _connect(self) -> Any:
        """Return the client that was given or a new one; sends nothing."""
        raise NotImplementedError

    def _complete(self, client: Any, request: Request) -> AIResponse:
        """Answer."""
        raise NotImplementedError

    def _pieces(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        """Yield the pieces of an answer, and last the whole."""
        raise NotImplementedError

    def _models(self, client: Any, request: Request) -> list[str]:
        """Return the models that may be named, within the time of the request."""
        raise NotImplementedError

    def _validate(self, client: Any, request: Request) -> None:
        """Send one cheap request without effect, within the time of the request."""
        self._models(client, request)

    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Say what an exception of the client means; None for one that is the caller's own, such as a TypeError."""
        raise NotImplementedError

    def _missing(self) -> str | None:
        """Say what is missing on this machine."""
        return None

    def generate_response(
        self,
        prompt: str | None = None,
        system_prompt: str | None = None,
        model: str | Mapping[str, str] | None = None,
        temperature: float | None = None,
        max_tokens: int | None = None,
        tools: Sequence[Mapping[str, Any]] | None = None,
        tool_choice: Any = None,
        *,
        messages: Sequence[Mapping[str, Any]] | None = None,
        **kwargs: Any,
    ) -> AIResponse:
        """Answer.

        Args:
            prompt: What is asked.
            system_prompt: Instructions that stand before it.
            model: The model, also as `provider/model`, or a dict of a model for each provider; the pseudo-model
                `codegen-agent` is not sent.
            temperature: Randomness; sent only where it is given, because some models refuse any.
            max_tokens: The largest number of tokens of the answer.
            tools: Functions that the model may ask for, in OpenAI's form; only openai has them.
            tool_choice: Which of them it must use.
            messages: A conversation in OpenAI's form, instead of `prompt`.
            kwargs: `timeout` (seconds for the whole answer), and what the provider's client takes: for codegen also
                `progress_callback`. What the provider that answers has nothing for stands in `metadata["ignored"]`.

        Raises:
            AIProviderError: or one of its kinds; TypeError for an option that no provider has.

        """
        named = (prompt, system_prompt, model, temperature, max_tokens, tools, tool_choice)
        return self.answer(request_of(self._clock, self._longest, *named, messages=messages, **kwargs))

    def stream_response(self, prompt: str | None = None, *args: Any, **kwargs: Any) -> TextStream:
        """Answer piece by piece; arguments and errors as in `generate_response`, raised while iterating."""
        return TextStream(self._begin(prompt, *args, **kwargs))

    def _begin(self, *args: Any, **kwargs: Any) -> Generator[str | AIResponse, None, None]:
        with closing(self.stream(request_of(self._clock, self._longest, *args, **kwargs))) as items:
            for item in items:
                yield item

    def answer(self, request: Request) -> AIResponse:
        """Answer a request."""
        started = self._clock.monotonic()
        request, ignored = self._fitting(request)
        try:
            response = self._complete(self.connected(), request)
        except Exception as error:
            failed = self._failed(error, request, started)
            if failed is None:
                raise
        else:
            return self._counted(response, request, ignored, started)
        raise failed  # out of the handler, so that the service's own exception is not chained

    def stream(self, request: Request) -> Generator[str | AIResponse, None, None]:
        """Yield the pieces of an answer, and last the whole."""
        started, partial = self._clock.monotonic(), ""
        request, ignored = self._fitting(request)
        try:
            with closing(self._pieces(self.connected(), request)) as items:
                for item in items:
                    if isinstance(item, str):
                        partial += item
                        yield item
                    else:
                        yield self._counted(item, request, ignored, started)
            return
        except Exception as error:
            failed = self._failed(error, request, started)
            if failed is None:
                raise
        failed.partial = partial
        raise failed

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
        duration = self._clock.monotonic() - started
        cost = cost_of(self._prices, self.name, (response.model, self._model(request)), response.usage)
        self._usage.add(
            request_count=1,
            total_duration=duration,
            at=self._clock.time(),
            cost=cost,
            unpriced_count=cost is None,
            **response.usage,
        )
        priced = {} if cost is None else {"cost": cost}
        return evolve(
            response,
            model=response.model or self.get_default_model(),
            metadata={**response.metadata, "tried": [], "ignored": ignored, **priced},
            response_time=duration,
        )

    def _failed(self, error: Exception, request: Request, started: float) -> AIProviderError | None:
        """Count a failure and return the error to raise, None where it is the exception itself."""
        duration = self._clock.monotonic() - started
        self._usage.add(request_count=1, error_count=1, total_duration=duration, at=self._clock.time())
        failed = self._failure(error, request)
        if failed is None:
            return None
        if isinstance(failed, ProviderTimeoutError):
            failed.timeout_duration = request.timeout or failed.timeout_duration
        failed.__context__ = None
        return failed.with_traceback(None)

    @property
    def has_credentials(self) -> bool:
        """Whether there is a credential, or a client that has one; sends nothing."""
        return bool(self._settings.get("client") or self.secret())

    @property
    def unavailable_because(self) -> str | None:
        """What is missing, None when nothing is; sends nothing."""
        return self._missing() if self.has_credentials else f"no credentials: {self.remedy}"

    @property
    def is_available(self) -> bool:
        """Whether there are credentials and what the provider needs on this machine; sends nothing."""
        return self.unavailable_because is None

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

    def validate_credentials(self) -> bool:
        """Whether the service accepts the credentials: one cheap request without effect, whose outcome is kept."""
        self._check_open()
        if self._clock.monotonic() < self._validated_until:
            return self.last_validation_error is None
        failed: AIProviderError | None = None
        try:
            self._validate(self.connected(), self._cheap_request())
        except Exception as error:
            failed = self._failure(error, None)
            if failed is None:
                raise
        status = failed and failed.status_code
        if status in (403, 404, 405, 501):  # the service does not show what was asked for: that says nothing
            failed = None
        self.last_validation_error = None if failed is None else str(failed)
        self._validated_until = self._clock.monotonic() + (KEPT if failed is None or status == 401 else KEPT / 10)
        return failed is None

    def get_available_models(self) -> list[str]:
        """Return the models that may be named, none where the service does not list them; asks the service."""
        try:
            return self._models(self.connected(), self._cheap_request())
        except Exception as error:
            failed = self._failure(error, None)
            if failed is None:
                raise
        if failed.status_code == 404:
            return []
        raise failed.with_traceback(None)

    def _cheap_request(self) -> Request:
        return Request(Deadline.after(self._clock, VALIDATION_SECONDS), may_repeat=False)

    def get_default_model(self) -> str | None:
        """Return the model that answers where none is named, None where the service chooses."""
        return self._setting("model", self.model_variable) or self._offered

    def _model(self, request: Request) -> str | None:
        """Return the model to ask for."""
        default = self.get_default_model()
        return request.model_for(self.name) or (None if default == PSEUDO_MODEL else default)

    def get_stats(self) -> dict[str, Any]:
        """Return request_count, error_count, error_rate, last_request_time, tokens, duration and cost."""
        enhanced = ("success_rate", "task_count", "average_response_time", "providers")
        return {name: value for name, value in self.get_enhanced_stats().items() if name not in enhanced}

    def get_enhanced_stats(self) -> dict[str, Any]:
        """Return `get_stats`, success_rate, task_count (runs that were created) and average_response_time."""
        return self._usage.stats()

    def _setting(self, name: str, *variables: str) -> Any:
        """Return an option, else what the environment says, else an empty text."""
        return self._settings.get(name) or next((os.environ[key] for key in variables if os.environ.get(key)), "")

    def secret(self) -> str:
        """Return the credential, for taking it out of messages; empty without one."""
        return str(self._setting("api_key", *self.key_variables))

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

    def _check_open(self) -> None:
        if self._is_closed:
            raise ClientClosedError(f"the provider {self.name} is closed")

    def close(self) -> None:
        """Close the connections; calls that follow raise ClientClosedError."""
        with self._mutex:
            self._is_closed, client, self._client = True, self._client, None
        if client is not None and "client" not in self._settings:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
