"""Chat messages as the app-server takes them: instructions, history as items of the Responses API, and input."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Annotated, Any, Literal, Required
from urllib.parse import unquote, urlsplit

from attrs import frozen
from openai.types.chat import (
    ChatCompletionContentPartImageParam,
    ChatCompletionContentPartRefusalParam,
    ChatCompletionContentPartTextParam,
    ChatCompletionMessageToolCallParam,
)
from pydantic import Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict  # pydantic needs it before Python 3.12

from ..errors import ValidationError as ImageError
from ..images import encode_images
from .errors import bad_request

Item = dict[str, Any]


class _Message(TypedDict, total=False):
    role: Required[Literal["system", "developer", "user", "assistant", "tool"]]
    content: Any
    refusal: str | None
    tool_calls: list[ChatCompletionMessageToolCallParam] | None
    tool_call_id: str


_Text = ChatCompletionContentPartTextParam
_MESSAGE = TypeAdapter[Any](_Message)
_PARTS = TypeAdapter[Any](list[Annotated[_Text | ChatCompletionContentPartImageParam, Field(discriminator="type")]])
_TEXTS = TypeAdapter[Any](list[Annotated[_Text | ChatCompletionContentPartRefusalParam, Field(discriminator="type")]])
_TAGS = ("text", "image_url", "refusal")


@frozen
class Prompt:
    """Conversation up to the turn that is to come."""

    base_instructions: str | None
    """The leading system messages, which replace the CLI's own instructions."""
    developer_instructions: str | None
    history: list[Item]
    input: list[Item]
    """The last message where it is the user's; empty to continue from the history."""


def convert(messages: Iterable[Any]) -> Prompt:
    """Convert messages; raises openai.BadRequestError for an invalid one, whose `param` names the field."""
    if isinstance(messages, str | bytes | Mapping) or not isinstance(messages, Iterable):
        raise bad_request("messages must be a list of messages", "messages")
    found = [(f"messages[{index}]", message) for index, message in enumerate(messages)]
    rest = [(where, _validate(_MESSAGE, message, where)) for where, message in found]
    if not rest:
        raise bad_request("messages must have at least one message", "messages")
    instructions: dict[str, list[str]] = {"system": [], "developer": []}
    while rest and rest[0][1]["role"] in instructions:
        where, message = rest.pop(0)
        instructions[message["role"]].append(_text(message, where))
    last: list[Item] = []
    if rest and rest[-1][1]["role"] == "user":
        where, message = rest.pop()
        last = _content(message, where, "", "url")
    return Prompt(
        base_instructions="\n\n".join(instructions["system"]) or None,
        developer_instructions="\n\n".join(instructions["developer"]) or None,
        history=[item for where, message in rest for item in _items(message, where)],
        input=last,
    )


def _validate(adapter: TypeAdapter[Any], value: Any, where: str) -> Any:
    if hasattr(value, "model_dump"):
        value = value.model_dump(exclude_none=True)
    try:
        return adapter.validate_python(value)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        if first["type"].startswith("union_tag"):
            first["loc"] = (*first["loc"], "type")
        for before, name in pairwise(["", *first["loc"]]):
            if not (isinstance(before, int) and name in _TAGS):  # pydantic names the part's kind as well
                where += f"[{name}]" if isinstance(name, int) else f".{name}"
        raise bad_request(f"{where}: {first['msg']}", where) from None


def _items(message: Mapping[str, Any], where: str) -> list[Item]:
    role = message["role"]
    if role == "user":
        return [_message("user", _content(message, where, "input_", "image_url"))]
    if role == "tool":
        if "tool_call_id" not in message:
            raise bad_request(f"{where}.tool_call_id: Field required", f"{where}.tool_call_id")
        call_id = message["tool_call_id"]
        return [{"type": "function_call_output", "call_id": call_id, "output": _text(message, where)}]
    if role != "assistant":
        return [_message("developer", [{"type": "input_text", "text": _text(message, where)}])]
    said = (_text(message, where) if message.get("content") else "") or message.get("refusal") or ""
    calls = [
        {"type": "function_call", "call_id": call["id"], **call["function"]} for call in message.get("tool_calls") or ()
    ]
    return [*([_message("assistant", [{"type": "output_text", "text": said}])] if said or not calls else []), *calls]


def _message(role: str, content: list[Item]) -> Item:
    return {"type": "message", "role": role, "content": content}


def _parts(adapter: TypeAdapter[Any], message: Mapping[str, Any], where: str) -> list[Item]:
    content = message.get("content")
    if isinstance(content, str):
        return [{"type": "text", "text": content}]
    if isinstance(content, Iterable) and not isinstance(content, Mapping | bytes):
        parts: list[Item] = _validate(adapter, list(content), f"{where}.content")
        return parts
    problem = f"must be a string or a list of parts, not {type(content).__name__}"
    raise bad_request(f"{where}.content {problem}", f"{where}.content")


def _text(message: Mapping[str, Any], where: str) -> str:
    return "".join(part[part["type"]] for part in _parts(_TEXTS, message, where))


def _content(message: Mapping[str, Any], where: str, prefix: str, url: str) -> list[Item]:
    return [
        {"type": f"{prefix}image", **_image(part["image_url"], url, f"{where}.content[{index}].image_url")}
        if part["type"] == "image_url"
        else {"type": f"{prefix}text", "text": part["text"]}
        for index, part in enumerate(_parts(_PARTS, message, where))
    ]


def _image(image: Mapping[str, Any], name: str, where: str) -> Item:
    url = image["url"]
    if url.startswith(("http://", "https://")):
        raise bad_request(f"{where}: the Codex CLI downloads no image; pass a data URI or a path", where)
    try:
        encoded = encode_images([unquote(urlsplit(url).path) if url.startswith("file:") else url])
    except ImageError as error:
        raise bad_request(f"{where}: {error.message.partition(': ')[2]}", where) from error
    # The CLI would leave out an image of detail `low`.
    return {name: (encoded or [""])[0], **({"detail": "high"} if image.get("detail") == "high" else {})}
