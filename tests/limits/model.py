"""A shared store in Python, as plain as can be; Redis and SQLite must do the same."""

from collections.abc import Callable, Mapping, Sequence

from codegen_ext.rate_limits.store import PEER_PERIOD, Reply, Sent
from codegen_ext.rate_limits.window import Limit, Window
from codegen_ext.storage import StoreUnavailable


class ModelStore:
    """Keeps everything in dictionaries; `is_away` makes it unavailable, `empty` lets it forget."""

    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.life = "1"
        self.is_away = False
        self.asked = 0
        self.sent: dict[tuple[str, Limit], dict[str, int]] = {}
        self.closed: dict[tuple[str, Limit], int] = {}
        self.peers: dict[tuple[str, str], int] = {}

    def empty(self) -> None:
        self.life += "1"
        self.sent.clear()
        self.closed.clear()
        self.peers.clear()

    def _come(self) -> int:
        self.asked += 1
        if self.is_away:
            raise StoreUnavailable("ConnectionError")
        return self.now()

    def window(self, scope: str, limit: Limit) -> Window:
        since = self.now() - limit.window
        times = sorted(time for time in self.sent.get((scope, limit), {}).values() if time > since)
        return Window(limit, times, self.closed.get((scope, limit), 0))

    def attempt(self, scope: str, limits: Sequence[Limit], process: str, member: str, life: str) -> Reply:
        now = self._come()
        self.peers[scope, process] = now
        self.peers = {peer: seen for peer, seen in self.peers.items() if seen > now - PEER_PERIOD}
        wait = max(self.window(scope, limit).wait(now) for limit in limits)
        if life in ("", self.life) and not wait:
            self.write(scope, [Sent(tuple(limits), member, 0)], {})
        peers = sum(known == scope for known, _ in self.peers)
        return Reply(self.life, wait, peers, len(self.window(scope, limits[0]).times))

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        now = self._come()
        for limits, member, age in sent:
            for limit in limits:
                self.sent.setdefault((scope, limit), {})[member] = now - age
        for limit, period in closures.items():
            self.closed[scope, limit] = max(now + period, self.closed.get((scope, limit), 0))

    def read(self, scope: str, limits: Sequence[Limit]) -> tuple[int, list[Window]]:
        return self._come(), [self.window(scope, limit) for limit in limits]

    def close(self) -> None:
        pass
