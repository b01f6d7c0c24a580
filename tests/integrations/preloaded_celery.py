"""A Celery application with a client that was used before the worker forks."""

import os
from typing import Any

from celery import Celery

from codegen_ext import ClientConfig, CodegenClient

broker = os.environ["CODEGEN_TEST_BROKER"]
app = Celery("preloaded", broker=broker, backend=broker, set_as_current=False)
app.conf.update(broker_connection_retry_on_startup=True, worker_prefetch_multiplier=1)
client = None
if "CODEGEN_API_TOKEN" in os.environ:
    client = CodegenClient(ClientConfig(rate_limits=False))
    client.get_agent_run(323, 1)


@app.task(name="read")  # type: ignore[untyped-decorator] # celery has no types
def read(number: int) -> dict[str, Any]:
    assert client is not None
    return {"id": client.get_agent_run(323, number).id, "pid": os.getpid()}
