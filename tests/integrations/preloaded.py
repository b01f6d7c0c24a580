"""Applications of gunicorn and Celery with a client that was used before they fork, and is used while they do."""

import json
import os
import threading
from collections.abc import Callable, Iterable
from typing import Any

from celery import Celery

from codegen_ext import ClientConfig, CodegenClient

client = CodegenClient(ClientConfig())
client.get_agent_run(323, 1)  # leaves an open connection


def use_it() -> None:
    """Keep the cache, its store and the locks busy at the moment of the fork, at the cost of one request."""
    for _ in range(5_000):
        client.get_organizations()


for _ in range(4):
    threading.Thread(target=use_it, daemon=True).start()


def read(number: str) -> str:
    return json.dumps({"id": client.get_agent_run(323, number).id, "pid": os.getpid()})


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    answer = read(environ["PATH_INFO"].strip("/"))
    start_response("200 OK", [("Content-Type", "application/json")])
    return [answer.encode()]


broker = os.environ.get("CODEGEN_TEST_BROKER")
celery = Celery("preloaded", broker=broker, backend=broker, set_as_current=False)
celery.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1)
celery.task(name="read")(read)
