"""Finding a repository's number by its name."""

from __future__ import annotations

from codegen_api import operations

from .errors import ValidationError
from .flow import Flow, gather
from .paging import items


class RepositoryIndex:
    """Remembers the repositories of the organisations that were asked for; a name that is missing is looked up anew."""

    def __init__(self) -> None:
        self._ids: dict[int, dict[str, int]] = {}

    def resolve(self, org_id: int, repository: str) -> Flow[None, int]:
        """Return the number of "owner/repo"; upper and lower case are the same, as on GitHub.

        Raises:
            ValidationError: when the organisation has no such repository; the message lists names that are close.

        """
        name = repository.strip().lower()
        known = self._ids.get(org_id, {})
        if name not in known:
            known = yield from self._load(org_id)
        if name not in known:
            from difflib import get_close_matches

            close = get_close_matches(name, known, 3, 0.5)
            hint = f"; close matches: {', '.join(close)}" if close else ""
            problem = f"organisation {org_id} has no repository {repository!r}{hint}"
            raise ValidationError(problem, field_errors={"repository": [problem]})
        return known[name]

    def _load(self, org_id: int) -> Flow[None, dict[str, int]]:
        # What is kept may be older than the repository that somebody asks for.
        found = yield from gather(items(operations.GET_REPOSITORIES, {"org_id": org_id}, past_cache=True))
        self._ids[org_id] = {repository.full_name.lower(): repository.id for repository in found}
        return self._ids[org_id]
