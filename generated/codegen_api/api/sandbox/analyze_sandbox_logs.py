"""Analyze logs of a sandbox."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.analyze_logs_response import AnalyzeLogsResponse
from ...types import Response


def _get_kwargs(
    org_id: int,
    sandbox_id: int,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/organizations/{org_id}/sandbox/{sandbox_id}/analyze-logs".format(
            org_id=quote(str(org_id), safe=""),
            sandbox_id=quote(str(sandbox_id), safe=""),
        ),
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> AnalyzeLogsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AnalyzeLogsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AnalyzeLogsResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    org_id: int,
    sandbox_id: int,
    *,
    client: Client,
) -> Response[AnalyzeLogsResponse]:
    """Start an agent run that analyzes the logs of one sandbox. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                sandbox_id=sandbox_id,
            )
        )
    )


def sync(
    org_id: int,
    sandbox_id: int,
    *,
    client: Client,
) -> AnalyzeLogsResponse:
    """Start an agent run that analyzes the logs of one sandbox."""
    return sync_detailed(
        org_id=org_id,
        sandbox_id=sandbox_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    sandbox_id: int,
    *,
    client: Client,
) -> Response[AnalyzeLogsResponse]:
    """Start an agent run that analyzes the logs of one sandbox. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                sandbox_id=sandbox_id,
            )
        )
    )


async def asyncio(
    org_id: int,
    sandbox_id: int,
    *,
    client: Client,
) -> AnalyzeLogsResponse:
    """Start an agent run that analyzes the logs of one sandbox."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            sandbox_id=sandbox_id,
            client=client,
        )
    ).parsed
