"""Remembering for a while whether a service accepts some credentials."""

from __future__ import annotations

import hashlib
import hmac
import os
import threading
from typing import NamedTuple

from ..clock import Clock

KEPT = 300.0
"""Seconds that a validation counts; one that failed in passing counts for a tenth of it."""


class Verdict(NamedTuple):
    """What a validation found; `error` says why not."""

    error: str | None
    was_reached: bool
    """Whether the service answered at all."""
    until: float


_KEY = os.urandom(32)
_VERDICTS: dict[bytes, Verdict] = {}
_LOCK = threading.Lock()


def _digest(clock: Clock, identity: list[object]) -> bytes:
    """Return what tells identities apart in this process and tells nobody anything, so that no credential is kept."""
    return hmac.new(_KEY, repr([id(clock), *identity]).encode(), hashlib.sha256).digest()


def known(clock: Clock, identity: list[object]) -> Verdict | None:
    """Return what is still known of somebody: address, credential and whatever else tells them apart."""
    verdict = _VERDICTS.get(_digest(clock, identity))
    return verdict if verdict and clock.monotonic() < verdict.until else None


def keep(clock: Clock, identity: list[object], error: str | None, *, was_reached: bool, lasting: bool) -> Verdict:
    """Keep a verdict and return it; those that no longer count go."""
    now = clock.monotonic()
    verdict = Verdict(error, was_reached, now + (KEPT if lasting else KEPT / 10))
    with _LOCK:
        for old in [key for key, kept in _VERDICTS.items() if kept.until <= now]:
            del _VERDICTS[old]
        _VERDICTS[_digest(clock, identity)] = verdict
    return verdict


def forget() -> None:
    """Forget all verdicts."""
    _VERDICTS.clear()
