"""List chat sessions of a user."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.chat_session_list_response import ChatSessionListResponse
from ...types import UNSET, Response, Unset


def _get_kwargs(
    *,
    user_id: str,
    page: int | Unset = 1,
    page_size: int | Unset = 20,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["user_id"] = user_id

    params["page"] = page

    params["page_size"] = page_size

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/atoms/chat/sessions",
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> ChatSessionListResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return ChatSessionListResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[ChatSessionListResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
    user_id: str,
    page: int | Unset = 1,
    page_size: int | Unset = 20,
) -> Response[ChatSessionListResponse]:
    """List the recorded chat sessions of one user, page by page. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                user_id=user_id,
                page=page,
                page_size=page_size,
            )
        )
    )


def sync(
    *,
    client: Client,
    user_id: str,
    page: int | Unset = 1,
    page_size: int | Unset = 20,
) -> ChatSessionListResponse:
    """List the recorded chat sessions of one user, page by page."""
    return sync_detailed(
        client=client,
        user_id=user_id,
        page=page,
        page_size=page_size,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    user_id: str,
    page: int | Unset = 1,
    page_size: int | Unset = 20,
) -> Response[ChatSessionListResponse]:
    """List the recorded chat sessions of one user, page by page. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                user_id=user_id,
                page=page,
                page_size=page_size,
            )
        )
    )


async def asyncio(
    *,
    client: Client,
    user_id: str,
    page: int | Unset = 1,
    page_size: int | Unset = 20,
) -> ChatSessionListResponse:
    """List the recorded chat sessions of one user, page by page."""
    return (
        await asyncio_detailed(
            client=client,
            user_id=user_id,
            page=page,
            page_size=page_size,
        )
    ).parsed
