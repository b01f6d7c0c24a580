"""A Flask application that starts agent runs and hears when they end.

CODEGEN_API_TOKEN, CODEGEN_ORG_ID and CODEGEN_WEBHOOK_SECRET must be set; then `python examples/flask_app.py`.
"""

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask, request

from codegen_ext import WebhookHandler
from codegen_ext.integrations.flask import Codegen
from codegen_ext.webhooks import AnyRun

codegen = Codegen()


def create_app(webhook_secret: str | None, settings: Mapping[str, Any] | None = None) -> Flask:
    """Return the application; settings are those of `ClientConfig`."""
    app = Flask(__name__)
    app.config["CODEGEN_CONFIG"] = settings or {}
    codegen.init_app(app)
    handler = WebhookHandler(webhook_secret)
    finished: dict[int, str] = {}

    @handler.on("agent_run.*")
    def note(payload: AnyRun) -> None:
        if payload["status"].is_terminal:
            finished[payload["id"]] = payload["error"] or payload["result"] or ""

    @app.get("/agent-runs/<int:org_id>")
    def get_agent_runs(org_id: int) -> dict[str, Any]:
        return {"runs": [run.dict() for run in codegen.client.list_agent_runs(org_id).items]}

    @app.post("/agent-runs/<int:org_id>")
    def create_agent_run(org_id: int) -> dict[str, Any]:
        metadata = {"webhook_url": request.form.get("webhook_url")}
        return codegen.client.create_agent_run(org_id, request.form["prompt"], metadata=metadata).dict()

    @app.get("/finished")
    def get_finished() -> dict[str, str]:
        return {str(number): outcome for number, outcome in finished.items()}

    codegen.add_webhook_route(app, "/webhooks/codegen", handler)
    return app


if __name__ == "__main__":
    create_app(os.environ.get("CODEGEN_WEBHOOK_SECRET")).run(port=8000)
