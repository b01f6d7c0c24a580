"""Add a platform administrator."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.admin_request import AdminRequest
from ...models.admin_response import AdminResponse
from ...types import Response


def _get_kwargs(
    *,
    body: AdminRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/api/v1/platform/admins",
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> AdminResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AdminResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AdminResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
    body: AdminRequest,
) -> Response[AdminResponse]:
    """Give a person the rights of a platform administrator. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                body=body,
            )
        )
    )


def sync(
    *,
    client: Client,
    body: AdminRequest,
) -> AdminResponse:
    """Give a person the rights of a platform administrator."""
    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    body: AdminRequest,
) -> Response[AdminResponse]:
    """Give a person the rights of a platform administrator. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                body=body,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    body: AdminRequest,
) -> AdminResponse:
    """Give a person the rights of a platform administrator."""
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
