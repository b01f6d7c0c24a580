"""Ask about code: the prompt, then the target's source and what stands around it, within a budget."""

from __future__ import annotations

import os
from collections.abc import Iterator
from itertools import accumulate
from pathlib import Path
from typing import Any, Self

from ...errors import ConfigurationError, ValidationError
from ..source import Excerpt, contexts, needed, targets
from .factory import create_client

TOKEN_BUDGET = 8_000
CHARACTERS_PER_TOKEN = 4
"""A rule of thumb for English and code; the budget is an estimate, not a promise."""
_CUT = "... ({} more lines are left out)\n"


class AsyncCodebase:
    """A folder with source code that is asked about; may be shared by threads.

    Args:
        path: The folder; targets given as paths must lie in it.
        client: A provider to ask, which is not closed with this; default what `get_ai_client` returns.
        token_budget: Roughly how many tokens of source a prompt may have.
        options: As for `get_ai_client`; what is missing shows with the first prompt.

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
        self.path = Path(path).expanduser().resolve()
        if not self.path.is_dir():
            raise ConfigurationError(f"{self.path} is no folder", config_key="path")
        if not token_budget > 0:
            raise ConfigurationError("token_budget must be greater than 0", config_key="token_budget")
        self.token_budget = token_budget
        self._owns_client = client is None
        self._client = client or create_client(**{"validate_on_creation": False, **options})

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r})"

    async def ai(self, prompt: str, target: Any = None, context: Any = None, **kwargs: Any) -> str:
        """Return the answer to a prompt about a target.

        Args:
            prompt: What is asked.
            target: A function, class, module, path, `path:first-last`, or any object with `.source`, such as
                graph-sitter's; None for a prompt about nothing in particular.
            context: Further text, targets in a list, or a dict of either by name.
            kwargs: As for `generate_response`.

        Raises:
            ValidationError: for a blank prompt, and a target or a context that has no source.
            AIProviderError: when no provider answers.

        """
        text = self.build_prompt(prompt, target, context)
        return str((await self._client.generate_response(text, **kwargs)).content)

    def build_prompt(self, prompt: str, target: Any = None, context: Any = None) -> str:
        """Return what `ai` sends: the prompt, then source within the token budget.

        The target comes first, then the context, then what stands around both; a piece that does not fit whole is cut
        at a line and says so, and one that does not fit at all is left out. The prompt itself does not count.
        """
        if not isinstance(prompt, str) or not prompt.strip():
            problem = "must be text that is not blank"
            raise ValidationError(f"prompt {problem}", field_errors={"prompt": [problem]})
        left = self.token_budget * CHARACTERS_PER_TOKEN
        parts = [prompt]
        for kind, excerpt in self._excerpts(target, context):
            if piece := _fitted(f"## {kind}: {excerpt.title}".removesuffix(": "), excerpt.source, left):
                left -= len(piece)
                parts.append(piece)
        return "\n\n".join(parts)

    def _excerpts(self, target: Any, context: Any) -> Iterator[tuple[str, Excerpt]]:
        """Yield each piece of source once, with its kind."""
        about, further = [*targets(self.path, target)], [*contexts(self.path, context)]
        yield from (("Target", excerpt) for excerpt in about)
        yield from (("Context", excerpt) for excerpt in further)
        seen = {excerpt.source for excerpt in (*about, *further)}
        for excerpt in (one for given in (*about, *further) for one in needed(given)):
            if excerpt.source not in seen:
                seen.add(excerpt.source)
                yield "Needed", excerpt

    async def close(self) -> None:
        """Close the provider, unless it was brought along."""
        if self._owns_client:
            await self._client.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.close()


def _fitted(heading: str, source: str, room: int) -> str:
    """Return a piece as far as it fits; empty when nothing does."""
    rows = source.splitlines(keepends=True)
    if not rows:
        return ""
    room -= len(heading) + len("\n```\n\n```")
    if len(source) > room:
        count = sum(end <= room - len(_CUT) - 8 for end in accumulate(map(len, rows)))
        if count == 0:
            return ""
        rows[count:] = [_CUT.format(len(rows) - count)]
    return f"{heading}\n```\n{''.join(rows).removesuffix(chr(10))}\n```"
