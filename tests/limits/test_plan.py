"""The arithmetic of bookings, step by step and against a model that tries every moment."""

from collections.abc import Sequence

import pytest
from codegen_ext.limits import plan
from codegen_ext.limits.plan import Bucket, Line, Log
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule


def bucket(requests: int, window: int) -> Bucket:
    return Bucket("scope", f"b{requests}/{window}", requests, window)


def line(requests: int, window: int, *moments: int, closed: int = 0) -> Line:
    places = {f"old {index}": moment for index, moment in enumerate(moments)}
    return Line(bucket(requests, window), Log(places.items()), closed)


def test_there_is_room_until_the_limit() -> None:
    lines = [line(2, 10)]
    assert [plan.take(lines, ticket, 5, None).wait for ticket in "abcd"] == [0, 0, 10, 10]


def test_a_place_is_free_as_soon_as_the_oldest_request_leaves_the_window() -> None:
    assert plan.take([line(2, 10, 1, 4)], "a", 7, None) == (4, True)


def test_both_buckets_must_have_room_at_once_and_both_have_the_place() -> None:
    lines = [line(1, 10, 3), line(2, 20, 0, 1)]
    assert plan.take(lines, "a", 5, None) == (15, True)
    assert [each.log.places["a"] for each in lines] == [20, 20]


def test_who_comes_later_for_a_free_bucket_is_not_behind_those_who_wait_for_another() -> None:
    overall = line(10, 10)
    full, free = line(1, 10, 0), line(5, 10)
    assert plan.take([full, overall], "a", 1, None).wait == 9
    assert plan.take([free, overall], "b", 1, None).wait == 0


def test_a_place_before_others_that_are_booked_pushes_nobody_out() -> None:
    # At 10 and 12 two places are booked. One at 5 would be the third within 10.
    assert plan.take([line(2, 10, 10, 12)], "a", 5, None).wait == 15
    # At 1 there is room: the window that begins there ends before 12.
    assert plan.take([line(2, 10, 10, 12)], "a", 1, None).wait == 0


def test_a_wait_longer_than_the_budget_books_nothing_and_gives_up_what_was_booked() -> None:
    lines = [line(1, 10, 0)]
    assert plan.take(lines, "a", 1, 8) == (9, False)
    assert plan.take(lines, "a", 1, 9) == (9, True)
    assert plan.take(lines, "a", 2, 7) == (8, False)
    assert "a" not in lines[0].log.places


def test_asking_again_confirms_the_place() -> None:
    lines = [line(1, 10, 0)]
    assert [plan.take(lines, "a", now, None).wait for now in (1, 4, 10, 10)] == [9, 6, 0, 0]


def test_a_place_that_is_lost_or_scattered_is_booked_anew() -> None:
    lines = [line(1, 10, 0), line(9, 10)]
    plan.take(lines, "a", 1, None)
    lines[1].log.remove("a")
    assert plan.take(lines, "a", 3, None) == (7, True)
    lines[1].log.put("a", 11)
    assert plan.take(lines, "a", 3, None) == (7, True)
    assert lines[1].log.places == {"a": 10}


def test_who_wakes_a_little_late_keeps_the_moment_and_who_wakes_later_has_a_later_one() -> None:
    for late, kept in ((5, 1_000), (6, 1_006)):
        lines = [line(1, 1_000, 0)]
        plan.take(lines, "a", 1, None)
        assert plan.take(lines, "a", 1_000 + late, None).wait == 0
        assert lines[0].log.places["a"] == kept


def test_who_comes_after_one_who_was_late_waits_for_the_difference() -> None:
    lines = [line(1, 1_000, 0)]
    plan.take(lines, "late", 1, None)
    plan.take(lines, "next", 1, None)
    plan.take(lines, "late", 1_600, None)
    assert plan.take(lines, "next", 2_000, None) == (600, True)
    assert plan.take(lines, "next", 2_600, None) == (0, True)


def test_a_closure_keeps_everybody_out_until_it_ends() -> None:
    lines = [line(5, 10, closed=30)]
    assert plan.take(lines, "a", 3, None).wait == 27
    assert plan.take(lines, "a", 30, None).wait == 0


def test_a_closure_while_one_wakes_up_gives_a_later_place() -> None:
    closed = line(1, 10, 0)
    plan.take([closed], "a", 1, None)
    assert plan.take([closed._replace(closed=50)], "a", 10, None).wait == 40


