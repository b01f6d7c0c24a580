"""Rate limits as the service keeps them: so many requests in any window of so many seconds."""

from collections import deque
from collections.abc import Hashable


class SlidingWindows:
    """The admitted requests of each key, as long as they count."""

    def __init__(self) -> None:
        self._admitted: dict[Hashable, deque[float]] = {}

    def admit(self, key: Hashable, requests: int, seconds: float, now: float) -> float:
        """Admit a request and return 0.0, or return in how many seconds there will be room for it."""
        admitted = self._admitted.setdefault(key, deque())
        while admitted and admitted[0] + seconds <= now:
            admitted.popleft()
        if len(admitted) >= requests:
            return admitted[0] + seconds - now
        admitted.append(now)
        return 0.0
