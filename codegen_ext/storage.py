"""Shared storage: the one place that opens Redis and SQLite, and decides which addresses and options they take."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from hashlib import sha1
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from . import _fork
from .errors import ConfigurationError, needs_extra

CONNECT_SECONDS = 0.5
ANSWER_SECONDS = 1.0
SETTING = "shared_state"
BUSY_SECONDS = 2.0
"""How long a transaction waits for those of other processes, each of which takes a fraction of a millisecond."""
_OWN_OPTIONS = frozenset(("decode_responses", "encoding", "encoding_errors", "protocol"))
"""Options of redis-py that change what its calls return, which the code that reads the answers decides."""


class StoreUnavailable(Exception):  # noqa: N818 - a state of the store, which callers handle
    """Raised when a shared store does not answer; `reason` is the class of the cause, whose text may hold a secret."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def scheme_of(address: str | None) -> str:
    """Return "redis" or "sqlite" for the address of a shared store, "" for None.

    Raises:
        ConfigurationError: for any other address, without showing it.

    """
    if address is None:
        return ""
    scheme, separator, _ = address.partition("://") if isinstance(address, str) else ("", "", "")
    if separator and scheme in ("redis", "rediss", "sqlite"):
        return "sqlite" if scheme == "sqlite" else "redis"
    raise ConfigurationError(f"{SETTING} must be a redis://, rediss:// or sqlite:/// address", SETTING)


