"""The public names of the kit, and its clock."""

import asyncio

import pytest

import codegen_ext.testing
from codegen_ext.clock import Clock
from codegen_ext.testing import FakeClock


def test_public_names():
    assert dir(codegen_ext.testing) == sorted(codegen_ext.testing.__all__)
    for name in codegen_ext.testing.__all__:
        assert getattr(codegen_ext.testing, name).__name__ == name
    with pytest.raises(AttributeError, match="Nothing"):
        codegen_ext.testing.Nothing  # noqa: B018


def test_a_fake_clock_moves_when_told():
    clock: Clock = FakeClock(start=100)
    assert isinstance(clock, FakeClock)
    clock.advance(1.5)
    clock.sleep(2)
    asyncio.run(clock.sleep_async(0.5))
    assert (clock.time(), clock.monotonic(), clock.slept) == (104, 4, [2, 0.5])
