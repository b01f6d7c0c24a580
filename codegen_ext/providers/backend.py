"""What differs between providers: how a service is asked, and what its failures mean."""

from __future__ import annotations

import math
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any, NamedTuple, NoReturn

from ..clock import Clock
from ..errors import ConfigurationError
from ..redact import MASK, Redactor
from .errors import AIProviderError
from .protocol import AIResponse, Request
from .steps import Steps


class Deadline:
    """The moment at which an answer must be there."""

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock = clock
        self.seconds = seconds
        self._end = None if seconds is None else clock.monotonic() + seconds

    def left(self) -> float | None:
        """Return the seconds that are left, never negative; None without a deadline."""
        return None if self._end is None else max(self._end - self._clock.monotonic(), 0.0)

    def allowance(self, most: float = math.inf) -> float | None:
        """Return the seconds that a call may take that otherwise takes `most`; None without a deadline."""
        left = self.left()
        return None if left is None else max(min(left, most), 0.001)

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.left() == 0.0


class Availability(NamedTuple):
    """What can be told without a request: whether there are credentials, and what is missing on this machine."""

    has_credentials: bool
    missing: str | None = None


class Backend(ABC):
    """One service; `connect` builds its client, and the steps use it, whether sync or async."""

    name: str
    settings: frozenset[str]
    """Names of the options that building one takes."""
    calls_tools = False
    """Whether the caller's tools can be offered to the model."""

    def __init__(self, clock: Clock, settings: Mapping[str, Any]) -> None:
        unknown = sorted(set(settings) - self.settings)
        if unknown:
            known = ", ".join(sorted(self.settings))
            raise ConfigurationError(f"{self.name} has no option {unknown[0]}; it has {known}", config_key=unknown[0])
        self._clock = clock
        self._settings = {name: value for name, value in settings.items() if value is not None}
        self.redact = Redactor(self.secret())

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    @classmethod
    @abstractmethod
    def options(cls) -> frozenset[str]:
        """Return the names of the further arguments that a request takes."""

    def _setting(self, name: str, *variables: str) -> Any:
        """Return an option, else what the environment says, else an empty text."""
        return self._settings.get(name) or next((os.environ[key] for key in variables if os.environ.get(key)), "")

    @abstractmethod
    def secret(self) -> str:
        """Return the credential, for taking it out of messages; empty without one."""

    @abstractmethod
    def availability(self) -> Availability:
        """Tell what can be told without a request."""

    @abstractmethod
    def identity(self) -> list[object]:
        """Return what makes a validation count for another instance too: address and credential."""

    def connect(self, *, is_async: bool) -> Any:
        """Return the client that was brought along, or build one."""
        brought = self._settings.get("client")
        return self._build(is_async=is_async) if brought is None else brought

    @abstractmethod
    def _build(self, *, is_async: bool) -> Any:
        """Build the client."""

    @abstractmethod
    def default_model(self) -> str | None:
        """Return the model that answers where none is named."""

    @abstractmethod
    def validate(self, client: Any, deadline: Deadline) -> Steps[None]:
        """Send the one cheap request; raise what the client raises."""

    @abstractmethod
    def models(self, client: Any) -> Steps[list[str]]:
        """Return the models that may be named."""

    @abstractmethod
    def complete(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Answer."""

    @abstractmethod
    def stream(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Emit the pieces of an answer and return the whole."""

    @abstractmethod
    def failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Say what an exception of the client means; None for one that is the caller's own, such as a TypeError."""

    def close(self, client: Any) -> Any:
        """Close the client unless it was brought along; return what is to be awaited for that."""
        return None if client is self._settings.get("client") else client.close()

    def refuses(self, request: Request) -> str | None:
        """Say why this request cannot be answered here, None when it can."""
        return f"{self.name} cannot call the caller's tools" if request.tools and not self.calls_tools else None

    def ignores(self, request: Request, *, streaming: bool) -> list[str]:  # noqa: ARG002 - others need it
        """Return the names of what is asked for that this provider has nothing for, besides its options."""
        return [] if self.calls_tools or request.tool_choice is None else ["tool_choice"]

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

    def _clean(self, message: str) -> str:
        """Take the credential out, also one that somebody has masked in part, as OpenAI does."""
        secret = self.secret()
        ends = f"{re.escape(secret[:3])}|{re.escape(secret[-3:])}"
        masked = re.compile(rf"(?=\S*(?:{ends}))\S*(?:\*\*|\.\.|…)\S*")
        return self.redact(masked.sub(MASK, message) if secret else message)

    def _expired(self, deadline: Deadline, **details: Any) -> NoReturn:
        from .errors import ProviderTimeoutError

        message = f"no whole answer within {deadline.seconds:g} s"
        raise self.error(ProviderTimeoutError, message, timeout_duration=deadline.seconds, **details)

    def chosen_model(self, request: Request) -> str | None:
        """Return the model to ask for; the pseudo-model of agents is never sent."""
        named = request.model if request.model != PSEUDO_MODEL else None
        return named or self.default_model()


PSEUDO_MODEL = "codegen-agent"


def messages_of(request: Request) -> list[dict[str, str]]:
    """Return the prompt as OpenAI's messages."""
    system = [{"role": "system", "content": request.system_prompt}] if request.system_prompt else []
    return [*system, {"role": "user", "content": request.prompt}]