class RedisClient:
    """Sends commands to a Redis over connections of redis-py; for any number of threads, and for a forked child.

    redis-py's own client takes as long for a command as the answer does. Replies are bytes, numbers, None and lists.
    Async code calls the methods through `io.run_blocking`.
    """

    def __init__(self, connect: Callable[[], Any]) -> None:
        from hiredis import pack_command
        from redis.exceptions import ConnectionError as Disconnected
        from redis.exceptions import RedisError

        self._connect = connect
        self._pack: Callable[[Any], bytes] = pack_command  # redis-py's own takes three times as long
        self._disconnected = Disconnected
        self._errors = (RedisError, OSError)
        self._idle: list[Any] = []
        _fork.register(self)

    def after_fork(self) -> None:
        """Leave the connections to the parent."""
        _abandoned.append(self._idle)
        self._idle = []

    def command(self, *parts: str | bytes | int) -> Any:
        """Send a command and return the reply. Raises StoreUnavailable."""
        return self.commands(parts)[0]

    def commands(self, *commands: Sequence[str | bytes | int]) -> list[Any]:
        """Send commands together and return their replies. Raises StoreUnavailable."""
        try:
            connection = self._idle.pop()
        except IndexError:
            connection = self._connect()
        try:
            try:
                replies = self._exchange(connection, commands)
            except self._disconnected:  # as the server does with a connection that has been idle for long
                connection.disconnect()
                replies = self._exchange(connection, commands)
        except BaseException as error:
            connection.disconnect()  # replies may still come, so it is not used again
            if isinstance(error, self._errors):
                raise StoreUnavailable(type(error).__name__) from None
            raise
        self._idle.append(connection)
        return replies

    def _exchange(self, connection: Any, commands: Sequence[Sequence[str | bytes | int]]) -> list[Any]:
        connection.send_packed_command([self._pack(command) for command in commands])
        return [connection.read_response() for _ in commands]

    def script(self, source: str) -> Callable[[Sequence[str], Sequence[str | bytes | int]], Any]:
        """Return a function that runs a Lua script with keys and arguments, which the server knows by its digest."""
        digest = sha1(source.encode(), usedforsecurity=False).hexdigest()

        def run(keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Any:
            try:
                return self.command("EVALSHA", digest, len(keys), *keys, *arguments)
            except StoreUnavailable as error:
                if error.reason != "NoScriptError":
                    raise
                return self.command("EVAL", source, len(keys), *keys, *arguments)

        return run

    def close(self) -> None:
        """Close the connections that are not in use; the next command opens one again."""
        closed = []
        with suppress(IndexError):
            while True:  # taken out before it is closed: another client may be about to use it
                closed.append(self._idle.pop())
                closed[-1].disconnect()
        self._idle += closed


def open_redis(address: str) -> RedisClient:
    """Return a client of Redis, which connects at its first command.

    Raises:
        ConfigurationError: when the address cannot be used, without showing it, or the extra `redis` is missing.

    """
    with needs_extra("redis", f"Redis in {SETTING}", SETTING):
        import hiredis  # noqa: F401
        from redis import ConnectionPool

    "localhost".encode("idna")  # imported at the first connection, an import that a fork can cut leaves its lock held
    problem = ConfigurationError(f"{SETTING} must be an address such as redis://host:6379/0", SETTING)
    try:
        parts = urlsplit(address)
        if parts.scheme not in ("redis", "rediss") or not parts.hostname:
            raise problem
        options = [option for option in parse_qsl(parts.query, True) if option[0] not in _OWN_OPTIONS]
        pool = ConnectionPool.from_url(
            urlunsplit(parts._replace(query=urlencode(options))),
            protocol=2,
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
        )
        connect = partial(pool.connection_class, **pool.connection_kwargs)
        connect()  # finds unknown options, and connects to nothing
    except (TypeError, ValueError):
        raise problem from None  # the cause may quote the address and the password in it
    return RedisClient(connect)


def sqlite_path(address: str) -> str:
    """Return the absolute path of the file that a `sqlite:///` address names.

    Raises:
        ConfigurationError: when it names no file, or one in a directory that does not exist.

    """
    rest = address.removeprefix("sqlite://")
    path = Path(rest.removeprefix("/"))
    if not address.startswith("sqlite:///") or path.name in ("", ":memory:") or "\0" in rest or path.is_dir():
        raise ConfigurationError(f"{SETTING} must be sqlite:///file or sqlite:////directory/file", SETTING)
    if not path.parent.is_dir():
        raise ConfigurationError(f"the directory of the SQLite file in {SETTING} does not exist; create it", SETTING)
    return str(path.absolute())


class _Forking:
    """Lets the process fork only while no thread is inside SQLite.

    A lock that another thread held at the fork is never freed in the child, and SQLite has locks of its own.
    """

    def __init__(self) -> None:
        self.mutex = threading.RLock()
        """Held while SQLite is used for something else than a transaction, and while the process forks."""
        self.files: weakref.WeakSet[SqliteFile] = weakref.WeakSet()
        self._held: list[SqliteFile] = []
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(before=self._enter, after_in_parent=self._leave, after_in_child=self._renew)

    def _enter(self) -> None:
        self.mutex.acquire()
        self._held = list(self.files)
        for file in self._held:
            file.mutex.acquire()

    def _leave(self) -> None:
        for file in self._held:
            file.mutex.release()
        self._held = []
        self.mutex.release()

    def _renew(self) -> None:
        self.mutex, self._held = threading.RLock(), []
        for file in self.files:
            file.after_fork()


_forking = _Forking()
_abandoned: list[object] = []
"""Connections of the parent, which a child must not even close."""


class SqliteFile:
    """SQLite file that threads and processes of one machine share, one short transaction at a time.

    The operating system holds its lock, so a process may be killed at any moment.
    """

    def __init__(self, path: str, schema: str, *, busy_seconds: float = BUSY_SECONDS, durable: bool = False) -> None:
        """Open nothing yet; `schema` holds statements that may be run at every opening.

        With `durable` a transaction is on the disk when it ends, and survives also the end of the machine.
        """
        self._path = path
        self._schema = schema
        self._busy_seconds = busy_seconds
        self._synchronous = "full" if durable else "normal"
        self.mutex = threading.RLock()
        """Held during a transaction, and while the process forks."""
        self._database: sqlite3.Connection | None = None
        with _forking.mutex:
            _forking.files.add(self)

    @contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the file; commits at the end.

        Raises:
            StoreUnavailable: when the file cannot be opened, is locked for too long, or holds no database.

        """
        with self.mutex:
            try:
                database = self._database
                if database is None:
                    database = self._database = _open(self._path, self._schema, self._busy_seconds, self._synchronous)
                database.execute("begin immediate")
                yield database
                database.execute("commit")
            except BaseException as error:
                self._disconnect()
                if isinstance(error, sqlite3.Error):
                    raise StoreUnavailable(type(error).__name__) from None
                raise

    def close(self) -> None:
        """Close the file; the next transaction opens it again."""
        with self.mutex:
            self._disconnect()

    def after_fork(self) -> None:
        """Leave the connection to the parent: SQLite forbids a child even to close it."""
        self.mutex = threading.RLock()
        _abandoned.append(self._database)
        self._database = None

    def __del__(self) -> None:
        """Close what was left open, since Python 3.13 warns of it."""
        self._disconnect()

    def _disconnect(self) -> None:
        if self._database is not None:
            with suppress(sqlite3.Error):
                self._database.close()  # which ends a transaction that is under way
            self._database = None


class ProcessLock:
    """Lock on a file that the operating system gives up when the process ends, however it ends.

    It is SQLite's own, because that works on every system.
    """

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._held: sqlite3.Connection | None = None

    def acquire(self) -> bool:
        """Take the lock; return False where another holder has it. Raises StoreUnavailable."""
        while self._held is None:
            try:
                with _forking.mutex:
                    database = sqlite3.connect(self._path, timeout=0, isolation_level=None, check_same_thread=False)
                    try:
                        database.execute("begin exclusive")
                    except BaseException:
                        database.close()
                        raise
            except sqlite3.Error as error:
                if "locked" in str(error):
                    return False
                raise StoreUnavailable(type(error).__name__) from None
            if self._path.exists():  # otherwise it was removed by a holder that ended meanwhile
                self._held = database
            else:
                database.close()
        return True

    def release(self) -> None:
        """Give the lock up and remove its file."""
        if self._held is not None:
            with suppress(OSError):
                self._path.unlink()
            with _forking.mutex:
                self._held.close()
            self._held = None


def _open(path: str, schema: str, busy_seconds: float, synchronous: str) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=busy_seconds, isolation_level=None, check_same_thread=False)
    try:
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
        database.execute(f"pragma synchronous = {synchronous}")
        database.execute("begin immediate")
        for statement in schema.split(";"):
            database.execute(statement)
        database.execute("commit")
    except BaseException:
        database.close()
        raise
    return database
