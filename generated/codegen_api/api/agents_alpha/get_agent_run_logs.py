"""Get logs of an agent run."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.agent_run_with_logs_response import AgentRunWithLogsResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    org_id: int,
    agent_run_id: int,
    *,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
    reverse: bool | Unset = False,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["skip"] = skip

    params["limit"] = limit

    params["reverse"] = reverse

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/alpha/organizations/{org_id}/agent/run/{agent_run_id}/logs".format(
            org_id=quote(str(org_id), safe=""),
            agent_run_id=quote(str(agent_run_id), safe=""),
        ),
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> AgentRunWithLogsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AgentRunWithLogsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AgentRunWithLogsResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    org_id: int,
    agent_run_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
    reverse: bool | Unset = False,
) -> Response[AgentRunWithLogsResponse]:
    """Get one agent run together with its log entries, page by page. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                agent_run_id=agent_run_id,
                skip=skip,
                limit=limit,
                reverse=reverse,
            )
        )
    )


def sync(
    org_id: int,
    agent_run_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
    reverse: bool | Unset = False,
) -> AgentRunWithLogsResponse:
    """Get one agent run together with its log entries, page by page."""
    return sync_detailed(
        org_id=org_id,
        agent_run_id=agent_run_id,
        client=client,
        skip=skip,
        limit=limit,
        reverse=reverse,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    agent_run_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
    reverse: bool | Unset = False,
) -> Response[AgentRunWithLogsResponse]:
    """Get one agent run together with its log entries, page by page. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                agent_run_id=agent_run_id,
                skip=skip,
                limit=limit,
                reverse=reverse,
            )
        )
    )


async def asyncio(
    org_id: int,
    agent_run_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
    reverse: bool | Unset = False,
) -> AgentRunWithLogsResponse:
    """Get one agent run together with its log entries, page by page."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            agent_run_id=agent_run_id,
            client=client,
            skip=skip,
            limit=limit,
            reverse=reverse,
        )
    ).parsed
