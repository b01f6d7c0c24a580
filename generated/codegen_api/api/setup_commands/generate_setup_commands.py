"""Generate setup commands."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.generate_setup_commands_input import GenerateSetupCommandsInput
from ...models.setup_commands_response import SetupCommandsResponse
from ...types import Response


def _get_kwargs(
    org_id: int,
    *,
    body: GenerateSetupCommandsInput,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "post",
        "url": "/v1/organizations/{org_id}/setup-commands/generate".format(
            org_id=quote(str(org_id), safe=""),
        ),
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> SetupCommandsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return SetupCommandsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[SetupCommandsResponse]:
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
    body: GenerateSetupCommandsInput,
) -> Response[SetupCommandsResponse]:
    """Start an agent run that generates the setup commands of one repository. Returns the whole response."""
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
    body: GenerateSetupCommandsInput,
) -> SetupCommandsResponse:
    """Start an agent run that generates the setup commands of one repository."""
    return sync_detailed(
        org_id=org_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
    body: GenerateSetupCommandsInput,
) -> Response[SetupCommandsResponse]:
    """Start an agent run that generates the setup commands of one repository. Returns the whole response."""
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
    body: GenerateSetupCommandsInput,
) -> SetupCommandsResponse:
    """Start an agent run that generates the setup commands of one repository."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
            body=body,
        )
    ).parsed
