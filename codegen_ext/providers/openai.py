"""OpenAI, or any service that speaks its API, by the official package; needs the extra `[openai]`."""

from __future__ import annotations

import inspect
import math
import re
from functools import cache
from importlib.util import find_spec
from typing import Any

from ..errors import ConfigurationError
from .backend import Availability, Deadline
from .completions import OWN, CompletionsBackend
from .protocol import Request
from .steps import Call, Steps
from .timing import hooks

DEFAULT_MODEL = "gpt-4o"


class OpenAIBackend(CompletionsBackend):
    """Chat completions.

    Options: `api_key` (OPENAI_API_KEY), `base_url` (OPENAI_BASE_URL), `model` (OPENAI_MODEL), `organization`,
    `project`, `max_retries`, `timeout` (seconds for each attempt), and `client`, a client of the package to use
    instead of one of its own, whose answers then may take longer than their time when they drip.
    """

    name = "openai"
    settings = frozenset(
        {
            "api_key",
            "base_url",
            "model",
            "organization",
            "project",
            "max_retries",
            "timeout",
            "client",
        }
    )
    calls_tools = True

    @classmethod
    @cache
    def options(cls) -> frozenset[str]:
        """Whatever `chat.completions.create` of the installed package takes."""
        try:
            from openai.resources.chat.completions import Completions
        except ImportError:
            return frozenset()
        return frozenset(inspect.signature(Completions.create).parameters) - OWN

    def secret(self) -> str:
        """Return the key."""
        return str(self._setting("api_key", "OPENAI_API_KEY"))

    def availability(self) -> Availability:
        """A key, or a client that has one, and the package."""
        missing = None if find_spec("openai") else "needs the extra: pip install 'codegen-sdk[openai]'"
        return Availability(bool(self.secret() or "client" in self._settings), missing)

    def identity(self) -> list[object]:
        """Address, key and who pays."""
        address = self._setting("base_url", "OPENAI_BASE_URL")
        named = [self._settings.get(name) for name in ("organization", "project")]
        return [address, self.secret(), *named, id(self._settings.get("client"))]

    def _build(self, *, is_async: bool) -> Any:
        """Build the package's client."""
        try:
            import openai
        except ImportError as error:
            raise ConfigurationError("the provider openai needs an extra: pip install 'codegen-sdk[openai]'") from error
        names = ("api_key", "base_url", "organization", "project", "max_retries", "timeout")
        given = {name: self._settings[name] for name in names if name in self._settings}
        if not re.fullmatch("[!-~]*", self.secret()):
            raise ConfigurationError("api_key must consist of printable ASCII characters without spaces", "api_key")
        http_hooks = hooks(self._clock, is_async=is_async)
        if is_async:
            return openai.AsyncOpenAI(**given, http_client=openai.DefaultAsyncHttpxClient(event_hooks=http_hooks))
        return openai.OpenAI(**given, http_client=openai.DefaultHttpxClient(event_hooks=http_hooks))

    def default_model(self) -> str | None:
        """Return the option, else OPENAI_MODEL, else gpt-4o."""
        return str(self._setting("model", "OPENAI_MODEL") or DEFAULT_MODEL)

    def for_request(self, client: Any, request: Request, deadline: Deadline) -> Any:
        """Limit the time; the package's own repetitions would each have it anew, so there are none with a deadline."""
        seconds = deadline.allowance(self._settings.get("timeout", math.inf))
        if seconds is None:
            return client if request.may_repeat else client.with_options(max_retries=0)
        return client.with_options(timeout=seconds, max_retries=0)

    def arguments(self, request: Request, deadline: Deadline) -> dict[str, Any]:  # noqa: ARG002
        """Everything that is given; the time is the client's to limit."""
        given = {
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "tools": request.tools,
            "tool_choice": request.tool_choice,
        }
        named = {name: value for name, value in given.items() if value is not None}
        return {"model": self.chosen_model(request), **named, **request.options}

    def validate(self, client: Any, deadline: Deadline) -> Steps[None]:
        """List the models, which takes no tokens: refused without a right key, and JSON at a right address."""
        yield from self._listed(self.for_request(client, Request(""), deadline))

    def models(self, client: Any) -> Steps[list[str]]:
        """Return what the service lists; some list it without an object around it, which the package cannot parse."""
        listed = yield from self._listed(client)
        with self._expecting("list of models"):
            return [str(model["id"]) for model in (listed if isinstance(listed, list) else listed["data"])]

    def _listed(self, client: Any) -> Steps[Any]:
        raw = yield Call(client.models.with_raw_response.list)
        return raw.http_response.json()
