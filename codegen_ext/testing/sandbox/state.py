"""What all parts of a sandbox share: its settings, its time and its lock."""

from dataclasses import dataclass
from datetime import UTC, datetime
from threading import RLock

from codegen_ext.clock import Clock

WEBHOOK_SECRET = "sandbox-webhook-secret"  # noqa: S105 - it protects nothing


@dataclass(eq=False, repr=False)
class Settings:
    """How a sandbox behaves; all but `org_id` and `seed` may change while it runs."""

    token: str = "local-token"  # noqa: S105 - it opens nothing
    """A token that is accepted by both services."""
    accepts_any_token: bool = False
    org_id: int = 323
    """The organization that the token may use; the next one exists too, but not for it."""
    run_seconds: float = 2.0
    """How long a run takes that has no script, in the sandbox's seconds."""
    rate_limits: bool = True
    """Whether the documented limits hold."""
    credits: int | None = None
    """How many more runs may be created before the answer is 402; None is no limit."""
    admin: bool = True
    """Whether the token may use the ChatServer's administration; otherwise that answers 403."""
    seed: int = 0
    """What decides the ids, and which faults strike."""
    webhook_secret: str = WEBHOOK_SECRET
    """The secret that signs webhook calls."""

    @property
    def chat_api_key(self) -> str:
        """The ChatServer's API key, which is the same token."""
        return self.token

    @property
    def member_api_key(self) -> str:
        """Another key of the ChatServer, whose owner is no administrator."""
        return f"{self.token}-member"


class State:
    """The settings, what changes only under `lock`, and time: seconds since the sandbox was made.

    `speed` of them pass in each second of the clock.
    """

    def __init__(self, settings: Settings, clock: Clock, speed: float = 1.0) -> None:
        self.settings = settings
        self.lock = RLock()
        self._clock = clock
        self._speed = speed
        self._epoch = clock.time()
        self._origin = clock.monotonic()

    def now(self) -> float:
        """Return the present in the sandbox's seconds."""
        return (self._clock.monotonic() - self._origin) * self._speed

    def real(self, seconds: float) -> float:
        """Return how many of the clock's seconds these seconds of the sandbox are."""
        return seconds / self._speed

    def epoch(self, at: float) -> float:
        """Return a time of the sandbox as seconds since the epoch."""
        return self._epoch + self.real(at)

    def stamp(self, at: float) -> str:
        """Return a time of the sandbox in ISO 8601."""
        return datetime.fromtimestamp(self.epoch(at), UTC).isoformat(timespec="milliseconds")
