"""A shared place in Python, as plain as can be; Redis and SQLite must do the same."""

from collections.abc import Callable, Mapping, Sequence

from codegen_ext.limits import plan
from codegen_ext.limits.plan import Bucket, Line, Log, Use
from codegen_ext.limits.primary import PEER_PERIOD, Reply


class ModelPrimary:
    def __init__(self, now: Callable[[], int]) -> None:
        self.now = now
        self.life = "model"
        self.logs: dict[str, Log] = {}
        self.closed: dict[str, int] = {}
        self.peers: dict[str, int] = {}

    def lines(self, buckets: Sequence[Bucket]) -> list[Line]:
        lines = []
        for bucket in buckets:
            log = self.logs.setdefault(bucket.name, Log())
            log.forget(self.now() - bucket.window)
            lines.append(Line(bucket, log, self.closed.get(bucket.name, 0)))
        return lines

    def take(
        self, ticket: str, buckets: Sequence[Bucket], budget: int | None, after: int, process: str, life: str
    ) -> Reply:
        if life not in ("", self.life):
            return Reply(self.life)
        self.peers[process] = self.now()
        self.peers = {name: seen for name, seen in self.peers.items() if seen > self.now() - PEER_PERIOD}
        lines = self.lines(buckets)
        wait, booked = plan.take(lines, ticket, self.now(), budget, after)
        return Reply(self.life, wait, booked, len(self.peers), tuple(len(line.log.moments) for line in lines))

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        for line in self.lines(buckets):
            line.log.remove(ticket)

    def close_for(self, buckets: Sequence[Bucket], period: int) -> None:
        lines = self.lines(buckets)
        until = self.now() + period
        if until > max(lines[0].closed, self.now()):
            self.closed[buckets[0].name] = until
            plan.close(self.lines(buckets), self.now(), until)

    def replay(self, scope: str, went: Mapping[Bucket, Mapping[str, int]]) -> str:
        for bucket, ages in went.items():
            (line,) = self.lines([bucket])
            for ticket, age in ages.items():
                line.log.put(ticket, self.now() - age)
        return self.life

    def status(self, buckets: Sequence[Bucket]) -> list[Use]:
        return [plan.use(line, self.now()) for line in self.lines(buckets)]

    def close(self) -> None:
        pass
