"""Create an agent run."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.agent_run_response import AgentRunResponse
from ...models.create_agent_run_input import CreateAgentRunInput
from ...types import Response


def _get_kwargs(
    org_id: int,
    *,
    body: CreateAgentRunInput,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/organizations/{org_id}/agent/run".format(
            org_id=quote(str(org_id), safe=""),
        ),
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> AgentRunResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AgentRunResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AgentRunResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    org_id: int,
    *,
    client: Client,
    body: CreateAgentRunInput,
) -> Response[AgentRunResponse]:
    """Start a new agent run with a prompt. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                body=body,
            )
        )
    )


def sync(
    org_id: int,
    *,
    client: Client,
    body: CreateAgentRunInput,
) -> AgentRunResponse:
    """Start a new agent run with a prompt."""
    return sync_detailed(
        org_id=org_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
    body: CreateAgentRunInput,
) -> Response[AgentRunResponse]:
    """Start a new agent run with a prompt. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                body=body,
            )
        )
    )


async def asyncio(
    org_id: int,
    *,
    client: Client,
    body: CreateAgentRunInput,
) -> AgentRunResponse:
    """Start a new agent run with a prompt."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
            body=body,
        )
    ).parsed
