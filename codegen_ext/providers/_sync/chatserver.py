# Generated from codegen_ext/providers/_async/chatserver.py by make generate; edit there.
"""A ChatServer by this package's client."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, ClassVar

from ...chatserver import ChatServerClient
from ...errors import CodegenAPIError
from ...retry import is_ambiguous
from .. import options
from ..base import AIResponse, Request
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..failures import of_package
from ..usage import tokens_of
from .base import AIProvider


class ChatServerProvider(AIProvider):
    """Completions of a ChatServer.

    Options: `api_key` (CHATSERVER_API_KEY), `base_url` (CHATSERVER_BASE_URL), `model` (CHATSERVER_MODEL, else the first
    that the server offers), `timeout`, `transport`, and `client`.
    """

    name = "chatserver"
    settings = frozenset({"api_key", "base_url", "model", "timeout", "transport"})
    key_variables = ("CHATSERVER_API_KEY",)
    model_variable = "CHATSERVER_MODEL"
    remedy = "set CHATSERVER_BASE_URL or CHATSERVER_API_KEY"
    features: ClassVar = {"kind": "completions", "streams": "text", "tools": False, "creates_runs": False}

    @property
    def has_credentials(self) -> bool:
        """Whether there is an address or a key, because a ChatServer may need none; sends nothing."""
        return super().has_credentials or bool(self._setting("base_url", "CHATSERVER_BASE_URL"))

    def _connect(self) -> Any:
        given = {name: value for name, value in self._settings.items() if name != "model"}
        return given.get("client") or ChatServerClient(**given, clock=self._clock)

    def _models(self, client: Any, request: Request) -> list[str]:
        names = [model.id for model in (bounded(client, request).list_models()).data]
        self._offered = self._offered or next(iter(names), None)
        return names

    def _arguments(self, client: Any, request: Request) -> dict[str, Any]:
        if self._model(request) is None:
            self._models(client, request)
        model = self._model(request)
        if model is None:
            raise self.error(ProviderUnavailableError, "the server offers no model")
        # None keeps the client's own defaults out.
        given = {"temperature": request.temperature, "max_tokens": request.max_tokens, "top_p": None}
        return {"model": model, "messages": request.messages, **given, **request.options}

    def _complete(self, client: Any, request: Request) -> AIResponse:
        arguments = self._arguments(client, request)
        completion = bounded(client, request).create_completion(**arguments)
        if not completion.choices:
            raise self.error(ProviderUnavailableError, "the answer has no choices")
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

    def _pieces(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        arguments = self._arguments(client, request)
        limits = {} if request.allowance() is None else {"timeout": request.allowance(client.config.timeout)}
        stream = bounded(client, request).create_completion(**arguments, **limits, stream=True)
        try:
            for piece in stream:
                if request.deadline.expired:
                    raise self.error(ProviderTimeoutError, "no whole answer in time")
                yield piece
        finally:
            stream.close()
        seen = stream.metadata
        yield AIResponse(
            stream.text,
            self.name,
            seen["model"],
            tokens_of(seen["usage"]),
            {"session_id": seen["system_fingerprint"], "finish_reason": seen["finish_reason"]},
            raw_response=stream.response,
            request_id=stream.response.id if stream.response else None,
        )

    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Map the client's errors; where tools, workflows or sessions are used, an unclear outcome is an effect."""
        failed = of_package(self.error, error)
        if failed is None or failed is error or request is None or not isinstance(error, CodegenAPIError):
            return failed
        is_answer = error.operation in (None, "create_chat_completion")
        failed.hands_over = failed.hands_over or (failed.status_code == 404 and is_answer)  # the model is unknown
        if options.ACTING & set(request.options):
            failed.may_have_effect = is_ambiguous(error) and is_answer
        return failed


def bounded(client: Any, request: Request) -> Any:
    """Return a client whose calls end with the request's deadline."""
    limits: dict[str, Any] = {} if request.may_repeat else {"max_retries": 0}
    if (seconds := request.allowance()) is not None:
        limits |= {"timeout": min(seconds, client.config.timeout), "total_timeout": seconds}
    return client.with_options(**limits)
