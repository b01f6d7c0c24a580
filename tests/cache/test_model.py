"""Both stores against a model of a few lines, for any order of what can happen to them."""

from collections import OrderedDict
from collections.abc import Collection
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from codegen_ext.cache import Answer, Key, MemoryStore
from codegen_ext.redis_cache import RedisStore
from codegen_ext.testing import FakeClock

from ..support.redis_server import RedisServer

MOST = 3
QUICK = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a busy machine is no failure
OPERATIONS = ("get_user", "get_users")
keys = st.builds(Key, st.just("credential"), st.sampled_from(OPERATIONS), st.sampled_from("abc"))


class Machine(RuleBasedStateMachine):
    """Gets, puts of what was asked for earlier or just now, invalidation, clearing, and time."""

    most = MOST
    lasts = True
    """Whether time passes."""

    def make(self, clock: FakeClock) -> Any:
        return MemoryStore(self.most, clock)

    @initialize()
    def start(self) -> None:
        self.clock = FakeClock()
        self.store = self.make(self.clock)
        # Least recently used first: what is kept, since when, and until when.
        self.kept: OrderedDict[Key, tuple[Answer, float, float]] = OrderedDict()
        self.asked: dict[Key, str | None] = {}
        self.number = 0

    def end(self) -> None:
        now = self.clock.monotonic()
        for key in [key for key, kept in self.kept.items() if kept[2] <= now]:
            del self.kept[key]

    @rule(key=keys)
    def get(self, key: Key) -> None:
        self.end()
        found, _ = self.store.get(key)
        if key not in self.kept:
            assert found is None
        else:
            self.kept.move_to_end(key)
            answer, since, _ = self.kept[key]
            assert found == answer._replace(age=found.age)
            assert found.age == pytest.approx(self.clock.monotonic() - since, abs=0 if self.lasts else 60)

    @rule(key=keys)
    def ask(self, key: Key) -> None:
        """Begin a request, of which the answer is put later."""
        self.get(key)
        _, self.asked[key] = self.store.get(key)

    @rule(key=keys, seconds=st.sampled_from([5.0, 60.0, 300.0]))
    def put(self, key: Key, seconds: float) -> None:
        self.number += 1
        answer = Answer(((b"x-number", b"%d" % self.number),), b"%d" % self.number)
        current = key in self.asked
        self.store.put(key, answer, seconds if self.lasts else 300.0, self.asked.get(key, "another:generation"))
        self.end()
        if current:
            now = self.clock.monotonic()
            self.kept.pop(key, None)
            self.kept[key] = answer, now, now + seconds if self.lasts else now + 300
            if len(self.kept) > self.most:
                self.kept.popitem(last=False)

    @rule(operations=st.sets(st.sampled_from(OPERATIONS), min_size=1))
    def invalidate(self, operations: set[str]) -> None:
        self.store.invalidate(tuple(operations))
        self.drop(operations)

    @rule()
    def clear(self) -> None:
        self.store.clear()
        self.drop(OPERATIONS)

    def drop(self, operations: Collection[str]) -> None:
        for gone in (self.kept, self.asked):
            for key in [key for key in gone if key.operation in operations]:
                del gone[key]  # type: ignore[attr-defined]

    @rule(seconds=st.sampled_from([1.0, 5.0, 59.0, 300.0]))
    def pass_time(self, seconds: float) -> None:
        if self.lasts:
            self.clock.advance(seconds)

    @invariant()
    def size(self) -> None:
        if hasattr(self, "store"):
            self.end()
            assert self.store.size() == len(self.kept)

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()


def test_memory_does_as_the_model() -> None:
    run_state_machine_as_test(Machine, settings=settings(QUICK, max_examples=20, stateful_step_count=30))


def test_redis_does_as_the_model(redis_server: RedisServer) -> None:
    class OnRedis(Machine):
        most = 100  # which gives way first is another rule there
        lasts = False

        def make(self, clock: FakeClock) -> Any:
            redis_server.client.flushall()
            return RedisStore(redis_server.address, "site", "credential", self.most, clock)

        @rule(field=st.sampled_from(["", "credential", *OPERATIONS]))
        def forget(self, field: str) -> None:
            """Lose everything, or one generation."""
            if not field:
                redis_server.client.flushall()
            redis_server.client.delete(f"codegen:cache:{{site}}:{field}")
            self.drop([field] if field in OPERATIONS else OPERATIONS)

    run_state_machine_as_test(OnRedis, settings=settings(QUICK, max_examples=20, stateful_step_count=20))
