"""What crosses a fork: every object that holds locks, sockets, threads or counts is made new in the child.

One registry and one hook, because a lock that another thread held at the moment of the fork is never released in the
child: so the hook takes no lock, and neither may the `after_fork` that it calls.
"""

from __future__ import annotations

import os
import weakref
from typing import Protocol


class Forked(Protocol):
    """Object whose `after_fork` replaces what the child must not share with its parent."""

    def after_fork(self) -> None:
        """Replace locks, queues, pools, threads, connections and counts; called in the child, takes no lock."""


_registered: weakref.WeakSet[Forked] = weakref.WeakSet()


def register(item: Forked) -> None:
    """Have `item.after_fork` called in every child process from now on, for as long as the item lives."""
    _registered.add(item)


def _after_fork() -> None:
    for item in list(_registered):
        item.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
