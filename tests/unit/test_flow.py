"""The drivers of flows, sync and async: effects out, outcomes and errors in, and a clean end in every case."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from codegen_api.operations import GET_AGENT_RUN
from codegen_ext.flow import Emit, Perform, Sleep

from codegen_ext import flow
from codegen_ext.testing import FakeClock

CALL = Perform(GET_AGENT_RUN, {"org_id": 1})


class Driver:
    """Runs flows with either pair of drivers."""

    def __init__(self, is_async: bool) -> None:
        self.is_async = is_async
        self.clock = FakeClock()

    def run(self, steps: Any, perform: Callable[[Any], Any] = lambda effect: None, on_emit: Any = None) -> Any:
        emitted = {} if on_emit is None else {"on_emit": on_emit}
        if not self.is_async:
            return flow.run(steps, perform, self.clock, **emitted)

        async def perform_async(effect: Any) -> Any:
            await asyncio.sleep(0)
            return perform(effect)

        return asyncio.run(flow.run_async(steps, perform_async, self.clock, **emitted))

    def take(self, steps: Any, count: int) -> list[Any]:
        """Take some items and then close the stream."""
        if not self.is_async:
            stream = flow.iterate(steps, lambda effect: None, self.clock)
            taken = [next(stream) for _ in range(count)]
            stream.close()
            return taken

        async def take() -> list[Any]:
            async def nothing(effect: Any) -> None:
                pass

            stream = flow.iterate_async(steps, nothing, self.clock)
            taken = [await anext(stream) for _ in range(count)]
            await stream.aclose()
            return taken

        return asyncio.run(take())


@pytest.fixture(params=[False, True], ids=["sync", "async"])
def driver(request: pytest.FixtureRequest) -> Driver:
    return Driver(request.param)


class Closing:
    """Says whether a flow was closed; it is kept here, so that Python does not close it for want of users."""

    def __init__(self) -> None:
        self.closed = False
        self.flow: Any = None

    def __call__(self, *effects: Any) -> Iterator[Any]:
        self.flow = self._steps(*effects)
        return self.flow

    def _steps(self, *effects: Any) -> Iterator[Any]:
        try:
            yield from effects
        finally:
            self.closed = True


def test_outcomes_are_sent_into_the_flow_and_its_result_is_returned(driver: Driver) -> None:
    def steps() -> Any:
        first = yield CALL
        yield Sleep(2.5)
        second = yield CALL
        return [first, second]

    answers = iter(["a", "b"])
    assert driver.run(steps(), lambda effect: next(answers)) == ["a", "b"]
    assert driver.clock.slept == [2.5]


def test_an_error_is_thrown_in_where_the_flow_may_handle_it(driver: Driver) -> None:
    def steps() -> Any:
        try:
            yield CALL
        except LookupError as error:
            return f"handled {error}"

    def fail(effect: Any) -> None:
        raise LookupError("it")

    assert driver.run(steps(), fail) == "handled it"


def test_an_error_that_the_flow_does_not_handle_comes_out_and_the_flow_is_closed(driver: Driver) -> None:
    steps = Closing()

    def fail(effect: Any) -> None:
        raise LookupError("it")

    with pytest.raises(LookupError, match="it"):
        driver.run(steps(CALL, CALL), fail)
    assert steps.closed


def test_an_error_while_handling_an_error_keeps_the_chain(driver: Driver) -> None:
    def steps() -> Any:
        try:
            yield CALL
        except LookupError as error:
            raise RuntimeError("worse") from error

    def fail(effect: Any) -> None:
        raise LookupError("it")

    with pytest.raises(RuntimeError, match="worse") as caught:
        driver.run(steps(), fail)
    assert isinstance(caught.value.__cause__, LookupError)


def test_emitted_items_reach_the_callback_in_order(driver: Driver) -> None:
    seen: list[int] = []

    def steps() -> Any:
        yield Emit(1)
        yield Emit(2)
        return "end"

    assert driver.run(steps(), on_emit=seen.append) == "end"
    assert seen == [1, 2]


def test_without_a_callback_emitted_items_are_dropped(driver: Driver) -> None:
    def steps() -> Any:
        assert (yield Emit(1)) is None
        return "end"

    assert driver.run(steps()) == "end"


def test_an_error_of_the_callback_comes_out_and_closes_the_flow(driver: Driver) -> None:
    steps = Closing()

    def fail(item: Any) -> None:
        raise LookupError("callback")

    with pytest.raises(LookupError, match="callback"):
        driver.run(steps(Emit(1), Emit(2)), on_emit=fail)
    assert steps.closed


def test_what_the_callback_returns_is_awaited_if_it_can_be() -> None:
    seen: list[int] = []

    async def later(item: int) -> None:
        await asyncio.sleep(0)
        seen.append(item)

    Driver(is_async=True).run(iter_emit(1, 2), on_emit=later)
    assert seen == [1, 2]


def iter_emit(*items: int) -> Any:
    for item in items:
        yield Emit(item)


def test_closing_a_stream_early_closes_the_flow(driver: Driver) -> None:
    steps = Closing()
    assert driver.take(steps(Emit(1), Sleep(1), Emit(2), Emit(3)), 2) == [1, 2]
    assert steps.closed
    assert driver.clock.slept == [1]


def test_a_stream_ends_when_its_flow_does(driver: Driver) -> None:
    with pytest.raises(StopAsyncIteration if driver.is_async else StopIteration):
        driver.take(iter_emit(1), 2)


def test_an_error_thrown_into_a_stream_reaches_the_flow() -> None:
    def steps() -> Any:
        try:
            yield Emit(1)
        except LookupError:
            yield Emit("handled")

    stream = flow.iterate(steps(), lambda effect: None, FakeClock())
    next(stream)
    assert stream.throw(LookupError()) == "handled"


def test_an_interruption_is_not_handed_to_the_flow_but_closes_it(driver: Driver) -> None:
    steps = Closing()

    def interrupt(effect: Any) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        driver.run(steps(CALL), interrupt)
    assert steps.closed


def test_cancelling_the_task_closes_the_flow() -> None:
    steps = Closing()

    async def wait_forever(effect: Any) -> None:
        await asyncio.Event().wait()

    async def main() -> None:
        task = asyncio.create_task(flow.run_async(steps(CALL), wait_forever, FakeClock()))
        await asyncio.sleep(0)
        task.cancel()
        await task

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(main())
    assert steps.closed


def test_gather_collects_what_the_inner_flow_emits(driver: Driver) -> None:
    def inner() -> Any:
        yield Emit((yield CALL))
        yield Sleep(1)
        yield Emit((yield CALL))

    answers = iter("ab")
    assert driver.run(flow.gather(inner()), lambda effect: next(answers)) == ["a", "b"]
    assert driver.clock.slept == [1]


@pytest.mark.parametrize(("limit", "expected"), [(0, []), (2, [1, 2]), (3, [1, 2, 3]), (9, [1, 2, 3])])
def test_gather_stops_at_its_limit_and_closes_the_inner_flow(driver: Driver, limit: int, expected: list[int]) -> None:
    steps = Closing()
    inner = steps(Emit(1), Emit(2), Emit(3))
    next_effects = flow.gather(inner, limit)
    assert driver.run(next_effects) == expected
    assert inner.gi_frame is None  # type: ignore[attr-defined]


def test_gather_asks_for_nothing_beyond_its_limit(driver: Driver) -> None:
    calls: list[Any] = []

    def inner() -> Any:
        yield Emit((yield CALL))
        yield Emit((yield CALL))

    driver.run(flow.gather(inner(), 1), calls.append)
    assert len(calls) == 1


def test_gather_hands_an_error_to_the_inner_flow(driver: Driver) -> None:
    def inner() -> Any:
        try:
            yield CALL
        except LookupError:
            yield Emit("handled")

    def fail(effect: Any) -> None:
        raise LookupError

    assert driver.run(flow.gather(inner()), fail) == ["handled"]


def test_gather_lets_an_unhandled_error_out(driver: Driver) -> None:
    steps = Closing()

    def fail(effect: Any) -> None:
        raise LookupError("it")

    with pytest.raises(LookupError, match="it"):
        driver.run(flow.gather(steps(CALL)), fail)
    assert steps.closed
