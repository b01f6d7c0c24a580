"""List organizations of the caller."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.organizations_response import OrganizationsResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["skip"] = skip

    params["limit"] = limit

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/organizations",
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> OrganizationsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return OrganizationsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[OrganizationsResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> Response[OrganizationsResponse]:
    """List the organizations that the caller can reach, page by page. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                skip=skip,
                limit=limit,
            )
        )
    )


def sync(
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> OrganizationsResponse:
    """List the organizations that the caller can reach, page by page."""
    return sync_detailed(
        client=client,
        skip=skip,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> Response[OrganizationsResponse]:
    """List the organizations that the caller can reach, page by page. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                skip=skip,
                limit=limit,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> OrganizationsResponse:
    """List the organizations that the caller can reach, page by page."""
    return (
        await asyncio_detailed(
            client=client,
            skip=skip,
            limit=limit,
        )
    ).parsed
