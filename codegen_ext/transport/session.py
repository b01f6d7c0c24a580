"""httpx's clients, telling the transports whether the caller reads the body as it comes.

Otherwise the transports read it, so that an answer that is cut counts as a failure and is asked for again.
"""

from __future__ import annotations

from typing import Any

import httpx

from .extensions import STREAM


class Session(httpx.Client):
    """An `httpx.Client` whose `stream` streams through the transports of this package."""

    def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send as httpx does."""
        request.extensions[STREAM] = stream
        return super().send(request, stream=stream, **options)


class AsyncSession(httpx.AsyncClient):
    """An `httpx.AsyncClient` whose `stream` streams through the transports of this package."""

    async def send(self, request: httpx.Request, *, stream: bool = False, **options: Any) -> httpx.Response:
        """Send as httpx does."""
        request.extensions[STREAM] = stream
        return await super().send(request, stream=stream, **options)
