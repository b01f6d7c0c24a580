"""Taking in a webhook call: verified, read, remembered, and handed to the functions that asked for its event."""

from __future__ import annotations

import copy
import inspect
import logging
import re
import traceback
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing, suppress
from fnmatch import fnmatchcase
from functools import partial
from typing import TYPE_CHECKING, Any, Concatenate, Literal, NamedTuple, Protocol, Self, TypeVar, overload

from attrs import frozen

from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError, ValidationError, WebhookError
from ..transport.steps import Ask
from .events import WebhookEvent, read_event
from .middleware import Layer, Middleware, is_async, name_of, takes_two
from .refusal import refused
from .seen import open_seen
from .signing import Headers, Keys, Secret

if TYPE_CHECKING:
    from ..config import ClientConfig
    from .events import AnyRun, RunCancelled, RunCompleted, RunCreated, RunFailed, RunPaused, RunRunning
    from .mounting import AsgiApp, WsgiApp

P = TypeVar("P")
F = TypeVar("F", bound=Callable[..., object])
Body = bytes | bytearray | memoryview | str
Handles = Callable[[Callable[Concatenate[P, ...], Any]], Callable[Concatenate[P, ...], Any]]

MOST_BYTES = 1_048_576
_PATTERN = re.compile(r"[A-Za-z0-9_.:*-]+")
_logger = logging.getLogger("codegen_ext.webhooks")


class Waker(Protocol):
    """A client whose waits end when a run's end is reported; both Codegen clients are."""

    config: ClientConfig

    def notify_run(self, run: Mapping[str, Any]) -> None:
        """Take in the state of a run, as the contract describes it; called from any thread."""
        ...


@frozen
class HandlerOutcome:
    """What became of one handler or middleware: its name, and the exception that it raised, None for none."""

    name: str
    error: Exception | None = None


