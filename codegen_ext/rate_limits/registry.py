"""The state that all clients of a process with the same credential share."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, Protocol, TypeVar
from weakref import WeakKeyDictionary, WeakValueDictionary

from .. import _fork
from ..clock import Clock
from ..fingerprint import fingerprint
from .window import Windows, micro

if TYPE_CHECKING:
    from .shared import SharedWindows
    from .store import LimitStore


class Idle(Protocol):
    """What a registry keeps."""

    def is_idle(self, now: int) -> bool:
        """Return whether it may be forgotten, at a time of its clock."""
        ...


T = TypeVar("T", bound=Idle)


class Registry(Generic[T]):
    """Objects that all clients of this process with the same key share, as far as they share a clock.

    An object outlives its clients until it is idle. With an `owner` it is that object's: a transport that takes the
    place of the network leads to a service of its own, whatever the address says.
    """

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._found: WeakKeyDictionary[object, WeakKeyDictionary[Clock, _Objects[T]]] = WeakKeyDictionary()
        _fork.register(self)

    def get(self, key: str, clock: Clock, owner: object, make: Callable[[], T]) -> T:
        """Return the object of a key, made now if there is none; neither clock nor owner is kept alive."""
        try:
            with self._mutex:
                clocks = self._found.setdefault(clock if owner is None else owner, WeakKeyDictionary())
                return clocks.setdefault(clock, _Objects()).get(key, micro(clock.monotonic()), make)
        except TypeError:  # one of them cannot be referred to weakly
            return make()

    def clear(self) -> None:
        """Forget all."""
        self._found.clear()

    def after_fork(self) -> None:
        """Replace the lock."""
        self._mutex = threading.Lock()


class _Objects(Generic[T]):
    def __init__(self) -> None:
        self._alive: WeakValueDictionary[str, T] = WeakValueDictionary()
        self._kept: dict[str, T] = {}
        self._most = 64

    def get(self, key: str, now: int, make: Callable[[], T]) -> T:
        if len(self._kept) >= self._most:
            self._kept = {name: item for name, item in self._kept.items() if not item.is_idle(now)}
            self._most = max(64, 2 * len(self._kept))
        found = self._alive.get(key)
        if found is None:
            found = self._alive[key] = make()
        self._kept[key] = found
        return found


_windows: Registry[Windows] = Registry()
_shared: Registry[SharedWindows] = Registry()
_stores: WeakValueDictionary[str, LimitStore] = WeakValueDictionary()


def windows_of(scope: str, clock: Clock, owner: object) -> Windows:
    """Return the windows of a credential; `owner` is the transport that takes the place of the network, or None."""
    return _windows.get(scope, clock, owner, Windows)


def shared_windows_of(address: str, scope: str, clock: Clock, peers: int) -> SharedWindows:
    """Return the windows of a credential at the address of a `shared_state`; nothing is connected yet.

    Raises:
        ConfigurationError: when the address cannot be used, or a package is missing.

    """
    from .shared import SharedWindows, open_limit_store

    name = fingerprint(address)
    store = _stores.get(name) or _stores.setdefault(name, open_limit_store(address))
    return _shared.get(f"{name}:{scope}", clock, None, lambda: SharedWindows(store, scope, peers))


def reset() -> None:
    """Forget what went, as between two tests."""
    _windows.clear()
    _shared.clear()
