"""furrow.Pool: worker processes."""

import itertools
import pickle
import threading
import time
from multiprocessing import util

from furrow import _failures, _furrow, _pickling, _worker
from furrow._base import MAP, BasePool

_CALL_JOBS = 6  # specs that are remembered, fewer than the workers remember


class Pool(BasePool):
    """A pool of worker processes, in place of multiprocessing.Pool.

    processes: how many; cpu_count() where it is None. initializer(*initargs) is run in each worker
    first. maxtasksperchild: a worker is replaced after so many tasks. context: 'fork', 'spawn' or 'forkserver',
    or a context of multiprocessing. serializer: the name of the module whose dumps() takes functions, 'dill'
    for one; pickle, and cloudpickle for what pickle cannot do, where it is None.

    >>> with Pool(2) as pool:
    ...     pool.map(lambda x: x + 1, [1, 2, 3])
    [2, 3, 4]
    """

    def __init__(self, processes=None, initializer=None, initargs=(), maxtasksperchild=None, context=None, *,
                 serializer=None):
        if processes is None:
            processes = _furrow.cpu_count()
        super().__init__(processes, initializer, maxtasksperchild)
        self._serializer = serializer
        self._main = _pickling.Main()
        self._keys = itertools.count(1)
        self._call_keys = {}
        self._run_with(self._make_crew(initializer, tuple(initargs), maxtasksperchild or 0))
        self._pool = [_Handle(self._crew, place) for place in range(processes)]

    def _make_crew(self, initializer, initargs, max_tasks):
        def begin(worker):
            _worker.begin(initializer, initargs, "ForkPoolWorker", worker)

        util._flush_std_streams()
        return _furrow.Crew(self._processes, max_tasks, _worker, begin, pickle.dumps, pickle.loads,
                            _pickling.by_value, _pickling.fallback)

    def _new_job(self, kind, func, calling, chunksize, on_settled):
        self._crew.names_matter = self._main.changed()
        spec = pickle.dumps((_pickling.dump_function(func, self._main, self._serializer), calling, 0))
        key = self._call_key(spec) if kind is None else next(self._keys)
        ahead = max(1024, 8 * self._processes * chunksize)
        return _furrow.Job(MAP if kind is None else kind, key, spec, chunksize, 0.0, 0, False, ahead, on_settled,
                           _failures.make)

    def _call_key(self, spec):
        """Calls of the same function share a job, so that a worker learns it once."""
        with self._lock:
            key = self._call_keys.pop(spec, None) or next(self._keys)
            self._call_keys[spec] = key
            if len(self._call_keys) > _CALL_JOBS:
                del self._call_keys[next(iter(self._call_keys))]
            return key

    def _give_all(self, job, iterable):
        if type(iterable) in (list, tuple):
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
