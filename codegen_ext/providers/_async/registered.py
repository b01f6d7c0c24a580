"""A provider of another package, behind what all providers have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, ClassVar

from ..base import AIResponse, Request
from ..errors import AIProviderError, ProviderUnavailableError
from .base import AsyncAIProvider


class AsyncRegisteredProvider(AsyncAIProvider):
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

    async def _complete(self, client: Any, request: Request) -> AIResponse:
        response: AIResponse = await client.generate_response(**self._arguments(request))
        return response

    async def _pieces(self, client: Any, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        if not hasattr(client, "stream_response"):
            response = await self._complete(client, request)
            yield response.content
            yield response
            return
        async with aclosing(client.stream_response(**self._arguments(request))) as stream:
            async for piece in stream:
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

    async def _validate(self, client: Any, request: Request) -> None:  # noqa: ARG002 - the others need it
        if not await client.validate_credentials():
            raise self.error(ProviderUnavailableError, "the credentials are not accepted")

    async def _models(self, client: Any, request: Request) -> list[str]:  # noqa: ARG002 - the others need it
        found: list[str] = await client.get_available_models() if hasattr(client, "get_available_models") else []
        return found

    def get_default_model(self) -> str | None:
        """Return what it says itself."""
        model: str | None = getattr(self._inner, "get_default_model", lambda: None)()
        return model

    def _failure(self, error: Exception, request: Request | None) -> AIProviderError | None:  # noqa: ARG002
        return error if isinstance(error, AIProviderError) else None

    async def close(self) -> None:
        """Close it; calls that follow raise ClientClosedError."""
        self._is_closed = True
        await self._inner.close()
