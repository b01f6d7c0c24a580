"""Connections: how many, what ends them, and the proxies and certificates of the environment and of settings."""

import asyncio
import gc
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from codegen_ext import AsyncCodegenClient, ClientConfig, CodegenClient, errors
from codegen_ext._proxy import proxy_of
from codegen_ext.testing import FakeClock

from ..conftest import TOKEN
from ..support.blocking import real
from ..support.loopback import CERTIFICATE, Loopback, reply
from ..support.programs import free_port
from ..support.waiting import in_child, until, until_async

USER = {"id": 1, "email": None, "github_user_id": "1", "github_username": "octocat"}


class Service(Loopback):
    """Answers with the number of the run that was asked for, while `gate` is open."""

    def __init__(self):
        super().__init__(b"")
        self.gate.set()
        self.delay = 0.0
        self.busy = self.most_busy = 0

    def _answer(self, received):
        with self._lock:
            self.busy += 1
            self.most_busy = max(self.busy, self.most_busy)
        time.sleep(self.delay)
        self.gate.wait(30)
        with self._lock:
            self.busy -= 1
        number = received.path.rpartition("/")[2]
        return reply({"id": int(number) if number.isdigit() else 1, "organization_id": 323, "status": "RUNNING"})

    def config(self, **settings):
        plain = {"rate_limits": False, "enable_caching": False, "max_retries": 0}
        return ClientConfig(**{"api_token": TOKEN, "base_url": self.base_url, **plain, **settings})


@pytest.fixture
def service():
    with Service() as running:
        yield running


def test_bursts_of_threads_share_as_many_connections_as_are_allowed(service):
    service.delay = 0.002
    with CodegenClient(service.config(max_connections=4)) as client, ThreadPoolExecutor(12) as pool:
        for _ in range(2):
            runs = pool.map(lambda number: client.get_agent_run(323, number), range(1, 25))
            assert [run.id for run in runs] == list(range(1, 25))
        assert client.get_stats().total_requests == 48
    assert service.connections <= 4
    assert service.most_busy <= 4


@pytest.mark.parametrize(("kept", "opened"), [(0, 3), (1, 1)])
def test_no_more_idle_connections_are_kept_than_allowed(service, kept, opened):
    with CodegenClient(service.config(max_keepalive_connections=kept)) as client:
        for _ in range(3):
            client.get_agent_run(323, 1)
    assert service.connections == opened


async def test_bursts_of_tasks_share_connections_too_which_those_that_are_cancelled_leave_to_others(service):
    service.delay = 0.002
    async with AsyncCodegenClient(service.config(max_connections=5)) as client:
        runs = await asyncio.gather(*(client.get_agent_run(323, number) for number in range(1, 25)))
        assert [run.id for run in runs] == list(range(1, 25))
        assert service.connections <= 5
        service.gate.clear()
        calls = [asyncio.create_task(client.get_agent_run(323, 1)) for _ in range(10)]
        await until_async(lambda: service.busy == 5)
        for call in calls[:5]:  # those that have a connection, which goes to those that wait and are cancelled next
            call.cancel()
        await asyncio.sleep(0)
        for call in calls[5:]:
            call.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        service.gate.set()
        runs = await asyncio.gather(*(client.get_agent_run(323, number) for number in range(1, 6)))
        assert [run.id for run in runs] == [1, 2, 3, 4, 5]


def test_a_call_that_finds_no_free_connection_in_time_says_so(service):
    service.gate.clear()
    with CodegenClient(service.config(max_connections=1)) as client, ThreadPoolExecutor(2) as pool:
        first = pool.submit(client.get_agent_run, 323, 1)
        until(lambda: service.busy == 1)
        with pytest.raises(errors.TimeoutError, match="waiting for a free connection"):
            client.get_agent_run(323, 2, timeout=0.05)
        created = pool.submit(client.create_agent_run, 323, "creates have connections of their own")
        until(lambda: service.busy == 2)
        service.gate.set()
        assert (first.result().id, created.result().id) == (1, 1)


def test_a_request_that_waits_for_its_limit_keeps_no_connection_from_others(service):
    class WaitingClock(FakeClock):
        """Lets real time pass too while something waits."""

        def wait(self, condition, seconds):
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
def test_a_forked_process_opens_its_own_connections(service):
    with CodegenClient(service.config()) as client:

        def work():
            read = all(client.get_agent_run(323, number).id == number for number in range(100, 120))
            return read and client.get_stats().total_requests == 20  # what the parent counted is the parent's

        assert client.get_agent_run(323, 1).id == 1
        assert in_child(work) == 0
        assert service.connections == 2
        assert all(client.get_agent_run(323, number).id == number for number in range(200, 220))
    assert service.connections == 2


@pytest.mark.skipif((3, 12) <= sys.version_info < (3, 12, 2), reason="Python refused this itself: gh-113964")
def test_a_thread_that_outlives_the_main_thread_goes_on(sandbox):
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


def test_event_loops_may_follow_each_other_and_use_a_client_at_the_same_time(service):
    client = AsyncCodegenClient(service.config())

    async def ask():
        return {run.id for run in await asyncio.gather(*(client.get_agent_run(323, 1) for _ in range(5)))}

    for _ in range(3):
        assert asyncio.run(ask()) == {1}
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: asyncio.run(ask()), range(4))) == [{1}] * 4
    asyncio.run(client.close())
    gc.collect()  # an unclosed socket is an error here


