"""From a setting to a store."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from ..clock import Clock
from ..errors import ConfigurationError
from ..fingerprint import fingerprint
from .memory import MemoryStore
from .store import Store

if TYPE_CHECKING:
    from .primary import Primary
    from .shared import SharedStore

_KEY = "shared_state"
_lock = threading.Lock()
_opened: dict[tuple[str, int], SharedStore] = {}


def open_store(shared_state: str | None, clock: Clock, peers: int = 1, owner: object = None) -> Store:
    """Return the store that a setting names; each needs one `close`. Nothing is connected yet.

    All clients of a process that name the same place get the same store, because its part of the limits is one. `peers`
    is the number of processes to reckon with while the place has never been reached. In memory the buckets belong to
    `owner`, None for those of the process.

    Raises:
        ConfigurationError: when the address cannot be used, without showing it, or a package is missing.

    """
    if shared_state is None:
        return MemoryStore(clock, owner)
    from .shared import SharedStore

    name = fingerprint(shared_state), id(clock)  # the store keeps the clock, so that no other gets its id
    with _lock:
        store = _opened.get(name)
        if store is None:
            # It is kept for good, and with it what went: a later client must know, also while the place is away.
            store = _opened[name] = SharedStore(_primary(shared_state), clock, peers)
    store.enter()
    return store


def _primary(address: str) -> Primary:
    scheme, separator, rest = address.partition("://")
    if separator and scheme in ("redis", "rediss"):
        if not _has_host(address):
            raise ConfigurationError("shared_state must be an address such as redis://host:6379/0", _KEY)
        from .redis import RedisPrimary

        return RedisPrimary(address)
    if separator and scheme == "sqlite":
        path = Path(rest.removeprefix("/"))
        if not rest.startswith("/") or path.name in ("", ":memory:") or path.is_dir():
            raise ConfigurationError("shared_state must be sqlite:///file or sqlite:////directory/file", _KEY)
        if not path.parent.is_dir():
            raise ConfigurationError("the directory of the SQLite file in shared_state does not exist; create it", _KEY)
        from .sqlite import SqlitePrimary

        return SqlitePrimary(str(path.absolute()))
    raise ConfigurationError("shared_state must be a redis://, rediss:// or sqlite:/// address", _KEY)


def _has_host(address: str) -> bool:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError:
        return False
    return bool(parts.hostname)
