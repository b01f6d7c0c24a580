"""Chat messages as the app-server takes them: instructions, history as items of the Responses API, and input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from attrs import frozen

from ..errors import ValidationError
from ..images import encode_images
from .errors import bad_request

Item = dict[str, Any]


@frozen
class Prompt:
    """A conversation up to the turn that is to come."""

    base_instructions: str | None
    """The leading system messages, which take the place of the CLI's own instructions."""
    developer_instructions: str | None
    history: list[Item]
    input: list[Item]
    """The last message where it is the user's; empty to go on from what is there."""


def convert(messages: Iterable[Any]) -> Prompt:
    """Convert the messages of a chat completion.

    Raises:
        openai.BadRequestError: for what is no message; `param` names it.

    """
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Iterable):
        raise bad_request("messages must be a list of messages", "messages")
    rest = [_mapping(message, f"messages[{index}]") for index, message in enumerate(messages)]
    if not rest:
        raise bad_request("messages must have at least one message", "messages")
    instructions: dict[str, list[str]] = {"system": [], "developer": []}
    start = 0
    while start < len(rest) and rest[start].get("role") in ("system", "developer"):
        instructions[rest[start]["role"]].append(_text(rest[start].get("content"), f"messages[{start}].content"))
        start += 1
    end = len(rest)
    last: list[Item] = []
    if end > start and rest[-1].get("role") == "user":
        end -= 1
        last = user_input(rest[-1].get("content"), f"messages[{end}].content")
    history = [item for index in range(start, end) for item in _items(rest[index], f"messages[{index}]")]
    return Prompt(
        base_instructions="\n\n".join(instructions["system"]) or None,
        developer_instructions="\n\n".join(instructions["developer"]) or None,
        history=history,
        input=last,
    )


def user_input(content: Any, where: str = "input") -> list[Item]:
    """Return what a user says as the input of a turn: a text, or parts with text and pictures."""
    return _pictured(content, where, "", "url")


def _pictured(content: Any, where: str, prefix: str, url: str) -> list[Item]:
    return [
        {"type": f"{prefix}image", url: _url(part, at), **_detail(part)}
        if part["type"] == "image_url"
        else {"type": f"{prefix}text", "text": part["text"]}
        for at, part in _parts(content, where, ("text", "image_url"))
    ]


def _items(message: Mapping[str, Any], where: str) -> list[Item]:
    role, content = message.get("role"), message.get("content")
    if role == "user":
        return [_message("user", _pictured(content, f"{where}.content", "input_", "image_url"))]
    if role in ("system", "developer"):
        return [_message("developer", [{"type": "input_text", "text": _text(content, f"{where}.content")}])]
    if role == "tool":
        output = _text(content, f"{where}.content")
        return [{"type": "function_call_output", "call_id": str(message.get("tool_call_id")), "output": output}]
    if role == "assistant":
        said = _text(content, f"{where}.content") if content else ""
        said = said or message.get("refusal") or ""
        calls = message.get("tool_calls") or []
        if not isinstance(calls, list | tuple):
            raise bad_request(f"{where}.tool_calls must be a list", f"{where}.tool_calls")
        return [
            *([_message("assistant", [{"type": "output_text", "text": said}])] if said or not calls else []),
            *(_call(call, where) for call in calls),
        ]
    raise bad_request(f"{where}.role must be system, developer, user, assistant or tool, not {role!r}", f"{where}.role")


def _message(role: str, content: list[Item]) -> Item:
    return {"type": "message", "role": role, "content": content}


def _call(call: Any, where: str) -> Item:
    call = _mapping(call, f"{where}.tool_calls")
    function = _mapping(call.get("function"), f"{where}.tool_calls.function")
    return {
        "type": "function_call",
        "call_id": str(call.get("id")),
        "name": str(function.get("name")),
        "arguments": str(function.get("arguments")),
    }


def _mapping(value: Any, where: str) -> Mapping[str, Any]:
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_none=True)
    if not isinstance(value, Mapping):
        raise bad_request(f"{where} must be an object, not {type(value).__name__}", where)
    return value


def _parts(content: Any, where: str, kinds: tuple[str, ...]) -> list[tuple[str, Mapping[str, Any]]]:
    if isinstance(content, str):
        return [(where, {"type": "text", "text": content})]
    if content is None or isinstance(content, Mapping | bytes) or not isinstance(content, Iterable):
        raise bad_request(f"{where} must be a text or a list of parts, not {type(content).__name__}", where)
    parts = []
    for index, value in enumerate(content):
        at = f"{where}[{index}]"
        part = _mapping({"type": "text", "text": value} if isinstance(value, str) else value, at)
        if part.get("type") not in kinds:
            raise bad_request(f"{at}.type must be {' or '.join(kinds)}, not {part.get('type')!r}", f"{at}.type")
        if part["type"] != "image_url" and not isinstance(part.get(part["type"]), str):
            raise bad_request(f"{at}.{part['type']} must be a text", f"{at}.{part['type']}")
        parts.append((at, part))
    return parts


def _text(content: Any, where: str) -> str:
    return "".join(part[part["type"]] for _, part in _parts(content, where, ("text", "refusal")))


def _url(part: Mapping[str, Any], where: str) -> str:
    image = part.get("image_url")
    url = image.get("url") if isinstance(image, Mapping) else image
    if isinstance(url, str) and url.startswith(("http://", "https://")):
        problem = "the Codex CLI fetches no picture; pass a data URI or a path"
        raise bad_request(f"{where}.image_url: {problem}", f"{where}.image_url")
    if isinstance(url, str) and url.startswith("file:"):
        url = unquote(urlsplit(url).path)
    try:
        return (encode_images([cast("str", url)]) or [])[0]  # which refuses what is no text
    except ValidationError as error:
        problem = error.message.partition(": ")[2]
        raise bad_request(f"{where}.image_url: {problem}", f"{where}.image_url") from error


def _detail(part: Mapping[str, Any]) -> Item:
    image = part.get("image_url")
    detail = image.get("detail") if isinstance(image, Mapping) else None
    return {"detail": detail} if detail == "high" else {}  # the CLI would leave out a picture of detail low
