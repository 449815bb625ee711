"""One case of the crash matrix, as a program: crashing.py FAULT METHOD START. Prints the outcome as JSON.

Each case runs in a program of its own, so that a hang or crash affects no other case, and spawned workers can import
it.
"""
import ctypes
import json
import multiprocessing
import os
import signal
import sys
import threading

import furrow

BAD = 3  # the item of INPUTS that fails
INPUTS = list(range(8))


class Unreadable(Exception):
    """Can be pickled but not unpickled, since it says wrongly how it is made again."""

    def __init__(self, what, more):
        super().__init__(what)

    def __reduce__(self):
        return Unreadable, self.args


def segfault():
    signal.signal(signal.SIGSEGV, signal.SIG_DFL)
    ctypes.string_at(0)


def raise_unreadable():
    raise Unreadable("cannot come back", 1)


def inner(x):
    return x + 1


def nested():
    with furrow.Pool(2) as pool:
        return sum(pool.map(inner, range(4)))


FAULTS = {
    "sigkill": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "sigsegv": segfault,
    "os_exit": lambda: os._exit(3),
    "sys_exit": lambda: sys.exit(4),
    "unreadable_exception": raise_unreadable,
    "unpicklable_result": threading.Lock,
    "nested_pool": nested,
}


def task(x, fault):
    return FAULTS[fault]() if x == BAD and fault in FAULTS else x * x


class Task:
    """The function that is mapped."""

    def __init__(self, fault):
        self.fault = fault

    def __call__(self, x):
        return task(x, self.fault)


def square(x):
    return x * x


def raise_at_start():
    raise ValueError("the initializer says no")


def inputs_of(fault):
    if fault == "unpicklable_argument":
        return [threading.Lock() if x == BAD else x for x in INPUTS]
    if fault == "raising_iterable":
        return raising_inputs()
    return INPUTS


def raising_inputs():
    yield from INPUTS[:BAD]
    raise LookupError("the inputs end badly")


def call(pool, method, function, inputs):
    """All results of the inputs, with this method of the pool."""
    if method == "map":
        return pool.map(function, inputs)
    if method == "map_async":
        return pool.map_async(function, inputs).get()
    if method == "starmap":
        return pool.starmap(function, ((x,) for x in inputs))
    if method == "starmap_async":
        return pool.starmap_async(function, ((x,) for x in inputs)).get()
    if method == "imap":
        return list(pool.imap(function, inputs))
    if method == "imap_unordered":
        return sorted(pool.imap_unordered(function, inputs), key=repr)
    if method == "apply":
        return [pool.apply(function, (x,)) for x in inputs]
    return [result.get() for result in [pool.apply_async(function, (x,)) for x in inputs]]


def describe(error):
    about = {name: getattr(error, name) for name in ("index", "signal", "exitcode") if hasattr(error, name)}
    return {"error": type(error).__name__, "bases": [base.__name__ for base in type(error).__mro__], "text": str(error),
            **about}


def outcome(action):
    """The result of action, or its exception; also a SystemExit, which would otherwise end the program."""
    try:
        return {"result": action()}
    except BaseException as error:
        return describe(error)


def main(fault, method, start):
    initializer = raise_at_start if fault == "raising_initializer" else None

    def use():
        with furrow.Pool(2, initializer, context=multiprocessing.get_context(start)) as pool:
            first = outcome(lambda: call(pool, method, Task(fault), inputs_of(fault)))
            return [first, outcome(lambda: pool.map(square, INPUTS))]

    came = outcome(use)
    first, after = came.get("result") or [came, None]
    print(json.dumps({"first": first, "after": after}))


if __name__ == "__main__":
    main(*sys.argv[1:])
