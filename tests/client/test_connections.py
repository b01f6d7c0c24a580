"""Connections: how many there are, and what becomes of them when calls end early, clients close or processes fork."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import httpx
import pytest

from codegen_ext import (
    AsyncCodegenClient,
    ClientClosedError,
    ClientConfig,
    CodegenClient,
    NetworkError,
    TimeoutError,
)
from codegen_ext.testing import FakeClock, Sandbox

from ..conftest import TOKEN, Flavour
from ..support.inside import real
from ..support.loopback import Loopback, reply
from ..support.waiting import until

RUN = b'{"id": %d, "organization_id": 323, "status": "RUNNING"}'


class Service:
    """Answers with the number of the run that was asked for, while `gate` is open; counts connections."""

    def __init__(self) -> None:
        service = self
        self.gate = threading.Event()
        self.gate.set()
        self.delay = 0.0
        self.opened: list[int] = []
        self.busy = self.most_busy = 0
        self.lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

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
                service.gate.wait(30)
                with service.lock:
                    service.busy -= 1
                number = self.path.rpartition("/")[2]
                body = RUN % (int(number) if number.isdigit() else 1)
                head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body)
                self.wfile.write(head + body)

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
        until(lambda: self.busy >= calls)

    def config(self, **settings: Any) -> ClientConfig:
        plain = {"rate_limits": False, "enable_caching": False, "max_retries": 0}
        return ClientConfig(**{"api_token": TOKEN, "base_url": self.base_url, **plain, **settings})


@pytest.fixture
def service() -> Iterator[Service]:
    running = Service()
    yield running
    running.gate.set()
    running.server.shutdown()
    running.server.server_close()


def test_bursts_of_threads_share_as_many_connections_as_are_allowed(service: Service) -> None:
    service.delay = 0.002
    with CodegenClient(service.config(max_connections=4)) as client, ThreadPoolExecutor(12) as pool:
        for _ in range(2):
            runs = pool.map(lambda number: client.get_agent_run(323, number), range(1, 25))
            assert [run.id for run in runs] == list(range(1, 25))
        assert client.get_stats().total_requests == 48
    assert len(service.opened) <= 4
    assert service.most_busy <= 4


async def test_bursts_of_tasks_share_as_many_connections_as_are_allowed(service: Service) -> None:
    service.delay = 0.002
    async with AsyncCodegenClient(service.config(max_connections=4)) as client:
        for _ in range(2):
            runs = await asyncio.gather(*(client.get_agent_run(323, number) for number in range(1, 25)))
            assert [run.id for run in runs] == list(range(1, 25))
    assert len(service.opened) <= 4


@pytest.mark.parametrize(("kept", "opened"), [(0, 3), (1, 1)])
def test_no_more_idle_connections_are_kept_than_allowed(service: Service, kept: int, opened: int) -> None:
    with CodegenClient(service.config(max_keepalive_connections=kept)) as client:
        for _ in range(3):
            client.get_agent_run(323, 1)
    assert len(service.opened) == opened


async def test_calls_that_are_cancelled_leave_their_connections_to_others(service: Service) -> None:
    service.gate.clear()
    async with AsyncCodegenClient(service.config(max_connections=5)) as client:
        calls = [asyncio.create_task(client.get_agent_run(323, 1)) for _ in range(10)]
        await asyncio.to_thread(service.wait_until_busy, 5)
        for call in calls[:5]:  # those that have a connection, which goes to those that wait and are cancelled next
            call.cancel()
        await asyncio.sleep(0)
        for call in calls[5:]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        service.gate.set()
        runs = await asyncio.gather(*(client.get_agent_run(323, number) for number in range(1, 6)))
        assert [run.id for run in runs] == [1, 2, 3, 4, 5]


def test_a_call_that_finds_no_free_connection_in_time_says_so(service: Service) -> None:
    service.gate.clear()
    with CodegenClient(service.config(max_connections=1, timeout=5)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get_agent_run, 323, 1)
        service.wait_until_busy(1)
        with pytest.raises(TimeoutError, match="waiting for a free connection"):
            client.get_agent_run(323, 2, timeout=0.05)
        created = pool.submit(client.create_agent_run, 323, "creates have connections of their own")
        service.wait_until_busy(2)
        service.gate.set()
        assert (first.result().id, created.result().id) == (1, 1)


def test_a_request_that_waits_for_its_limit_keeps_no_connection_from_others(service: Service) -> None:
    class WaitingClock(FakeClock):
        """Lets real time pass too while something waits."""

        def wait(self, condition: Any, seconds: float) -> None:
            condition.wait(0.2)
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
        child = os.fork()
        if not child:
            wrong = 99
            try:
                wrong = sum(client.get_agent_run(323, number).id != number for number in range(100, 120))
                wrong += client.get_stats().total_requests != 20  # what the parent counted is the parent's
            finally:
                os._exit(wrong)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
        assert len(service.opened) == 2
        assert all(client.get_agent_run(323, number).id == number for number in range(200, 220))
    assert len(service.opened) == 2


@pytest.mark.skipif((3, 12) <= sys.version_info < (3, 12, 2), reason="Python refused this itself: gh-113964")
def test_a_thread_that_outlives_the_main_thread_goes_on(sandbox: Sandbox) -> None:
    program = (
        "import threading\n"
        "from codegen_ext import CodegenClient\n"
        f"client = CodegenClient(api_token={TOKEN!r}, base_url={sandbox.base_url!r})\n"
        "def work():\n"
        "    threading.main_thread().join()\n"
        "    print(len(list(client.stream_users(323))))\n"
        "threading.Thread(target=work).start()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.stdout.strip().isdigit(), done.stderr) == (True, "")


def test_event_loops_may_follow_each_other_and_use_a_client_at_the_same_time(service: Service) -> None:
    client = AsyncCodegenClient(service.config())

    async def ask() -> set[int]:
        return {run.id for run in await asyncio.gather(*(client.get_agent_run(323, 1) for _ in range(5)))}

    for _ in range(3):
        assert asyncio.run(ask()) == {1}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: asyncio.run(ask()), range(4))) == [{1}] * 4
    asyncio.run(client.close())
    gc.collect()  # an unclosed socket is an error here


class ClosingClock(FakeClock):
    """Closes a client while one of its calls sleeps."""

    client: Any

    def sleep(self, seconds: float) -> None:
        super().sleep(seconds)
        self.client.close()

    async def sleep_async(self, seconds: float) -> None:
        FakeClock.sleep(self, seconds)
        await self.client.close()


def test_a_call_that_slept_while_the_client_was_closed_opens_nothing(
    serve: Callable[..., Loopback], flavour: Flavour
) -> None:
    server, clock = serve(reply({}, 503)), ClosingClock()
    config = ClientConfig(api_token=TOKEN, base_url=server.base_url, enable_caching=False)
    client = flavour.client(config, clock=clock)
    clock.client = real(client)
    with pytest.raises(ClientClosedError, match="get_current_user"):
        client.get_current_user()
    assert len(server.requests) == 1


def test_a_call_that_was_about_to_be_sent_while_the_client_was_closed_opens_nothing(
    serve: Callable[..., Loopback], connect: Callable[..., Any], flavour: Flavour
) -> None:
    server = serve(reply({}))
    client = connect(server.base_url)

    async def close(request: object) -> None:
        await real(client).close()

    # httpx asks whether it is closed before it calls hooks.
    client.session.event_hooks = {"request": [close if flavour.is_async else lambda request: client.close()]}
    with pytest.raises(ClientClosedError):
        client.get_current_user()
    assert server.requests == []


def test_an_answer_that_comes_while_the_client_is_closed_is_a_failure(
    connect: Callable[..., Any], flavour: Flavour
) -> None:
    async def answer_async(request: httpx.Request) -> httpx.Response:
        await real(client).close()
        return httpx.Response(200, json={})

    def answer(request: httpx.Request) -> httpx.Response:
        client.close()
        return httpx.Response(200, json={})

    client = connect(transport=httpx.MockTransport(answer_async if flavour.is_async else answer))
    with pytest.raises(NetworkError, match="closed while"):
        client.get_current_user()
