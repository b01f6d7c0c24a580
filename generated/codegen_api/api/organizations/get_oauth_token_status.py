"""Get OAuth token status."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...types import UNSET, Response


def _get_kwargs(
    *,
    org_id: int,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["org_id"] = org_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/oauth/tokens/status",
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> Any:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return response.json() if response.content else None


def _build_response(response: httpx.Response) -> Response[Any]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
    org_id: int,
) -> Response[Any]:
    """Get the status of OAuth tokens in one organization. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
            )
        )
    )


def sync(
    *,
    client: Client,
    org_id: int,
) -> Any:
    """Get the status of OAuth tokens in one organization."""
    return sync_detailed(
        client=client,
        org_id=org_id,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    org_id: int,
) -> Response[Any]:
    """Get the status of OAuth tokens in one organization. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    org_id: int,
) -> Any:
    """Get the status of OAuth tokens in one organization."""
    return (
        await asyncio_detailed(
            client=client,
            org_id=org_id,
        )
    ).parsed
