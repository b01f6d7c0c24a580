"""Driving a flow by hand, without any client: the test plays the service and the clock."""

from collections.abc import Callable, Mapping
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any

from codegen_api.types import Response
from codegen_ext.flow import Emit, Sleep

MOST_EFFECTS = 20_000


def answer(parsed: Any, headers: Mapping[str, str] | None = None) -> Response[Any]:
    """Return what a flow is sent for a successful request."""
    return Response(HTTPStatus.OK, b"", dict(headers or {}), parsed)


def page(items: list[Any], total: int | None, name: str = "items", total_name: str = "total") -> SimpleNamespace:
    """Return a page of a list."""
    return SimpleNamespace(**{name: items, total_name: total})


def drive(steps: Any, perform: Callable[[Any], Any], clock: Any) -> tuple[list[Any], list[float], Any]:
    """Run a flow and return what it emitted, how it slept, and its result."""
    emitted: list[Any] = []
    slept: list[float] = []
    resume, outcome = steps.send, None
    for _ in range(MOST_EFFECTS):
        try:
            effect = resume(outcome)
        except StopIteration as end:
            return emitted, slept, end.value
        resume, outcome = steps.send, None
        if isinstance(effect, Emit):
            emitted.append(effect.item)
        elif isinstance(effect, Sleep):
            slept.append(effect.seconds)
            clock.sleep(effect.seconds)
        else:
            try:
                outcome = perform(effect)
            except Exception as error:  # noqa: BLE001 - the flow decides
                resume, outcome = steps.throw, error
    raise AssertionError(f"the flow did not end after {MOST_EFFECTS} effects")
