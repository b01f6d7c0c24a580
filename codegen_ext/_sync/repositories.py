# Generated from codegen_ext/_async/repositories.py by make generate; edit there.
"""Numbers of repositories, found by their names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from codegen_api import operations

from ..errors import invalid_argument
from .pagination import items

if TYPE_CHECKING:
    from .base_client import BaseClient


class RepositoryIndex:
    """The repositories of organizations by name, read once; a name that is missing is looked up again."""

    def __init__(self) -> None:
        self._ids: dict[int, dict[str, int]] = {}

    def resolve(self, client: BaseClient, org_id: int, repository: str) -> int:
        """Return the number of "owner/repo"; upper and lower case are the same, as on GitHub.

        Raises:
            ValidationError: when the organization has no such repository; the message lists names that are close.

        """
        name = repository.strip().lower()
        known = self._ids.get(org_id, {})
        if name not in known:
            # What the cache holds may be older than the repository.
            listed = items(client, operations.GET_REPOSITORIES, {"org_id": org_id}, refresh=True)
            known = self._ids[org_id] = {found.full_name.lower(): found.id for found in listed}
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, 3, 0.5)
            hint = f"; close matches: {', '.join(close)}" if close else ""
            problem = client.redact(f"organization {org_id} has no repository {repository!r}{hint}")
            raise invalid_argument("repository", problem)
        return known[name]