@frozen
class WebhookResult:
    """What became of an accepted call; `outcomes` are in the order in which the handlers were registered."""

    event: WebhookEvent
    outcomes: tuple[HandlerOutcome, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether nothing failed; also when nobody handles the event."""
        return not self.errors

    @property
    def errors(self) -> list[HandlerOutcome]:
        """The outcomes that failed."""
        return [outcome for outcome in self.outcomes if outcome.error is not None]

    @property
    def status_code(self) -> int:
        """The HTTP status to answer with: 200, or 500 so that the sender tries again."""
        return 200 if self.ok else 500


class _Handler(NamedTuple):
    pattern: str
    function: Callable[..., Any]
    is_async: bool
    wants_event: bool


class WebhookHandler:
    """Verifies webhook calls and hands their events to functions; may be shared by threads and event loops.

    Args:
        secret: What the sender signs with: base64 after `whsec_`, or any other text, of which the bytes are used.
            Several are accepted while one replaces another.
        client: A client whose waits end as soon as a call reports the end of their run.
        config: Settings, where there is no client; by default the environment's.
        shared_state: Where processes share the ids of accepted calls, a redis:// or sqlite:/// address; by default
            that of the configuration, and this process's memory without any.
        accept_legacy_signatures: Whether `X-Codegen-Signature` is accepted too, which cannot stop replays.
        max_body_bytes: The longest body that is looked at.
        clock: Where the time comes from that calls are judged by.

    Raises:
        ConfigurationError: without a secret, with `enable_webhooks` false, or without the extra `webhooks`.

    """

    def __init__(
        self,
        secret: Secret | Sequence[Secret] | None,
        *,
        client: Waker | None = None,
        config: ClientConfig | None = None,
        shared_state: str | None = None,
        accept_legacy_signatures: bool = False,
        max_body_bytes: int = MOST_BYTES,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        from ..config import ClientConfig

        settings = client.config if client is not None else config or ClientConfig()
        settings.require("webhooks")
        self._keys = Keys(secret)
        self._client = client
        self._clock = clock
        self._seen = open_seen(shared_state or settings.shared_state, clock)
        self._accept_legacy = accept_legacy_signatures
        self.max_body_bytes = max_body_bytes
        self._handlers: list[_Handler] = []
        self._middleware: list[Middleware] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connections of the shared state back."""
        self._seen.close()

    @overload
    def on(self, event: Literal["agent_run.created"]) -> Handles[RunCreated]: ...
    @overload
    def on(self, event: Literal["agent_run.running"]) -> Handles[RunRunning]: ...
    @overload
    def on(self, event: Literal["agent_run.paused"]) -> Handles[RunPaused]: ...
    @overload
    def on(self, event: Literal["agent_run.completed"]) -> Handles[RunCompleted]: ...
    @overload
    def on(self, event: Literal["agent_run.failed"]) -> Handles[RunFailed]: ...
    @overload
    def on(self, event: Literal["agent_run.cancelled"]) -> Handles[RunCancelled]: ...
    @overload
    def on(self, event: Literal["agent_run.*"]) -> Handles[AnyRun]: ...
    @overload
    def on(self, event: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
    def on(self, event: str) -> Callable[[Any], Any]:
        """Let a function, plain or async, handle the events of a name, in which `*` stands for anything.

        It gets a copy of the event's data; one that takes two arguments gets the `WebhookEvent` as the second.

        Raises:
            ConfigurationError: for what is no name of events, or no function.

        """
        if not isinstance(event, str) or not _PATTERN.fullmatch(event):
            raise ConfigurationError(
                f'expected the name of an event, such as @on("agent_run.*"), got {event!r}', "event"
            )

        def register(function: Callable[..., Any]) -> Callable[..., Any]:
            if not callable(function):
                raise ConfigurationError(f"expected a function that handles {event}, got {function!r}", "function")
            self._handlers.append(_Handler(event, function, is_async(function), takes_two(function)))
            return function

        return register

    def middleware(self, function: F) -> F:
        """Let a function, plain or async, run before the handlers of every event, the first registered outermost.

        It gets the `WebhookEvent`. A generator function goes on after the handlers, and its `yield` gives it the
        `WebhookResult`. Raising WebhookError refuses the call with that error's `status_code`; any other exception
        keeps the handlers from running and is reported as theirs are.
        """
        self._middleware.append(function)
        return function

    def handle_request(self, body: Body, headers: Headers) -> WebhookResult:
        """Verify a call, run the handlers of its event in this thread, and return what became of them.

        Async handlers run on an event loop of their own.

        Args:
            body: The body as it came, before any parsing.
            headers: A mapping or pairs of name and value, in any case.

        Raises:
            WebhookError: when the call is refused; `reason` says why, `status_code` what to answer.
            ConfigurationError: when a handler is async and this thread runs an event loop.
            ValidationError: when the arguments are of another type.

        """
        if self._has_async and _loop_runs():
            raise ConfigurationError("a handler is async: await handle_request_async instead")
        import asyncio

        # A runner makes its loop when it first runs something.
        with closing(asyncio.Runner()) as runner, closing(self._steps(body, headers)) as steps:
            try:
                effect = next(steps)
                while True:
                    try:
                        outcome = effect.question()
                        if inspect.isawaitable(outcome):
                            outcome = runner.run(_wait(outcome))
                    except Exception as error:  # noqa: BLE001 - the steps decide
                        effect = steps.throw(error)
                    else:
                        effect = steps.send(outcome)
            except StopIteration as stop:
                result: WebhookResult = stop.value
                return result

    async def handle_request_async(self, body: Body, headers: Headers) -> WebhookResult:
        """Do as `handle_request` does in this task; handlers that are not async run in a thread.

        Cancelling it takes effect once what runs in a thread has ended.
        """
        with closing(self._steps(body, headers)) as steps:
            try:
                effect = next(steps)
                while True:
                    try:
                        outcome = await _in_thread(effect.question, steps) if effect.blocks else effect.question()
                        if inspect.isawaitable(outcome):
                            outcome = await outcome
                    except Exception as error:  # noqa: BLE001 - the steps decide
                        effect = steps.throw(error)
                    else:
                        effect = steps.send(outcome)
            except StopIteration as stop:
                result: WebhookResult = stop.value
                return result

    def asgi_app(self) -> AsgiApp:
        """Return an ASGI application that takes calls by POST, at whatever path it is mounted."""
        from .mounting import AsgiApp

        return AsgiApp(self)

    def wsgi_app(self) -> WsgiApp:
        """Return a WSGI application that takes calls by POST, at whatever path it is mounted."""
        from .mounting import WsgiApp

        return WsgiApp(self)

    @property
    def _has_async(self) -> bool:
        return any(handler.is_async for handler in self._handlers) or any(map(is_async, self._middleware))

    def _steps(self, body: Body, headers: Headers) -> Generator[Ask, Any, WebhookResult]:
        """Decide about a call: size, signature, time, contents, replay, then the handlers."""
        content = _raw(body)
        if len(content) > self.max_body_bytes:
            raise oversized(self.max_body_bytes)
        keys, now = self._keys, self._clock.time()
        message_id = keys.verify(content, headers, now, accept_legacy=self._accept_legacy)
        event = read_event(message_id, content)
        if message_id is None:
            return (yield from self._dispatch(event))
        seen = self._seen
        if not (yield Ask(partial(seen.claim, message_id), seen.blocks)):
            raise refused("replayed", "a call with this webhook-id was accepted before")
        try:
            result = yield from self._dispatch(event)
        except GeneratorExit:  # interrupted, so nothing can be yielded any more
            seen.release(message_id)
            raise
        except Exception:
            yield from self._forget(message_id)
            raise
        if not result.ok:
            yield from self._forget(message_id)
        return result

    def _forget(self, message_id: str) -> Generator[Ask, Any, None]:
        """Let the sender try again."""
        seen = self._seen
        try:
            yield Ask(partial(seen.release, message_id), seen.blocks)
        except WebhookError as error:
            _logger.warning("the webhook call %s is still taken for accepted: %s", message_id, error)

    def _dispatch(self, event: WebhookEvent) -> Generator[Ask, Any, WebhookResult]:
        outcomes: list[HandlerOutcome] = []
        layers: list[Layer] = []
        for middleware in self._middleware:
            layer = Layer(middleware)
            try:
                yield Ask(partial(layer.begin, event), not layer.is_async)
            except Exception as error:
                for opened in reversed(layers):
                    yield Ask(opened.abandon, not opened.is_async)
                if isinstance(error, WebhookError):
                    raise
                return WebhookResult(event, (self._failed(event, layer.name, error),))
            layers.append(layer)
        self._wake(event)
        for handler in self._handlers:
            if fnmatchcase(event.type, handler.pattern):
                name = name_of(handler.function)
                try:
                    yield Ask(partial(_call, handler, event), not handler.is_async)
                except Exception as error:  # noqa: BLE001 - the other handlers shall run
                    outcomes.append(self._failed(event, name, error))
                else:
                    outcomes.append(HandlerOutcome(name))
        for layer in reversed(layers):
            result = WebhookResult(event, tuple(outcomes))
            try:
                yield Ask(partial(layer.end, result), not layer.is_async)
            except Exception as error:  # noqa: BLE001 - the other layers shall end
                outcomes.append(self._failed(event, layer.name, error))
        return WebhookResult(event, tuple(outcomes))

    def _wake(self, event: WebhookEvent) -> None:
        """Tell the client what the event says about a run: the one place where both meet."""
        if self._client is not None and event.run is not None:
            try:
                self._client.notify_run(event.run)
            except Exception as error:  # noqa: BLE001 - the wait polls anyway
                self._failed(event, "notify_run", error)

    def _failed(self, event: WebhookEvent, name: str, error: Exception) -> HandlerOutcome:
        trace = self._keys.hide("".join(traceback.format_exception(error)))
        _logger.error("%s failed on the webhook event %s (%s)\n%s", name, event.type, event.id, trace)
        return HandlerOutcome(name, error)


def oversized(limit: int) -> WebhookError:
    """Return the error for a body that is too long to look at."""
    return refused("oversized", f"the body is longer than {limit} bytes")


def _call(handler: _Handler, event: WebhookEvent) -> Any:
    data = copy.deepcopy(event.data)
    return handler.function(data, event) if handler.wants_event else handler.function(data)


def _raw(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    problem = f"body must be the bytes of the request as they came, got {type(body).__name__}"
    raise ValidationError(problem, field_errors={"body": [problem]})


def _loop_runs() -> bool:
    import asyncio

    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


async def _wait(awaitable: Any) -> Any:
    return await awaitable


async def _in_thread(question: Callable[[], Any], steps: Generator[Ask, Any, Any]) -> Any:
    import asyncio

    thread = asyncio.ensure_future(asyncio.to_thread(question))
    try:
        return await asyncio.shield(thread)
    except asyncio.CancelledError:
        # The steps must learn whether the id was claimed, or they could not give it back.
        await asyncio.wait([thread])
        with suppress(Exception):
            steps.send(thread.result())
        raise
