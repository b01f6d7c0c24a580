# Generated from codegen_ext/providers/_async/chatserver.py by make generate; edit there.
"""A ChatServer by this package's client."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from codegen_api import operations

from ...chatserver import ChatServerClient
from ...errors import CodegenAPIError
from ...retry import is_ambiguous
from ..base import AIResponse, Request
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..usage import tokens_of
from .service import ServiceProvider

ACTING = frozenset({"allowed_tools", "mcp_servers", "session_id", "workflow"})
"""Options with which an answer does more than answer."""
CHAT = "create_chat_completion"


class ChatServerProvider(ServiceProvider):
    """Completions of a ChatServer.

    Options: `api_key` (CHATSERVER_API_KEY), `base_url` (CHATSERVER_BASE_URL), `model` (CHATSERVER_MODEL, else the first
    that the server offers), `timeout`, `transport`, and `client`.
    """

    name = "chatserver"
    settings = frozenset({"api_key", "base_url", "timeout", "transport"})
    key_variables = ("CHATSERVER_API_KEY",)
    model_variable = "CHATSERVER_MODEL"
    remedy = "set CHATSERVER_BASE_URL or CHATSERVER_API_KEY"
    features: ClassVar = {"kind": "completions", "streams": "text", "tools": False, "creates_runs": False}

    @property
    def has_credentials(self) -> bool:
        """Whether there is an address or a key, because a ChatServer may need none; sends nothing."""
        return super().has_credentials or bool(self._setting("base_url", "CHATSERVER_BASE_URL"))

    def _connect(self) -> Any:
        return self._settings.get("client") or ChatServerClient(**self._settings, clock=self._clock)

    def _models(self, client: Any, request: Request) -> list[str]:
        listed = bounded(client, request).perform(operations.LIST_MODELS, {}, refresh=True)
        names = [model.id for model in listed.parsed.data]
        self._offered = self._offered or next(iter(names), None)
        return names

    def _ask(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        if self._model(request) is None:
            self._models(client, request)
        model = self._model(request)
        if model is None:
            raise self.error(ProviderUnavailableError, "the server offers no model")
        arguments = {
            "model": model,
            "messages": request.messages,
            "temperature": request.temperature,  # None keeps the client's own default out
            "max_tokens": request.max_tokens,
            "top_p": None,
            **request.options,
        }
        if not request.streams:
            yield self._response(bounded(client, request).create_completion(**arguments), request)
            return
        limits = {} if request.allowance() is None else {"timeout": request.allowance(client.config.timeout)}
        stream = bounded(client, request).create_completion(**arguments, **limits, stream=True)
        try:
            for piece in stream:
                if request.deadline.expired:
                    raise self._unusable(ProviderTimeoutError, "no whole answer in time", request)
                yield piece
        finally:
            stream.close()
        yield self._response(stream.response, request)

    def _response(self, completion: Any, request: Request) -> AIResponse:
        if completion is None or not completion.choices:
            raise self._unusable(ProviderUnavailableError, "the answer has no choices", request)
        choice = completion.choices[0]
        return AIResponse(
            choice.message.content or "",
            self.name,
            completion.model,
            tokens_of(completion.usage),
            {"session_id": completion.system_fingerprint, "finish_reason": choice.finish_reason},
            raw_response=completion,
            request_id=completion.id,
        )

    def _unusable(self, kind: type[AIProviderError], problem: str, request: Request) -> AIProviderError:
        """Return the error for an answer that is none: what was to be done has been done."""
        return self.error(kind, problem, may_have_effect=not ACTING.isdisjoint(request.options))

    def _failure(self, error: Exception) -> AIProviderError | None:
        """Map the client's errors; another provider may have a model that this one does not know."""
        failed = super()._failure(error)
        if failed is not None and failed.status_code == 404 and failed.operation in (None, CHAT):
            failed.hands_over = True
        return failed

    def _has_acted(self, error: Exception, request: Request) -> bool:
        """Whether tools, a workflow or a session may have been used: the outcome is unknown."""
        if ACTING.isdisjoint(request.options) or not isinstance(error, CodegenAPIError):
            return False
        return error.operation in (None, CHAT) and is_ambiguous(error)


def bounded(client: Any, request: Request) -> Any:
    """Return a client whose calls end with the request's deadline."""
    limits: dict[str, Any] = {} if request.may_repeat else {"max_retries": 0}
    if (seconds := request.allowance()) is not None:
        limits |= {"timeout": min(seconds, client.config.timeout), "total_timeout": seconds}
    limited = client.with_options(**limits)
    limited.stream_deadline = request.deadline
    return limited
