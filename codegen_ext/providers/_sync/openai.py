# Generated from codegen_ext/providers/_async/openai.py by make generate; edit there.
"""OpenAI, or any service that speaks its API, by the official package; needs the extra `[openai]`."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from importlib.util import find_spec
from typing import Any, ClassVar

import httpx

from ..._proxy import default_tls
from ..._request import Deadline, check_count, check_seconds
from ...errors import ConfigurationError, MissingExtraError
from ..base import AIResponse, Request
from .completions import CompletionsProvider

_DEADLINE = "codegen_deadline"


class OpenAIProvider(CompletionsProvider):
    """Chat completions.

    Options: `api_key` (OPENAI_API_KEY), `base_url` (OPENAI_BASE_URL), `model` (OPENAI_MODEL), `organization`,
    `project`, `max_retries`, `timeout` (seconds for each attempt), and `client`, a client of the package to use
    instead of one of its own, whose answers then may take longer than their time when they drip.
    """

    name = "openai"
    settings = frozenset({"api_key", "base_url", "organization", "project", "max_retries", "timeout"})
    key_variables = ("OPENAI_API_KEY",)
    model_variable = "OPENAI_MODEL"
    remedy = "set OPENAI_API_KEY"
    features: ClassVar = {"kind": "completions", "streams": "text", "tools": True, "creates_runs": False}
    unused = ()
    _offered = "gpt-4o"

    def _missing(self) -> str | None:
        return None if find_spec("openai") else "needs the extra: pip install 'codegen-sdk[openai]'"

    def _connect(self) -> Any:
        check_seconds("timeout", self._settings.get("timeout", 1))
        check_count("max_retries", self._settings.get("max_retries", 0))
        for name in ("base_url", "organization", "project"):
            if not isinstance(self._settings.get(name, ""), str | httpx.URL):
                raise ConfigurationError(f"{name} must be text", config_key=name)
        if "client" in self._settings:
            return self._settings["client"]
        import openai

        if not re.fullmatch("[!-~]*", self.secret()):
            raise ConfigurationError("api_key must consist of printable ASCII characters without spaces", "api_key")
        return openai.OpenAI(**self._settings, http_client=self._http_client())  # type: ignore[arg-type]

    def _http_client(self) -> httpx.Client:
        """Return an HTTP client whose time-outs count for the whole response instead of for each read of it.

        It is one of httpx, which also those versions of the package take that have a library of their own.
        """

        def begin(request: httpx.Request) -> None:
            seconds = request.extensions.get("timeout", {}).get("read")
            request.extensions[_DEADLINE] = Deadline.after(self._clock, seconds)

        def limit(response: httpx.Response) -> None:
            response.stream = _LimitedBody(response.stream, response.request.extensions[_DEADLINE])

        limits = httpx.Limits(max_connections=1000, max_keepalive_connections=100)  # those of the package
        hooks: dict[str, Any] = {"request": [begin], "response": [limit]}
        try:
            return httpx.Client(event_hooks=hooks, limits=limits, follow_redirects=True, verify=default_tls())
        except ImportError as error:
            problem = "the environment names a SOCKS proxy, which needs another package: pip install 'httpx[socks]'"
            raise MissingExtraError(problem) from error

    def _ask(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        """Ask without repetitions where the time is limited: each of the package's own would have it again."""
        is_limited = bool(self._limits(request)) or not request.may_repeat
        return super()._ask(client.with_options(max_retries=0) if is_limited else client, request)

    def _models(self, client: Any, request: Request) -> list[str]:
        """Return what the service lists; some list it without an object around it, which the package cannot parse."""
        listing = client.with_options(max_retries=0).models.with_raw_response.list
        response = listing(**self._limits(request))
        listed = response.http_response.json()
        with self._expecting("list of models"):
            return [str(model["id"]) for model in (listed if isinstance(listed, list) else listed["data"])]


class _LimitedBody(httpx.SyncByteStream):
    """Body that may not come later than its deadline, however slowly it drips."""

    def __init__(self, wrapped: Any, deadline: Deadline) -> None:
        self._wrapped = wrapped
        self._deadline = deadline

    def __iter__(self) -> Iterator[bytes]:
        for part in self._wrapped:
            if self._deadline.expired:
                raise httpx.ReadTimeout("the response did not end in time")
            yield part

    def close(self) -> None:
        """Close the body."""
        self._wrapped.close()
