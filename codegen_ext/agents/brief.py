"""What a run is asked to do: the options of `Agent.run`, checked and put into the fields that the contract has."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from codegen_api.reserved import only_reserved, with_reserved, without_reserved

from ..once import refused
from .images import Image, encode_images

PRIORITIES = ("low", "normal", "high", "urgent")


def check_prompt(prompt: object) -> str:
    """Return the prompt; raises ValidationError when it is not text or is blank."""
    if not isinstance(prompt, str):
        raise refused("prompt", f"expected text, got {type(prompt).__name__}")
    if not prompt.strip():
        raise refused("prompt", "must not be blank")
    return prompt


def run_arguments(
    prompt: str,
    *,
    images: Iterable[Image] | None,
    metadata: Mapping[str, Any] | None,
    branch: str | None,
    priority: str | None,
    tags: Iterable[str] | None,
    context: str | Mapping[str, Any] | None,
    model: str | None,
    agent_type: str | None,
    webhook_url: str | None,
) -> dict[str, Any]:
    """Return the arguments of the create operation but for organisation and repository.

    Options that the API has no field for travel under the reserved metadata key; branch and context also stand at the
    head of the prompt, so that the agent reads them.

    Raises:
        ValidationError: naming the option that does not fit.

    """
    if priority is not None and priority not in PRIORITIES:
        raise refused("priority", f"must be one of {', '.join(PRIORITIES)}")
    for name, text in (("branch", branch), ("webhook_url", webhook_url)):
        if not isinstance(text, str | None):
            raise refused(name, f"expected text, got {type(text).__name__}")
    tags = list(tags) if isinstance(tags, Iterable) and not isinstance(tags, str) else tags
    if tags is not None and not (isinstance(tags, list) and all(isinstance(tag, str) for tag in tags)):
        raise refused("tags", "expected a list of texts")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise refused("metadata", f"expected a dict, got {type(metadata).__name__}")
    reserved = {
        "priority": priority,
        "tags": tags,
        "branch": branch,
        "context": context,
    }
    return {
        "prompt": _with_preamble(check_prompt(prompt), branch, context),
        "images": encode_images(images),
        "metadata": _merged(metadata, reserved, webhook_url),
        "model": model,
        "agent_type": agent_type,
    }


def _with_preamble(prompt: str, branch: str | None, context: str | Mapping[str, Any] | None) -> str:
    lines = [f"Branch: {branch}"] if branch else []
    if context:
        try:
            text = context if isinstance(context, str) else json.dumps(context, ensure_ascii=False)
        except (TypeError, ValueError) as error:
            raise refused("context", f"cannot be written as JSON: {error}") from error
        lines.append(f"Context: {text}")
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
