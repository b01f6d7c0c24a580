"""What a caller may say about one call besides the arguments of its operation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple


class RequestOptions(NamedTuple):
    """Options of one call; None means what the client does anyway.

    `timeout` is in seconds for each attempt, `extra_headers` are sent besides the client's own, `extra_query` and
    `extra_body` add query parameters and fields of the JSON body that the contract does not know.
    """

    timeout: float | None = None
    extra_headers: Mapping[str, str] | None = None
    extra_query: Mapping[str, Any] | None = None
    extra_body: Mapping[str, Any] | None = None


NO_OPTIONS = RequestOptions()
