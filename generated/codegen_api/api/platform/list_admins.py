"""List platform administrators."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.admins_response import AdminsResponse
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/platform/admins",
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> AdminsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AdminsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AdminsResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
) -> Response[AdminsResponse]:
    """List everyone who administers the platform. Returns the whole response."""
    return _build_response(client.get_httpx_client().request(**_get_kwargs()))


def sync(
    *,
    client: Client,
) -> AdminsResponse:
    """List everyone who administers the platform."""
    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
) -> Response[AdminsResponse]:
    """List everyone who administers the platform. Returns the whole response."""
    return _build_response(await client.get_async_httpx_client().request(**_get_kwargs()))


async def asyncio(
    *,
    client: Client,
) -> AdminsResponse:
    """List everyone who administers the platform."""
    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
