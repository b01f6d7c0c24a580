"""The sandbox over HTTP, and as a program: sockets, threads and signals."""

import json
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, closing
from http.client import HTTPResponse
from urllib.parse import urlsplit

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing import Fault, Sandbox
from codegen_ext.testing.sandbox.__main__ import main
from codegen_ext.testing.sandbox.messages import MAX_BODY_BYTES

from ..support.waiting import in_background, until

ME = OPERATIONS["get_current_user"].path
CREATE = OPERATIONS["create_agent_run"].path.format(org_id=323)
HEADERS = {"authorization": "Bearer local-token"}


def connect(sandbox):
    address = urlsplit(sandbox.base_url)
    return closing(socket.create_connection((address.hostname, address.port), timeout=60))


def head(method, path, *others, token="local-token"):
    """Return the head of a request."""
    lines = (f"{method} {path} HTTP/1.1", "host: x", f"authorization: Bearer {token}", *others, "", "")
    return "\r\n".join(lines).encode()


def ask(sandbox):
    return httpx.get(sandbox.base_url + ME, headers=HEADERS, verify=False, timeout=60)


def answering():
    """Return the threads that serve connections, also those of sandboxes of other tests."""
    return {thread for thread in threading.enumerate() if "process_request_thread" in thread.name}


@pytest.fixture
def before():
    return answering()


def status(connection):
    """Read one whole answer and return its status."""
    answer = HTTPResponse(connection)
    answer.begin()
    answer.read()
    return answer.status


def test_connections_are_kept_alive_and_fast():
    with Sandbox(rate_limits=False) as sandbox, httpx.Client(verify=False, headers=HEADERS) as client:
        ports, times = set(), []
        for _ in range(20):
            with client.stream("GET", sandbox.base_url + ME) as response:
                ports.add(response.extensions["network_stream"].get_extra_info("client_addr"))
                response.read()
            times.append(response.elapsed.total_seconds())
        sandbox.inject("*", Fault.status(204), times=1)
        assert [client.get(sandbox.base_url + ME).status_code for _ in range(2)] == [204, 200], "no body, no length"
    assert len(ports) == 1
    assert min(times[1:]) < 0.03, "an acknowledgement that is delayed costs each answer 40 ms"


def test_200_slow_connections_do_not_stop_the_others(capfd, before):
    with Sandbox(rate_limits=False) as sandbox, ExitStack() as stack:
        slow = [stack.enter_context(connect(sandbox)) for _ in range(200)]
        begun = head("POST", CREATE, "content-length: 18")
        for number, client in enumerate(slow):
            client.sendall(begun[:-2] if number % 2 else begun + b'{"prompt"')
        assert ask(sandbox).status_code == 200
        slow[0].sendall(b': "late"}')
        assert status(slow[0]) == 200
        assert [run.prompt for run in sandbox.runs] == ["late"]
    until(lambda: not answering() - before)
    assert capfd.readouterr().err == "", "clients that leave early are no errors"


@pytest.mark.parametrize(
    ("token", "length", "expected"),
    [
        ("local-token", 17, 200),
        ("local-token", MAX_BODY_BYTES + 1, 413),
        ("local-token", "x", 411),
        ("local-token", "1\r\ntransfer-encoding: chunked", 411),
        ("wrong", 17, 401),
        ("wrong", 10**15, 401),
    ],
)
def test_a_body_is_read_after_authentication_and_limited(token, length, expected):
    with Sandbox() as sandbox, connect(sandbox) as client:
        asks = ["expect: 100-continue"] * (expected == 200)
        client.sendall(head("POST", CREATE, *asks, f"content-length: {length}", token=token))
        if asks:
            assert client.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
            client.sendall(b'{"prompt": "now"}')
        assert status(client) == expected, "refused before a byte of the body came"
        if length == 17:
            client.sendall(b"x" * 17 if expected == 401 else b"")
            client.sendall(head("GET", ME))
            assert status(client) == 200, "the connection goes on behind the body"


def test_it_stops_while_a_client_waits_and_can_be_started_again(before):
    sandbox = Sandbox().start()
    sandbox.inject("*", Fault.latency(600), times=1)
    url = sandbox.base_url
    waiting = in_background(httpx.get, url + ME, timeout=600, verify=False)
    until(lambda: sandbox.requests)
    for _ in range(2):
        sandbox.stop()
    assert isinstance(waiting.exception(30), httpx.TransportError)
    until(lambda: not answering() - before)
    with pytest.raises(httpx.ConnectError):
        httpx.get(url + ME, verify=False)
    assert sandbox.base_url == "http://sandbox.invalid"
    with sandbox:
        assert sandbox.start() is sandbox
        assert ask(sandbox).status_code == 200
    assert len(sandbox.requests) == 2
    assert not [thread for thread in threading.enumerate() if thread.name == "codegen-sandbox"]


def test_it_listens_where_it_is_told():
    with Sandbox() as sandbox, pytest.raises(OSError, match="in use"):
        Sandbox(port=urlsplit(sandbox.base_url).port).start()
    try:
        sandbox = Sandbox(host="::1").start()
    except OSError:
        pytest.skip("there is no IPv6")
    with sandbox:
        assert ask(sandbox).status_code == 200


@pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.slow)])
def test_the_program_says_where_it_is_and_stops_on_a_signal(number):
    command = [sys.executable, "-m", "codegen_ext.testing.sandbox", "--port", "0", "--no-rate-limits"]
    command = [*command, "--run-seconds", "0", "--seed", "3"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"base_url", "token", "org_id"}
        headers = {"authorization": f"Bearer {ready['token']}"}
        with httpx.Client(base_url=ready["base_url"], headers=headers, verify=False) as client:
            assert all(client.get(ME).status_code == 200 for _ in range(61))
            answer = client.post(CREATE, json={"prompt": "x"})
        assert answer.json()["status"] == "COMPLETE"
        assert answer.headers["x-request-id"] == "sandbox-3-62"
        process.send_signal(number)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_the_program_says_why_it_cannot_start(capsys, monkeypatch):
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    with pytest.raises(SystemExit, match="1"):
        main(["--run-seconds", "-1"])
    assert "run_seconds" in capsys.readouterr().err
