"""Private folders of the CLI in the user's cache folder, each locked by the process that uses it."""

from __future__ import annotations

import errno
import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such lock
    fcntl = None  # type: ignore[assignment]

_PREFIX = "codegen-codex-"


class PrivateHome:
    """Folder that is removed with `remove`, or by `sweep` in a later process when its owner was killed.

    It is not below the system's temporary folder where that can be avoided: there the CLI refuses to install the
    programs that let the agent apply patches.
    """

    def __init__(self) -> None:
        self._lock: int | None = None
        while self._lock is None:
            self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=_parent())
            try:
                self._lock = _lock(self.path)
            except (BlockingIOError, FileNotFoundError):  # the sweep of another process was faster
                continue
            except OSError:  # there are no such locks, as on some network file systems: a killed owner's folder stays
                return

    def remove(self) -> None:
        """Remove the folder; call once the CLI has ended."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.release()

    def release(self) -> None:
        """Close the lock's file descriptor: in a forked child, whose copy would keep the folder locked."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def sweep() -> None:
    """Remove the folders whose owners have ended without removing them."""
    for path in Path(_parent()).glob(f"{_PREFIX}*"):
        with suppress(OSError):
            lock = _lock(str(path))
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _lock(path: str) -> int:
    """Lock a folder and return the file descriptor.

    Raises:
        BlockingIOError: where another process has locked it.
        FileNotFoundError: where another process has removed it.
        OSError: where there are no such locks.

    """
    if fcntl is None:
        raise OSError(errno.ENOTSUP, "no locks")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.stat(path)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _parent() -> str:
    if sys.platform == "win32":
        cache = os.environ.get("LOCALAPPDATA") or "~/AppData/Local"
    elif sys.platform == "darwin":
        cache = "~/Library/Caches"
    else:
        cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    parent = os.path.join(os.path.expanduser(cache), "codegen-sdk", "codex")
    with suppress(OSError):
        os.makedirs(parent, mode=0o700, exist_ok=True)
    return parent if os.access(parent, os.W_OK) else tempfile.gettempdir()  # as for a user without a home
