"""Remembering for a while whether a service accepts some credentials."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from typing import NamedTuple
from weakref import WeakKeyDictionary

from ..clock import Clock

KEPT = 300.0
"""Seconds that a validation counts; one that failed in passing counts for a tenth of it."""


class Verdict(NamedTuple):
    """What a validation found; `error` says why not."""

    error: str | None
    was_reached: bool
    """Whether the service answered at all."""
    until: float


class Validations:
    """Verdicts by a keyed digest of who they are about, so that no credential is kept; may be shared by threads."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._verdicts: dict[bytes, Verdict] = {}
        self._lock = threading.Lock()

    def get(self, identity: bytes) -> Verdict | None:
        """Return what is still known."""
        with self._lock:
            verdict = self._verdicts.get(identity)
            return verdict if verdict and self._clock.monotonic() < verdict.until else None

    def put(self, identity: bytes, error: str | None, *, was_reached: bool, lasting: bool) -> Verdict:
        """Keep a verdict and return it."""
        seconds = KEPT if lasting else KEPT / 10
        verdict = Verdict(error, was_reached, self._clock.monotonic() + seconds)
        with self._lock:
            self._verdicts[identity] = verdict
        return verdict


_KEY = os.urandom(32)
_STORES: WeakKeyDictionary[Clock, Validations] = WeakKeyDictionary()
_LOCK = threading.Lock()


def digest(parts: list[object]) -> bytes:
    """Return what tells identities apart in this process and tells nobody anything."""
    return hmac.new(_KEY, repr(parts).encode(), hashlib.sha256).digest()


def validations(clock: Clock) -> Validations:
    """Return what is known in this process, by this clock."""
    with _LOCK:
        return _STORES.setdefault(clock, Validations(clock))


def forget() -> None:
    """Forget all verdicts."""
    with _LOCK:
        _STORES.clear()
