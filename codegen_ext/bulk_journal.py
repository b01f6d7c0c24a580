"""The journal of a bulk job: an SQLite file with each item, its request id, and its outcome.

A request id is written before the create is sent. So a later process can tell by the id whether the run exists, and
nothing is created twice.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, Self

from codegen_api import codec, operations
from codegen_api.errors import InvalidModel

from .bulk_results import BulkResult
from .errors import AmbiguousRequestError, BulkOperationError, CodegenAPIError, invalid_argument, kind_of
from .storage import ProcessLock, SqliteFile, StoreUnavailable

if TYPE_CHECKING:
    import sqlite3

_BUSY_SECONDS = 30.0
_VERSION = "1"
_PAGE = 100
"""Items that are read at once, so that reading a long journal does not hold up its job."""
_SCHEMA = """
create table if not exists job (name text primary key, value text) without rowid;
create table if not exists items (
    number integer primary key,
    digest text not null,
    request_id text not null,
    state text not null check (state in ('sent', 'created', 'failed')),
    run text,
    error text
)
"""


class Claim(NamedTuple):
    """What is to be done about an item: return `result`, or create the run under the request id.

    With `maybe_created` a process that has ended may have created it under that id.
    """

    request_id: str
    result: BulkResult | None = None
    maybe_created: bool = False


class Journal:
    """Journal that one process writes; its methods may be called from several threads.

    Raises:
        BulkOperationError: when the file is no journal, is that of another organization or service, or is in use.

    """

    def __init__(self, path: str | os.PathLike[str], job: dict[str, str], new_request_id: Callable[[], str]) -> None:
        self._path = _checked(path)
        self._new_request_id = new_request_id
        with _understood(self._path):
            with suppress(FileExistsError):
                os.close(os.open(self._path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))  # prompts come back in runs
            self._lock = ProcessLock(f"{self._path}-lock")
            if not self._lock.acquire():
                raise BulkOperationError(
                    f"the journal {self._path} is in use by another job; one works on it at a time, for several "
                    "machines or processes there are Celery tasks"
                )
            self._file = SqliteFile(self._path, _SCHEMA, busy_seconds=_BUSY_SECONDS, durable=True)
            try:
                self._compare_job({"version": _VERSION, **job})
            except BaseException:
                self.close()
                raise

    def _compare_job(self, job: dict[str, str]) -> None:
        with self._file.transaction() as database:
            database.executemany("insert or ignore into job values (?, ?)", job.items())
            kept = dict(database.execute("select name, value from job"))
        for name, value in job.items():
            if kept[name] != value:
                raise BulkOperationError(
                    f"the journal {self._path} belongs to {name} {kept[name]}, not {value}; use another file"
                )

    def expect(self, digests: Sequence[str]) -> None:
        """Write the number of items; raises BulkOperationError when the journal knows other configurations."""
        total = len(digests)
        with self._transaction() as database:
            for index, known in database.execute("select number, digest from items where number < ?", (total,)):
                self._compare(index, digests[index], known)
            database.execute("insert or replace into job values ('total', ?)", (str(total),))

    def claim(self, index: int, digest: str) -> Claim:
        """Return what is to be done about an item, and write its request id.

        Raises:
            BulkOperationError: when the journal knows another configuration at this index.

        """
        with self._transaction() as database:
            query = "select digest, request_id, state, run from items where number = ?"
            row = database.execute(query, (index,)).fetchone()
            if row is None:
                request_id = self._new_request_id()
                values = (index, digest, request_id)
                database.execute("insert into items values (?, ?, ?, 'sent', null, null)", values)
                return Claim(request_id)
            known, request_id, state, run = row
            self._compare(index, digest, known)
            if state == "created":
                return Claim(request_id, _created(index, run, self._path))
            database.execute("update items set state = 'sent', error = null where number = ?", (index,))
            return Claim(request_id, maybe_created=state == "sent")

    def record(self, result: BulkResult) -> None:
        """Write the outcome of an item; an unknown one is decided by a later job."""
        run = None if result.data is None else json.dumps(codec.encode(result.data))
        unknown = isinstance(result.error, AmbiguousRequestError)
        state = "created" if run is not None else "sent" if unknown else "failed"
        error = None if result.error is None else str(result.error)
        with self._transaction() as database:
            database.execute(
                "update items set state = ?, run = ?, error = ? where number = ?", (state, run, error, result.index)
            )

    def forget(self, index: int) -> None:
        """Remove the claim of an item of which nothing was sent."""
        with self._transaction() as database:
            database.execute("delete from items where number = ?", (index,))

    def close(self) -> None:
        """Close the file, and let another job use it."""
        self._file.close()
        self._lock.release()

    def _compare(self, index: int, digest: str, known: str) -> None:
        if digest != known:
            raise BulkOperationError(
                f"the journal {self._path} knows another configuration at index {index}; "
                "continue with the same list, or use another file"
            )

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with _understood(self._path), self._file.transaction() as database:
            yield database


class BulkJob:
    """Reader of a journal, also while its job goes on; nothing is changed.

    `BulkJob.open(path)` raises BulkOperationError when there is no journal. Close it, or use it in a `with` statement.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._file = SqliteFile(path, "", busy_seconds=_BUSY_SECONDS)

    @classmethod
    def open(cls, path: str | os.PathLike[str]) -> Self:
        """Open a journal that exists."""
        path = _checked(path)
        if not Path(path).is_file():
            raise BulkOperationError(f"there is no journal {path}")
        job = cls(path)
        try:
            job._rows("select number, state, run, error from items limit 1")
        except BaseException:
            job.close()
            raise
        return job

    @property
    def progress(self) -> dict[str, int]:
        """How many items there are (as far as they are known), were begun, and of these were created, have failed, and
        are undecided or still under way.
        """  # noqa: D205 - one sentence
        counts = dict(self._rows("select state, count(*) from items group by state"))
        begun = sum(counts.values())
        given = self._rows("select value from job where name = 'total'")
        return {
            "total": max(begun, int(given[0][0])) if given else begun,
            "begun": begun,
            "created": counts.get("created", 0),
            "failed": counts.get("failed", 0),
            "undecided": counts.get("sent", 0),
        }

    def results(self) -> Iterator[BulkResult]:
        """Yield the result of each item that was begun, by index; the error of an undecided one has its request id."""
        last = -1
        query = "select number, request_id, state, run, error from items where number > ? order by number limit ?"
        while rows := self._rows(query, last, _PAGE):
            for index, request_id, state, run, error in rows:
                if state == "created":
                    yield _created(index, run, self._path)
                elif state == "failed":
                    yield BulkResult(index, None, CodegenAPIError(str(error)))
                else:
                    text = error or "the create is under way, or its process has ended"
                    yield BulkResult(index, None, AmbiguousRequestError(str(text), request_id=request_id))
                last = index

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _rows(self, query: str, *values: Any) -> list[Any]:
        with _understood(self._path), self._file.transaction() as database:
            return database.execute(query, values).fetchall()


