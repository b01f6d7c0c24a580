"""The sandbox over real HTTP: what concerns the sockets."""

import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from urllib.parse import urlsplit

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing import Fault, Sandbox

ME = OPERATIONS["get_current_user"].path
HEADERS = {"authorization": "Bearer local-token"}


def connect(sandbox: Sandbox) -> socket.socket:
    address = urlsplit(sandbox.base_url)
    return socket.create_connection((address.hostname, address.port), timeout=5)


def test_a_reset_is_a_reset_of_the_connection():
    with Sandbox() as sandbox:
        sandbox.inject("*", Fault.reset_after())
        with closing(connect(sandbox)) as client:
            client.sendall(f"GET {ME} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            with pytest.raises(ConnectionResetError):
                client.recv(1)


def test_connections_are_kept_alive_and_fast():
    with Sandbox(rate_limits=False) as sandbox, httpx.Client(trust_env=False) as client:
        ports, times = set(), []
        for _ in range(20):
            with client.stream("GET", sandbox.base_url + ME, headers=HEADERS) as response:
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
                response.read()
            # A header cannot pretend to be the connection of another client.
            response = client.get(sandbox.base_url + ME, headers={**HEADERS, "x-forwarded-for": "9.9.9.9"})
            times.append(response.elapsed.total_seconds())
    assert len(ports) == 1
    assert min(times[1:]) < 0.03, "an acknowledgement that is delayed costs each answer 40 ms"


def test_it_stops_while_a_client_waits():
    sandbox = Sandbox().start()
    sandbox.inject("*", Fault.latency(600))
    errors = []

    def ask() -> None:
        try:
            httpx.get(sandbox.base_url + ME, timeout=600, trust_env=False)
        except httpx.TransportError as error:
            errors.append(error)

    thread = threading.Thread(target=ask)
    thread.start()
    while not sandbox.requests:
        time.sleep(0.001)
    sandbox.stop()
    thread.join()
    assert len(errors) == 1


def test_it_can_be_started_again():
    sandbox = Sandbox()
    urls = []
    for _ in range(2):
        with sandbox:
            assert sandbox.start() is sandbox
            urls.append(sandbox.base_url)
            assert httpx.get(sandbox.base_url + ME, headers=HEADERS, trust_env=False).status_code == 200
        with pytest.raises(httpx.ConnectError):
            httpx.get(urls[-1] + ME, trust_env=False)
    assert len(sandbox.requests) == 2


def test_a_taken_port_is_an_error():
    with Sandbox() as sandbox:
        port = urlsplit(sandbox.base_url).port
        with pytest.raises(OSError, match="in use"):
            Sandbox(port=port).start()


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6")
def test_it_listens_on_ipv6():
    with Sandbox(host="::1") as sandbox:
        assert httpx.get(sandbox.base_url + ME, headers=HEADERS, trust_env=False).status_code == 200


def test_a_client_that_leaves_early_does_no_harm():
    with Sandbox() as sandbox:
        with closing(connect(sandbox)) as client:
            client.sendall(f"PUT {ME} HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc".encode())
        sandbox.inject("*", Fault.latency(0.05), times=1)
        sandbox.inject("*", Fault.reset_before(), times=1)
        with closing(connect(sandbox)) as client:
            client.sendall(f"GET {ME} HTTP/1.1\r\nhost: x\r\n\r\n".encode())
            while not sandbox.requests:
                time.sleep(0.001)
        time.sleep(0.1)
        assert httpx.get(sandbox.base_url + ME, headers=HEADERS, trust_env=False).status_code == 200


def test_without_the_extra_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "starlette.routing", None)
    monkeypatch.delitem(sys.modules, "codegen_ext.testing.sandbox.server", raising=False)
    with pytest.raises(ImportError, match=r"pip install 'codegen-sdk\[sandbox\]'"):
        Sandbox().start()


def test_in_process_needs_no_extra():
    script = "import sys; from codegen_ext.testing import Sandbox; Sandbox().transport(); print(*sys.modules)"
    modules = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()
    assert not {"starlette", "uvicorn"} & set(modules)
    assert "codegen_ext.testing.sandbox.transport" in modules
