"""Events, semaphores and queues: in order of arrival, and nothing is lost with a waiter that leaves."""

import asyncio
import contextvars
import threading

import pytest

from codegen_ext._async import locks as async_locks
from codegen_ext._io import asynchronous, synchronous
from codegen_ext._sync import locks
from codegen_ext.clock import SYSTEM_CLOCK, Cancelled


async def test_a_permit_of_a_cancelled_waiter_goes_to_the_next():
    semaphore = async_locks.Semaphore(1)
    assert await semaphore.acquire()
    waiting = [asyncio.ensure_future(semaphore.acquire()) for _ in range(3)]
    await asyncio.sleep(0)
    semaphore.release()  # given to the first, which leaves before it hears of it
    waiting[0].cancel()
    waiting[2].cancel()
    assert await asyncio.wait_for(waiting[1], 5)
    assert not semaphore.try_acquire()
    semaphore.release()
    assert semaphore.try_acquire()


def test_a_permit_passes_by_a_task_whose_loop_was_closed():
    semaphore = async_locks.Semaphore(1)
    assert semaphore.try_acquire()
    loop = asyncio.new_event_loop()
    waiting = semaphore.acquire()
    task = loop.create_task(waiting)
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    semaphore.release()
    assert semaphore.try_acquire()
    waiting.close()  # as when it is collected as garbage
    assert not semaphore.try_acquire()
    task._log_destroy_pending = False


def test_a_permit_is_waited_for_no_longer_than_asked():
    semaphore = locks.Semaphore(0)
    assert not semaphore.acquire(0.01)
    semaphore.release()
    assert semaphore.acquire(30)


async def test_a_sleeping_task_ends_when_another_thread_cancels_it():
    cancel = async_locks.Event()
    threading.Timer(0.05, cancel.set).start()
    with pytest.raises(Cancelled):
        await async_locks.sleep(SYSTEM_CLOCK, 60, cancel)


def test_a_closed_queue_gives_what_it_holds_and_ends():
    queue = locks.Queue()
    for number in range(3):
        queue.put_nowait(number)
    queue.close()
    assert [queue.get() for _ in range(3)] == [0, 1, 2]
    for use in (queue.get, lambda: queue.put_nowait(3)):
        with pytest.raises(locks.QueueClosed):
            use()


async def test_a_blocking_function_sees_the_context_and_a_worker_sees_none():
    variable = contextvars.ContextVar("variable", default="none")
    variable.set("mine")

    async def read():
        return variable.get()

    assert await asynchronous.run_blocking(variable.get) == "mine"
    assert await asynchronous.start(read).join() == "none"
    assert synchronous.start(variable.get).join() == "none"
