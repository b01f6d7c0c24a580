"""The webhook handler: verifies calls and dispatches their events to registered functions."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, Self, TypeVar, overload

from .._client_of import client_of
from .._request import check_seconds
from ..claims import open_claims
from ..clock import SYSTEM_CLOCK, Clock
from ..errors import ConfigurationError, ValidationError
from ._async import delivery as delivery_async
from ._sync import delivery
from .errors import oversized
from .events import WebhookEvent, read_event
from .registration import RegisteredHandler, check_pattern, register
from .signing import Headers, Secret, Secrets

if TYPE_CHECKING:
    from ..config import ClientConfig
    from .apps import AsgiApp, WsgiApp
    from .events import AnyRun, RunCancelled, RunCompleted, RunCreated, RunFailed, RunPaused, RunRunning
    from .results import WebhookResult

Data = TypeVar("Data")
R = TypeVar("R")
P = ParamSpec("P")
Body = bytes | bytearray | memoryview | str

MAX_BODY_BYTES = 1_048_576
LEASE = 60.0
_logger = logging.getLogger("codegen_ext.webhooks")


class NotifiedClient(Protocol):
    """A client whose waits end when the end of a run is reported; both Codegen clients are."""

    config: ClientConfig

    def notify_run(self, run: Mapping[str, Any]) -> None:
        """Take in the state of a run, as the contract describes it; called from any thread."""
        ...


class Register(Protocol[Data]):
    """The decorator that `on` returns: for a function of the data, of the event, or of both."""

    @overload
    def __call__(self, function: Callable[[WebhookEvent], R]) -> Callable[[WebhookEvent], R]: ...
    @overload
    def __call__(self, function: Callable[Concatenate[Data, P], R]) -> Callable[Concatenate[Data, P], R]: ...


class WebhookHandler:
    """Verifies webhook calls and dispatches their events; may be shared by threads and event loops.

    Args:
        secret: What the sender signs with: base64 after `whsec_`, or any other text, of which the bytes are used.
            Several are accepted while one replaces another.
        client: A client, or an agent with its client, whose waits end as soon as a call reports the end of their run.
        config: Settings, where there is no client; by default the environment's.
        shared_state: Where processes share the ids of handled calls, a redis:// or sqlite:/// address; by default
            that of the configuration, and this process's memory without any.
        accept_legacy_signatures: Whether `X-Codegen-Signature` is accepted too, which cannot stop replays.
        max_body_bytes: The longest body that is accepted.
        lease_seconds: For how long handlers may take; when a process dies in one of them, the event can be handled
            again after these seconds.
        clock: The clock that calls are dated by.

    Raises:
        ConfigurationError: without a secret, or with `enable_webhooks` false.

    """

    def __init__(
        self,
        secret: Secret | Sequence[Secret] | None,
        *,
        client: Any = None,
        config: ClientConfig | None = None,
        shared_state: str | None = None,
        accept_legacy_signatures: bool = False,
        max_body_bytes: int = MAX_BODY_BYTES,
        lease_seconds: float = LEASE,
        clock: Clock = SYSTEM_CLOCK,
    ) -> None:
        from ..config import ClientConfig

        self._clients: list[NotifiedClient] = [] if client is None else [client_of(client, "config", "notify_run")]
        settings = self._clients[0].config if self._clients else ClientConfig.of(config, {})
        settings.require("webhooks")
        check_seconds("lease_seconds", lease_seconds)
        if type(max_body_bytes) is not int or max_body_bytes < 1:
            raise ConfigurationError(f"max_body_bytes must be a whole number from 1, got {max_body_bytes!r:.40}")
        self._secrets = Secrets(secret)
        self._clock = clock
        self._claims = open_claims(shared_state or settings.shared_state, clock)
        self._lease = lease_seconds
        self._accept_legacy = accept_legacy_signatures
        self.max_body_bytes = max_body_bytes
        self._handlers: list[RegisteredHandler] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections of the shared state."""
        self._claims.close()

    def add_client(self, client: Any) -> None:
        """Let events end the waits of one more client, or of an agent's client."""
        self._clients.append(client_of(client, "config", "notify_run"))

    def remove_client(self, client: Any) -> None:
        """Undo `add_client`."""
        self._clients.remove(client_of(client, "config", "notify_run"))

    @overload
    def on(self, event: Literal["agent_run.created"]) -> Register[RunCreated]: ...
    @overload
    def on(self, event: Literal["agent_run.running"]) -> Register[RunRunning]: ...
    @overload
    def on(self, event: Literal["agent_run.paused"]) -> Register[RunPaused]: ...
    @overload
    def on(self, event: Literal["agent_run.completed"]) -> Register[RunCompleted]: ...
    @overload
    def on(self, event: Literal["agent_run.failed"]) -> Register[RunFailed]: ...
    @overload
    def on(self, event: Literal["agent_run.cancelled"]) -> Register[RunCancelled]: ...
    @overload
    def on(self, event: Literal["agent_run.*"]) -> Register[AnyRun]: ...
    @overload
    def on(self, event: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]: ...
    def on(self, event: str) -> Any:
        """Register a function, plain or async, for the events of a name, in which `*` stands for anything.

        It gets a copy of the event's data, or the `WebhookEvent` where its parameter is annotated so; one that takes
        two arguments gets both, the data first.

        Raises:
            ConfigurationError: for a name that no event has, and for what cannot be called so.

        """
        pattern = check_pattern(event)

        def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
            self._handlers.append(register(pattern, function))
            return function

        return decorate

    def unwrap(self, body: Body, headers: Headers) -> WebhookEvent:
        """Verify a call and return its event, without running handlers or looking for duplicates.

        Raises:
            WebhookError: when the call is refused.
            ValidationError: when the arguments are of another type.

        """
        content = _bytes(body)
        if len(content) > self.max_body_bytes:
            raise oversized(self.max_body_bytes)
        now = self._clock.time()
        message_id = self._secrets.verify(content, headers, now, accept_legacy=self._accept_legacy)
        return read_event(message_id, content)

    def handle_request(self, body: Body, headers: Headers) -> WebhookResult:
        """Verify a call, run the handlers of its event in this thread, and return their outcomes.

        Async handlers run on an event loop of their own. An event that was handled before is a `duplicate`.

        Args:
            body: The body as it came, before any parsing.
            headers: A mapping or pairs of name and value, in any case.

        Raises:
            WebhookError: when the call is refused; `reason` says why, `status_code` what to answer.
            ConfigurationError: when a handler is async and this thread runs an event loop.
            ValidationError: when the arguments are of another type.

        """
        if any(handler.is_async for handler in self._handlers) and _loop_is_running():
            raise ConfigurationError("a handler is async: await handle_request_async instead")

        def handle(event: WebhookEvent) -> Any:
            handlers = self._notify_and_match(event)
            return delivery.run_handlers(handlers, event, RegisteredHandler.run, self._log_failure)

        return delivery.deliver(self.unwrap(body, headers), self._claims, self._lease, handle)

    async def handle_request_async(self, body: Body, headers: Headers) -> WebhookResult:
        """Do as `handle_request` does in this task; handlers that are not async run in a thread."""

        async def handle(event: WebhookEvent) -> Any:
            handlers = self._notify_and_match(event)
            return await delivery_async.run_handlers(handlers, event, RegisteredHandler.run_async, self._log_failure)

        return await delivery_async.deliver(self.unwrap(body, headers), self._claims, self._lease, handle)

    def asgi_app(self) -> AsgiApp:
        """Return an ASGI application that takes calls by POST, at whatever path it is mounted."""
        from .apps import AsgiApp

        return AsgiApp(self)

    def wsgi_app(self) -> WsgiApp:
        """Return a WSGI application that takes calls by POST, at whatever path it is mounted."""
        from .apps import WsgiApp

        return WsgiApp(self)

    def _notify_and_match(self, event: WebhookEvent) -> list[RegisteredHandler]:
        """Notify the clients of an event about a run, and return the handlers of its type."""
        if event.run is not None:
            for client in list(self._clients):
                try:
                    client.notify_run(event.run)
                except Exception as error:  # noqa: BLE001 - the wait polls anyway
                    self._log_failure(event, "notify_run", error)
        return [handler for handler in self._handlers if handler.handles(event)]

    def _log_failure(self, event: WebhookEvent, name: str, error: Exception) -> None:
        trace = self._secrets.hide("".join(traceback.format_exception(error)))
        _logger.error("%s failed on the webhook event %s (%s)\n%s", name, event.type, event.id, trace)


def unwrap(
    body: Body, headers: Headers, secret: Secret | Sequence[Secret], *, clock: Clock = SYSTEM_CLOCK
) -> WebhookEvent:
    """Verify a webhook call and return its event.

    It keeps no ids, so it cannot tell a duplicate: `WebhookEvent.id` is the same in every delivery of an event.

    Args:
        body: The body as it came, before any parsing.
        headers: A mapping or pairs of name and value, in any case.
        secret: What the sender signs with, or a list while one secret replaces another.
        clock: The clock that calls are dated by.

    Raises:
        WebhookError: when the signature is wrong or too old, or the body is no event; `status_code` is what to answer.
        ConfigurationError: when the secret is missing or malformed.
        ValidationError: when body or headers are of another type.

    """
    content = _bytes(body)
    return read_event(Secrets(secret).verify(content, headers, clock.time(), accept_legacy=False), content)


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    problem = f"body must be the bytes of the request as they came, got {type(body).__name__}"
    raise ValidationError(problem, field_errors={"body": [problem]})


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
