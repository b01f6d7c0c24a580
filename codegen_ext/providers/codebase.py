"""Make prompts about code: the target's source and what stands around it, within a budget."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ..errors import ConfigurationError, ValidationError
from .source import resolve, source_context

TOKEN_BUDGET = 8_000
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English and code; the budget is an estimate, not a promise."""
_CUT = "... ({} more lines are left out)\n"


class CodebaseBase:
    """A folder with source code, and how prompts about it are made.

    Args:
        path: The folder; targets given as paths must lie in it.
        client: A provider to ask; default what `get_ai_client` returns when it is first needed, closed with this.
        token_budget: Roughly how many tokens of source a prompt may have.
        options: As for `get_ai_client`.

    Raises:
        ConfigurationError: for a path that is no folder, or a budget that is not above 0.

    """

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
        self._lock = threading.Lock()
        self.path = Path(path).expanduser().resolve()
        if not self.path.is_dir():
            raise ConfigurationError(f"{self.path} is no folder", config_key="path")
        if not token_budget > 0:
            raise ConfigurationError("token_budget must be greater than 0", config_key="token_budget")
        self.token_budget = token_budget

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    def build_prompt(self, prompt: str, target: Any = None, context: Any = None) -> str:
        """Return what `ai` sends: the prompt, then source within the token budget.

        The target comes first, then the context, then what stands around both; a piece that does not fit whole is cut
        at a line and says so, and one that does not fit at all is left out. The prompt itself does not count.

        Raises:
            ValidationError: for a blank prompt, and a target or a context that has no source.

        """
        if not isinstance(prompt, str) or not prompt.strip():
            problem = "must be text that is not blank"
            raise ValidationError(f"prompt {problem}", field_errors={"prompt": [problem]})
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
        for excerpt in excerpts:
            for name, source in source_context(excerpt):
                if source not in seen:
                    seen.add(source)
                    parts.append(room.take("Needed", name, source))
        return "\n\n".join([prompt, *(part for part in parts if part)])


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
