"""Windows in an SQLite file, for the processes of one machine, on the machine's own clock."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable, Mapping, Sequence

from ..storage import SqliteFile
from .store import PEER_PERIOD, Reply, Sent
from .window import Limit, Window

_SCHEMA = """
create table if not exists limit_requests (
    scope text, name text, member text, time integer, ends integer, primary key (scope, name, member)
) without rowid;
create index if not exists limit_requests_by_time on limit_requests (scope, name, time);
create index if not exists limit_requests_by_end on limit_requests (ends);
create table if not exists limit_closures (
    scope text, name text, since integer, ends integer, primary key (scope, name)
) without rowid;
create table if not exists limit_peers (
    scope text, process text, seen integer, primary key (scope, process)
) without rowid
"""
_FORGET = (
    "delete from limit_requests where ends <= :now",
    "delete from limit_closures where ends <= :now",
    "update limit_requests set ends = ends - time + :now, time = :now where time > :now",
    "update limit_closures set ends = ends - since + :now, since = :now where since > :now",
    "update limit_peers set seen = :now where seen > :now",
)
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

    def attempt(self, scope: str, limits: Sequence[Limit], process: str, member: str, life: str) -> Reply:  # noqa: ARG002
        """Write a request down in all windows if they have room."""
        with self._file.transaction() as database:
            now = self._come(database)
            database.execute("delete from limit_peers where seen <= ?", (now - PEER_PERIOD,))
            database.execute("insert or replace into limit_peers values (?, ?, ?)", (scope, process, now))
            (peers,) = database.execute("select count(*) from limit_peers where scope = ?", (scope,)).fetchone()
            wait = max(_wait(database, scope, limit, now) for limit in limits)
            if not wait:
                _insert(database, scope, [Sent(tuple(limits), member, 0)], now)
            query = "select count(*) from limit_requests where scope = ? and name = ?"
            (used,) = database.execute(query, (scope, limits[0].name)).fetchone()
        return Reply(_LIFE, wait, peers, used)

    def write(self, scope: str, sent: Sequence[Sent], closures: Mapping[Limit, int]) -> None:
        """Write down, also again, what went at other times, and for how long limits are closed."""
        with self._file.transaction() as database:
            now = self._come(database)
            _insert(database, scope, sent, now)
            for limit, period in closures.items():
                database.execute(
                    "insert into limit_closures values (?, ?, ?, ?) on conflict (scope, name) do update"
                    " set since = excluded.since, ends = excluded.ends where excluded.ends > ends",
                    (scope, limit.name, now, now + period),
                )

    def read(self, scope: str, limits: Sequence[Limit]) -> tuple[int, list[Window]]:
        """Return the machine's time and the windows."""
        query = "select time from limit_requests where scope = ? and name = ? order by time"
        with self._file.transaction() as database:
            now = self._come(database)
            times = [[time for (time,) in database.execute(query, (scope, limit.name))] for limit in limits]
            closed = [_closed(database, scope, limit) for limit in limits]
        return now, list(map(Window, limits, times, closed))

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _come(self, database: sqlite3.Connection) -> int:
        """Return the time, after what is over was forgotten and what is in the future, since a restart, was moved."""
        # Read only now, so that of two processes the one that comes later also sees a later time.
        now = self._now()
        for statement in _FORGET:
            database.execute(statement, {"now": now})
        return now


def _wait(database: sqlite3.Connection, scope: str, limit: Limit, now: int) -> int:
    query = "select time from limit_requests where scope = ? and name = ? order by time desc limit 1 offset ?"
    nth = database.execute(query, (scope, limit.name, limit.requests - 1)).fetchone()
    return max(0, nth[0] + limit.window - now if nth else 0, _closed(database, scope, limit) - now)


def _closed(database: sqlite3.Connection, scope: str, limit: Limit) -> int:
    query = "select ends from limit_closures where scope = ? and name = ?"
    row = database.execute(query, (scope, limit.name)).fetchone()
    return row[0] if row else 0


def _insert(database: sqlite3.Connection, scope: str, sent: Sequence[Sent], now: int) -> None:
    rows = [
        (scope, limit.name, member, now - age, now - age + limit.window)
        for limits, member, age in sent
        for limit in limits
    ]
    database.executemany("insert or replace into limit_requests values (?, ?, ?, ?, ?)", rows)
