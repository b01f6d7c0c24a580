"""OpenAI, or any service that speaks its API, by the official package; needs the extra `[openai]`."""

from __future__ import annotations

import math
import re
from importlib.util import find_spec
from typing import Any, ClassVar

from ..._request import Deadline
from ...errors import ConfigurationError
from .. import body_limit, options
from ..base import Availability, Request
from .completions import AsyncCompletionsProvider

DEFAULT_MODEL = "gpt-4o"


class AsyncOpenAIProvider(AsyncCompletionsProvider):
    """Chat completions.

    Options: `api_key` (OPENAI_API_KEY), `base_url` (OPENAI_BASE_URL), `model` (OPENAI_MODEL), `organization`,
    `project`, `max_retries`, `timeout` (seconds for each attempt), and `client`, a client of the package to use
    instead of one of its own, whose answers then may take longer than their time when they drip.
    """

    name = "openai"
    settings = frozenset(
        {"api_key", "base_url", "model", "organization", "project", "max_retries", "timeout", "client"}
    )
    remedy = "set OPENAI_API_KEY"
    features: ClassVar = {"kind": "completions", "streams": "text", "tools": True, "creates_runs": False}
    calls_tools = True

    def options(self) -> frozenset[str]:
        """Whatever `chat.completions.create` of the installed package takes."""
        return options.of_openai()

    def secret(self) -> str:
        """Return the key."""
        return str(self._setting("api_key", "OPENAI_API_KEY"))

    def availability(self) -> Availability:
        """A key, or a client that has one, and the package."""
        missing = None if find_spec("openai") else "needs the extra: pip install 'codegen-sdk[openai]'"
        return Availability(bool(self.secret() or "client" in self._settings), missing)

    def _connect(self) -> Any:
        import openai

        if not re.fullmatch("[!-~]*", self.secret()):
            raise ConfigurationError("api_key must consist of printable ASCII characters without spaces", "api_key")
        names = ("api_key", "base_url", "organization", "project", "max_retries", "timeout")
        given = {name: self._settings[name] for name in names if name in self._settings}
        return openai.AsyncOpenAI(**given, http_client=body_limit.http_client(self._clock, is_async=True))

    def get_default_model(self) -> str | None:
        """Return the option, else OPENAI_MODEL, else gpt-4o."""
        return str(self._setting("model", "OPENAI_MODEL") or DEFAULT_MODEL)

    def _asked(self, client: Any, request: Request) -> Any:
        """Limit the time: the package's own repetitions would each have it again, so there are none with a limit."""
        seconds = request.allowance(self._settings.get("timeout", math.inf))
        if seconds is None:
            return client if request.may_repeat else client.with_options(max_retries=0)
        return client.with_options(timeout=seconds, max_retries=0)

    def _arguments(self, request: Request) -> dict[str, Any]:
        given = {
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "tools": request.tools,
            "tool_choice": request.tool_choice,
        }
        named = {name: value for name, value in given.items() if value is not None}
        return {"model": self._model(request), **named, **request.options}

    async def _validate(self, client: Any, deadline: Deadline) -> None:
        """List the models, which takes no tokens: refused without a right key, and JSON at a right address."""
        await self._listed(self._asked(client, Request("", deadline=deadline)))

    async def _models(self, client: Any) -> list[str]:
        """Return what the service lists; some list it without an object around it, which the package cannot parse."""
        listed = await self._listed(client)
        with self._expecting("list of models"):
            return [str(model["id"]) for model in (listed if isinstance(listed, list) else listed["data"])]

    async def _listed(self, client: Any) -> Any:
        return (await client.models.with_raw_response.list()).http_response.json()
