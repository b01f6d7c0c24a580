"""Create a chat completion."""

from http import HTTPStatus
from typing import Any

import httpx

from ... import errors
from ...client import Client
from ...models.chat_completion_request import ChatCompletionRequest
from ...models.chat_completion_response import ChatCompletionResponse
from ...types import Response


def _get_kwargs(
    *,
    body: ChatCompletionRequest,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/chat/completions",
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> ChatCompletionResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return ChatCompletionResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[ChatCompletionResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    *,
    client: Client,
    body: ChatCompletionRequest,
) -> Response[ChatCompletionResponse]:
    """Generate the model's answer to a conversation, whole or as a stream. Returns the whole response."""
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
    body: ChatCompletionRequest,
) -> ChatCompletionResponse:
    """Generate the model's answer to a conversation, whole or as a stream."""
    return sync_detailed(
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    *,
    client: Client,
    body: ChatCompletionRequest,
) -> Response[ChatCompletionResponse]:
    """Generate the model's answer to a conversation, whole or as a stream. Returns the whole response."""
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
    body: ChatCompletionRequest,
) -> ChatCompletionResponse:
    """Generate the model's answer to a conversation, whole or as a stream."""
    return (
        await asyncio_detailed(
            client=client,
            body=body,
        )
    ).parsed
