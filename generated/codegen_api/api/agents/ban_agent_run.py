"""Ban checks of an agent run."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.stop_agent_run_input import StopAgentRunInput
from ...types import Response


def _get_kwargs(
    org_id: int,
    *,
    body: StopAgentRunInput,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/organizations/{org_id}/agent/run/ban".format(
            org_id=quote(str(org_id), safe=""),
        ),
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> Any:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return response.json() if response.content else None


def _build_response(response: httpx.Response) -> Response[Any]:
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
    body: StopAgentRunInput,
) -> Response[Any]:
    """Stop an agent run and ban all checks. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                body=body,
            )
        )
    )


def sync(
    org_id: int,
    *,
    client: Client,
    body: StopAgentRunInput,
) -> Any:
    """Stop an agent run and ban all checks."""
    return sync_detailed(
        org_id=org_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
    body: StopAgentRunInput,
) -> Response[Any]:
    """Stop an agent run and ban all checks. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                body=body,
            )
        )
    )


async def asyncio(
    org_id: int,
    *,
    client: Client,
    body: StopAgentRunInput,
) -> Any:
    """Stop an agent run and ban all checks."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
            body=body,
        )
    ).parsed
