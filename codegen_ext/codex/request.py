"""The arguments of a chat completion: what is honoured, what is emulated, what the CLI has nothing for."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping, Sequence
from threading import TIMEOUT_MAX
from typing import Any, TypedDict, get_type_hints

import openai
from attrs import frozen

from .errors import CodexConfigurationError, bad_request
from .messages import Prompt, convert
from .protocol import Params


class IgnoredArguments(TypedDict, total=False):
    """Arguments of the API that the CLI has nothing for: each warns once by name, or raises with `strict=True`."""

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


class CompletionArguments(IgnoredArguments, total=False):
    """Optional arguments of a completion; docs/codex.md says which are honoured, emulated and ignored."""

    model: str | None
    stream_options: Mapping[str, Any] | None
    n: int | None
    stop: str | Sequence[str] | None
    max_tokens: int | None
    max_completion_tokens: int | None
    response_format: Any
    reasoning_effort: str | None
    timeout: float | openai.NotGiven | None


class ThreadArguments(TypedDict, total=False):
    """Optional arguments of a thread; what is not given is as the client was built.

    `base_instructions` take the place of the CLI's own instructions, the others stand beside them.
    """

    model: str | None
    working_dir: str | os.PathLike[str] | None
    sandbox_mode: str | None
    approval_policy: str | None
    base_instructions: str | None
    developer_instructions: str | None


class TurnArguments(TypedDict, total=False):
    """Optional arguments of a turn; `timeout` is seconds for the whole turn."""

    model: str | None
    reasoning_effort: str | None
    output_schema: Mapping[str, Any] | None
    timeout: float | openai.NotGiven | None


IGNORED = frozenset(IgnoredArguments.__annotations__)
_SANDBOX_MODES = ("read-only", "workspace-write", "danger-full-access")
_APPROVAL_POLICIES = ("untrusted", "on-request", "never")


def is_given(value: object) -> bool:
    """Whether an argument is more than the package's sign for a missing one."""
    return value is not None and not isinstance(value, openai.NotGiven | openai.Omit)


class Reporter:
    """Says once by name what has no effect, or refuses it."""

    def __init__(self, *, strict: bool) -> None:
        self._strict = strict
        self._said: set[str] = set()

    def ignore(self, name: str) -> None:
        """Warn that an argument has no effect; raise openai.BadRequestError instead when strict."""
        problem = f"the Codex CLI has nothing for {name}"
        if self._strict:
            raise bad_request(f"{problem}; leave it out, or use strict=False", name)
        if name not in self._said:
            self._said.add(name)
            warnings.warn(f"{problem}: it is ignored", UserWarning, stacklevel=5)


def known_policy(word: str, *, is_default: bool = False, stacklevel: int) -> str:
    """Return a policy that the CLI knows; `on-failure`, which it knew once, becomes `on-request`.

    Raises:
        CodexConfigurationError: for an unknown word.

    """
    if word == "on-failure":
        if not is_default:
            warnings.warn(
                "the Codex CLI no longer has the approval policy on-failure: on-request is used",
                UserWarning,
                stacklevel=stacklevel,
            )
        return "on-request"
    return _one_of("approval_policy", word, _APPROVAL_POLICIES)


def check_sandbox_mode(word: str) -> str:
    """Return the word where it is one of the CLI's; raise CodexConfigurationError otherwise."""
    return _one_of("sandbox_mode", word, _SANDBOX_MODES)


def _one_of(name: str, word: str, words: Sequence[str]) -> str:
    if word not in words:
        raise CodexConfigurationError(f"{name} must be one of {', '.join(words)}, not {word!r}")
    return word


@frozen
class CompletionRequest:
    """A chat completion, checked and translated."""

    prompt: Prompt
    thread: Params
    """Parameters of `thread/start`."""
    turn: Params
    """Parameters of `turn/start` beside thread and input."""
    n: int
    stop: tuple[str, ...]
    max_tokens: int | None
    include_usage: bool

    @property
    def has_schema(self) -> bool:
        """Whether an output schema shapes the last message."""
        return "outputSchema" in self.turn


def build(
    settings: Params, reporter: Reporter, messages: Iterable[Any], arguments: CompletionArguments
) -> CompletionRequest:
    """Check the arguments of a completion.

    Raises:
        TypeError: for an argument that the API does not have.
        openai.BadRequestError: for a value that the API would refuse; `param` names the argument.

    """
    check_names("create", arguments, CompletionArguments)
    given: dict[str, Any] = {name: value for name, value in arguments.items() if is_given(value)}
    for name in sorted(IGNORED & given.keys()):
        reporter.ignore(name)
    response_format = given.get("response_format", {"type": "text"})
    schema = _schema(response_format)
    if response_format["type"] == "json_object":
        reporter.ignore("response_format json_object")
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
    return CompletionRequest(
        prompt=prompt,
        thread={**settings, "ephemeral": True, **without_none(thread)},
        turn=without_none(turn),
        n=_positive("n", given.get("n", 1)),
        stop=_stop(given.get("stop", ())),
        max_tokens=next(
            (_positive(name, given[name]) for name in ("max_completion_tokens", "max_tokens") if name in given), None
        ),
        include_usage=bool(stream_options.get("include_usage")),
    )


def without_none(params: Params) -> Params:
    """Return the parameters that have a value."""
    return {name: value for name, value in params.items() if value is not None}


def check_names(function: str, arguments: Mapping[str, Any], known: Any) -> None:
    """Raise TypeError for a name that a function does not take, as Python does."""
    for name in arguments:
        if name not in get_type_hints(known):
            raise TypeError(f"{function}() got an unexpected keyword argument {name!r}")


def seconds(timeout: Any, default: float | None) -> float | None:
    """Return a timeout in seconds, None for none; an httpx.Timeout counts with its time to read."""
    if isinstance(timeout, openai.NotGiven | openai.Omit):
        return default
    timeout = getattr(timeout, "read", timeout)
    if timeout is None:
        return None
    if not isinstance(timeout, int | float) or not timeout > 0:
        raise bad_request(f"timeout must be a positive number of seconds, not {timeout!r}", "timeout")
    return min(timeout, TIMEOUT_MAX)


def _positive(name: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise bad_request(f"{name} must be a whole number of at least 1, not {value!r}", name)
    return value


def _stop(stop: Any) -> tuple[str, ...]:
    sequences = [stop] if isinstance(stop, str) else stop
    if not isinstance(sequences, list | tuple) or not all(isinstance(one, str) and one for one in sequences):
        raise bad_request("stop must be a text or a list of texts, none of them empty", "stop")
    return tuple(sequences)


def _schema(response_format: Any) -> Mapping[str, Any] | None:
    kind = response_format.get("type") if isinstance(response_format, Mapping) else None
    if kind not in ("text", "json_object", "json_schema"):
        raise bad_request("response_format.type must be text, json_object or json_schema", "response_format")
    if kind != "json_schema":
        return None
    description = response_format.get("json_schema")
    schema = description.get("schema") if isinstance(description, Mapping) else None
    if not isinstance(schema, Mapping):
        raise bad_request("response_format.json_schema.schema must be a JSON schema", "response_format")
    return schema