def test_closing_moves_the_waiting_behind_it_in_their_order_and_before_those_who_come_then() -> None:
    lines = [line(1, 10, 0), line(9, 10)]
    for ticket in "abc":
        plan.take(lines, ticket, 1, None)
    closed = [lines[0]._replace(closed=25), lines[1]]
    plan.close(closed, 1, 25)
    assert lines[0].log.places == {"old 0": 0, "a": 25, "b": 35, "c": 45}
    assert lines[1].log.places == {"a": 25, "b": 35, "c": 45}
    assert plan.take(closed, "d", 2, None).wait == 53


def test_closing_leaves_alone_what_is_booked_after_it_and_what_went() -> None:
    lines = [line(1, 10, 0)]
    plan.take(lines, "a", 1, None)
    plan.close(lines, 1, 10)
    plan.close(lines, 11, 20)
    assert lines[0].log.places == {"old 0": 0, "a": 10}


def test_closing_moves_a_ticket_only_in_the_buckets_that_have_it() -> None:
    lines = [line(1, 10, 0), line(1, 10, 3)]
    plan.take(lines[:1], "a", 1, None)
    plan.close(lines, 1, 20)
    assert lines[1].log.places == {"old 0": 3}


@pytest.mark.parametrize(
    ("the_line", "now", "use"),
    [
        (line(3, 10), 100, (3, 0, 0)),
        (line(3, 10, 92, 95), 100, (1, 2, 0)),
        (line(3, 10, 90, 95), 100, (2, 5, 0)),
        (line(2, 10, 92, 95), 100, (0, 2, 0)),
        (line(2, 10, 92, 95, 102), 100, (0, 5, 0)),
        (line(2, 10, 92, closed=130), 100, (0, 30, 30)),
        # A place given up among those that are booked: one may go, though the window has no more than that.
        (line(1, 10, 110), 100, (1, 20, 0)),
    ],
)
def test_use(the_line: Line, now: int, use: tuple[int, int, int]) -> None:
    assert plan.use(the_line, now) == use


def test_a_log_forgets_what_is_over() -> None:
    log = Log([("a", 1), ("b", 2), ("c", 2), ("d", 3)])
    log.forget(0)
    assert len(log.moments) == 4
    log.forget(2)
    assert (log.moments, log.places) == ([(3, "d")], {"d": 3})
    log.remove("a")
    log.forget(9)
    log.forget(9)
    assert (log.moments, log.places) == ([], {})


def test_a_closure_leaves_a_place_behind_the_closure_of_its_other_bucket() -> None:
    lines = [line(1, 1), line(1, 1)]
    assert plan.take(lines, "both", 0, None) == (0, True)
    assert plan.take(lines, "next", 0, None) == (1, True)
    lines[1] = lines[1]._replace(closed=9)
    plan.close([lines[1], lines[0]], 0, 9)
    lines[0] = lines[0]._replace(closed=5)
    plan.close(lines, 0, 5)
    assert plan.take(lines[:1], "one", 0, None) == (5, True)
    assert [each.log.places["next"] for each in lines] == [9, 9]
    # A ticket that learns of a closure late finds a place that nobody has.
    assert plan.take([lines[0]._replace(closed=9)], "one", 0, None) == (10, True)


def test_buckets_of_other_windows_have_other_names() -> None:
    names = {Bucket.of("s", group, 5, seconds).name for group in "ab" for seconds in (1, 1.5)}
    assert len(names) == 4
    assert Bucket.of("s", "a", 5, 1.5) == ("s", "s:a:1500000", 5, 1_500_000)


def fits(moments: Sequence[int], requests: int, window: int) -> bool:
    """Whether no window, whose end does not belong to it, has too many."""
    return all(sum(start <= moment < start + window for moment in moments) <= requests for start in moments)


@given(
    st.lists(st.integers(0, 30), max_size=10),
    st.integers(1, 4),
    st.integers(1, 9),
    st.integers(0, 30),
)
def test_the_earliest_moment_is_the_first_that_leaves_no_window_with_more_than_it_had(
    moments: list[int], requests: int, window: int, start: int
) -> None:
    booked: list[int] = []
    for moment in moments:
        if fits([*booked, moment], requests, window):
            booked.append(moment)
    log = line(requests, window, *booked).log
    expected = next(moment for moment in range(start, 100) if fits([*booked, moment], requests, window))
    assert log.earliest(bucket(requests, window), start) == expected


