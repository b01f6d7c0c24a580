"""What the script in Redis and the SQL in the file do, step by step against the arithmetic in Python."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from codegen_ext.limits.plan import Bucket, Use
from codegen_ext.limits.primary import PEER_PERIOD, Primary, Reply
from codegen_ext.limits.redis import RedisPrimary
from codegen_ext.limits.sqlite import SqlitePrimary
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ..support.redis_server import RedisServer
from .model import ModelPrimary

BUCKETS = [Bucket("s", "s:a", 2, 10_000), Bucket("s", "s:b", 3, 25_000), Bucket("s", "s:c", 1, 7_000)]
_names = itertools.count()


class Time:
    """The clock of all three."""

    def __init__(self, redis: Any) -> None:
        self.now = 1_763_000_000_000_000
        self.redis = redis

    def __call__(self) -> int:
        return self.now

    def set(self, now: int) -> None:
        self.now = now
        self.redis.set("now", now)


class Sides:
    """Makes the three sides for each example."""

    def __init__(self, directory: Path, server: RedisServer) -> None:
        self._time = Time(server.client)
        self._file = SqlitePrimary(str(directory / "state.db"), self._time)
        self._redis = RedisPrimary(server.address)
        source = self._redis._script.script
        text = source.decode() if isinstance(source, bytes) else source
        replaced = text.replace("redis.call('TIME')", "{0, tonumber(redis.call('GET', 'now'))}")
        assert replaced != text
        self._redis._script = self._redis._redis.register_script(replaced)

    def new(self) -> tuple[list[Primary], list[Bucket], Time]:
        # Scopes keep the examples apart; time goes on, for SQLite would take an earlier one for a new start.
        scope = f"s{next(_names)}"
        buckets = [bucket._replace(scope=scope, name=bucket.name.replace("s:", f"{scope}:", 1)) for bucket in BUCKETS]
        self._time.set(self._time.now + PEER_PERIOD)
        return [ModelPrimary(self._time), self._file, self._redis], buckets, self._time

    def close(self) -> None:
        self._file.close()
        self._redis.close()


@pytest.fixture
def sides(tmp_path: Path, redis_server: RedisServer) -> Iterator[Sides]:
    made = Sides(tmp_path, redis_server)
    yield made
    made.close()


which = st.lists(st.sampled_from([0, 1, 2]), min_size=1, max_size=3, unique=True)
ticket = st.sampled_from([f"t{number}" for number in range(8)])
period = st.integers(0, 30_000)
step = st.one_of(
    st.tuples(st.just("pass"), period),
    st.tuples(
        st.just("take"),
        ticket,
        which,
        st.none() | period,
        st.sampled_from([0, 0, 0, 500, 20_000]),
        st.sampled_from(["p", "q", "r"]),
    ),
    st.tuples(st.just("release"), ticket, which),
    st.tuples(st.just("close"), which, period),
    st.tuples(st.just("replay"), st.dictionaries(ticket, period, max_size=4), which),
    st.tuples(st.just("status"), which),
)


def perform(primary: Primary, buckets: list[Bucket], time: Time, wanted: Any) -> Any:
    action, *rest = wanted
    if action == "take":
        name, indices, budget, after, process = rest
        chosen = [buckets[index] for index in indices]
        return primary.take(name, chosen, budget, after, process, "")._replace(life="")
    if action == "release":
        primary.release(rest[0], [buckets[index] for index in rest[1]])
    elif action == "close":
        primary.close_for([buckets[index] for index in rest[0]], rest[1])
    elif action == "replay":
        primary.replay(buckets[0].scope, {buckets[index]: rest[0] for index in rest[1]})
    elif action == "status":
        return primary.status([buckets[index] for index in rest[0]])
    return None


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(step, max_size=30))
def test_all_three_give_the_same_answers(sides: Sides, steps: list[Any]) -> None:
    primaries, buckets, time = sides.new()
    for wanted in steps:
        if wanted[0] == "pass":
            time.set(time.now + wanted[1])
            continue
        model, file, redis = (perform(primary, buckets, time, wanted) for primary in primaries)
        assert model == file == redis


def test_they_know_how_many_share_and_forget_who_says_nothing_for_a_while(sides: Sides) -> None:
    primaries, buckets, time = sides.new()

    def peers(process: str) -> list[int]:
        return [primary.take("t", buckets[:1], None, 0, process, "").peers for primary in primaries]

    assert [peers(process) for process in "abca"] == [[1] * 3, [2] * 3, [3] * 3, [3] * 3]
    time.set(time.now + PEER_PERIOD - 1)
    assert peers("a") == [3] * 3
    time.set(time.now + 1)
    assert peers("b") == [2] * 3


def test_none_answers_who_knows_it_by_another_name(sides: Sides) -> None:
    primaries, buckets, _ = sides.new()
    for primary in primaries:
        life = primary.replay(buckets[0].scope, {})
        assert life
        reply = primary.take("t", buckets, None, 0, "p", "another")
        assert reply == Reply(life)
        assert primary.status(buckets[:1]) == [Use(2, 0, 0)]
        assert primary.take("t", buckets, None, 0, "p", life).booked


def test_a_clock_that_is_set_back_leaves_in_the_window_what_was_there(sides: Sides) -> None:
    primaries, buckets, time = sides.new()
    only = buckets[:1]
    for primary in primaries[1:]:
        start = time.now
        primary.take("a", only, None, 0, "p", "")
        primary.take("b", only, None, 0, "p", "")
        primary.close_for(buckets[1:2], 40_000)
        time.set(start + 4_000)
        assert primary.take("c", only, None, 0, "p", "").wait == 6_000
        time.set(start - 3_600_000_000)
        assert primary.take("c", only, None, 0, "p", "").wait == 6_000
        # Redis has not looked at this bucket since it was closed.
        closed = primary.status(buckets[1:2])[0].closed
        assert closed == (40_000 if primary is primaries[-1] else 36_000)
        assert primary.status(buckets[1:2])[0].closed == closed
        time.set(start - 3_600_000_000 + 6_000)
        assert primary.take("c", only, None, 0, "p", "").wait == 0
        time.set(start + PEER_PERIOD)
