"""What a bulk job answers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from attrs import frozen

if TYPE_CHECKING:
    from codegen_api.models import AgentRunResponse

    from ..errors import CodegenAPIError


@frozen
class BulkResult:
    """What became of one configuration; `index` is its place in the input, from 0.

    `data` is the run that was created, `error` why there is none. An `AmbiguousRequestError` there has the request id
    under which a run may exist.
    """

    index: int
    data: AgentRunResponse | None
    error: CodegenAPIError | None

    @property
    def success(self) -> bool:
        """Whether a run was created, and ended well where the job waited for its end."""
        return self.error is None


class BulkInterrupted(KeyboardInterrupt):
    """Ctrl-C ended a bulk job; `results` tells what was created until then, by index."""

    def __init__(self, results: list[BulkResult]) -> None:
        created = sum(result.data is not None for result in results)
        super().__init__(
            f"interrupted after {created} runs were created; with a journal, a later call goes on from there"
        )
        self.results = results


def by_index(results: list[BulkResult]) -> list[BulkResult]:
    """Return results in the order of the input."""
    return sorted(results, key=lambda result: result.index)
