"""The global generators of a worker, those of random and numpy.random: each worker has numbers of its own, and so has
each task of a map with seed=.

Python seeds random in a forked child. numpy does not: all workers would go on from the program's state. So
numpy.random is seeded from that state and the worker's number. numpy is not imported for this; what imports it later
finds it seeded.
"""

import itertools
import os
import struct
import sys
import zlib

from furrow._after_import import call_after

_MTRAND = "numpy.random.mtrand"  # the module that holds numpy's global generator
_KEY = 32  # bytes
_TASK = 0x7461736B  # sets the numbers of tasks apart from those of workers

_pools = itertools.count()

_words = None  # what numpy is seeded with now, or will be when it is imported
_of_worker = None
_returns = 0  # how often this worker has left the seeds of tasks
_hooked = False


def new_key():
    """Bytes for the workers of a new pool. If the program has seeded numpy, they are the same in each run."""
    mtrand = sys.modules.get(_MTRAND)
    if mtrand is None:
        return os.urandom(_KEY)
    import hashlib
    import pickle

    return hashlib.sha256(pickle.dumps((next(_pools), mtrand.get_state(legacy=False)))).digest()


def begin(key, name, worker, start):
    """Seeds numpy in a worker process. start: how many processes the worker has had before."""
    global _of_worker
    _of_worker = [*struct.unpack(f"{_KEY // 4}I", key), zlib.crc32(name.encode()), worker, start & 0xFFFFFFFF]
    _seed_numpy([*_of_worker, 0])


def seed_task(seed, number, index):
    """Seeds both for a task: the same key gives the same numbers."""
    import random

    random.seed(((seed << 64 | number) << 64 | index) << 32 | _TASK)
    _seed_numpy([*struct.unpack("6I", struct.pack("3Q", seed, number, index)), _TASK])


def seed_worker():
    """After such tasks: the worker has numbers of its own again."""
    global _returns
    import random

    random.seed()
    _returns += 1
    _seed_numpy([*_of_worker, _returns])


def _seed_numpy(words):
    global _words, _hooked
    _words = words
    mtrand = sys.modules.get(_MTRAND)
    if mtrand is not None and hasattr(mtrand, "set_state"):
        _apply(mtrand)
    elif mtrand is None and not _hooked:
        _hooked = True
        call_after(_MTRAND, _apply)


def _apply(mtrand):
    global _hooked
    _hooked = False
    try:
        mtrand.seed(_words)
    except TypeError:  # the program has set another kind of generator
        mtrand.set_bit_generator(type(mtrand.get_bit_generator())(_words))
