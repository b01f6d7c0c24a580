"""Get the platform audit log."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.audit_log_response import AuditLogResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["limit"] = limit

    params["offset"] = offset

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/api/v1/platform/audit",
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> AuditLogResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return AuditLogResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[AuditLogResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> Response[AuditLogResponse]:
    """Get entries of the audit log of the platform, page by page. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                limit=limit,
                offset=offset,
            )
        )
    )


def sync(
    *,
    client: Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> AuditLogResponse:
    """Get entries of the audit log of the platform, page by page."""
    return sync_detailed(
        client=client,
        limit=limit,
        offset=offset,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> Response[AuditLogResponse]:
    """Get entries of the audit log of the platform, page by page. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                limit=limit,
                offset=offset,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    limit: int | Unset = 50,
    offset: int | Unset = 0,
) -> AuditLogResponse:
    """Get entries of the audit log of the platform, page by page."""
    return (
        await asyncio_detailed(
            client=client,
            limit=limit,
            offset=offset,
        )
    ).parsed
