"""List integrations of an organization."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.organization_integrations_response import OrganizationIntegrationsResponse
from ...types import Response


def _get_kwargs(
    org_id: int,
) -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/organizations/{org_id}/integrations".format(
            org_id=quote(str(org_id), safe=""),
        ),
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> OrganizationIntegrationsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return OrganizationIntegrationsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[OrganizationIntegrationsResponse]:
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
) -> Response[OrganizationIntegrationsResponse]:
    """List the integrations of one organization and whether each is active. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
            )
        )
    )


def sync(
    org_id: int,
    *,
    client: Client,
) -> OrganizationIntegrationsResponse:
    """List the integrations of one organization and whether each is active."""
    return sync_detailed(
        org_id=org_id,
        client=client,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
) -> Response[OrganizationIntegrationsResponse]:
    """List the integrations of one organization and whether each is active. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
            )
        )
    )


async def asyncio(
    org_id: int,
    *,
    client: Client,
) -> OrganizationIntegrationsResponse:
    """List the integrations of one organization and whether each is active."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
        )
    ).parsed
