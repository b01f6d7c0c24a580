"""A job's memory on disk: what was asked for, under which request id, and what became of it.

A request id is written down before the create is sent. So whoever comes later, after a crash too, can tell by the id
whether the run exists, and nobody creates it twice.
"""

from __future__ import annotations

import json
import os
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from ..errors import AmbiguousRequestError, BulkOperationError, CodegenAPIError
from ..once import new_request_id
from .presence import Presence
from .results import BulkResult

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from ..clock import Clock

_BUSY_SECONDS = 30.0
_VERSION = "1"
_SCHEMA = """
create table if not exists job (name text primary key, value text) without rowid;
create table if not exists items (
    number integer primary key,
    digest text not null,
    request_id text not null,
    state text not null check (state in ('sent', 'created', 'failed')),
    worker text not null,
    run text,
    error text
);
"""


class Claim(NamedTuple):
    """Who creates an item: nobody, because there is a result; somebody else, when `is_busy`; or whoever asked.

    With `in_doubt` somebody who has died may have created it under the same request id.
    """

    request_id: str
    result: BulkResult | None = None
    is_busy: bool = False
    in_doubt: bool = False


class Journal:
    """A job that may be worked on, by several threads and processes of one machine.

    Raises BulkOperationError when the file is no journal, or is that of another organisation or service.
    """

    def __init__(self, path: str | os.PathLike[str], job: dict[str, str], clock: Clock) -> None:
        self._path = os.fspath(path)
        self._clock = clock
        self._lock = threading.Lock()
        with _understood(self._path):
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # prompts come back in runs
            self._database = _connect(self._path)
            try:
                self._prepare({"version": _VERSION, **job})
                self._presence = Presence(self._path)
            except BaseException:
                self._database.close()
                raise

    def _prepare(self, job: dict[str, str]) -> None:
        self._database.execute("pragma journal_mode = wal")
        self._database.execute("pragma synchronous = full")
        with self._transaction():
            for statement in _SCHEMA.split(";"):
                self._database.execute(statement)
            self._database.executemany("insert or ignore into job values (?, ?)", job.items())
            kept = dict(self._database.execute("select name, value from job"))
        for name, value in job.items():
            if kept[name] != value:
                raise BulkOperationError(
                    f"the journal {self._path} belongs to {name} {kept[name]}, not {value}; use another file"
                )

    def expect(self, digests: Sequence[str]) -> None:
        """Note how many items there are; raises BulkOperationError when the journal knows other configurations."""
        total = len(digests)
        with self._lock, self._transaction():
            for index, known in self._database.execute("select number, digest from items where number < ?", (total,)):
                self._compare(index, digests[index], known)
            self._database.execute("insert or replace into job values ('total', ?)", (str(total),))

    def claim(self, index: int, digest: str) -> Claim:
        """Say what is to be done about an item, and keep others from doing it too.

        Raises:
            BulkOperationError: when the journal knows another configuration at this index.

        """
        with self._lock, self._transaction():
            row = self._database.execute(
                "select digest, request_id, state, worker, run from items where number = ?", (index,)
            ).fetchone()
            if row is None:
                request_id = new_request_id(self._clock)
                values = (index, digest, request_id, self._presence.name)
                self._database.execute("insert into items values (?, ?, ?, 'sent', ?, null, null)", values)
                return Claim(request_id)
            known, request_id, state, worker, run = row
            self._compare(index, digest, known)
            if state == "created":
                return Claim(request_id, BulkResult(index, _run(run), None))
            if state == "sent" and worker and self._presence.is_alive(worker):
                return Claim(request_id, is_busy=True)
            self._database.execute(
                "update items set state = 'sent', worker = ?, error = null where number = ?",
                (self._presence.name, index),
            )
            return Claim(request_id, in_doubt=state == "sent")

    def settle(self, result: BulkResult) -> None:
        """Write down what became of an item; one whose outcome is unknown is decided by whoever comes later."""
        run = None if result.data is None else json.dumps(result.data.to_dict())
        unknown = isinstance(result.error, AmbiguousRequestError)
        state = "created" if run is not None else "sent" if unknown else "failed"
        error = None if result.error is None else str(result.error)
        with self._lock, self._transaction():
            self._database.execute(
                "update items set state = ?, worker = '', run = ?, error = ? where number = ?",
                (state, run, error, result.index),
            )

    def forget(self, index: int) -> None:
        """Take back the claim of an item of which nothing was sent."""
        with self._lock, self._transaction():
            self._database.execute("delete from items where number = ?", (index,))

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._presence.close()
            self._database.close()

    def _compare(self, index: int, digest: str, known: str) -> None:
        if digest != known:
            raise BulkOperationError(
                f"the journal {self._path} knows another configuration at index {index}; "
                "continue with the same list, or use another file"
            )

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        with _understood(self._path):
            self._database.execute("begin immediate")
            try:
                yield
            except BaseException:
                self._database.execute("rollback")
                raise
            self._database.execute("commit")


class BulkJob:
    """What a journal says, also while others work on it; nothing is changed.

    Raises BulkOperationError when there is no such journal.
    """

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    @classmethod
    def open(cls, journal: str | os.PathLike[str]) -> Self:
        """Open a journal to look at; close it, or use it in a `with` statement."""
        path = os.fspath(journal)
        if not Path(path).is_file():
            raise BulkOperationError(f"there is no journal {path}")
        with _understood(path):
            database = _connect(path)
            try:
                database.execute("select number, state, run, error from items limit 1")
            except BaseException:
                database.close()
                raise
        return cls(database)

    @property
    def progress(self) -> dict[str, int]:
        """How many items there are (as far as they are known), were begun, and of these were created, have failed, and
        are undecided or still under way.
        """  # noqa: D205 - one sentence
        counts = dict(self._database.execute("select state, count(*) from items group by state"))
        begun = sum(counts.values())
        given = self._database.execute("select value from job where name = 'total'").fetchone()
        return {
            "total": max(begun, int(given[0])) if given else begun,
            "begun": begun,
            "created": counts.get("created", 0),
            "failed": counts.get("failed", 0),
            "undecided": counts.get("sent", 0),
        }

    def results(self) -> Iterator[BulkResult]:
        """Yield the result of each item that was begun, by index; the error of an undecided one has its request id."""
        rows = self._database.execute("select number, request_id, state, run, error from items order by number")
        with closing(rows):
            for index, request_id, state, run, error in rows:
                if state == "created":
                    yield BulkResult(index, _run(run), None)
                elif state == "failed":
                    yield BulkResult(index, None, CodegenAPIError(error))
                else:
                    text = error or "the create is under way, or its process has ended"
                    yield BulkResult(index, None, AmbiguousRequestError(text, request_id=request_id))

    def close(self) -> None:
        """Close the file."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


def _connect(path: str) -> sqlite3.Connection:
    return sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)


@contextmanager
def _understood(path: str) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise BulkOperationError(f"{path} cannot be used as a journal: {error}") from error


def _run(text: str) -> AgentRunResponse:
    from codegen_api.models import AgentRunResponse

    whole: dict[str, Any] = json.loads(text)
    return AgentRunResponse.from_dict(whole)
