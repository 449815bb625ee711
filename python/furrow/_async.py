"""Runs all coroutines of a chunk at once, on one event loop of the worker."""

import asyncio
import os
import threading
import types

from furrow import _rng
from furrow._failures import PoolError, TaskTimeout

# This thread's loop: one for the whole life of a worker, so that what tasks leave on it stays usable.
_own = threading.local()


def run_together(function, calling, values, how, number, publish):
    """[(True, result) or (False, exception), ...] for values: (index, True, value) or (index, False, exception)."""
    if getattr(_own, "pid", None) != os.getpid():
        _own.loop, _own.pid = asyncio.new_event_loop(), os.getpid()
        asyncio.set_event_loop(_own.loop)
    return _own.loop.run_until_complete(_all(function, calling, values, (*how, number), publish))


def close():
    """At the end of a worker thread."""
    if hasattr(_own, "loop"):
        _own.loop.close()
        del _own.loop, _own.pid


async def _all(function, calling, values, how, publish):
    return await asyncio.gather(*(_one(function, calling, value, how, publish) for value in values))


async def _one(function, calling, value, how, publish):
    index, readable, argument = value
    if not readable:
        return False, argument
    timeout, retries, seed, number = how
    for left in range(retries, -1, -1):
        _rng.scope.set(_rng.Scope(seed, number, index))
        try:
            coroutine = _watched(_call(function, calling, argument), publish, index)
            if timeout:
                return True, await asyncio.wait_for(coroutine, timeout)
            return True, await coroutine
        except asyncio.TimeoutError as problem:
            failure = problem
            if timeout:
                message = f"task {index}: the task took longer than {timeout:g} s and was stopped"
                failure = TaskTimeout(message, index, timeout)
        except Exception as problem:
            failure = problem
        except GeneratorExit:
            raise
        except BaseException as problem:  # such as SystemExit, which would end the loop under all others
            return False, PoolError(f"the task raised {type(problem).__name__}: {problem}")
        if left == 0:
            return False, failure


def _call(function, calling, argument):
    if calling == 0:
        return function(argument)
    if calling == 1:
        return function(*argument)
    return function(*argument[0], **argument[1])


async def _watched(coroutine, publish, index):
    return await _steps(coroutine, publish, index)


@types.coroutine
def _steps(coroutine, publish, index):
    """Publishes the coroutine's index each time it is about to run, so that a death is attributed to the right one."""
    step, value = coroutine.send, None
    while True:
        publish(index)
        try:
            wanted = step(value)
        except StopIteration as end:
            return end.value
        try:
            value = yield wanted
            step = coroutine.send
        except BaseException as problem:
            step, value = coroutine.throw, problem