@pytest.mark.parametrize(("retries", "kind"), [(0, errors.NetworkError), (1, errors.ClientClosedError)])
def test_a_call_under_way_while_the_client_is_closed_fails_and_is_not_repeated(connect, flavour, retries, kind):
    requests = []

    def answer(request):
        requests.append(request)
        if not flavour.is_async:
            client.close()
        return httpx.Response(200, json={})

    async def answer_async(request):
        await real(client).close()
        return answer(request)

    transport = httpx.MockTransport(answer_async if flavour.is_async else answer)
    client = connect(transport=transport, max_retries=retries)
    with pytest.raises(kind, match="closed") as caught:
        client.get_current_user()
    assert "get_current_user" in str(caught.value)
    assert len(requests) == 1


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_a_proxy_of_the_environment_is_used(monkeypatch, serve, connect, variable, scheme):
    proxy = serve(reply(USER))
    monkeypatch.setenv(variable, scheme + proxy.base_url.removeprefix("http://"))
    assert connect("http://codegen.invalid/v1").get_current_user().id == 1
    (request,) = proxy.requests
    assert request.path == "http://codegen.invalid/v1/users/me"
    assert request.headers["host"] == "codegen.invalid"


NETWORKS = "localhost, 10.0.0.0/8,fd00::/8,nonsense/99"


@pytest.mark.parametrize(
    ("excluded", "address", "proxy"),
    [
        ("", "http://host", "http://plain:1"),
        ("", "https://host", "https://secure:2"),
        ("", "http://127.0.0.1:3284", None),
        ("", "http://localhost:3284", None),
        ("other.example, codegen.invalid", "http://codegen.invalid/v1", None),
        ("*.invalid", "http://codegen.invalid/v1", None),
        ("host:8080,::1", "http://user:password@host:8080/v1", None),
        (NETWORKS, "http://10.1.2.3:3284", None),
        (NETWORKS, "http://11.1.2.3:3284", "http://plain:1"),
        (NETWORKS, "http://[fd00::7]:3284", None),
        (NETWORKS, "http://[fe00::7]:3284", "http://plain:1"),
        (NETWORKS, "http://10.name:3284", "http://plain:1"),
    ],
)
def test_the_proxy_is_that_of_the_scheme_if_any(monkeypatch, excluded, address, proxy):
    assert proxy_of(ClientConfig(base_url=address)) is None
    monkeypatch.setenv("HTTP_PROXY", "http://plain:1")
    monkeypatch.setenv("HTTPS_PROXY", "https://secure:2")
    monkeypatch.setenv("NO_PROXY", excluded)
    assert proxy_of(ClientConfig(base_url=address)) == proxy


@pytest.mark.parametrize(
    ("variable", "proxy"),
    [
        ("ALL_PROXY", "socks://host:9"),
        ("HTTPS_PROXY", "http://[::1"),
        ("https_proxy", "http://user:hush@host:x"),
        ("SSL_CERT_FILE", "/nowhere.pem"),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(monkeypatch, connect, variable, proxy):
    monkeypatch.setenv(variable, proxy)
    with pytest.raises(errors.ConfigurationError, match=variable) as caught:
        connect("https://codegen.invalid")
    assert variable in (caught.value.config_key or "")
    assert "hush" not in str(caught.value)


@pytest.mark.parametrize("status", ["407 Proxy Authentication Required", "403 Forbidden"])
def test_a_proxy_that_refuses_is_asked_once(serve, connect, status, monkeypatch):
    monkeypatch.setenv("ALL_PROXY", "http://other.invalid:1")  # over which the setting stands
    proxy = serve(reply(b"", status))
    client = connect("https://service.invalid", proxy=proxy.base_url, max_retries=3)
    with pytest.raises(errors.NetworkError, match=rf"service.invalid through the proxy {proxy.base_url} .*: {status}"):
        client.get_agent_run(323, 1)
    assert proxy.connections == 1
    assert [(one.method, "authorization" in one.headers) for one in proxy.requests] == [("CONNECT", False)]


@pytest.mark.parametrize("variable", ["proxy", "CODEGEN_PROXY", "HTTPS_PROXY", "all_proxy"])
def test_a_proxy_that_is_down_is_named_and_where_it_comes_from(connect, monkeypatch, variable):
    address = f"127.0.0.1:{free_port()}"
    settings = {"proxy": f"http://user:hush@{address}"} if variable == "proxy" else {}
    if not settings:
        monkeypatch.setenv(variable, f"http://user:hush@{address}")
    with pytest.raises(errors.NetworkError) as caught:
        connect("https://service.invalid", **settings).get_current_user()
    where = f"https://service.invalid through the proxy http://{address} (from {variable})"
    assert caught.value.message == f"cannot reach {where}: connection refused"


@pytest.mark.parametrize("name", ["get_agent_run", "create_agent_run"])
def test_a_certificate_that_is_not_trusted_is_met_once(serve, connect, name, monkeypatch):
    server = serve(reply({"id": 1, "organization_id": 323})).encrypt()
    address = server.base_url.replace("127.0.0.1", "localhost")
    with pytest.raises(errors.NetworkError, match="certificate"):
        getattr(connect(address, max_retries=3), name)(323, "1")
    assert (server.connections, server.requests) == (1, [])
    monkeypatch.setenv("SSL_CERT_FILE", CERTIFICATE)
    for settings in ({"verify": CERTIFICATE}, {}):
        assert getattr(connect(address, **settings), name)(323, "1").id == 1
