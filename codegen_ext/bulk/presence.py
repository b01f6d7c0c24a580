"""Telling whether another process of this machine is still there."""

from __future__ import annotations

import os
import sqlite3
from contextlib import suppress
from pathlib import Path


class Presence:
    """A lock on a file beside a journal, which the operating system gives up when the process ends, however it ends.

    It is SQLite's own, because that works on every system.
    """

    def __init__(self, journal: str) -> None:
        self._journal = journal
        self.name = os.urandom(8).hex()
        self._lock = _lock(self._path(self.name))

    def is_alive(self, name: str) -> bool:
        """Whether the process that chose a name still holds its lock; the file of one that does not is removed."""
        if name == self.name:
            return True
        path = self._path(name)
        if not path.exists():
            return False
        try:
            lock = _lock(path)
        except sqlite3.OperationalError:
            return True
        lock.close()
        with suppress(OSError):
            path.unlink()
        return False

    def close(self) -> None:
        """Give the lock up."""
        self._lock.close()
        with suppress(OSError):
            self._path(self.name).unlink()

    def _path(self, name: str) -> Path:
        return Path(f"{self._journal}-worker-{name}")


def _lock(path: Path) -> sqlite3.Connection:
    lock = sqlite3.connect(path, timeout=0, isolation_level=None, check_same_thread=False)
    try:
        lock.execute("begin exclusive")
    except BaseException:
        lock.close()
        raise
    return lock
