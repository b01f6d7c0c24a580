"""List MCP providers."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...decoding import as_list
from ...models.o_auth_provider_response import OAuthProviderResponse
from ...types import Response


def _get_kwargs() -> dict[str, Any]:

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/mcp-providers",
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> list[OAuthProviderResponse]:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return [OAuthProviderResponse.from_dict(item) for item in as_list(response.json())]


def _build_response(response: httpx.Response) -> Response[list[OAuthProviderResponse]]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
) -> Response[list[OAuthProviderResponse]]:
    """List the OAuth providers offered for MCP (Model Context Protocol). Returns the whole response."""
    return _build_response(client.get_httpx_client().request(**_get_kwargs()))


def sync(
    *,
    client: Client,
) -> list[OAuthProviderResponse]:
    """List the OAuth providers offered for MCP (Model Context Protocol)."""
    return sync_detailed(
        client=client,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
) -> Response[list[OAuthProviderResponse]]:
    """List the OAuth providers offered for MCP (Model Context Protocol). Returns the whole response."""
    return _build_response(await client.get_async_httpx_client().request(**_get_kwargs()))


async def asyncio(
    *,
    client: Client,
) -> list[OAuthProviderResponse]:
    """List the OAuth providers offered for MCP (Model Context Protocol)."""
    return (
        await asyncio_detailed(
            client=client,
        )
    ).parsed
