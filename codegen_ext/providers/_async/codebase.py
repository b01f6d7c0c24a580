"""Ask about code."""

from __future__ import annotations

from typing import Any, Self

from ..codebase import CodebaseBase
from ..factory import create_client


class AsyncCodebase(CodebaseBase):
    """A folder that is asked about; takes the arguments of `CodebaseBase`. May be shared by threads."""

    async def ai(self, prompt: str, target: Any = None, context: Any = None, **kwargs: Any) -> str:
        """Return the answer to a prompt about a target.

        Args:
            prompt: What is asked.
            target: A function, class, module, path, `path:first-last`, or any object with `.source`, such as
                graph-sitter's; None for a prompt about nothing in particular.
            context: Further text, targets in a list, or a dict of either by name.
            kwargs: As for `generate_response`.

        Raises:
            ValidationError: for a target or a context that has no source.
            AIProviderError: when no provider answers.

        """
        text = self.build_prompt(prompt, target, context)
        with self._lock:
            client = self._client = self._client or create_client(is_async=True, **self._options)
        return str((await client.generate_response(text, **kwargs)).content)

    async def close(self) -> None:
        """Close the provider, unless it was brought along."""
        with self._lock:
            client = self._client if self._owns_client else None
            if client is not None:
                self._client = None
        if client is not None:
            await client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()
