"""Arguments of a completion: messages in any notation, and options that travel as metadata."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypedDict

from codegen_api.codec import Model
from codegen_api.models import ChatCompletionMessage, ChatMessage, ChatRole
from codegen_api.operations import CREATE_CHAT_COMPLETION
from codegen_api.options import RequestOptions

from ..redact import shown
from .errors import BadRequestError

Message = ChatMessage
MessageRole = ChatRole

AnyMessage = Message | ChatCompletionMessage | Mapping[str, Any] | str
"""A message: an object, a dict with role and content, or a string of the user."""


class MetadataOptions(TypedDict, total=False):
    """What the server reads from a completion's metadata, where an entry given there wins."""

    metadata: Mapping[str, Any] | None
    organization_id: str | None
    workflow: str | None
    variables: Mapping[str, Any] | None
    allowed_tools: Iterable[str] | None
    setting_sources: Iterable[str] | None
    mcp_servers: Any


class CallOptions(TypedDict, total=False):
    """The options of every call."""

    timeout: float | None
    extra_headers: Mapping[str, str] | None
    extra_query: Mapping[str, Any] | None
    extra_body: Mapping[str, Any] | None


class CompletionOptions(MetadataOptions, CallOptions, total=False):
    """The options of a completion that travel in the metadata, its session, and the options of every call."""

    session_id: str | None


class SendOptions(MetadataOptions, total=False):
    """The options of a completion within a conversation."""

    temperature: float
    max_tokens: int
    top_p: float
    system_prompt: str | None
    timeout: float | None


_FIELDS = {argument.python_name for argument in CREATE_CHAT_COMPLETION.arguments}


def completion_call(
    model: str,
    messages: Iterable[AnyMessage],
    user: str | None,
    metadata: Mapping[str, Any] | None = None,
    **options: Any,
) -> tuple[dict[str, Any], RequestOptions]:
    """Return the arguments of the operation, in whose metadata travels what it does not have, and those of the call.

    Raises BadRequestError (status 400) naming the first thing that is wrong.
    """
    if not isinstance(model, str) or not model:
        raise refused("model", "expected the name of a model, such as list_models() gives")
    if metadata is not None and not isinstance(metadata, Mapping):
        raise refused("metadata", f"expected a dict, got {type(metadata).__name__}")
    request = RequestOptions(*(options.pop(name, None) for name in RequestOptions._fields))
    fields = {name: options.pop(name) for name in _FIELDS & options.keys()}
    travelling = {name: _plain(value) for name, value in {"user_id": user, **options}.items() if value is not None}
    metadata = {**travelling, **(metadata or {})} or None
    said = as_messages(messages)
    return {**fields, "model": model, "messages": said, "user": user, "metadata": metadata}, request


def as_messages(messages: Iterable[AnyMessage]) -> list[dict[str, Any]]:
    """Return messages as they travel; a plain string is a user's. Raises BadRequestError for one that is wrong."""
    if isinstance(messages, str | Mapping | Model) or not isinstance(messages, Iterable):
        raise refused("messages", f"expected a list of messages, got {type(messages).__name__}")
    found = [_as_message(f"messages[{index}]", message) for index, message in enumerate(messages)]
    if not found:
        raise refused("messages", "expected at least one message")
    return found


def _as_message(place: str, message: object) -> dict[str, Any]:
    if isinstance(message, str):
        message = {"role": MessageRole.USER, "content": message}
    elif isinstance(message, Model):
        message = message.to_dict()
    if not isinstance(message, Mapping):
        raise refused(place, f"expected a Message, a dict or a string, got {type(message).__name__}")
    role, content = message.get("role"), message.get("content")
    if role not in list(MessageRole):
        raise refused(f"{place}.role", f"expected {', '.join(MessageRole)}, got {shown(role)}")
    if not isinstance(content, str):
        raise refused(f"{place}.content", f"expected a string, got {type(content).__name__}")
    if not content:
        raise refused(f"{place}.content", "must not be empty")
    return {**message, "role": str(role)}


def _plain(value: Any) -> Any:
    """Return a tuple or set of names as the list that JSON has."""
    return list(value) if isinstance(value, tuple | set | frozenset) else value


def refused(field: str, problem: str) -> BadRequestError:
    """Return the error of an argument of a completion, before anything is sent."""
    return BadRequestError(f"{field}: {problem}", operation=CREATE_CHAT_COMPLETION.id, field_errors={field: [problem]})
