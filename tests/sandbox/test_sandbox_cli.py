"""The sandbox as a program."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from codegen_api.operations import OPERATIONS

from codegen_ext.testing.sandbox import cli

ME = OPERATIONS["get_current_user"].path


@pytest.fixture(autouse=True)
def handlers() -> Iterator[dict[int, Any]]:
    """Leave the signals to pytest again."""
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield before
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_is_and_stops_on_a_signal(number):
    command = [
        sys.executable,
        "-m",
        "codegen_ext.testing.sandbox",
        "--port",
        "0",
        "--no-rate-limits",
        "--run-seconds",
        "0",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout
        ready = json.loads(process.stdout.readline())
        assert set(ready) == {"base_url", "token", "org_id"}
        headers = {"authorization": f"Bearer {ready['token']}"}
        with httpx.Client(base_url=ready["base_url"], headers=headers, trust_env=False) as client:
            assert all(client.get(ME).status_code == 200 for _ in range(61))
            url = OPERATIONS["create_agent_run"].path.format(org_id=ready["org_id"])
            assert client.post(url, json={"prompt": "x"}).json()["status"] == "COMPLETE"
        process.send_signal(number)
        assert process.communicate(timeout=10) == ("", "")
        assert process.returncode == 0


def test_the_entry_point(capsys, handlers):
    def stop():
        while signal.getsignal(signal.SIGTERM) is handlers[signal.SIGTERM]:
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=stop, daemon=True).start()
    assert cli.main(["--seed", "3"]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["org_id"] == 323


@pytest.mark.parametrize(
    ("arguments", "why"), [(["--run-seconds", "-1"], "run_seconds"), (["--port", "99999"], "port")]
)
def test_it_says_why_it_cannot_start(capsys, handlers, arguments, why):
    with pytest.raises(SystemExit) as stopped:
        cli.main(arguments)
    assert stopped.value.code == 1
    assert why in capsys.readouterr().err


def test_help_says_what_it_does(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    assert "SIGTERM" in capsys.readouterr().out
