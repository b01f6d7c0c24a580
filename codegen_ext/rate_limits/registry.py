"""The windows that all clients of a process with the same credential share; they outlive them until they are idle."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakValueDictionary, ref

from .. import _fork
from ..clock import Clock
from ..fingerprint import fingerprint
from .window import Windows

if TYPE_CHECKING:
    from .store import LimitStore

Kept = dict[Hashable, Windows]


class _Registry:
    def __init__(self) -> None:
        self.reset()
        self.after_fork()
        _fork.register(self)

    def reset(self) -> None:
        self._kept: Kept = {}
        self._kept_of_owners: WeakKeyDictionary[object, Kept] = WeakKeyDictionary()

    def after_fork(self) -> None:
        self._mutex = threading.Lock()

    def get(self, key: Hashable, owner: object, make: Callable[[], Windows]) -> Windows:
        with self._mutex:
            try:
                kept = self._kept if owner is None else self._kept_of_owners.setdefault(owner, {})
            except TypeError:  # it cannot be referred to weakly
                return make()
            if key not in kept:
                if len(kept) % 64 == 63:
                    _forget_idle(kept)
                kept[key] = make()
            return kept[key]


def _forget_idle(kept: Kept) -> None:
    """Forget what matters no more and no client has."""
    idle = {key: ref(kept.pop(key)) for key in [key for key, windows in kept.items() if windows.is_idle()]}
    kept |= {key: windows for key, found in idle.items() if (windows := found()) is not None}


_registry = _Registry()
_stores: WeakValueDictionary[str, LimitStore] = WeakValueDictionary()


def windows_of(scope: str, clock: Clock, owner: object) -> Windows:
    """Return the windows of a credential.

    `owner` is the transport that takes the place of the network: it leads to a service of its own, whatever the address
    says. None without one.
    """
    return _registry.get((scope, id(clock)), owner, lambda: Windows(clock))


def shared_windows_of(address: str, scope: str, clock: Clock, peers: int) -> Windows:
    """Return the windows of a credential at the address of a `shared_state`; nothing is connected yet.

    Raises:
        ConfigurationError: when the address cannot be used, or a package is missing.

    """
    from .shared import SharedWindows, open_limit_store

    name = fingerprint(address)
    store = _stores.get(name) or _stores.setdefault(name, open_limit_store(address))
    return _registry.get((name, scope, id(clock)), None, lambda: SharedWindows(store, scope, peers, clock))


reset = _registry.reset
"""Forget what went, as between two tests."""
