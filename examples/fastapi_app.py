"""A FastAPI application that starts agent runs and hears when they end.

CODEGEN_API_TOKEN, CODEGEN_ORG_ID and CODEGEN_WEBHOOK_SECRET must be set; then `python examples/fastapi_app.py`.
"""

import os
from typing import Annotated, Any

from fastapi import Depends, FastAPI

from codegen_ext import (
    AsyncCodegenClient,
    CodegenClient,
    WebhookHandler,
    get_async_codegen_client,
    get_codegen_client,
)
from codegen_ext.integrations.fastapi import add_webhook_route, codegen_lifespan
from codegen_ext.webhooks import AnyRun


def create_app(webhook_secret: str | None) -> FastAPI:
    """Return the application."""
    app = FastAPI(lifespan=codegen_lifespan())
    handler = WebhookHandler(webhook_secret)
    finished: dict[int, str] = {}

    @handler.on("agent_run.*")
    def note(payload: AnyRun) -> None:
        if payload["status"].is_terminal:
            finished[payload["id"]] = payload["error"] or payload["result"] or ""

    @app.get("/agent-runs/{org_id}")
    async def get_agent_runs(
        org_id: int, client: Annotated[AsyncCodegenClient, Depends(get_async_codegen_client)]
    ) -> dict[str, Any]:
        runs = await client.list_agent_runs(org_id)
        return {"runs": [run.dict() for run in runs.items]}

    @app.post("/agent-runs/{org_id}")
    def create_agent_run(
        org_id: int,
        prompt: str,
        client: Annotated[CodegenClient, Depends(get_codegen_client)],
        webhook_url: str | None = None,
    ) -> dict[str, Any]:
        return client.create_agent_run(org_id, prompt, metadata={"webhook_url": webhook_url}).dict()

    @app.get("/finished")
    async def get_finished() -> dict[int, str]:
        return finished

    add_webhook_route(app, "/webhooks/codegen", handler)
    return app


if __name__ == "__main__":
    import uvicorn

    uvicorn.run(create_app(os.environ.get("CODEGEN_WEBHOOK_SECRET")), port=8000)
