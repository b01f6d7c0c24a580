"""A ChatServer by this package's client; streams need the extra `[chatserver]`."""

from __future__ import annotations

from typing import Any

from ..errors import CodegenAPIError
from ..retry import is_ambiguous
from .backend import Availability, Backend, Deadline, messages_of
from .completions import usage_of
from .errors import AIProviderError, ProviderUnavailableError
from .package_errors import provider_error
from .protocol import AIResponse, Request
from .steps import END, Call, Emit, Steps, advance

_OPTIONS = frozenset(
    {
        "allowed_tools",
        "mcp_servers",
        "metadata",
        "organization_id",
        "session_id",
        "setting_sources",
        "top_p",
        "user",
        "variables",
        "workflow",
    }
)
_ACTING = frozenset({"allowed_tools", "mcp_servers", "session_id", "workflow"})
"""Options with which an answer does more than answer."""


class ChatServerBackend(Backend):
    """Completions of a ChatServer.

    Options: `api_key` (CHATSERVER_API_KEY), `base_url` (CHATSERVER_BASE_URL), `model` (CHATSERVER_MODEL, else the first
    that the server offers), `timeout`, `transport`, and `client`.
    """

    name = "chatserver"
    settings = frozenset({"api_key", "base_url", "model", "timeout", "transport", "client"})
    _offered: str | None = None

    @classmethod
    def options(cls) -> frozenset[str]:
        """What travels with a completion."""
        return _OPTIONS

    def secret(self) -> str:
        """Return the key."""
        return str(self._setting("api_key", "CHATSERVER_API_KEY"))

    def _address(self) -> str:
        return str(self._setting("base_url", "CHATSERVER_BASE_URL"))

    def availability(self) -> Availability:
        """An address or a key: a ChatServer may need none."""
        return Availability(bool(self._settings.get("client") or self.secret() or self._address()))

    def identity(self) -> list[object]:
        """Address and key."""
        return [self._address(), self.secret(), id(self._settings.get("transport")), id(self._settings.get("client"))]

    def _build(self, *, is_async: bool) -> Any:
        """Build the client."""
        from ..chatserver import AsyncChatServerClient, ChatServerClient

        given = {name: value for name, value in self._settings.items() if name != "model"}
        return (AsyncChatServerClient if is_async else ChatServerClient)(**given, clock=self._clock)

    def default_model(self) -> str | None:
        """Return the option, else CHATSERVER_MODEL, else what the server offered first when it was asked."""
        return self._setting("model", "CHATSERVER_MODEL") or self._offered

    def validate(self, client: Any, deadline: Deadline) -> Steps[None]:
        """List the models."""
        yield from self.models(bounded(client, deadline, may_repeat=False))

    def models(self, client: Any) -> Steps[list[str]]:
        """Return what the server offers."""
        offered = yield Call(client.list_models)
        names = [model.id for model in offered.data]
        self._offered = self._offered or next(iter(names), None)
        return names

    def _model(self, client: Any, request: Request) -> Steps[str]:
        if self.chosen_model(request) is None:
            yield from self.models(client)
        model = self.chosen_model(request)
        if model is None:
            raise self.error(ProviderUnavailableError, "the server offers no model")
        return model

    def _arguments(self, request: Request, model: str) -> dict[str, Any]:
        given = {"temperature": request.temperature, "max_tokens": request.max_tokens, **request.options}
        named = {name: value for name, value in given.items() if value is not None}
        return {"model": model, "messages": messages_of(request), **named}

    def complete(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Answer with one completion."""
        asked = bounded(client, deadline, may_repeat=request.may_repeat)
        arguments = self._arguments(request, (yield from self._model(asked, request)))
        completion = yield Call(lambda: bounded(asked, deadline).create_completion(**arguments))
        if not completion.choices:
            raise self.error(ProviderUnavailableError, "the answer has no choices")
        return AIResponse(
            completion.choices[0].message.content or "",
            self.name,
            completion.model,
            usage_of(completion.usage),
            _metadata(completion.system_fingerprint, completion.choices[0].finish_reason),
            raw_response=completion,
            request_id=completion.id,
        )

    def stream(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Answer with the events of one completion."""
        asked = bounded(client, deadline, may_repeat=request.may_repeat)
        arguments = self._arguments(request, (yield from self._model(asked, request)))
        stream = yield Call(lambda: bounded(asked, deadline).create_completion(**arguments, stream=True))
        try:
            while (piece := (yield advance(stream))) is not END:
                if deadline.is_over:
                    self._expired(deadline)
                yield Emit(piece)
        finally:
            yield Call(stream.close)
        seen = stream.metadata
        return AIResponse(
            stream.text,
            self.name,
            seen["model"],
            usage_of(seen["usage"]),
            _metadata(seen["system_fingerprint"], seen["finish_reason"]),
            raw_response=stream.response,
            request_id=stream.response.id if stream.response else None,
        )

    def failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Map the client's errors; where tools, workflows or sessions are used, an unclear outcome is an effect."""
        failed = provider_error(self, error)
        acts = request is not None and bool(_ACTING & set(request.options))
        if failed is not None and acts and isinstance(error, CodegenAPIError):
            failed.may_have_effect = is_ambiguous(error) and error.operation in (None, "create_chat_completion")
        return failed


def bounded(client: Any, deadline: Deadline, *, may_repeat: bool = True) -> Any:
    """Return a client whose calls end with the deadline."""
    options: dict[str, Any] = {} if may_repeat else {"max_retries": 0}
    if (seconds := deadline.allowance()) is not None:
        options |= {"timeout": min(seconds, client.config.timeout), "total_timeout": seconds}
    return client.with_options(**options)


def _metadata(session: str | None, finish_reason: str | None) -> dict[str, Any]:
    return {"session_id": session, "finish_reason": finish_reason}
