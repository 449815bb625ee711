"""furrow.Pool: worker processes."""

import itertools
import os
import pickle
import signal
import threading
import time
from multiprocessing import util

from furrow import _blas, _failures, _furrow, _global_rng, _logs, _main, _pickling, _prints, _worker
from furrow._base import INIT, ITEM, MAP, BasePool, is_coroutine_function, together_chunksize
from furrow._relay import Relay

_OWN_NUMBER = 2**64 - 1  # kOwnNumber of wire.hpp
_CALLS = 3  # PendingMap::Kind::kCalls
_ANY = 2**62
_CALL_SPECS = 6  # specs of calls that are remembered; the workers remember more


class Pool(BasePool):
    """A pool of worker processes, in place of multiprocessing.Pool.

    processes: how many workers; None: cpu_count(). initializer(*initargs): run first in each worker.
    maxtasksperchild: a worker is replaced after this many tasks. context: 'fork', 'spawn' or 'forkserver', or a
    context of multiprocessing. serializer: the name of a module whose dumps() serializes functions, such as 'dill';
    None: pickle, and cloudpickle for what pickle cannot do. threads_per_worker: how many threads BLAS and OpenMP
    use; None: the worker's share of the cores, unless an environment variable says otherwise. backend: None for
    processes on this computer, or 'slurm' for processes on the nodes of a Slurm allocation: the one in which the
    program runs, or one that salloc gets for these options, slurm=['--time=10', ...].

    >>> with Pool(2) as pool:
    ...     pool.map(lambda x: x + 1, [1, 2, 3])
    [2, 3, 4]
    """

    def __new__(cls, *args, backend=None, **named):
        if cls is Pool and backend == "slurm":
            from furrow._slurm_pool import SlurmPool

            cls = SlurmPool
        return super().__new__(cls)

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None, *,
                 backend=None, slurm=None, serializer=None, threads_per_worker=None):
        self._state = INIT
        if backend == "slurm":
            raise ValueError(f"backend='slurm' is for furrow.Pool itself, not for {type(self).__name__}")
        if backend is not None:
            raise ValueError(f"backend is None or 'slurm', not {backend!r}")
        if slurm is not None:
            raise ValueError("slurm=[...] is for a Pool(backend=\"slurm\")")
        if processes is None:
            processes = _furrow.cpu_count()
        super().__init__(processes, initializer, maxtasksperchild)
        self._method = _start_method(context)
        self._keep_functions(serializer, _main.Main(initializer))
        self._threads = threads_per_worker or max(1, _furrow.cpu_count() // self._processes)
        self._limits = threads_per_worker is not None or not _blas.decided()
        self._run_with(self._make_workers(initializer, tuple(initargs), maxtasksperchild or 0))
        self._pool = [_Handle(self._workers, index) for index in range(self._processes)]

    def _keep_functions(self, serializer, main):
        self._serializer = serializer
        self._main = main
        self._keys = itertools.count(1)
        self._call_keys = {}

    def _make_workers(self, initializer, initargs, max_tasks):
        begin = spawn = None
        threads = self._threads if self._limits else None
        key = _global_rng.new_key()
        self._relay = relay = Relay(inherited=self._method == "fork")
        relay.receive(_logs.KIND, _logs.handle)
        if self._method == "fork":
            streams = _prints.streams()
            _prints.show(relay, streams)
            begin = _worker.beginning(self._processes, initializer, initargs, threads, "ForkPoolWorker", key,
                                      relay.outlet, streams)
        else:
            from furrow._spawn import Template

            template = Template(self._processes, max_tasks, initializer, initargs, threads, key, relay)
            spawn = template.start
            self._main = _main.SpawnedMain(template, initializer)
        util._flush_std_streams()
        return _furrow.WorkerPool(self._processes, max_tasks, _worker, begin, pickle.dumps, pickle.loads,
                                  *_pickling.for_items(self._main), spawn)

    def _new_pending_map(self, kind, func, calling, chunksize, on_settled, options, items):
        changed = self._main.changed()
        self._workers.names_matter = changed
        together = is_coroutine_function(func)
        if together and not chunksize and kind == MAP:
            chunksize = together_chunksize(len(items), self._processes)
        own = kind is None and options.seed is None  # the worker numbers such calls
        seed, number = (0, _OWN_NUMBER) if own else self._next_stream(options.seed)
        ahead = options.ahead or max(1024, 8 * self._processes * chunksize)
        timeout = 0.0 if together or options.timeout is None else options.timeout
        collect = _failures.Failure if options.on_error == "collect" else None
        key = 0 if kind is None else next(self._keys)
        pending = _furrow.PendingMap(MAP if kind is None else kind, key, b"", chunksize, timeout, options.retries,
                                     collect, ahead, on_settled, _failures.make)
        if items is not None:
            pending.give(items)
            pending.end_input()
        if options.session and kind == MAP:
            number = self._open_session(pending, func, options, seed, number)
        how = (options.timeout, options.retries, seed) if together else None
        function, named = _pickling.dump(func, self._main, self._serializer, changed)
        seeded = options.seed is not None and not together
        spec = pickle.dumps((function, calling, options.retries, seed, number, how, seeded))
        pending.set_spec(spec)
        if kind is None:  # a function that carries state is new in each call
            pending.set_key(self._call_key(spec) if named else next(self._keys))
        return pending

    def _new_calls(self, calls):
        """A stream that draws calls, as packed for _worker.run_call, until it is ended. Results come in any order."""
        spec = pickle.dumps((pickle.dumps(_worker.run_call), ITEM, 0, 0, _OWN_NUMBER, None, False))
        stream = _furrow.PendingMap(_CALLS, self._call_key(spec), spec, 1, 0.0, 0, None, _ANY, None, _failures.make)
        stream.draw_from(calls)
        return stream

    def _open_session(self, pending, func, options, seed, number):
        from furrow import _progress

        bar, callback = _progress.reporter(options.progress)
        resume, key = options.resume or "", ""
        if isinstance(resume, tuple):
            resume, key = resume
        elif resume:
            key = _pickling.identity(func)
        trace = os.fspath(options.trace or "")
        return self._workers.open_session(pending, bar, callback, os.fspath(resume), key, trace, seed, number)

    def _call_key(self, spec):
        """Calls with the same spec share a key, so that a worker learns the function once."""
        with self._lock:
            key = self._call_keys.pop(spec, None) or next(self._keys)
            self._call_keys[spec] = key
            if len(self._call_keys) > _CALL_SPECS:
                del self._call_keys[next(iter(self._call_keys))]
            return key

    def _give_all(self, pending, iterable):
        if type(iterable) is tuple:
            super()._give_all(pending, iterable)
        else:
            pending.draw_from(iter(iterable))

    def _ensure_pump(self):
        """Starts the thread that drives the pool while no other thread waits for a result."""
        if self._pump is None:
            with self._lock:
                if self._pump is None:
                    pump = threading.Thread(target=self._workers.serve, name="furrow-pool", daemon=True)
                    pump.start()
                    self._helpers.append(pump)
                    self._pump = pump

    def _repopulate_pool(self):
        """multiprocessing's name for replacing dead workers."""
        self._workers.tick()


def _start_method(context):
    """'fork', or 'spawn' for all methods that start a fresh interpreter."""
    import multiprocessing

    if not isinstance(context, str):
        context = (context or multiprocessing).get_start_method()
        if context not in ("spawn", "forkserver"):
            return "fork"  # also where a library has a method of its own, as loky has in its workers
    if context not in ("fork", "spawn", "forkserver"):
        raise ValueError(f"context is 'fork', 'spawn', 'forkserver' or a context of multiprocessing, not {context!r}")
    return "fork" if context == "fork" else "spawn"


class _Handle:
    """One worker, with those attributes of multiprocessing's processes that programs look at: pid, is_alive()."""

    def __init__(self, workers, index):
        self._workers = workers
        self._index = index

    @property
    def pid(self):
        deadline = time.monotonic() + 10
        while True:
            pid = self._workers.pids()[self._index]
            if pid or time.monotonic() > deadline:
                return pid or None
            time.sleep(0.0005)

    ident = pid

    def is_alive(self):
        self._workers.tick()
        return self._workers.living()[self._index]

    @property
    def exitcode(self):
        return None if self.is_alive() else 0

    def kill(self):
        """Ends the process; another takes its place."""
        os.kill(self.pid, signal.SIGKILL)

    terminate = kill

    def join(self, timeout=None):
        """Waits until the process has ended, as it does with its pool."""
        deadline = None if timeout is None else time.monotonic() + timeout
        while self.is_alive() and (deadline is None or time.monotonic() < deadline):
            time.sleep(0.001)

    def __repr__(self):
        return f"<worker {self._index} pid={self._workers.pids()[self._index]}>"
