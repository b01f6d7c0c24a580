"""The shared place in an SQLite file, for the processes of one machine, on the machine's own clock."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import NamedTuple

from . import plan
from .plan import Bucket, Line, Log, Use
from .primary import PEER_PERIOD, Away, Reply

BUSY_SECONDS = 2.0
"""For how long a process waits for the others' transactions, each of which takes a fraction of a millisecond."""

_SCHEMA = """
create table if not exists places (
    bucket text, ticket text, moment integer, ends integer, primary key (bucket, ticket)
) without rowid;
create index if not exists ends on places (ends);
create table if not exists closures (bucket text primary key, ends integer) without rowid;
create table if not exists peers (
    scope text, process text, seen integer, primary key (scope, process)
) without rowid;
create table if not exists place (life text, seen integer);
"""


def machine_clock() -> int:
    """Return microseconds since this machine was started, the same in all of its processes."""
    if hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1_000
    return time.monotonic_ns() // 1_000


class _Connection(NamedTuple):
    database: sqlite3.Connection
    process: int


class SqlitePrimary:
    """Buckets in a file. The lock on it is the operating system's, so a process may be killed at any moment."""

    def __init__(
        self, path: str, now: Callable[[], int] = machine_clock, *, busy_seconds: float = BUSY_SECONDS
    ) -> None:
        self._path = path
        self._busy_seconds = busy_seconds
        self._now = now
        self._lock = threading.Lock()
        self._open: _Connection | None = None
        self._abandoned: list[_Connection] = []

    def take(
        self, ticket: str, buckets: Sequence[Bucket], budget: int | None, after: int, process: str, life: str
    ) -> Reply:
        """Book or confirm a place."""
        with self._transaction() as (database, now, name):
            if life not in ("", name):
                return Reply(name)
            scope = buckets[0].scope
            database.execute("delete from peers where seen <= ?", (now - PEER_PERIOD,))
            database.execute("insert or replace into peers values (?, ?, ?)", (scope, process, now))
            (peers,) = database.execute("select count(*) from peers where scope = ?", (scope,)).fetchone()
            lines = _lines(database, buckets)
            wait, booked = plan.take(lines, ticket, now, budget, after)
            _store(database, lines, [ticket])
            return Reply(name, wait, booked, peers, tuple(len(line.log.moments) for line in lines))

    def release(self, ticket: str, buckets: Sequence[Bucket]) -> None:
        """Give up a place."""
        with self._transaction() as (database, _, _):
            for bucket in buckets:
                database.execute("delete from places where bucket = ? and ticket = ?", (bucket.name, ticket))

    def close_for(self, buckets: Sequence[Bucket], period: int) -> None:
        """Close the first bucket."""
        with self._transaction() as (database, now, _):
            lines = _lines(database, buckets)
            ends = now + period
            if ends > lines[0].closed:
                database.execute("insert or replace into closures values (?, ?)", (buckets[0].name, ends))
                plan.close(lines, now, ends)
                _store(database, lines, list(lines[0].log.places))

    def replay(self, scope: str, went: Mapping[Bucket, Mapping[str, int]]) -> str:  # noqa: ARG002 - one life for all
        """Write down what went, and return the place's name."""
        with self._transaction() as (database, now, life):
            rows = [
                (bucket.name, ticket, now - age, now - age + bucket.window)
                for bucket, ages in went.items()
                for ticket, age in ages.items()
            ]
            database.executemany("insert or replace into places values (?, ?, ?, ?)", rows)
            return life

    def status(self, buckets: Sequence[Bucket]) -> list[Use]:
        """Return how each bucket is used."""
        with self._transaction() as (database, now, _):
            return [plan.use(line, now) for line in _lines(database, buckets)]

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            if self._open is not None and self._open.process == os.getpid():
                self._open.database.close()
                self._open = None

    @contextmanager
    def _transaction(self) -> Iterator[tuple[sqlite3.Connection, int, str]]:
        """Hold the file for a moment; gives the connection, the time, and the name of the place."""
        with self._lock:
            try:
                database = self._connection()
                database.execute("begin immediate")
                # Read only now, so that of two processes the one that comes later also sees a later time.
                now = self._now()
                life = _come(database, now)
                yield database, now, life
                database.execute("commit")
            except BaseException as error:
                self._give_up()
                if isinstance(error, sqlite3.Error):
                    raise Away(error) from None
                raise

    def _connection(self) -> sqlite3.Connection:
        process = os.getpid()
        if self._open is not None and self._open.process != process:
            # SQLite forbids a forked child even to close what its parent opened.
            self._abandoned.append(self._open)
            self._open = None
        if self._open is None:
            self._open = _Connection(_connect(self._path, self._busy_seconds), process)
        return self._open.database

    def _give_up(self) -> None:
        if self._open is not None:
            with suppress(sqlite3.Error):
                self._open.database.close()  # which ends a transaction that is under way
            self._open = None


def _connect(path: str, busy_seconds: float) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
        _prepare(database, busy_seconds)
    except BaseException:
        database.close()
        raise
    return database


def _prepare(database: sqlite3.Connection, busy_seconds: float) -> None:
    deadline = time.monotonic() + busy_seconds
    while True:
        try:
            database.execute("pragma journal_mode = wal")
            break
        except sqlite3.OperationalError as error:
            # SQLite does not wait here when several processes open a new file at once.
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.005)
    database.execute("pragma synchronous = normal")
    database.execute("begin immediate")
    for statement in _SCHEMA.split(";"):
        database.execute(statement)
    if database.execute("select 1 from place").fetchone() is None:
        database.execute("insert into place values (?, 0)", (os.urandom(8).hex(),))
    database.execute("commit")


def _come(database: sqlite3.Connection, now: int) -> str:
    """Forget what is over and return the name of the place."""
    life: str
    life, seen = database.execute("select life, seen from place").fetchone()
    if now < seen:
        # The machine was started anew. What lay in a window then may still, so all of it moves to where the clock is.
        shift = (seen - now,)
        database.execute("update places set moment = moment - ?1, ends = ends - ?1", shift)
        database.execute("update closures set ends = ends - ?", shift)
        database.execute("update peers set seen = seen - ?", shift)
    database.execute("update place set seen = ?", (now,))
    database.execute("delete from places where ends <= ?", (now,))
    database.execute("delete from closures where ends <= ?", (now,))
    return life


def _lines(database: sqlite3.Connection, buckets: Sequence[Bucket]) -> list[Line]:
    lines = []
    for bucket in buckets:
        name = (bucket.name,)
        places = database.execute("select ticket, moment from places where bucket = ?", name)
        closure = database.execute("select ends from closures where bucket = ?", name).fetchone()
        lines.append(Line(bucket, Log(places), closure[0] if closure else 0))
    return lines


def _store(database: sqlite3.Connection, lines: Sequence[Line], tickets: Sequence[str]) -> None:
    """Write down where these tickets have their places now."""
    for bucket, log, _ in lines:
        names = [(bucket.name, ticket) for ticket in tickets]
        database.executemany("delete from places where bucket = ? and ticket = ?", names)
        rows = [
            (bucket.name, ticket, log.places[ticket], log.places[ticket] + bucket.window)
            for ticket in tickets
            if ticket in log.places
        ]
        database.executemany("insert into places values (?, ?, ?, ?)", rows)
