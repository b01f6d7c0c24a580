"""Get check suite settings."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.check_suite_settings_response import CheckSuiteSettingsResponse
from ...types import UNSET, Response


def _get_kwargs(
    org_id: int,
    *,
    repo_id: int,
) -> dict[str, Any]:

    params: dict[str, Any] = {}

    params["repo_id"] = repo_id

    params = {k: v for k, v in params.items() if v is not UNSET and v is not None}

    _kwargs: dict[str, Any] = {
        "method": "get",
        "url": "/v1/organizations/{org_id}/repos/check-suite-settings".format(
            org_id=quote(str(org_id), safe=""),
        ),
        "params": params,
    }
    return _kwargs


def _parse_response(response: httpx.Response) -> CheckSuiteSettingsResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return CheckSuiteSettingsResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[CheckSuiteSettingsResponse]:
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
    repo_id: int,
) -> Response[CheckSuiteSettingsResponse]:
    """Get how agents treat the check suites of one repository. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                repo_id=repo_id,
            )
        )
    )


def sync(
    org_id: int,
    *,
    client: Client,
    repo_id: int,
) -> CheckSuiteSettingsResponse:
    """Get how agents treat the check suites of one repository."""
    return sync_detailed(
        org_id=org_id,
        client=client,
        repo_id=repo_id,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    *,
    client: Client,
    repo_id: int,
) -> Response[CheckSuiteSettingsResponse]:
    """Get how agents treat the check suites of one repository. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                repo_id=repo_id,
            )
        )
    )


async def asyncio(
    org_id: int,
    *,
    client: Client,
    repo_id: int,
) -> CheckSuiteSettingsResponse:
    """Get how agents treat the check suites of one repository."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            client=client,
            repo_id=repo_id,
        )
    ).parsed
