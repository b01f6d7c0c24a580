"""List repositories of an organization."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.repositories_response import RepositoriesResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    org_id: int,
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
        "url": "/v1/organizations/{org_id}/repos".format(
            org_id=quote(str(org_id), safe=""),
        ),
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> RepositoriesResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return RepositoriesResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[RepositoriesResponse]:
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
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> Response[RepositoriesResponse]:
    """List the repositories of one organization, page by page. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                skip=skip,
                limit=limit,
            )
        )
    )


def sync(
    org_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> RepositoriesResponse:
    """List the repositories of one organization, page by page."""
    return sync_detailed(
        org_id=org_id,
        client=client,
        skip=skip,
        limit=limit,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> Response[RepositoriesResponse]:
    """List the repositories of one organization, page by page. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                skip=skip,
                limit=limit,
            )
        )
    )


async def asyncio(
    org_id: int,
    *,
    client: Client,
    skip: int | Unset = 0,
    limit: int | Unset = 100,
) -> RepositoriesResponse:
    """List the repositories of one organization, page by page."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
            skip=skip,
            limit=limit,
        )
    ).parsed
