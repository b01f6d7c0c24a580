"""What the clients of the Codegen API share: checked arguments, and the flows that both of them run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Self

from codegen_api import operations

from . import exchange, flow, paging, waiting
from .base import BaseClient, check_seconds
from .errors import ValidationError
from .repositories import RepositoryIndex
from .watching.plan import budgets
from .watching.tickets import Order

if TYPE_CHECKING:
    from codegen_api.models import AgentRunLogResponse, AgentRunResponse
    from codegen_api.operations import Operation

    from .config import ClientConfig
    from .watching.changes import Change
    from .watching.loops import LoopWatchers
    from .watching.threads import ThreadWatcher

AnyFlow = flow.Flow[Any, None]
Progress = dict[str, Any]
"""What a progress callback gets: status, elapsed (seconds), log_count, last_thought; the last two may be None."""


class CodegenBase(BaseClient):
    """What the sync and the async client share: the flows that both run."""

    _watcher: ThreadWatcher | LoopWatchers

    def __init__(self, config: ClientConfig | None, **options: Any) -> None:
        super().__init__(config, **options)
        self.repositories = RepositoryIndex()
        self._budgets = budgets()

    @classmethod
    def from_settings(cls, settings: Mapping[str, Any]) -> Self:
        """Build a client from a mapping of settings; raises ConfigurationError for a name that is none."""
        from .config import ClientConfig

        return cls(ClientConfig.from_settings(settings))

    def notify_run(self, run: Mapping[str, Any]) -> None:
        """Tell those who wait for a run its state, as a webhook brought it; from any thread, without blocking.

        `run` has at least `id` and `status`, and otherwise the contract's fields of a run, as far as they are known.
        Those who wait are woken when it has ended or is paused. A run for which nobody waits is ignored.
        """
        self._watcher.notice(run)

    def _order(
        self,
        org_id: int | str,
        agent_run_id: int | str,
        poll_interval: float,
        timeout: float | None,
        progress: bool = False,
        known: AgentRunResponse | None = None,
    ) -> Order:
        check_seconds("poll_interval", poll_interval)
        if timeout is not None and timeout != 0:
            check_seconds("timeout", timeout)
        run_id = exchange.whole_number("agent_run_id", agent_run_id)
        return Order(exchange.whole_number("org_id", org_id), run_id, poll_interval, timeout, progress, known)

    def _orders(
        self, org_id: int | str, agent_run_ids: Iterable[int | str], poll_interval: float, timeout: float | None
    ) -> list[Order]:
        orders = [self._order(org_id, run_id, poll_interval, timeout) for run_id in listed(agent_run_ids)]
        return list({order.run_id: order for order in orders}.values())

    def _logs(
        self, org_id: int | str, agent_run_id: int | str, follow: bool, poll_interval: float
    ) -> flow.Flow[AgentRunLogResponse, None]:
        self.config.require("streaming")
        check_seconds("poll_interval", poll_interval)
        return waiting.logs(org_id, agent_run_id, clock=self._clock, follow=follow, poll_interval=poll_interval)

    def _pages(self, operation: Operation[Any], arguments: dict[str, Any], size: int = paging.PAGE_SIZE) -> AnyFlow:
        self.config.require("streaming")
        return paging.pages(operation, arguments, size)

    def _named_pages(self, operation: str, page_size: int, arguments: dict[str, Any]) -> AnyFlow:
        known = operations.OPERATIONS.get(operation)
        if known is None or known.paging is None or known.service != "codegen":
            names = sorted(one.id for one in operations.OPERATIONS.values() if one.paging and one.service == "codegen")
            problem = f"expected one of {', '.join(names)}, got {operation!r}"
            raise ValidationError(f"operation: {problem}", field_errors={"operation": [problem]})
        return self._pages(known, arguments, page_size)

    def _changes(self, org_id: int | str, cursor: str | None, poll_interval: float) -> flow.Flow[Change, None]:
        self.config.require("streaming")
        check_seconds("poll_interval", poll_interval)
        from .watching import changes

        number = exchange.whole_number("org_id", org_id)
        known = None if cursor is None else changes.parse_cursor(cursor, number)
        return changes.changes(number, known, clock=self._clock, poll_interval=poll_interval, budgets=self._budgets)


def listed(agent_run_ids: Iterable[int | str]) -> list[int | str]:
    """Return ids as a list; raises ValidationError for text, whose characters are no ids."""
    if not isinstance(agent_run_ids, str | bytes):
        return list(agent_run_ids)
    problem = "expected a list of ids, got text"
    raise ValidationError(f"agent_run_ids: {problem}", field_errors={"agent_run_ids": [problem]})
