"""A provider of another package, behind what all providers have in common."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, ClassVar

from ..base import AIResponse, Request
from ..errors import ProviderUnavailableError
from .service import AsyncServiceProvider


class AsyncRegisteredProvider(AsyncServiceProvider):
    """What `register_provider` says how to make; `stream_response` and the methods about models may be missing."""

    features: ClassVar = {"tools": True}
    unused = ()

    def __init__(self, inner: Any, **shared: Any) -> None:
        self.name = inner.name
        super().__init__(**shared)
        self._inner = inner

    @property
    def has_credentials(self) -> bool:
        """Whether it is available, as far as can be told."""
        return bool(self._inner.is_available)

    @property
    def unavailable_because(self) -> str | None:
        """What is missing, as far as can be told."""
        return None if self.has_credentials else "it is not available"

    def _connect(self) -> Any:
        return self._inner

    async def _ask(self, client: Any, request: Request) -> AsyncGenerator[str | AIResponse, None]:
        names = ("prompt", "system_prompt", "temperature", "max_tokens", "tools", "tool_choice")
        more = {
            "messages": request.conversation,
            "model": request.model_for(self.name),
            "timeout": request.allowance(),
        }
        given = {name: value for name, value in more.items() if value is not None}
        arguments = {**request.given(*names), **given, **request.options}
        if request.streams and hasattr(client, "stream_response"):
            async with aclosing(client.stream_response(**arguments)) as stream:
                async for piece in stream:
                    yield piece
            yield stream.response
            return
        response = await client.generate_response(**arguments)
        if request.streams:
            yield response.content
        yield response

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

    async def close(self) -> None:
        """Close it; calls that follow raise ClientClosedError."""
        self._is_closed = True
        await self._inner.close()
