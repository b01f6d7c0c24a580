"""Get the calling user."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.user_response import UserResponse
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/users/me",
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> UserResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return UserResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[UserResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
) -> Response[UserResponse]:
    """Get the user to whom the API token belongs. Returns the whole response."""
    return _build_response(client.get_httpx_client().request(**_get_kwargs()))


def sync(
    *,
    client: Client,
) -> UserResponse:
    """Get the user to whom the API token belongs."""
    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
) -> Response[UserResponse]:
    """Get the user to whom the API token belongs. Returns the whole response."""
    return _build_response(await client.get_async_httpx_client().request(**_get_kwargs()))


async def asyncio(
    *,
    client: Client,
) -> UserResponse:
    """Get the user to whom the API token belongs."""
    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
