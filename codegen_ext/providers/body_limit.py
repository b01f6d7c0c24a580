"""Limit the time of a whole answer of the `openai` package, whose own time-out counts for each read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from functools import cache
from importlib import import_module
from typing import Any

from ..clock import Clock

DEADLINE = "codegen_deadline"
"""The key of the monotonic second at which an answer must be over, among a request's extensions."""


class LimitedStream:
    """A body that may not come later than its deadline, however slowly it drips."""

    failure: Any

    def __init__(self, wrapped: Any, request: Any, deadline: float, clock: Clock) -> None:
        self._wrapped = wrapped
        self._request = request
        self._deadline = deadline
        self._clock = clock

    def _check(self) -> None:
        if self._clock.monotonic() > self._deadline:
            raise self.failure("the response did not end in time", request=self._request)

    def __iter__(self) -> Iterator[bytes]:
        for part in self._wrapped:
            self._check()
            yield part

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._wrapped:
            self._check()
            yield part

    def close(self) -> None:
        """Close the body."""
        self._wrapped.close()

    async def aclose(self) -> None:
        """Close the body."""
        await self._wrapped.aclose()


def http_client(clock: Clock, *, is_async: bool) -> Any:
    """Return an HTTP client for `openai` whose answers, however slowly they drip, end with their time-out."""
    import openai

    def begin(request: Any) -> None:
        seconds = request.extensions.get("timeout", {}).get("read")
        if seconds is not None:
            request.extensions[DEADLINE] = clock.monotonic() + seconds

    def limit(response: Any) -> None:
        deadline = response.request.extensions.get(DEADLINE)
        if deadline is not None:
            library = type(response).__module__.partition(".")[0]
            response.stream = _limited(library)(response.stream, response.request, deadline, clock)

    if not is_async:
        return openai.DefaultHttpxClient(event_hooks={"request": [begin], "response": [limit]})

    async def begin_async(request: Any) -> None:
        begin(request)

    async def limit_async(response: Any) -> None:
        limit(response)

    return openai.DefaultAsyncHttpxClient(event_hooks={"request": [begin_async], "response": [limit_async]})


@cache
def _limited(library: str) -> Any:
    """Return `LimitedStream` for the HTTP library that this version of `openai` uses: httpx, or its successor."""
    http = import_module(library)
    bases = (LimitedStream, http.SyncByteStream, http.AsyncByteStream)
    return type("LimitedStream", bases, {"failure": http.ReadTimeout})
