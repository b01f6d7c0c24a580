# Generated from codegen_ext/providers/_async/codebase.py by make generate; edit there.
"""Ask about code."""

from __future__ import annotations

from typing import Any, Self

from ..codebase import CodebaseBase
from ..factory import create_client


class Codebase(CodebaseBase):
    """A folder that is asked about; takes the arguments of `CodebaseBase`. May be shared by threads."""

    def ai(self, prompt: str, target: Any = None, context: Any = None, **kwargs: Any) -> str:
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
            client = self._client = self._client or create_client(is_async=False, **self._options)
        return str((client.generate_response(text, **kwargs)).content)

    def close(self) -> None:
        """Close the provider, unless it was brought along."""
        with self._lock:
            client = self._client if self._owns_client else None
            if client is not None:
                self._client = None
        if client is not None:
            client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()
