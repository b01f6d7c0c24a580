"""Arguments of a chat completion: which the CLI honors, which are emulated, and which have no effect."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from threading import TIMEOUT_MAX
from typing import Any, TypedDict

import openai
from attrs import frozen
from openai.resources.chat import Completions

from ..redact import shown
from .app_server import Params, encode
from .errors import bad_request
from .messages import Prompt, convert


class HonoredArguments(TypedDict, total=False):
    """Arguments that have an effect, beside `messages` and `stream`."""

    model: str | None
    stream_options: Mapping[str, Any] | None
    n: int | None
    stop: str | Sequence[str] | None
    max_tokens: int | None
    max_completion_tokens: int | None
    response_format: Any
    reasoning_effort: str | None
    timeout: float | openai.NotGiven | None


class CompletionArguments(HonoredArguments, total=False):
    """Optional arguments of a completion, for type checkers; at run time `argument_names` counts."""

    audio: Any
    extra_body: Any
    extra_headers: Any
    extra_query: Any
    frequency_penalty: float | None
    function_call: Any
    functions: Any
    logit_bias: Any
    logprobs: bool | None
    metadata: Any
    modalities: Any
    moderation: Any
    parallel_tool_calls: bool | None
    prediction: Any
    presence_penalty: float | None
    prompt_cache_key: str | None
    prompt_cache_options: Any
    prompt_cache_retention: str | None
    safety_identifier: str | None
    seed: int | None
    service_tier: str | None
    store: bool | None
    temperature: float | None
    tool_choice: Any
    tools: Any
    top_logprobs: int | None
    top_p: float | None
    user: str | None
    verbosity: str | None
    web_search_options: Any


_HONORED = frozenset(HonoredArguments.__annotations__)


@cache
def argument_names() -> frozenset[str]:
    """Return the names of the arguments that the installed `openai` package takes, beside `messages` and `stream`."""
    return (_HONORED | {*inspect.signature(Completions.create).parameters}) - {"self", "messages", "stream"}


class IgnoredReporter:
    """Warns once by name of an argument without effect, or refuses it."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._warned: set[str] = set()

    def report(self, name: str, *, stacklevel: int) -> None:
        """Warn that an argument has no effect; raise openai.BadRequestError instead when strict."""
        problem = f"the Codex CLI does not support {name}"
        if self._strict:
            raise bad_request(problem, name.partition(" ")[0])
        if name not in self._warned:
            self._warned.add(name)
            warnings.warn(f"{problem}: it is ignored", UserWarning, stacklevel=stacklevel + 1)


@frozen
class CompletionRequest:
    """Arguments of a chat completion, checked and translated."""

    prompt: Prompt
    thread: Params
    """Parameters of `thread/start`."""
    turn: Params
    """Parameters of `turn/start` beside thread and input."""
    n: int
    stop: tuple[str, ...]
    max_tokens: int | None
    include_usage: bool


def build_request(
    settings: Params, reporter: IgnoredReporter, messages: Iterable[Any], arguments: Mapping[str, Any]
) -> CompletionRequest:
    """Check and translate the arguments of a completion; to be called by `create` itself.

    Raises TypeError for a name that the API does not have, openai.BadRequestError for a value that it would refuse.
    """
    for name in arguments:
        if name not in argument_names():
            raise TypeError(f"create() got an unexpected keyword argument {name!r}")
    given = {
        name: value
        for name, value in arguments.items()
        if value is not None and not isinstance(value, openai.NotGiven | openai.Omit)
    }
    for name in sorted(given.keys() - _HONORED):
        reporter.report(name, stacklevel=3)
    schema, is_json_object = _response_format(given.get("response_format", {"type": "text"}))
    if is_json_object:
        reporter.report("response_format json_object", stacklevel=3)
    stream_options = given.get("stream_options", {})
    if not isinstance(stream_options, Mapping):
        raise bad_request("stream_options must be an object", "stream_options")
    prompt = convert(messages)
    thread = {
        "model": given.get("model"),
        "baseInstructions": prompt.base_instructions,
        "developerInstructions": prompt.developer_instructions,
    }
    turn = {"effort": given.get("reasoning_effort"), "outputSchema": schema}
    encode({**thread, **turn, "history": prompt.history, "input": prompt.input})  # refused before anything is sent
    limits = [_positive(name, given[name]) for name in ("max_completion_tokens", "max_tokens") if name in given]
    return CompletionRequest(
        prompt=prompt,
        thread={**settings, "ephemeral": True, **without_none(thread)},
        turn=without_none(turn),
        n=_positive("n", given.get("n", 1)),
        stop=_stop(given.get("stop", ())),
        max_tokens=limits[0] if limits else None,
        include_usage=bool(stream_options.get("include_usage")),
    )


def without_none(params: Params) -> Params:
    """Return the parameters that have a value."""
    return {name: value for name, value in params.items() if value is not None}


def seconds(timeout: Any, default: float | None = None) -> float | None:
    """Return a timeout in seconds, None for no limit; of an `httpx.Timeout` its `read` counts."""
    if isinstance(timeout, openai.NotGiven | openai.Omit):
        return default
    timeout = getattr(timeout, "read", timeout)
    if timeout is None:
        return None
    if not isinstance(timeout, int | float) or not timeout > 0:
        raise bad_request(f"timeout must be a positive number of seconds, not {shown(timeout)}", "timeout")
    return min(timeout, TIMEOUT_MAX)


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise bad_request(f"{name} must be a whole number of at least 1, not {shown(value)}", name)
    return value


def _stop(stop: Any) -> tuple[str, ...]:
    sequences = [stop] if isinstance(stop, str) else stop
    if not isinstance(sequences, list | tuple) or not all(isinstance(one, str) and one for one in sequences):
        raise bad_request("stop must be a string or a list of strings, none of them empty", "stop")
    return tuple(sequences)


def _response_format(response_format: Any) -> tuple[Mapping[str, Any] | None, bool]:
    """Return the JSON schema, if there is one, and whether it asks for any JSON object."""
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise bad_request("response_format.type must be text, json_object or json_schema", "response_format")
    if kind != "json_schema":
        return None, kind == "json_object"
    description = response_format.get("json_schema")
    schema = description.get("schema") if isinstance(description, Mapping) else None
    if not isinstance(schema, Mapping):
        raise bad_request("response_format.json_schema.schema must be a JSON schema", "response_format")
    return schema, False
