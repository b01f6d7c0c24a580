"""Asking about code: the prompt gets the target's source and what it needs around it, within a budget."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

from ..errors import ConfigurationError, ValidationError
from .factory import get_ai_client, get_async_ai_client
from .surroundings import needed
from .targets import Excerpt, resolve

TOKEN_BUDGET = 8_000
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English and code; the budget is an estimate, not a promise."""
_CUT = "... ({} more lines are left out)\n"


class CodebaseBase:
    """The folder, who is asked about it, and how prompts are made."""

    _new_lock: Callable[[], Any]

    def __init__(
        self,
        path: str | os.PathLike[str] = ".",
        *,
        client: Any = None,
        token_budget: int = TOKEN_BUDGET,
        **options: Any,
    ) -> None:
        self._client = client
        self._owns_client = client is None
        self._options = options
        self._lock: Any = self._new_lock()
        self.path = Path(path).expanduser().resolve()
        if not self.path.is_dir():
            raise ConfigurationError(f"{self.path} is no folder", config_key="path")
        if not token_budget > 0:
            raise ConfigurationError("token_budget must be greater than 0", config_key="token_budget")
        self.token_budget = token_budget

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def build_prompt(self, prompt: str, target: Any = None, context: Any = None) -> str:
        """Return what `ai` sends: the prompt, then source within the token budget; sends nothing.

        The target comes first, then the context, then what both need; a piece that does not fit whole is cut at a line
        and says so, and one that does not fit at all is left out. The prompt itself does not count.

        Raises:
            ValidationError: for a target or a context that has no source.

        """
        room = _Room(self.token_budget * CHARACTERS_PER_TOKEN)
        excerpts = [] if target is None else resolve(self.path, target)
        parts = [room.take("Target", excerpt.title, excerpt.source) for excerpt in excerpts]
        for title, item in _contexts(context):
            if isinstance(item, _Text):
                parts.append(room.take("Context", title, item))
                continue
            found = resolve(self.path, item)
            excerpts += found
            parts += [room.take("Context", title or excerpt.title, excerpt.source) for excerpt in found]
        seen = {excerpt.source for excerpt in excerpts}
        for name, source in self._needed(excerpts):
            if source not in seen:
                seen.add(source)
                parts.append(room.take("Needed", name, source))
        return "\n\n".join([prompt, *(part for part in parts if part)])

    def _needed(self, excerpts: list[Excerpt]) -> Iterator[tuple[str, str]]:
        for excerpt in excerpts:
            yield from needed(self.path, excerpt)


class _Text(str):
    """Context that is meant as it stands."""


def _contexts(context: Any) -> Iterator[tuple[str, Any]]:
    """Yield title and item: a text stands for itself, anything else is a target."""
    if context is None:
        return
    if isinstance(context, str):
        yield "", _Text(context)
    elif isinstance(context, Mapping):
        for name, item in context.items():
            for _, inner in _contexts(item):
                yield str(name), inner
    elif isinstance(context, list | set | frozenset):
        for item in context:
            yield from _contexts(item)
    elif isinstance(context, int | float):
        yield "", _Text(context)
    else:
        yield "", context


class _Room:
    """What is left of the budget."""

    def __init__(self, characters: int) -> None:
        self._left = characters

    def take(self, kind: str, title: str, source: str) -> str:
        """Return a piece as far as it fits; empty when nothing does."""
        heading = f"## {kind}: {title}\n" if title else f"## {kind}\n"
        frame = len(heading) + len("```\n```")
        kept, rows = [], source.splitlines(keepends=True)
        left = self._left - frame
        for index, row in enumerate(rows):
            reserve = 0 if index == len(rows) - 1 else len(_CUT) + 8
            if len(row) + reserve > left:
                break
            kept.append(row)
            left -= len(row)
        if not kept:
            return ""
        if len(kept) < len(rows):
            kept.append(_CUT.format(len(rows) - len(kept)))
        text = "".join(kept)
        piece = f"{heading}```\n{text if text.endswith(chr(10)) else text + chr(10)}```"
        self._left -= len(piece)
        return piece


class Codebase(CodebaseBase):
    """A folder with source code; may be shared by threads.

    Args:
        path: The folder; targets given as paths must lie in it.
        client: A provider to ask; default what `get_ai_client` returns when it is first needed, closed with this.
        token_budget: Roughly how many tokens of source a prompt may have.
        options: As for `get_ai_client`.

    """

    _new_lock = threading.Lock

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
        text = self.build_prompt(_checked(prompt), target, context)
        with self._lock:
            client = self._client = self._client or get_ai_client(**self._options)
        return str(client.generate_response(text, **kwargs).content)

    def close(self) -> None:
        """Close the provider, unless it was brought along."""
        with self._lock:
            if self._owns_client and self._client is not None:
                self._client.close()
                self._client = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class AsyncCodebase(CodebaseBase):
    """`Codebase` for asyncio."""

    _new_lock = asyncio.Lock

    async def ai(self, prompt: str, target: Any = None, context: Any = None, **kwargs: Any) -> str:
        """Return the answer to a prompt about a target, as `Codebase.ai` does."""
        text = self.build_prompt(_checked(prompt), target, context)
        async with self._lock:
            client = self._client = self._client or await get_async_ai_client(**self._options)
        return str((await client.generate_response(text, **kwargs)).content)

    async def close(self) -> None:
        """Close the provider, unless it was brought along."""
        async with self._lock:
            if self._owns_client and self._client is not None:
                await self._client.close()
                self._client = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


def _checked(prompt: str) -> str:
    if not isinstance(prompt, str) or not prompt.strip():
        problem = "must be text that is not blank"
        raise ValidationError(f"prompt {problem}", field_errors={"prompt": [problem]})
    return prompt
