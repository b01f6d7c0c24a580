"""Remove a platform administrator."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.admin_response import AdminResponse
from ...types import Response


def _get_kwargs(
    email: str,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "delete",
        "url": "/api/v1/platform/admins/{email}".format(
            email=quote(str(email), safe=""),
        ),
    }
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
    email: str,
    *,
    client: Client,
) -> Response[AdminResponse]:
    """Take the rights of a platform administrator away from a person. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                email=email,
            )
        )
    )


def sync(
    email: str,
    *,
    client: Client,
) -> AdminResponse:
    """Take the rights of a platform administrator away from a person."""
    return sync_detailed(
        email=email,
        client=client,
    ).parsed


async def asyncio_detailed(
    email: str,
    *,
    client: Client,
) -> Response[AdminResponse]:
    """Take the rights of a platform administrator away from a person. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                email=email,
            )
        )
    )


async def asyncio(
    email: str,
    *,
    client: Client,
) -> AdminResponse:
    """Take the rights of a platform administrator away from a person."""
    return (
        await asyncio_detailed(
            email=email,
            client=client,
        )
    ).parsed
