"""Get one chat session."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.chat_session_detail_response import ChatSessionDetailResponse
from ...types import UNSET, Response


def _get_kwargs(
    session_id: str,
    *,
    user_id: str,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["user_id"] = user_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/atoms/chat/sessions/{session_id}".format(
            session_id=quote(str(session_id), safe=""),
        ),
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> ChatSessionDetailResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return ChatSessionDetailResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[ChatSessionDetailResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    session_id: str,
    *,
    client: Client,
    user_id: str,
) -> Response[ChatSessionDetailResponse]:
    """Get one recorded chat session with its messages. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                session_id=session_id,
                user_id=user_id,
            )
        )
    )


def sync(
    session_id: str,
    *,
    client: Client,
    user_id: str,
) -> ChatSessionDetailResponse:
    """Get one recorded chat session with its messages."""
    return sync_detailed(
        session_id=session_id,
        client=client,
        user_id=user_id,
    ).parsed


async def asyncio_detailed(
    session_id: str,
    *,
    client: Client,
    user_id: str,
) -> Response[ChatSessionDetailResponse]:
    """Get one recorded chat session with its messages. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                session_id=session_id,
                user_id=user_id,
            )
        )
    )


async def asyncio(
    session_id: str,
    *,
    client: Client,
    user_id: str,
) -> ChatSessionDetailResponse:
    """Get one recorded chat session with its messages."""
    return (
        await asyncio_detailed(
            session_id=session_id,
            client=client,
            user_id=user_id,
        )
    ).parsed
