"""Private folders of the CLI in the user's cache folder, each locked by the process that uses it."""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

try:
    import fcntl
except ImportError:  # Windows has no such lock: there a killed owner's folder stays
    fcntl = None  # type: ignore[assignment]

_PREFIX = "codegen-codex-"


class PrivateHome:
    """Folder that is removed with `remove`, or by `sweep` in a later process when its owner was killed.

    It is not below the system's temporary folder where that can be avoided: there the CLI refuses to install the
    programs that let the agent apply patches.
    """

    def __init__(self) -> None:
        while True:
            self.path = tempfile.mkdtemp(prefix=_PREFIX, dir=_parent())
            self._lock = _lock(self.path)
            if self._lock is not None or fcntl is None:
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
    if fcntl is None:
        return
    for path in Path(_parent()).glob(f"{_PREFIX}*"):
        lock = _lock(str(path))
        if lock is not None:
            shutil.rmtree(path, ignore_errors=True)
            os.close(lock)


def _lock(path: str) -> int | None:
    """Lock a folder and return the file descriptor; None where another process has it, or has removed it."""
    if fcntl is None:
        return None
    descriptor = None
    with suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.stat(path), os.fstat(descriptor)):
            return descriptor
    if descriptor is not None:
        os.close(descriptor)
    return None


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
