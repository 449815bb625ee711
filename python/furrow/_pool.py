"""furrow.Pool: worker processes."""

import functools
import itertools
import os
import pickle
import threading
import time
from multiprocessing import util

from furrow import _blas, _failures, _furrow, _pickling, _worker
from furrow._base import MAP, BasePool

_IN_FLIGHT = 100  # coroutines of a worker, where nobody says otherwise
_CO_COROUTINE = 0x80  # inspect.CO_COROUTINE, whose module takes its time to import
_OWN_NUMBER = 2**64 - 1  # wire.hpp
_CALL_JOBS = 6  # specs that are remembered, fewer than the workers remember


class Pool(BasePool):
    """A pool of worker processes, in place of multiprocessing.Pool.

    processes: how many; cpu_count() where it is None. initializer(*initargs) is run in each worker
    first. maxtasksperchild: a worker is replaced after so many tasks. context: 'fork', 'spawn' or 'forkserver',
    or a context of multiprocessing. serializer: the name of the module whose dumps() takes functions, 'dill'
    for one; pickle, and cloudpickle for what pickle cannot do, where it is None. threads_per_worker: of BLAS and
    OpenMP; the worker's share of the cores where it is None, and no environment variable says otherwise.

    >>> with Pool(2) as pool:
    ...     pool.map(lambda x: x + 1, [1, 2, 3])
    [2, 3, 4]
    """

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None, *,
                 serializer=None, threads_per_worker=None):
        if processes is None:
            processes = _furrow.cpu_count()
        super().__init__(processes, initializer, maxtasksperchild)
        self._method = _start_method(context)
        self._keep_functions(serializer, _pickling.Main())
        self._threads = threads_per_worker or max(1, _furrow.cpu_count() // processes)
        self._limits = threads_per_worker is not None or not _blas.decided()
        self._run_with(self._make_crew(initializer, tuple(initargs), maxtasksperchild or 0))
        self._pool = [_Handle(self._crew, place) for place in range(processes)]

    def _keep_functions(self, serializer, main):
        self._serializer = serializer
        self._main = main
        self._keys = itertools.count(1)
        self._maps = itertools.count(1)
        self._call_keys = {}

    def _make_crew(self, initializer, initargs, max_tasks):
        begin = spawn = None
        if self._method == "fork":
            begin = beginning(initializer, initargs, self._threads if self._limits else None, "ForkPoolWorker")
        else:
            from furrow._spawn import Template

            template = Template(self._processes, max_tasks, initializer, initargs, self._threads if self._limits else None)
            spawn = template.start
            self._main = _pickling.SpawnedMain(template)
        util._flush_std_streams()
        return _furrow.Crew(self._processes, max_tasks, _worker, begin, pickle.dumps, pickle.loads,
                            _pickling.by_value, _pickling.fallback, spawn)

    def _new_job(self, kind, func, calling, chunksize, on_settled, options, items):
        self._crew.names_matter = self._main.changed()
        together = _is_coroutine_function(func)
        if together and not chunksize and kind == MAP:
            chunksize = max(1, min(-(-len(items) // self._processes), _IN_FLIGHT))
        seed, number = (options.seed, 0) if options.seed is not None else (0, _OWN_NUMBER if kind is None else next(self._maps))
        ahead = max(1024, 8 * self._processes * chunksize)
        timeout = 0.0 if together or options.timeout is None else options.timeout
        collect = _failures.Failure if options.on_error == "collect" else None
        job = _furrow.Job(MAP if kind is None else kind, 0 if kind is None else next(self._keys), b"", chunksize, timeout,
                          options.retries, collect, ahead, on_settled, _failures.make)
        if items is not None:
            job.give(items)
            job.end_input()
        if options.session and kind == MAP:
            number = self._open_session(job, func, options, seed, number)
        how = (options.timeout, options.retries, seed) if together else None
        function = _pickling.dump_function(func, self._main, self._serializer)
        spec = pickle.dumps((function, calling, options.retries, seed, number, how))
        job.set_spec(spec)
        if kind is None:
            job.set_key(self._call_key(spec))
        return job

    def _open_session(self, job, func, options, seed, number):
        from furrow import _progress

        bar, tell = _progress.reporter(options.progress)
        resume, key = options.resume or "", ""
        if isinstance(resume, tuple):
            resume, key = resume
        elif resume:
            key = _pickling.identity(func)
        return self._crew.open_session(job, bar, tell, os.fspath(resume), key, os.fspath(options.trace or ""), seed, number)

    def _call_key(self, spec):
        """Calls of the same function share a job, so that a worker learns it once."""
        with self._lock:
            key = self._call_keys.pop(spec, None) or next(self._keys)
            self._call_keys[spec] = key
            if len(self._call_keys) > _CALL_JOBS:
                del self._call_keys[next(iter(self._call_keys))]
            return key

    def _give_all(self, job, iterable):
        if type(iterable) is tuple:
            super()._give_all(job, iterable)
        else:
            job.draw_from(iter(iterable))

    def _ensure_pump(self):
        """The thread that works for the pool while nobody waits for it."""
        if self._pump is None:
            with self._lock:
                if self._pump is None:
                    pump = threading.Thread(target=self._crew.serve, name="furrow-pool", daemon=True)
                    pump.start()
                    self._helpers.append(pump)
                    self._pump = pump

    def _repopulate_pool(self):
        """multiprocessing's name for replacing workers that have ended."""
        self._crew.tick()


def beginning(initializer, initargs, threads, name):
    """What each forked worker does first."""
    known = _blas.setters() if threads else []

    def begin(worker):
        if threads:
            _blas.limit(threads, known)
        _worker.begin(initializer, initargs, name, worker)

    return begin


def _start_method(context):
    """'fork', or 'spawn' for whatever begins in a fresh interpreter."""
    import multiprocessing

    if not isinstance(context, str):
        context = (context or multiprocessing).get_start_method()
    if context not in ("fork", "spawn", "forkserver"):
        raise ValueError(f"context is 'fork', 'spawn', 'forkserver' or a context of multiprocessing, not {context!r}")
    return "fork" if context == "fork" else "spawn"


def _is_coroutine_function(func):
    while isinstance(func, functools.partial):
        func = func.func
    code = getattr(getattr(func, "__func__", func), "__code__", None)
    return code is not None and bool(code.co_flags & _CO_COROUTINE)


class _Handle:
    """One place in the crew, as far as users of multiprocessing look at processes: pid, is_alive()."""

    def __init__(self, crew, place):
        self._crew = crew
        self._place = place

    @property
    def pid(self):
        deadline = time.monotonic() + 10
        while True:
            pid = self._crew.pids()[self._place]
            if pid or time.monotonic() > deadline:
                return pid or None
            time.sleep(0.0005)

    ident = pid

    def is_alive(self):
        self._crew.tick()
        return self._crew.living()[self._place]

    @property
    def exitcode(self):
        return None if self.is_alive() else 0

    def __repr__(self):
        return f"<worker {self._place} pid={self._crew.pids()[self._place]}>"
