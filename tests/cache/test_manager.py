"""The small cache for values of users' own."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from codegen_ext import CacheManager, ConfigurationError


def test_it_keeps_so_many_values_for_a_time(clock):
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


@pytest.mark.parametrize(
    ("name", "value"), [("max_size", 0), ("max_size", "5"), ("ttl_seconds", -1), ("ttl_seconds", True)]
)
def test_a_size_or_time_that_makes_no_sense(name, value):
    with pytest.raises(ConfigurationError, match=name) as caught:
        CacheManager(**{name: value})
    assert caught.value.config_key == name


def test_threads_may_share_it():
    cache = CacheManager(8, 60)

    def use(seed):
        for number in range(500):
            key = (seed * number) % 16
            cache.set(key, key)
            assert cache.get(key, key) == key

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(use, range(4)))
    stats = cache.get_stats()
    assert (stats.size, stats.hits + stats.misses) == (8, 2_000)
