"""What must be done soon, but by nobody who is in a hurry or cannot wait."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress


class Errands:
    """Runs functions in their order in a thread that lives only as long as there are some; they must not raise."""

    def __init__(self) -> None:
        self._waiting: deque[Callable[[], object]] = deque()
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def add(self, errand: Callable[[], object]) -> None:
        """Have a function run soon; never blocks."""
        with self._lock:
            self._waiting.append(errand)
            # In a forked child the thread that was here is not.
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="codegen-limits")
                with suppress(RuntimeError):  # the interpreter is ending, and what waits here ends with it
                    self._thread.start()

    def finish(self) -> None:
        """Wait until there are none."""
        thread = self._thread
        if thread is not None and thread.is_alive():
            thread.join()

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
                errand = self._waiting.popleft()
            errand()
