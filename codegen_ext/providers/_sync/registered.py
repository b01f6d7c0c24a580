# Generated from codegen_ext/providers/_async/registered.py by make generate; edit there.
"""A provider of another package, behind what all providers have in common."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from typing import Any, ClassVar

from ..base import AIResponse, Request
from ..errors import AIProviderError, ProviderUnavailableError
from .base import AIProvider


class RegisteredProvider(AIProvider):
    """What `register_provider` says how to make; `stream_response` and the methods about models may be missing."""

    features: ClassVar = {"tools": True}
    unused = ()

    def __init__(self, client: Any, **shared: Any) -> None:
        self.name = client.name
        super().__init__(**shared)
        self._inner = client

    @property
    def unavailable_because(self) -> str | None:
        """What is missing, as far as can be told."""
        return None if self._inner.is_available else "it is not available"

    @property
    def has_credentials(self) -> bool:
        """Whether it is available, as far as can be told."""
        return bool(self._inner.is_available)

    def _connect(self) -> Any:
        return self._inner

    def _complete(self, client: Any, request: Request) -> AIResponse:
        response: AIResponse = client.generate_response(**self._arguments(request))
        return response

    def _pieces(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        if not hasattr(client, "stream_response"):
            response = self._complete(client, request)
            yield response.content
            yield response
            return
        with closing(client.stream_response(**self._arguments(request))) as stream:
            for piece in stream:
                yield piece
        yield stream.response

    def _arguments(self, request: Request) -> dict[str, Any]:
        """Return the arguments of `generate_response`; what is not given is left out."""
        names = ("prompt", "system_prompt", "temperature", "max_tokens", "tools", "tool_choice")
        more = {
            "messages": request.conversation,
            "model": request.model_for(self.name),
            "timeout": request.allowance(),
        }
        given = {name: value for name, value in more.items() if value is not None}
        return {**request.given(*names), **given, **request.options}

    def _validate(self, client: Any, request: Request) -> None:  # noqa: ARG002 - the others need it
        if not client.validate_credentials():
            raise self.error(ProviderUnavailableError, "the credentials are not accepted")

    def _models(self, client: Any, request: Request) -> list[str]:  # noqa: ARG002 - the others need it
        found: list[str] = client.get_available_models() if hasattr(client, "get_available_models") else []
        return found

    def get_default_model(self) -> str | None:
        """Return what it says itself."""
        model: str | None = getattr(self._inner, "get_default_model", lambda: None)()
        return model

    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:  # noqa: ARG002
        return error if isinstance(error, AIProviderError) else None

    def close(self) -> None:
        """Close it; calls that follow raise ClientClosedError."""
        self._is_closed = True
        self._inner.close()
