"""The sandbox: state, faults and handler behind one public class."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codegen_ext._request import check_clock
from codegen_ext.clock import SYSTEM_CLOCK, Clock
from codegen_ext.testing.arguments import check

from .chat import Chat
from .codegen import Codegen
from .faults import Fault
from .handler import Handler, RequestRecord
from .messages import Json
from .runs import Run
from .script import Script
from .state import WEBHOOK_SECRET, Settings, State
from .transport import SandboxTransport
from .webhook_sender import Delivery, WebhookSender

if TYPE_CHECKING:
    from .server import HttpServer

IN_PROCESS_URL = "http://sandbox.invalid"


class Sandbox(Settings):
    """An imitation of the Codegen API and the ChatServer, with organization 323 and the repository `owner/repo`.

    As a context manager it serves HTTP on a loopback port; `transport()` serves in process, started or not.
    """

    def __init__(
        self,
        *,
        rate_limits: bool = True,
        run_seconds: float = 2.0,
        token: str | None = "local-token",  # noqa: S107 - it opens nothing
        org_id: int = 323,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock = SYSTEM_CLOCK,
        speed: float = 1.0,
        seed: int = 0,
        webhook_secret: str = WEBHOOK_SECRET,
    ) -> None:
        """Make a sandbox whose runs take `run_seconds`; raise ConfigurationError for a wrong argument.

        A token of None accepts every token; port 0 is any free one; `speed` shortens runs and the windows of the rate
        limits; `seed` decides which faults strike, and the ids; `webhook_secret` signs webhook calls.
        """
        check(bool, rate_limits=rate_limits)
        check(int | float, least=0, run_seconds=run_seconds)
        check(str | None, token=token)
        check(int, org_id=org_id, seed=seed)
        check(str, host=host, webhook_secret=webhook_secret)
        check(int, least=0, most=65535, port=port)
        check_clock(clock)
        check(int | float, least=1e-6, speed=speed)
        super().__init__(
            token=token or "any-token",
            accepts_any_token=token is None,
            org_id=org_id,
            run_seconds=run_seconds,
            rate_limits=rate_limits,
            seed=seed,
            webhook_secret=webhook_secret,
        )
        self._clock = clock
        self._address = host, port
        self._state = State(self, clock, speed)
        self._webhooks = WebhookSender(self._state)
        self._codegen = Codegen(self._state, self._webhooks)
        self._handler = Handler(self._state, self._codegen, Chat(self._state))
        self._server: HttpServer | None = None

    def start(self) -> Self:
        """Serve HTTP until `stop`; raise OSError when the port is taken."""
        if self._server is None:
            from .server import HttpServer

            self._server = HttpServer(self._handler, self._clock, *self._address)
            self._webhooks.open()
        return self

    def stop(self) -> None:
        """Close the port and send no more webhook calls; its state stays."""
        self._webhooks.stop()
        if self._server is not None:
            self._server.stop()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def transport(self) -> SandboxTransport:
        """Return a transport for `httpx.Client` or `httpx.AsyncClient` that answers without a socket."""
        return SandboxTransport(self._handler, self._clock)

    @property
    def base_url(self) -> str:
        """The address where it listens; while it does not, a host for `transport()` that does not exist."""
        return self._server.base_url if self._server else IN_PROCESS_URL

    @property
    def settings(self) -> Settings:
        """The settings that it was made with, which are attributes of the sandbox too; they may be changed."""
        return self

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far, oldest first."""
        return self._handler.records

    @property
    def deliveries(self) -> list[Delivery]:
        """The webhook calls so far, one for each event of a run that has a `webhook_url`."""
        return list(self._webhooks.deliveries)

    @property
    def runs(self) -> list[Run]:
        """The runs so far, oldest first."""
        with self._state.lock:
            return list(self._codegen.runs.values())

    @property
    def repositories(self) -> list[Json]:
        """The repositories as the API returns them; the list may be changed."""
        return self._codegen.repositories

    def script(
        self,
        outcome: str = "completed",
        *,
        seconds: float | None = None,
        logs: int | None = None,
        result: str | None = None,
        status: str | None = None,
        pull_request: bool | None = None,
        states: Sequence[tuple[str | None, float]] | None = None,
        times: int = 1,
    ) -> Script:
        """Let the next `times` runs follow a script, explained at `Script`; raise ConfigurationError for a wrong one.

        A directive in the prompt of a run takes precedence, and leaves this script for the next run.
        """
        check(int, least=1, times=times)
        script = Script(outcome, seconds, logs, result, status, pull_request, states)
        with self._state.lock:
            self._codegen.scripts.extend([script] * times)
        return script

    def inject(self, operation: str, fault: Fault, *, times: int | None = None, rate: float = 1.0) -> None:
        """Let a fault strike an operation, or all for `*`, with probability `rate`, `times` times or for ever.

        Of the faults that apply, the first injected strikes. Raises ConfigurationError for a wrong argument.
        """
        self._handler.faults.inject(operation, fault, times, rate)

    def clear_faults(self) -> None:
        """Forget all injected faults."""
        self._handler.faults.clear()
