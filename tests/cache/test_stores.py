"""Both stores against a model of a few lines, for any order of what can happen; and the small cache of users' own."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from codegen_ext import CacheManager
from codegen_ext.cache import Answer, Key, MemoryStore
from codegen_ext.redis_cache import RedisStore
from codegen_ext.testing import FakeClock

QUICK = settings(max_examples=20, stateful_step_count=30)
OPERATIONS = ("get_user", "get_users")
keys = st.builds(Key, st.just("credential"), st.sampled_from(OPERATIONS), st.sampled_from("abc"))


class Machine(RuleBasedStateMachine):
    """Gets, puts of what was asked for earlier or just now, invalidation and clearing."""

    most = 3

    def make(self):
        return MemoryStore(self.most, self.clock)

    @initialize()
    def start(self):
        self.clock = FakeClock()
        self.store = self.make()
        # Least recently used first: what is kept, since when, and until when.
        self.kept = {}
        self.asked = {}
        self.number = 0

    @rule(key=keys)
    def get(self, key):
        found, _ = self.store.get(key)
        if key not in self.kept:
            assert found is None
            return
        answer, since, _ = self.kept[key] = self.kept.pop(key)
        assert found == answer._replace(age=found.age)
        self.check_age(found.age, self.clock.monotonic() - since)

    def check_age(self, age, wanted):
        assert age == pytest.approx(wanted)

    @rule(key=keys)
    def ask(self, key):
        """Begin a request, of which the answer is put later."""
        self.get(key)
        _, self.asked[key] = self.store.get(key)

    @rule(key=keys, seconds=st.sampled_from([60.0, 300.0]))
    def put(self, key, seconds):
        self.number += 1
        answer = Answer(((b"x-number", b"%d" % self.number),), b"%d" % self.number)
        self.store.put(key, answer, seconds, self.asked.get(key, "another:generation"))
        if key in self.asked:
            now = self.clock.monotonic()
            self.kept.pop(key, None)
            self.kept[key] = answer, now, now + seconds
            if len(self.kept) > self.most:
                del self.kept[next(iter(self.kept))]

    @rule(operations=st.sets(st.sampled_from(OPERATIONS), min_size=1))
    def invalidate(self, operations):
        self.store.invalidate(tuple(operations))
        self.drop(operations)

    @rule()
    def clear(self):
        self.store.clear()
        self.drop(OPERATIONS)

    def drop(self, operations):
        self.kept = {key: kept for key, kept in self.kept.items() if key.operation not in operations}
        self.asked = {key: asked for key, asked in self.asked.items() if key.operation not in operations}

    @invariant()
    def size(self):
        if hasattr(self, "store"):
            assert self.store.size() == len(self.kept)

    def teardown(self):
        if hasattr(self, "store"):
            self.store.close()


class InMemory(Machine):
    @rule(seconds=st.sampled_from([1.0, 59.0, 300.0]))
    def pass_time(self, seconds):
        self.clock.advance(seconds)
        self.kept = {key: kept for key, kept in self.kept.items() if kept[2] > self.clock.monotonic()}


def test_memory_does_as_the_model():
    run_state_machine_as_test(InMemory, settings=QUICK)


def test_redis_does_as_the_model(redis_server):
    class OnRedis(Machine):
        most = 100  # which gives way first is another rule there

        def make(self):
            redis_server.client.flushall()
            return RedisStore(redis_server.address, "site", "credential", self.most, self.clock)

        def check_age(self, age, wanted):
            assert 0 <= age < 60  # on the clock of Redis, which goes on

        @rule(field=st.sampled_from(["", "credential", *OPERATIONS]))
        def forget(self, field):
            """Lose everything, or one generation."""
            if not field:
                redis_server.client.flushall()
            redis_server.client.delete(f"codegen:cache:{{site}}:{field}")
            self.drop([field] if field in OPERATIONS else OPERATIONS)

    run_state_machine_as_test(OnRedis, settings=QUICK)


def test_a_cache_of_the_user_keeps_so_many_values_for_a_time(clock):
    cache = CacheManager(max_size=2, ttl_seconds=10, clock=clock)
    assert cache.get("a", 0) == 0
    cache.set("a", None)
    clock.advance(9.9)
    cache.set("b", 2)
    assert (cache.get("a", 0), cache.get("b")) == (None, 2)
    clock.advance(0.2)
    assert (cache.get("a", 0), cache.get("b")) == (0, 2)
    stats = {"size": 1, "max_size": 2, "hits": 3, "misses": 2, "hit_rate_percentage": 60}
    assert cache.get_stats() == stats
    for key in "cd":
        cache.set(key, key)
        cache.get("c")
    cache.set("e", "e")
    assert [cache.get(key) for key in "bcde"] == [None, "c", None, "e"]
    cache.clear()
    assert cache.get("c") is None
    assert cache.get_stats().size == 0
