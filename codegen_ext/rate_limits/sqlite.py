"""Windows in an SQLite file, for the processes of one machine, on the machine's own clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence

from ..storage import SqliteFile
from .store import PEER_PERIOD, Reply, Sent
from .window import NEVER, SECOND, Limit, Window

_SCHEMA = """
create table if not exists limit_requests (
    scope text, name text, time integer, member text, ends integer, primary key (scope, name, time, member)
) without rowid;
create table if not exists limit_closures (
    scope text, name text, since integer, ends integer, primary key (scope, name)
) without rowid;
create table if not exists limit_peers (
    scope text, process text, seen integer, primary key (scope, process)
) without rowid
"""
_SWEEP = (
    "delete from limit_requests where ends <= :now",
    "delete from limit_closures where ends <= :now",
    "update limit_requests set ends = ends - time + :now, time = :now where time > :now",
    "update limit_closures set ends = ends - since + :now, since = :now where since > :now",
    "update limit_peers set seen = :now where seen > :now",
    "delete from limit_peers where seen <= :now - :peer_period",
)
_SWEEP_PERIOD = SECOND
"""How often a process forgets what is over, moves what is in the future, since a restart, and says that it is there."""
_STATE = """
select
    (select count(*) from limit_peers where scope = :scope),
    (select count(*) from limit_requests where scope = :scope and name = :name and time > :now - :window),
    (
        select time from limit_requests where scope = :scope and name = :name and time > :now - :window
        order by time desc limit 1 offset :before
    ),
    (select ends from limit_closures where scope = :scope and name = :name)
"""
_INSERT = "insert or replace into limit_requests (scope, name, time, member, ends) values (?, ?, ?, ?, ?)"
_TIMES = "select time from limit_requests where scope = ? and name = ? and time > ? order by time"
_CLOSURES = "select name, ends from limit_closures where scope = ?"
_FORGET = "delete from limit_requests where scope = ? and name = ? and member = ?"
_LIFE = "file"


def machine_clock() -> int:
    """Return microseconds since this machine was started, the same in all of its processes."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000
    return time.monotonic_ns() // 1_000


class SqliteWindows:
    """Windows of any number of credentials in one file; each method is one transaction."""

    def __init__(self, path: str, now: Callable[[], int] = machine_clock) -> None:
        self._file = SqliteFile(path, _SCHEMA)
        self._now = now
        self._swept: dict[tuple[str, str], int] = {}

    def attempt(self, scope: str, limits: Sequence[Limit], process: str, member: str, life: str) -> Reply:  # noqa: ARG002
        """Write a request down in all windows if they have room."""
        with self._file.transaction() as database:
            now = self._now()  # only here, so that of two processes the one that comes later also sees a later time
            is_due = not 0 <= now - self._swept.get((scope, process), NEVER) < _SWEEP_PERIOD
            if is_due:
                _sweep(database, now)
                database.execute("insert or replace into limit_peers values (?, ?, ?)", (scope, process, now))
            replies = [_reply(database, scope, limit, now) for limit in limits]
            wait = max(reply.wait for reply in replies)
            if not wait:
                for name, _, window in limits:
                    database.execute(_INSERT, (scope, name, now, member, now + window))
        if is_due:
            self._swept[scope, process] = now
        return replies[0]._replace(wait=wait, used=replies[0].used + (not wait))

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        """Write down, also again, what went at other times, and for how long limits are closed."""
        with self._file.transaction() as database:
            now = self._now()
            _sweep(database, now)
            for limits, member, age in sent:
                for name, _, window in limits:
                    database.execute(_FORGET, (scope, name, member))
                    database.execute(_INSERT, (scope, name, now - age, member, now - age + window))
            for limit, period in closures.items():
                database.execute(
                    "insert into limit_closures values (?, ?, ?, ?) on conflict (scope, name) do update"
                    " set since = excluded.since, ends = excluded.ends where excluded.ends > ends",
                    (scope, limit.name, now, now + period),
                )

    def read(self, scope: str, limits: Sequence[Limit]) -> tuple[int, list[Window]]:
        """Return the machine's time and the windows."""
        with self._file.transaction() as database:
            now = self._now()
            _sweep(database, now)
            ends = dict(database.execute(_CLOSURES, (scope,)))
            times = [
                [time for (time,) in database.execute(_TIMES, (scope, limit.name, now - limit.window))]
                for limit in limits
            ]
        return now, [
            Window(limit, sent, ends.get(limit.name, NEVER)) for limit, sent in zip(limits, times, strict=True)
        ]

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _sweep(database: sqlite3.Connection, now: int) -> None:
    for statement in _SWEEP:
        database.execute(statement, {"now": now, "peer_period": PEER_PERIOD})


def _reply(database: sqlite3.Connection, scope: str, limit: Limit, now: int) -> Reply:
    name, requests, window = limit
    given = {"scope": scope, "name": name, "now": now, "window": window, "before": requests - 1}
    peers, used, nth, closed = database.execute(_STATE, given).fetchone()
    wait = max(0, nth + window - now if nth is not None else 0, closed - now if closed is not None else 0)
    return Reply(_LIFE, wait, peers, used)
