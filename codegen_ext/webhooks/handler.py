"""The webhook handler: verifies calls and dispatches their events to registered functions."""

from __future__ import annotations

import asyncio
import logging
import traceback
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Concatenate, Literal, ParamSpec, Protocol, Self, TypeVar, overload
from uuid import uuid4

from .._client_of import client_of
from .._io.asynchronous import call, run_blocking
from .._request import check_clock, check_count, check_seconds
from ..claims import open_claims
from ..clock import SYSTEM_CLOCK, Clock
from ..config import ClientConfig
from ..errors import ConfigurationError, invalid_argument, kind_of
from ..redact import shown
from ..storage import StoreUnavailable
from . import apps
from .errors import oversized, refused
from .events import WebhookEvent, read_event
from .registration import RegisteredHandler, check_pattern, register
from .results import WebhookResult
from .signing import TOLERANCE, Headers, Secret, Secrets

if TYPE_CHECKING:
    from .events import AnyRun, RunCancelled, RunCompleted, RunCreated, RunFailed, RunPaused, RunRunning

Data = TypeVar("Data")
R = TypeVar("R")
P = ParamSpec("P")
Body = bytes | bytearray | memoryview | str

MAX_BODY_BYTES = 1_048_576
LEASE = 60.0
KEEP = 2 * TOLERANCE + 60
"""Seconds for which a handled id is kept: calls may be dated ahead by the tolerance, and clocks differ."""
_HANDLED = "handled"
_logger = logging.getLogger("codegen_ext.webhooks")


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
        self._clients: list[Any] = []
        if client is not None:
            self.add_client(client)
        settings = self._clients[0].config if self._clients else ClientConfig.of(config, {})
        settings.require("webhooks")
        check_seconds("lease_seconds", lease_seconds)
        check_clock(clock)
        check_count("max_body_bytes", max_body_bytes, 1)
        if not isinstance(accept_legacy_signatures, bool):
            problem = f"accept_legacy_signatures must be True or False, got {shown(accept_legacy_signatures)}"
            raise ConfigurationError(problem, config_key="accept_legacy_signatures")
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
        event = self.unwrap(body, headers)
        owner = self._claim(event)
        if owner is None:
            return WebhookResult(event, duplicate=True)
        outcomes = tuple(handler.run(event) for handler in self._notify_and_match(event))
        return self._settle(WebhookResult(event, outcomes), owner)

    async def handle_request_async(self, body: Body, headers: Headers) -> WebhookResult:
        """Do as `handle_request` does in this task; handlers that are not async run in a thread."""
        ask = run_blocking if self._claims.blocks else call
        event = self.unwrap(body, headers)
        owner = await ask(self._claim, event)
        if owner is None:
            return WebhookResult(event, duplicate=True)
        outcomes = [await handler.run_async(event) for handler in self._notify_and_match(event)]
        return await ask(self._settle, WebhookResult(event, tuple(outcomes)), owner)

    def asgi_app(self) -> apps.AsgiApp:
        """Return an ASGI application that takes calls by POST, at whatever path it is mounted."""
        return apps.AsgiApp(self)

    def wsgi_app(self) -> apps.WsgiApp:
        """Return a WSGI application that takes calls by POST, at whatever path it is mounted."""
        return apps.wsgi_app(self)

    def _claim(self, event: WebhookEvent) -> str | None:
        """Claim the id of an event and return the owner of the claim, None for an event that was handled before.

        What is interrupted or dies while its handlers run leaves the claim, so that a later delivery is handled when
        the lease is over.
        """
        owner = uuid4().hex
        if event.id is None:  # a legacy signature
            return owner
        try:
            holder = self._claims.claim(_name(event), owner, self._lease)
        except StoreUnavailable as error:
            raise refused("unavailable", f"the shared state does not answer: {error.reason}") from error
        if holder not in (owner, _HANDLED):
            raise refused("in_progress", "a call with this webhook-id is being handled")
        return owner if holder == owner else None

    def _settle(self, result: WebhookResult, owner: str) -> WebhookResult:
        """Confirm the claim of an event whose handlers succeeded, release that of another one."""
        event = result.event
        for outcome in result.errors:
            self._log_failure(event, outcome.name, outcome.error)
        try:
            if event.id is not None and result.ok:
                self._claims.keep(_name(event), _HANDLED, KEEP)
            elif event.id is not None:
                self._claims.release(_name(event), owner)
        except StoreUnavailable as error:
            text = "the webhook call %s may be handled again, or only in %g s: the shared state does not answer: %s"
            _logger.warning(text, event.id, self._lease, error.reason)
        return result

    def _notify_and_match(self, event: WebhookEvent) -> list[RegisteredHandler]:
        """Notify the clients of an event about a run, and return the handlers of its type."""
        if event.run is not None:
            for client in list(self._clients):
                try:
                    client.notify_run(event.run)
                except Exception as error:  # noqa: BLE001 - the wait polls anyway
                    self._log_failure(event, "notify_run", error)
        return [handler for handler in self._handlers if handler.handles(event)]

    def _log_failure(self, event: WebhookEvent, name: str, error: Exception | None) -> None:
        trace = self._secrets.hide("".join(traceback.format_exception(error)))
        _logger.error("%s failed on the webhook event %s (%s)\n%s", name, event.type, event.id, trace)


def unwrap(
    body: Body, headers: Headers, secret: Secret | Sequence[Secret], *, clock: Clock = SYSTEM_CLOCK
) -> WebhookEvent:
    """Verify a webhook call and return its event.

    It keeps no ids, so it cannot tell a duplicate: `WebhookEvent.id` is the same in every delivery of an event.
    Arguments and errors are those of `WebhookHandler` and its `handle_request`.
    """
    content = _bytes(body)
    return read_event(Secrets(secret).verify(content, headers, clock.time(), accept_legacy=False), content)


def _name(event: WebhookEvent) -> str:
    return f"webhook:{event.id}"


def _bytes(body: Any) -> bytes:
    if isinstance(body, str):
        return body.encode(errors="surrogatepass")
    if isinstance(body, bytes | bytearray | memoryview):
        return bytes(body)
    raise invalid_argument("body", f"must be the bytes of the request as they came, got {kind_of(body)}")


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
