"""Options of a run, checked and put into the fields that the contract has."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Literal, get_args
from urllib.parse import urlsplit

from codegen_api.enums import AgentRunStatus, to_agent_run_status
from codegen_api.reserved import only_reserved, with_reserved, without_reserved

from ._request import checked_string
from .errors import invalid_argument, kind_of
from .redact import shown

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from .images import Image

Priority = Literal["low", "normal", "high", "urgent"]
PRIORITIES: tuple[Priority, ...] = get_args(Priority)


def status_filter(status: str | None) -> Callable[[AgentRunResponse], bool]:
    """Return what tells whether a run has a status, given as a value of the enum or as the service writes it.

    Raises:
        ValidationError: for a status that neither of them has.

    """
    wanted = None if status is None else to_agent_run_status(status)
    if wanted is not None and not isinstance(wanted, AgentRunStatus):
        raise invalid_argument("status", f"expected one of {', '.join(AgentRunStatus)}, got {shown(status)}")
    is_ours = wanted is not None and str(status).lower() == wanted
    return lambda run: wanted is None or (run.status == wanted if is_ours else run.raw_status == status)


def check_repository(repository: object, repo_id: object = None) -> None:
    """Raise ValidationError for a repository that has no name, or two."""
    if repository is not None:
        checked_string("repository", repository, 'a name such as "owner/repo"')
        if repo_id is not None:
            raise invalid_argument("repository", "give either repository or repo_id, not both")


def run_arguments(
    prompt: str,
    *,
    images: Iterable[Image] | None = None,
    metadata: Mapping[str, Any] | None = None,
    branch: str | None = None,
    priority: str | None = None,
    tags: Iterable[str] | None = None,
    context: str | Mapping[str, Any] | None = None,
    model: str | None = None,
    agent_type: str | None = None,
    webhook_url: str | None = None,
    repository: str | None = None,
) -> dict[str, Any]:
    """Return the arguments of the create operation but for the organization and the repository's number.

    Options that the API has no field for travel under the reserved metadata key; branch and context also stand at the
    head of the prompt, so that the agent reads them.

    Raises:
        ValidationError: naming the option that does not fit.

    """
    from .images import encode_images

    if priority is not None and priority not in PRIORITIES:
        raise invalid_argument("priority", f"expected one of {', '.join(PRIORITIES)}, got {shown(priority)}")
    for name, value in (("branch", branch), ("model", model), ("agent_type", agent_type)):
        if value is not None:
            checked_string(name, value)
    if webhook_url is not None and not _is_http(webhook_url):
        raise invalid_argument("webhook_url", "expected an address such as https://example.com/hook")
    if not isinstance(context, str | Mapping | None):
        raise invalid_argument("context", f"expected a string or a dict, got {kind_of(context)}")
    if tags is not None:
        tags = tags if isinstance(tags, str | Mapping) or not isinstance(tags, Iterable) else list(tags)
        if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
            raise invalid_argument("tags", f"expected a list of strings, got {shown(tags)}")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise invalid_argument("metadata", f"expected a dict, got {kind_of(metadata)}")
    check_json("metadata", metadata)
    check_json("context", context)
    reserved = {"priority": priority, "tags": tags, "repository": repository, "branch": branch, "context": context}
    return {
        "prompt": _with_preamble(checked_string("prompt", prompt), branch, context),
        "images": encode_images(images),
        "metadata": _merged(metadata, reserved, webhook_url),
        "model": model,
        "agent_type": agent_type,
    }


def check_json(field: str, value: object) -> None:
    """Raise ValidationError naming the part of a value that cannot be written as JSON."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if not isinstance(key, str):
                raise invalid_argument(field, f"expected keys that are strings, got {shown(key)}")
            check_json(f"{field}.{key}", item)
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            check_json(f"{field}.{index}", item)
    else:
        try:
            json.dumps(value, allow_nan=False)
        except (TypeError, ValueError):
            raise invalid_argument(field, f"cannot be written as JSON: {shown(value)}") from None


def _is_http(address: object) -> bool:
    try:
        parts = urlsplit(address) if isinstance(address, str) else None
        return parts is not None and parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _with_preamble(prompt: str, branch: str | None, context: str | Mapping[str, Any] | None) -> str:
    lines = [f"Branch: {branch}"] if branch else []
    if context:
        lines.append(f"Context: {context if isinstance(context, str) else json.dumps(context, ensure_ascii=False)}")
    return "\n".join([*lines, "", prompt]) if lines else prompt


def _merged(
    metadata: Mapping[str, Any] | None, reserved: dict[str, Any], webhook_url: str | None
) -> dict[str, Any] | None:
    given = {name: value for name, value in reserved.items() if value is not None}
    merged = dict(metadata) if metadata is not None else None
    if webhook_url is not None:
        merged = {**(merged or {}), "webhook_url": webhook_url}
    if not given:
        return merged
    return with_reserved(without_reserved(merged), {**(only_reserved(merged) or {}), **given})
