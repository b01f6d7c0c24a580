"""Makes the time-out of the `openai` package, which counts for each read, one for the whole answer."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any

from ..clock import Clock
from ..transport.extensions import DEADLINE
from ..transport.steps import LimitedStream


def hooks(clock: Clock, *, is_async: bool) -> dict[str, list[Any]]:
    """Return the event hooks of an HTTP client whose answers, however slowly they drip, end with their time-out."""

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
        return {"request": [begin], "response": [limit]}

    async def begin_async(request: Any) -> None:
        begin(request)

    async def limit_async(response: Any) -> None:
        limit(response)

    return {"request": [begin_async], "response": [limit_async]}


@cache
def _limited(library: str) -> Any:
    """Return `LimitedStream` for the HTTP library that this version of `openai` uses: httpx, or its successor."""
    http = import_module(library)
    bases = (LimitedStream, http.SyncByteStream, http.AsyncByteStream)
    return type("LimitedStream", bases, {"failure": http.ReadTimeout})