class Queue(RuleBasedStateMachine):
    """Callers who are on time: no window is ever over the limit, nobody waits in vain, nobody is overtaken."""

    @initialize(limits=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 12)), min_size=2, max_size=2))
    def begin(self, limits: list[tuple[int, int]]) -> None:
        self.now = 0
        self.lines = [line(*limit) for limit in limits]
        self.went: list[list[int]] = [[], []]
        self.asleep: dict[str, tuple[list[int], int]] = {}
        self.count = 0
        self.undisturbed = True

    def _lines(self, which: Sequence[int]) -> list[Line]:
        for each in self.lines:
            each.log.forget(self.now - each.bucket.window)
        return [self.lines[index] for index in which]

    @rule(which=st.sampled_from([[0], [1], [0, 1], [1, 0]]), budget=st.none() | st.integers(0, 20))
    def take(self, which: list[int], budget: int | None) -> None:
        self.count += 1
        ticket = f"{self.count:04}"
        lines = self._lines(which)
        start = max(self.now, *(each.closed for each in lines))
        booked = [[moment for moment, _ in each.log.moments] for each in lines]
        expected = next(
            moment
            for moment in range(start, start + 10_000)
            if all(
                fits([*moments, moment], each.bucket.requests, each.bucket.window)
                for moments, each in zip(booked, lines, strict=True)
            )
        )
        wait, is_booked = plan.take(lines, ticket, self.now, budget)
        assert wait == expected - self.now
        assert is_booked == (budget is None or wait <= budget)
        if is_booked and self.undisturbed:
            same = [moment for theirs, moment in self.asleep.values() if sorted(theirs) == sorted(which)]
            assert all(moment <= expected for moment in same)
        if is_booked and wait:
            self.asleep[ticket] = which, expected
        elif is_booked:
            self._go(which)

    def _go(self, which: list[int]) -> None:
        for index in which:
            self.went[index].append(self.now)

    @rule(seconds=st.integers(1, 9))
    def pass_time(self, seconds: int) -> None:
        for now in range(self.now, self.now + seconds + 1):
            self.now = now
            due = sorted((moment, ticket) for ticket, (_, moment) in self.asleep.items() if moment <= self.now)
            for _, ticket in due:
                which, _ = self.asleep.pop(ticket)
                wait, booked = plan.take(self._lines(which), ticket, self.now, None)
                assert booked
                if wait:
                    assert not self.undisturbed
                    self.asleep[ticket] = which, self.now + wait
                else:
                    self._go(which)

    @rule(data=st.data())
    def give_up(self, data: st.DataObject) -> None:
        if self.asleep:
            ticket = data.draw(st.sampled_from(sorted(self.asleep)))
            self.undisturbed = False  # who comes then may have the place, for those who sleep have theirs
            del self.asleep[ticket]
            for each in self.lines:
                each.log.remove(ticket)

    @rule(which=st.sampled_from([[0, 1], [1, 0]]), seconds=st.integers(1, 20))
    def close(self, which: list[int], seconds: int) -> None:
        first, until = which[0], self.now + seconds
        if until <= self.lines[first].closed:
            return
        self.undisturbed = False
        self.lines[first] = self.lines[first]._replace(closed=until)
        order = [ticket for moment, ticket in self.lines[first].log.moments if moment > self.now]
        plan.close(self._lines(which), self.now, until)
        moved = [(moment, ticket) for moment, ticket in self.lines[first].log.moments if moment > self.now]
        assert all(moment >= until for moment, _ in moved)
        places = {ticket: moment for moment, ticket in moved}
        alike = [ticket for ticket in order if self.asleep[ticket][0] == self.asleep[order[0]][0]]
        assert [places[ticket] for ticket in alike] == sorted(places[ticket] for ticket in alike)

    @invariant()
    def no_window_is_over_the_limit(self) -> None:
        for each, went in zip(self.lines, self.went, strict=True):
            assert fits(went[-20:], each.bucket.requests, each.bucket.window)
            booked = [moment for moment, _ in each.log.moments]
            assert fits(booked, each.bucket.requests, each.bucket.window)


TestQueue = Queue.TestCase
TestQueue.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
