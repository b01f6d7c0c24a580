"""Several processes against a server that only counts."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple, Self

from ..docs.pages import ROOT
from ..support.waiting import until


class Arrival(NamedTuple):
    """When a request came, and when it had been sent, on the one clock of the machine."""

    at: float
    sent: float


class CountingServer:
    """Answers every request with an empty object and notes when it came."""

    def __init__(self) -> None:
        self.arrivals: list[Arrival] = []
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(
            asyncio.start_server(self._serve, "127.0.0.1", 0), self._loop
        ).result()
        self.base_url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *exception: object) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _stop(self) -> None:
        self._server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                now = time.monotonic()
                sent = next(line for line in head.decode().splitlines() if line.startswith("x-sent:"))
                self.arrivals.append(Arrival(now, float(sent.partition(":")[2])))
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def wait_until(condition: Callable[[], bool]) -> None:
    until(condition, 120)


class Fleet:
    """Workers that share a limit; they stop at the end of the `with` statement."""

    def __init__(self, server: CountingServer, limit: int, window: float) -> None:
        self._server = server
        self.limit = limit
        self.window = window
        self._processes: list[subprocess.Popen[str]] = []
        self.outcomes = Counter[str]()

    def start(self, shared_state: str, skews: tuple[float, ...], threads: int = 4) -> None:
        shared = {"shared_state": shared_state, "threads": threads, "limit": self.limit, "window": self.window}
        for skew in skews:
            settings = json.dumps({"base_url": self._server.base_url, "skew": skew, **shared})
            command = [sys.executable, "-m", "tests.limits.worker", settings]
            pipe = subprocess.PIPE
            process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True)
            self._processes.append(process)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        try:
            for process in self._processes:
                assert process.stdin is not None
                process.stdin.close()
                process.stdin = None  # or else `communicate` would use it
            for process in self._processes:
                output, errors = process.communicate(timeout=120)
                assert process.returncode == 0, errors
                self.outcomes.update(json.loads(output))
        finally:
            for process in self._processes:
                process.kill()
                process.wait()

    def wait_for_more(self, windows: float) -> None:
        """Return once as many requests more have come as these windows hold."""
        number = len(self._server.arrivals) + windows * self.limit
        wait_until(lambda: len(self._server.arrivals) >= number)

    @property
    def jitter(self) -> float:
        """By how many seconds one request was longer on its way than another, because the machine is busy."""
        delays = [arrival.at - arrival.sent for arrival in self._server.arrivals]
        return max(delays) - min(delays)

    def check_never_more(self) -> None:
        """Fail when more came in any window; 5 % of it are the network's, or what the network really took."""
        moments = sorted(arrival.at for arrival in self._server.arrivals)
        length = self.window - max(0.05 * self.window, self.jitter)
        most = max(bisect_left(moments, moment + length) - index for index, moment in enumerate(moments))
        print(f"at most {most} of {self.limit}, jitter {self.jitter:.3f} s, {dict(self.outcomes)}")
        assert most <= self.limit

    def check_used(self, since: float, least: float) -> None:
        """Fail when so many requests as whole windows may have took longer than this part of the limit allows."""
        moments = sorted(arrival.at for arrival in self._server.arrivals if arrival.at >= since)
        windows = (len(moments) - 1) // self.limit
        used = windows * self.window / (moments[windows * self.limit] - moments[0])
        print(f"{used:.1%} of the limit in {windows} windows")
        assert used >= least - self.jitter / (windows * self.window)
