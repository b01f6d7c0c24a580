"""Connections over TCP: how many there are, who gets one, and what becomes of them when calls end early or fork."""

import asyncio
import os
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, TimeoutError
from codegen_ext.testing import FakeClock

from ..conftest import TOKEN

RUN = b'{"id": %d, "organization_id": 323, "status": "RUNNING"}'


class Service:
    """Answers with the number of the run that was asked for, `delay` seconds later; counts connections."""

    def __init__(self) -> None:
        service = self
        self.delay = 0.0
        self.opened: list[int] = []
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def setup(self) -> None:
                service.opened.append(1)
                super().setup()

            def handle_one_request(self) -> None:
                try:
                    super().handle_one_request()
                except OSError:
                    self.close_connection = True

            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("content-length", 0)))
                with service.lock:
                    service.busy += 1
                    service.most_busy = max(service.busy, service.most_busy)
                time.sleep(service.delay)
                with service.lock:
                    service.busy -= 1
                number = self.path.rpartition("/")[2]
                body = RUN % (int(number) if number.isdigit() else 1)
                self.wfile.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n")
                self.wfile.write(b"content-length: %d\r\n\r\n%s" % (len(body), body))

            do_POST = do_GET  # noqa: N815 - http.server's name

            def log_message(self, *args: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            request_queue_size = 200
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        self.base_url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.005,), daemon=True).start()

    def wait_until_busy(self, calls: int) -> None:
        while self.busy < calls:
            time.sleep(0.005)

    def config(self, **settings: Any) -> ClientConfig:
        plain = {"rate_limits": False, "enable_caching": False, "max_retries": 0}
        return ClientConfig(**{"api_token": TOKEN, "base_url": self.base_url, **plain, **settings})


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.server.shutdown()
    running.server.server_close()


def test_bursts_of_threads_share_as_many_connections_as_are_allowed(service: Service) -> None:
    service.delay = 0.005
    with CodegenClient(service.config(max_connections=4)) as client, ThreadPoolExecutor(20) as pool:
        for _ in range(3):
            runs = pool.map(lambda number: client.get_agent_run(323, number), range(1, 41))
            assert [run.id for run in runs] == list(range(1, 41))
    assert len(service.opened) <= 4
    assert service.most_busy <= 4


async def test_bursts_of_tasks_share_as_many_connections_as_are_allowed(service: Service) -> None:
    service.delay = 0.005
    async with AsyncCodegenClient(service.config(max_connections=4)) as client:
        for _ in range(3):
            runs = await asyncio.gather(*(client.get_agent_run(323, number) for number in range(1, 41)))
            assert [run.id for run in runs] == list(range(1, 41))
    assert len(service.opened) <= 4


def test_no_more_idle_connections_are_kept_than_allowed(service: Service) -> None:
    with CodegenClient(service.config(max_keepalive_connections=0)) as client:
        for _ in range(3):
            client.get_agent_run(323, 1)
    assert len(service.opened) == 3


async def test_calls_that_are_cancelled_leave_their_connections_to_others(service: Service) -> None:
    service.delay = 30
    async with AsyncCodegenClient(service.config(max_connections=5)) as client:
        calls = [asyncio.create_task(client.get_agent_run(323, 1)) for _ in range(10)]
        await asyncio.to_thread(service.wait_until_busy, 5)
        for call in calls[:5]:  # those that have a connection, which goes to those that wait and are cancelled next
            call.cancel()
        await asyncio.sleep(0)
        for call in calls[5:]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        service.delay = 0
        runs = await asyncio.gather(*(client.get_agent_run(323, number) for number in range(1, 6)))
        assert [run.id for run in runs] == [1, 2, 3, 4, 5]


def test_a_call_that_finds_no_free_connection_in_time_says_so(service: Service) -> None:
    service.delay = 1.0
    with CodegenClient(service.config(max_connections=1, timeout=5)) as client, ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.get_agent_run, 323, 1)
        service.wait_until_busy(1)
        with pytest.raises(TimeoutError, match="waiting for a free connection"):
            client.get_agent_run(323, 2, timeout=0.05)
        created = pool.submit(client.create_agent_run, 323, "creates have connections of their own")
        assert (first.result().id, created.result().id) == (1, 1)


def test_a_request_that_waits_for_its_limit_keeps_no_connection_from_others(service: Service) -> None:
    class WaitingClock(FakeClock):
        """Lets real time pass too while something waits."""

        def wait(self, condition: Any, seconds: float) -> None:
            condition.wait(0.3)
            super().wait(condition, seconds)

    config = service.config(max_connections=1, rate_limits=True)
    with CodegenClient(config, clock=WaitingClock()) as client, ThreadPoolExecutor(1) as pool:
        for _ in range(10):
            client.create_agent_run(323, "as many as the limit of creates allows")
        late = pool.submit(client.create_agent_run, 323, "one more")
        client.get_agent_run(323, 5)
        assert late.result().id == 1


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_a_forked_process_opens_its_own_connections(service: Service) -> None:
    with CodegenClient(service.config()) as client:
        assert client.get_agent_run(323, 1).id == 1
        reading, writing = os.pipe()
        child = os.fork()
        if not child:
            wrong = 99
            try:
                wrong = sum(client.get_agent_run(323, number).id != number for number in range(100, 150))
                wrong += client.get_stats().total_requests != 50  # what the parent counted is the parent's
            finally:
                os.write(writing, b"%d" % wrong)
                os._exit(0)
        wrong = sum(client.get_agent_run(323, number).id != number for number in range(200, 250))
        os.waitpid(child, 0)
        assert (os.read(reading, 10), wrong) == (b"0", 0)
    assert len(service.opened) == 2
    os.close(reading)
    os.close(writing)


@pytest.mark.skipif((3, 12) <= sys.version_info < (3, 12, 2), reason="Python refused this itself: gh-113964")
def test_a_thread_that_outlives_the_main_thread_goes_on(sandbox: Any, tmp_path: Any) -> None:
    import subprocess

    program = (
        "import threading, time\n"
        "from codegen_ext import CodegenClient\n"
        f"client = CodegenClient(api_token={TOKEN!r}, base_url={sandbox.base_url!r})\n"
        "def work():\n"
        "    time.sleep(0.2)\n"
        "    print(len(list(client.stream_users(323))))\n"
        "threading.Thread(target=work).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip().isdigit(), done.stderr) == (True, "")
