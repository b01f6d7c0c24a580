"""A WSGI application whose client was used before gunicorn forks, while threads use it."""

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from codegen_ext import ClientConfig, CodegenClient

client = CodegenClient(ClientConfig())
client.get_agent_run(323, 1)  # leaves an open connection


def use_it() -> None:
    """Keep the cache, its store and the locks busy at the moment of the fork, at the cost of one request."""
    for _ in range(5_000):
        client.get_organizations()


for _ in range(4):
    threading.Thread(target=use_it, daemon=True).start()


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    run = client.get_agent_run(323, environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [json.dumps({"id": run.id, "pid": os.getpid()}).encode()]
