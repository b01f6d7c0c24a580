"""Edit a pull request by repository."""

from http import HTTPStatus
from typing import Any
from urllib.parse import quote

import httpx

from ... import errors
from ...client import Client
from ...models.edit_pr_input import EditPRInput
from ...models.edit_pr_response import EditPRResponse
from ...types import Response


def _get_kwargs(
    org_id: int,
    repo_id: int,
    pr_id: int,
    *,
    body: EditPRInput,
) -> dict[str, Any]:
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {
        "method": "patch",
        "url": "/v1/organizations/{org_id}/repos/{repo_id}/prs/{pr_id}".format(
            org_id=quote(str(org_id), safe=""),
            repo_id=quote(str(repo_id), safe=""),
            pr_id=quote(str(pr_id), safe=""),
        ),
    }
    _kwargs["json"] = body.to_dict()

    headers["Content-Type"] = "application/json"
    _kwargs["headers"] = headers
    return _kwargs


def _parse_response(response: httpx.Response) -> EditPRResponse:
    """Decode a successful answer.

    Raises:
        UnexpectedStatus: for every other status.
        InvalidModel: when the JSON does not fit.
        ValueError: when the body is not JSON.
    """
    if not response.is_success:
        raise errors.UnexpectedStatus(response.status_code, response.content)
    return EditPRResponse.from_dict(response.json())


def _build_response(response: httpx.Response) -> Response[EditPRResponse]:
    return Response(
        status_code=HTTPStatus(response.status_code),
        content=response.content,
        headers=response.headers,
        parsed=_parse_response(response),
    )


def sync_detailed(
    org_id: int,
    repo_id: int,
    pr_id: int,
    *,
    client: Client,
    body: EditPRInput,
) -> Response[EditPRResponse]:
    """Set the state of a pull request in a repository that the call names. Returns the whole response."""
    return _build_response(
        client.get_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                repo_id=repo_id,
                pr_id=pr_id,
                body=body,
            )
        )
    )


def sync(
    org_id: int,
    repo_id: int,
    pr_id: int,
    *,
    client: Client,
    body: EditPRInput,
) -> EditPRResponse:
    """Set the state of a pull request in a repository that the call names."""
    return sync_detailed(
        org_id=org_id,
        repo_id=repo_id,
        pr_id=pr_id,
        client=client,
        body=body,
    ).parsed


async def asyncio_detailed(
    org_id: int,
    repo_id: int,
    pr_id: int,
    *,
    client: Client,
    body: EditPRInput,
) -> Response[EditPRResponse]:
    """Set the state of a pull request in a repository that the call names. Returns the whole response."""
    return _build_response(
        await client.get_async_httpx_client().request(
            **_get_kwargs(
                org_id=org_id,
                repo_id=repo_id,
                pr_id=pr_id,
                body=body,
            )
        )
    )


async def asyncio(
    org_id: int,
    repo_id: int,
    pr_id: int,
    *,
    client: Client,
    body: EditPRInput,
) -> EditPRResponse:
    """Set the state of a pull request in a repository that the call names."""
    return (
        await asyncio_detailed(
            org_id=org_id,
            repo_id=repo_id,
            pr_id=pr_id,
            client=client,
            body=body,
        )
    ).parsed
