"""One bulk call: its settings, checked, and what is done for each item."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Sized
from functools import partial
from typing import TYPE_CHECKING, Any

from ..clock import StoppableClock, Stopped
from ..errors import BulkOperationError, ConfigurationError
from ..exchange import whole_number
from ..flow import Call, Flow, Sleep
from .items import creation, digest_of
from .journal import Journal
from .results import BulkResult
from .window import Window

if TYPE_CHECKING:
    from ..codegen_base import CodegenBase

Config = Mapping[str, Any]
"""The options of `Agent.run` but for its timeout."""
JournalPath = str | os.PathLike[str]
BUSY_PAUSE = 0.5
"""Seconds after which to ask again what another process has made of an item."""


class Job:
    """What threads and tasks share; raises ConfigurationError for a setting that no job can have."""

    def __init__(
        self, client: CodegenBase, org_id: int | str, max_concurrent: int | None, journal: JournalPath | None
    ) -> None:
        config = client.config
        config.require("bulk_operations")
        self.width = config.bulk_max_workers if max_concurrent is None else max_concurrent
        if not isinstance(self.width, int) or self.width < 1:
            raise ConfigurationError("max_concurrent must be a whole number greater than 0", "max_concurrent")
        self.org_id = whole_number("org_id", org_id)
        self.clock = StoppableClock(client._clock)
        """Stopped when nothing more is to be sent."""
        self._client = client
        self._settings = client._once_settings() if config.exactly_once else None
        self.journal: Journal | None = None
        if journal is not None:
            if not config.exactly_once:
                raise ConfigurationError("a journal needs exactly_once, which is off", "exactly_once")
            job = {"organisation": str(self.org_id), "service": config.service_url}
            self.journal = Journal(journal, job, client._clock)

    def window(self, ordered: bool) -> Window:
        """Return an empty window of the size that the configuration names."""
        return Window(max(self.width, self._client.config.bulk_batch_size), ordered)

    def check(self, configs: Sequence[Config]) -> None:
        """Compare all configurations with the journal before anything is created."""
        if self.journal is not None:
            self.journal.expect([digest_of(config) for config in configs])

    def item(self, index: int, config: Config) -> Flow[Any, BulkResult]:
        """Create one run, unless the journal knows it already; raises Stopped when nothing was sent."""
        make = partial(creation, index, self.org_id, config, self._settings, self._client.repositories)
        if self.journal is None:
            return (yield from make())
        digest = digest_of(config)
        while True:
            claim = yield Call(partial(self.journal.claim, index, digest))
            if claim.result is not None:
                found: BulkResult = claim.result
                return found
            if not claim.is_busy:
                break
            yield Sleep(BUSY_PAUSE)
        try:
            result = yield from make(claim.request_id, claim.in_doubt)
        except Stopped:
            if not claim.in_doubt:
                yield Call(partial(self.journal.forget, index))
            raise
        yield Call(partial(self.journal.settle, result))
        return result

    def close(self) -> None:
        """Close the journal."""
        if self.journal is not None:
            self.journal.close()


def sized(configs: object) -> list[Config]:
    """Return a list of what has a length; raises BulkOperationError for what has none."""
    if isinstance(configs, Sized) and isinstance(configs, Iterable) and not isinstance(configs, str | bytes | Mapping):
        return list(configs)
    raise BulkOperationError(
        f"expected a list of configurations, got {type(configs).__name__}; iter_create_agent_runs takes any iterable"
    )
