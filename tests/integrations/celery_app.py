"""The application of the Celery tests: its workers are `python -m celery -A tests.integrations.celery_app worker`."""

import json
import os
from typing import Any

from celery import Celery

from codegen_ext import ClientConfig, storage
from codegen_ext.integrations.celery import AgentTasks, agent_tasks


def build(settings: dict[str, Any]) -> tuple[Celery, AgentTasks]:
    app = Celery("codegen-tests", broker=settings["redis"], backend=settings["redis"], set_as_current=False)
    app.conf.update(
        # So that messages of a worker that was killed are looked for all the time, not every 100 s.
        broker_transport_options={
            "visibility_timeout": settings["visibility"],
            "unacked_restore_interval": 0.2,
            "unacked_restore_throttle": 1,
        },
        broker_connection_retry_on_startup=True,
        worker_prefetch_multiplier=1,
    )
    return app, agent_tasks(app, ClientConfig(shared_state=settings["redis"], **settings["client"]))


if "CODEGEN_TEST_CELERY" in os.environ:
    storage.CONNECT_SECONDS = storage.ANSWER_SECONDS = 30  # a busy machine is no Redis that is down
    app, _ = build(json.loads(os.environ["CODEGEN_TEST_CELERY"]))
