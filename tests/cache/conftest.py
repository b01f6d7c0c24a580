"""Clients that keep answers, and a server whose answers wait for the test."""

import itertools
import threading
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from ..support.loopback import Loopback, Received, reply

PATIENCE = 30.0
"""Seconds after which a test that waits in real time has failed."""
Caching = Callable[..., Any]


def user(name: str = "octocat") -> dict[str, Any]:
    """Return a body that `get_current_user` takes."""
    return {"id": 1, "github_user_id": "1", "github_username": name}


class Gated(Loopback):
    """Gives the answers that are counted from 0 in `held` only after `gate` is set."""

    def __init__(self, *answers: bytes, held: Collection[int] = (0,)) -> None:
        super().__init__(*answers)
        self.gate = threading.Event()
        self._held = held
        self._numbers = itertools.count()

    def _answer(self, received: Received) -> bytes:
        answer = super()._answer(received)
        if next(self._numbers) in self._held:
            assert self.gate.wait(PATIENCE)
        return answer

    def __exit__(self, *exception: object) -> None:
        self.gate.set()
        super().__exit__(*exception)


@pytest.fixture
def gated() -> Iterator[Callable[..., Gated]]:
    """Start servers that hold back their first answers; by default they name octocat."""
    with ExitStack() as stack:
        yield lambda *answers, held=(0,): stack.enter_context(Gated(*(answers or (reply(user()),)), held=held))


@pytest.fixture
def caching(connect: Callable[..., Any]) -> Callable[..., Any]:
    """Build clients that keep answers."""
    return lambda base_url=None, **settings: connect(base_url, **{"enable_caching": True, **settings})
