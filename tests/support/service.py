"""The sandbox as a process of its own: what it costs does not slow down the client under test."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple


class Service(NamedTuple):
    """What the program says of itself when it is ready."""

    base_url: str
    token: str
    org_id: int


@contextmanager
def sandbox_process(*options: str) -> Iterator[Service]:
    """Serve with the options of `codegen-sandbox`."""
    command = [sys.executable, "-m", "codegen_ext.testing.sandbox"]
    with subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            yield Service(**json.loads(process.stdout.readline()))
        finally:
            process.terminate()
