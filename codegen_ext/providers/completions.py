"""What OpenAI and Codex share: both clients take and return what the `openai` package defines."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from .._response import retry_after_of
from .backend import Backend, Deadline, messages_of
from .errors import (
    AIProviderError,
    ProviderAuthenticationError,
    ProviderRateLimitError,
    ProviderTimeoutError,
    ProviderUnavailableError,
)
from .protocol import AIResponse, Request
from .steps import END, Call, Emit, Steps, advance

_TRANSPORTS = re.compile(r"(httpx|httpcore|h11)\w*$")
OWN = frozenset({"self", "messages", "model", "stream", "stream_options", "n", "timeout"})
"""Arguments of a completion that are the provider's own to set."""
_COUNTS = ("prompt_tokens", "completion_tokens", "total_tokens")


class CompletionsBackend(Backend):
    """A client with `chat.completions.create` and `models.list`."""

    @abstractmethod
    def arguments(self, request: Request, deadline: Deadline) -> dict[str, Any]:
        """Return the arguments of `create` besides messages."""

    def for_request(self, client: Any, request: Request, deadline: Deadline) -> Any:  # noqa: ARG002
        """Return the client to ask."""
        return client

    def complete(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Answer with one completion."""
        asked = self.for_request(client, request, deadline)
        arguments = self.arguments(request, deadline)
        completion = yield Call(lambda: asked.chat.completions.create(messages=messages_of(request), **arguments))
        with self._expecting("chat completion"):
            choice, message = completion.choices[0], completion.choices[0].message
            metadata: dict[str, Any] = {"finish_reason": choice.finish_reason}
            if message.tool_calls:
                metadata["tool_calls"] = [call.model_dump() for call in message.tool_calls]
            return AIResponse(
                _text(message.content),
                self.name,
                completion.model,
                usage_of(completion.usage),
                metadata,
                raw_response=completion,
                request_id=getattr(completion, "_request_id", None) or completion.id,
            )

    def stream(self, client: Any, request: Request, deadline: Deadline) -> Steps[AIResponse]:
        """Answer with the chunks of one completion; one that ends without a finish reason was cut."""
        asked = self.for_request(client, request, deadline)
        arguments = {**self.arguments(request, deadline), "stream": True}
        chunks = yield Call(lambda: asked.chat.completions.create(messages=messages_of(request), **arguments))
        if not hasattr(chunks, "close"):
            raise self.error(ProviderUnavailableError, "the answer is no stream of chunks")
        pieces: list[str] = []
        usage: dict[str, int] = {}
        model = request_id = finish_reason = None
        try:
            with self._expecting("stream of chunks"):
                while (chunk := (yield advance(chunks))) is not END:
                    if deadline.is_over:
                        self._expired(deadline)
                    model, request_id = chunk.model or model, chunk.id or request_id
                    usage = usage_of(chunk.usage) or usage
                    for choice in chunk.choices:
                        finish_reason = choice.finish_reason or finish_reason
                        if choice.index == 0 and choice.delta.content:
                            pieces.append(_text(choice.delta.content))
                            yield Emit(pieces[-1])
        finally:
            yield Call(chunks.close)
        if finish_reason is None:
            raise self.error(ProviderUnavailableError, "the stream ended before the answer did")
        metadata = {"finish_reason": finish_reason}
        return AIResponse("".join(pieces), self.name, model, usage, metadata, request_id=request_id)

    def models(self, client: Any) -> Steps[list[str]]:
        """Return what `models.list` lists."""
        page = yield Call(client.models.list)
        return [model.id for model in page.data]

    @contextmanager
    def _expecting(self, what: str) -> Iterator[None]:
        """Say so when an answer is something else: the package neither checks it nor always survives it."""
        try:
            yield
        except (AttributeError, IndexError, KeyError, TypeError):
            raise self.error(ProviderUnavailableError, f"the answer is no {what}") from None

    def failure(self, error: Exception, request: Request | None) -> AIProviderError | None:
        """Map the `openai` package's exceptions, and those of the HTTP library, which it lets through mid-stream."""
        if isinstance(error, AIProviderError):
            return error
        import openai

        status = getattr(error, "status_code", None)
        if isinstance(error, openai.AuthenticationError | openai.PermissionDeniedError):
            # The service's own words repeat the beginning and the end of the key.
            return self.error(ProviderAuthenticationError, "the credential is not accepted", error)
        if isinstance(error, openai.RateLimitError):
            wait = retry_after_of(error.response)  # type: ignore[arg-type]
            return self.error(ProviderRateLimitError, error.message, error, retry_after=wait)
        if isinstance(error, openai.APITimeoutError) or status == 408:
            seconds = request.timeout if request else None
            return self.error(ProviderTimeoutError, "no answer in time", error, timeout_duration=seconds)
        if isinstance(error, openai.APIStatusError) and error.status_code < 500:
            return self.error(AIProviderError, error.message, error)
        if isinstance(error, openai.OpenAIError):
            return self.error(ProviderUnavailableError, str(error) or type(error).__name__, error)
        return self._broken(error, request)

    def _broken(self, error: Exception, request: Request | None) -> AIProviderError | None:
        library = type(error).__module__.partition(".")[0]
        if _TRANSPORTS.match(library):
            if "Timeout" in type(error).__name__:
                seconds = request.timeout if request else None
                message = "no further part of the answer in time"
                return self.error(ProviderTimeoutError, message, timeout_duration=seconds)
            return self.error(ProviderUnavailableError, f"the connection broke ({type(error).__name__})")
        if isinstance(error, json.JSONDecodeError | UnicodeDecodeError):
            return self.error(ProviderUnavailableError, "the answer is no JSON")
        return None


def _text(content: Any) -> str:
    if not isinstance(content or "", str):
        raise TypeError("content must be text")
    return content or ""


def usage_of(usage: Any) -> dict[str, int]:
    """Return the counts that the service gave."""
    return {name: count for name in _COUNTS if isinstance(count := getattr(usage, name, None), int)}
