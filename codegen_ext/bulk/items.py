"""From one configuration to one run, as a flow."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from codegen_api import operations
from codegen_api.reserved import only_reserved, with_reserved, without_reserved

from .. import once
from ..agents.brief import run_arguments
from ..errors import CodegenAPIError, RateLimitError
from ..flow import Flow, Perform, Sleep
from .results import BulkResult

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse
    from codegen_api.types import Response

    from ..repositories import RepositoryIndex

OPTIONS = (
    "prompt",
    "images",
    "metadata",
    "branch",
    "priority",
    "tags",
    "context",
    "model",
    "agent_type",
    "webhook_url",
)
_PLACES = ("repository", "repo_id")
LEAST_PAUSE = 1.0
"""Seconds before a refused create is tried again when the service does not say when."""


def arguments_of(config: object) -> dict[str, Any]:
    """Return the arguments of a create; a configuration has the options of `Agent.run` but for its timeout.

    Raises:
        ValidationError: naming what does not fit.

    """
    if not isinstance(config, Mapping):
        raise once.refused("config", f"expected a dict with a prompt, got {type(config).__name__}")
    unknown = [str(name) for name in config if name not in OPTIONS and name not in _PLACES]
    if unknown:
        raise once.refused(unknown[0], f"is no option of a run; there are {', '.join((*OPTIONS, *_PLACES))}")
    if config.get("repository") is not None and config.get("repo_id") is not None:
        raise once.refused("repository", "give either repository or repo_id, not both")
    options: dict[str, Any] = {name: config.get(name) for name in OPTIONS}
    return {**run_arguments(**options), **{name: config.get(name) for name in _PLACES}}


def digest_of(config: object) -> str:
    """Return by what a journal knows a configuration again: SHA-256 of its JSON, of its repr where it has none."""
    try:
        text = json.dumps(config, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = repr(config)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def creation(
    index: int,
    org_id: int | str,
    config: object,
    settings: once.Settings | None,
    repositories: RepositoryIndex,
    request_id: str | None = None,
    in_doubt: bool = False,
    patient: bool = True,
) -> Flow[Any, BulkResult]:
    """Create one run and return its result; only what is no `CodegenAPIError` is raised.

    A limit delays a create for as long as it takes, unless it is not `patient`: then it is a `RateLimitError`.
    `settings` is None where creating exactly once is switched off; with `in_doubt` another process may have created the
    run under the request id.
    """
    try:
        arguments = {"org_id": org_id, **arguments_of(config)}
        repository = arguments.pop("repository")
        if repository is not None:
            arguments["repo_id"] = yield from repositories.resolve(int(org_id), repository)
        if request_id is not None:
            metadata = arguments["metadata"]
            reserved = {**(only_reserved(metadata) or {}), once.REQUEST_ID: request_id}
            arguments["metadata"] = with_reserved(without_reserved(metadata), reserved)
        doubtful = request_id if in_doubt else None
        return BulkResult(index, (yield from _patient(arguments, settings, doubtful, patient)), None)
    except CodegenAPIError as error:
        return BulkResult(index, None, error)


def _patient(
    arguments: dict[str, Any], settings: once.Settings | None, doubtful: str | None, patient: bool
) -> Flow[Any, AgentRunResponse]:
    while True:
        try:
            if settings is None:
                response: Response[AgentRunResponse] = yield Perform(operations.CREATE_AGENT_RUN, arguments)
                return response.parsed
            if doubtful is not None:
                found = yield from once.recover(arguments["org_id"], doubtful, settings)
                if found is not None:
                    return found.parsed
                doubtful = None
            return (yield from once.create(arguments, settings)).parsed
        except RateLimitError as error:
            if not patient:
                raise
            # A refusal creates nothing, and a job has more patience than a call.
            yield Sleep(max(error.retry_after or 0.0, LEAST_PAUSE))
