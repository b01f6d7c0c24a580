"""List agent runs."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.agent_runs_response import AgentRunsResponse
from ...models.source_type import SourceType
from ...types import UNSET, Response, Unset


def _get_kwargs(
    org_id: int,
    *,
    user_id: int | None | Unset = UNSET,
    source_type: None | SourceType | Unset = UNSET,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    json_user_id: int | None | Unset
    if isinstance(user_id, Unset):
        json_user_id = UNSET
    else:
        json_user_id = user_id
    params["user_id"] = json_user_id

    json_source_type: None | str | Unset
    if isinstance(source_type, Unset):
        json_source_type = UNSET
    elif isinstance(source_type, SourceType):
        json_source_type = source_type.value
    else:
        json_source_type = source_type
    params["source_type"] = json_source_type

    params["skip"] = skip

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/organizations/{org_id}/agent/runs".format(
            org_id=quote(str(org_id), safe=""),
        ),
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> AgentRunsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AgentRunsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AgentRunsResponse]:
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
    user_id: int | None | Unset = UNSET,
    source_type: None | SourceType | Unset = UNSET,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> Response[AgentRunsResponse]:
    """List the agent runs of one organization, page by page. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                user_id=user_id,
                source_type=source_type,
                skip=skip,
                limit=limit,
            )
        )
    )


def sync(
    org_id: int,
    *,
    client: Client,
    user_id: int | None | Unset = UNSET,
    source_type: None | SourceType | Unset = UNSET,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> AgentRunsResponse:
    """List the agent runs of one organization, page by page."""
    return sync_detailed(
        org_id=org_id,
        client=client,
        user_id=user_id,
        source_type=source_type,
        skip=skip,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
    user_id: int | None | Unset = UNSET,
    source_type: None | SourceType | Unset = UNSET,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> Response[AgentRunsResponse]:
    """List the agent runs of one organization, page by page. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                user_id=user_id,
                source_type=source_type,
                skip=skip,
                limit=limit,
            )
        )
    )


async def asyncio(
    org_id: int,
    *,
    client: Client,
    user_id: int | None | Unset = UNSET,
    source_type: None | SourceType | Unset = UNSET,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> AgentRunsResponse:
    """List the agent runs of one organization, page by page."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
            user_id=user_id,
            source_type=source_type,
            skip=skip,
            limit=limit,
        )
    ).parsed
