"""The sandbox: state, faults and handler behind one public class."""

from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Self

from codegen_ext.clock import SYSTEM_CLOCK, Clock

from .faults import Fault, Faults
from .handler import Handler, RequestRecord, stateful_operations
from .messages import Json
from .runs import Run, Timeline
from .script import Script
from .state import Settings, State
from .transport import SandboxTransport
from .webhook_sender import WEBHOOK_SECRET, Delivery

if TYPE_CHECKING:
    from .server import HttpServer

IN_PROCESS_URL = "http://sandbox.invalid"


class Sandbox:
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
        """Make a sandbox whose runs take `run_seconds`; raise ValueError for a number that is out of range.

        A token of None accepts every token; port 0 is any free one; `speed` shortens runs and the windows of the rate
        limits; `seed` decides which faults strike, and the ids; `webhook_secret` signs webhook calls.
        """
        if not run_seconds >= 0:
            raise ValueError(f"run_seconds must not be negative: {run_seconds}")
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be from 0 to 65535: {port}")
        self.settings = Settings(token, org_id, run_seconds, rate_limits, seed=seed, webhook_secret=webhook_secret)
        self._clock = clock
        self._host, self._port = host, port
        self._state = State(self.settings, Timeline(clock, speed))
        self._faults = Faults(seed)
        self._handler = Handler(self._state, stateful_operations(self._state), self._faults)
        self._server: HttpServer | None = None

    def start(self) -> Self:
        """Serve HTTP until `stop`; raise OSError when the port is taken."""
        if self._server is None:
            from .server import HttpServer

            self._server = HttpServer(self._handler, self._clock, self._host, self._port)
            self._state.webhooks.open()
        return self

    def stop(self) -> None:
        """Close the port and send no more webhook calls; its state stays."""
        self._state.webhooks.stop()
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
    def token(self) -> str:
        """A token that is accepted by both services."""
        return self.settings.token or "any-token"

    @property
    def chat_api_key(self) -> str:
        """The ChatServer's API key, which is the same token."""
        return self.token

    @property
    def member_api_key(self) -> str:
        """Another key of the ChatServer, whose owner is no administrator."""
        return self.settings.member_token

    @property
    def org_id(self) -> int:
        """The organization that the token may use; the next one exists too, but not for it."""
        return self.settings.org_id

    @property
    def credits(self) -> int | None:
        """How many more runs may be created before the answer is 402; None is no limit."""
        return self.settings.credits

    @credits.setter
    def credits(self, credits: int | None) -> None:
        self.settings.credits = credits

    @property
    def admin(self) -> bool:
        """Whether the token may use the ChatServer's administration; otherwise that answers 403."""
        return self.settings.admin

    @admin.setter
    def admin(self, admin: bool) -> None:
        self.settings.admin = admin

    @property
    def requests(self) -> list[RequestRecord]:
        """The requests so far, oldest first."""
        return self._handler.records

    @property
    def webhook_secret(self) -> str:
        """The secret that signs webhook calls."""
        return self.settings.webhook_secret

    @property
    def deliveries(self) -> list[Delivery]:
        """The webhook calls so far, one for each event of a run that has a `webhook_url`."""
        return self._state.webhooks.deliveries

    @property
    def runs(self) -> list[Run]:
        """The runs so far, oldest first."""
        with self._state.lock:
            return list(self._state.runs.values())

    @property
    def repositories(self) -> list[Json]:
        """The repositories as the API returns them; the list may be changed."""
        return self._state.repositories

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
        """Let the next `times` runs follow a script, explained at `Script`; raise ValueError for a wrong one.

        A directive in the prompt of a run takes precedence, and leaves this script for the next run.
        """
        script = Script(outcome, seconds, logs, result, status, pull_request, states)
        self._state.add_script(script, times)
        return script

    def inject(self, operation: str, fault: Fault, *, times: int | None = None, rate: float = 1.0) -> None:
        """Let a fault strike an operation, or all for `*`, with probability `rate`, `times` times or for ever.

        Of the faults that apply, the first injected strikes. Raise ValueError for an operation that does not exist.
        """
        self._faults.inject(operation, fault, times, rate)

    def clear_faults(self) -> None:
        """Forget all injected faults."""
        self._faults.clear()