def digest_of(config: object) -> str:
    """Return by what a journal recognizes a configuration: SHA-256 of its JSON, of its repr where it has none."""
    try:
        text = json.dumps(config, sort_keys=True, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError):
        text = repr(config)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _checked(path: object) -> str:
    if not isinstance(path, str | os.PathLike):
        raise invalid_argument("journal", f"expected the path of a file, got {kind_of(path)}")
    text = os.fsdecode(path)
    if "\0" in text:
        raise BulkOperationError(f"{text!r} cannot be used as a journal: it contains a NUL character")
    return f"./{text}" if text.startswith(":") else text  # :memory: would be no file for SQLite


@contextmanager
def _understood(path: str) -> Iterator[None]:
    try:
        yield
    except (StoreUnavailable, OSError) as error:
        raise BulkOperationError(f"{path} cannot be used as a journal: {error}") from error


def _created(index: int, text: Any, path: str) -> BulkResult:
    """Return the result of an item that was created; a damaged one has an error."""
    try:
        body = text.encode("utf-8", "surrogatepass")
        return BulkResult(index, codec.decode(operations.GET_AGENT_RUN, 200, body), None)
    except (InvalidModel, AttributeError) as error:
        problem = f"the journal {path} is damaged: the run of item {index} cannot be read ({error})"
        return BulkResult(index, None, BulkOperationError(problem))
