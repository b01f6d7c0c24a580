# Generated from codegen_ext/providers/_async/completions.py by make generate; edit there.
"""What OpenAI and Codex share: both clients take and return what the `openai` package defines."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from ..base import AIResponse, Request
from ..errors import AIProviderError, ProviderTimeoutError, ProviderUnavailableError
from ..failures import of_completion
from ..usage import tokens_of
from .service import ServiceProvider


class CompletionsProvider(ServiceProvider):
    """A client with `chat.completions.create` and `models.list`."""

    def _limits(self, request: Request) -> dict[str, float]:
        """Return the argument that limits the time."""
        seconds = request.allowance(self._settings.get("timeout", math.inf))
        return {} if seconds is None else {"timeout": seconds}

    def _ask(self, client: Any, request: Request) -> Generator[str | AIResponse, None, None]:
        options = dict(request.options)
        if request.streams:  # without stream_options no service says in a stream what it took
            options = {"stream_options": {"include_usage": True}, **options, "stream": True}
        else:
            options.pop("stream_options", None)
        if (model := self._model(request)) is not None:
            options["model"] = model
        names = {"temperature", "max_tokens", "tools", "tool_choice"} - {*self.unused}
        arguments = {**request.given(*names), **self._limits(request), **options}
        answer = client.chat.completions.create(messages=request.messages, **arguments)
        if not request.streams:
            yield self._response(answer)
            return
        if not hasattr(answer, "close"):
            raise self.error(ProviderUnavailableError, "the answer is no stream of chunks")
        text = ""
        usage: dict[str, int] = {}
        model = request_id = finish_reason = None
        try:
            with self._expecting("stream of chunks"):
                for chunk in answer:
                    if request.deadline.expired:
                        raise self.error(ProviderTimeoutError, "no whole answer in time")
                    model, request_id = chunk.model or model, chunk.id or request_id
                    usage = tokens_of(chunk.usage) or usage
                    for choice in chunk.choices:
                        finish_reason = choice.finish_reason or finish_reason
                        if choice.index == 0 and choice.delta.content:
                            text += _text(choice.delta.content)
                            yield choice.delta.content
        finally:
            answer.close()
        if finish_reason is None:
            raise self.error(ProviderUnavailableError, "the stream ended before the answer did")
        yield AIResponse(text, self.name, model, usage, {"finish_reason": finish_reason}, request_id=request_id)

    def _response(self, completion: Any) -> AIResponse:
        with self._expecting("chat completion"):
            choice, message = completion.choices[0], completion.choices[0].message
            metadata: dict[str, Any] = {"finish_reason": choice.finish_reason}
            if message.tool_calls:
                metadata["tool_calls"] = [call.model_dump() for call in message.tool_calls]
            return AIResponse(
                _text(message.content),
                self.name,
                completion.model,
                tokens_of(completion.usage),
                metadata,
                raw_response=completion,
                request_id=getattr(completion, "_request_id", None) or completion.id,
            )

    def _models(self, client: Any, request: Request) -> list[str]:
        return [model.id for model in (client.models.list(**self._limits(request))).data]

    @contextmanager
    def _expecting(self, what: str) -> Iterator[None]:
        """Say so when an answer is something else: the package neither checks it nor always survives it."""
        try:
            yield
        except (AttributeError, IndexError, KeyError, TypeError):
            raise self.error(ProviderUnavailableError, f"the answer is no {what}") from None

    def _failure(self, error: Exception) -> AIProviderError | None:
        return of_completion(self.error, error)


def _text(content: Any) -> str:
    if not isinstance(content or "", str):
        raise TypeError("content must be text")
    return content or ""
