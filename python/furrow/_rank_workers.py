"""The workers of one rank of a pool: an MPI process, or a program that srun has started on a node."""

import pickle
import sys

from furrow import _blas, _furrow, _global_rng, _main, _pickling, _worker


class Recipe:
    """How a pool's workers are made, here or from the bytes that rank 0 has sent, and those that were made here."""

    def __init__(self, processes, initializer, initargs, max_tasks, threads):
        self.processes = processes
        self.max_tasks = max_tasks
        self.workers = None
        self._initializer, self._initargs, self._threads = initializer, initargs, threads
        self._runtime = None

    @classmethod
    def received(cls, processes, max_tasks, sent):
        function, initargs, threads = pickle.loads(sent)
        initializer = None if function is None else pickle.loads(function)
        return cls(processes, initializer, pickle.loads(initargs), max_tasks, threads)

    def sent(self, main):
        """What other ranks need to make such workers, as bytes. main: how they know __main__."""
        function = None if self._initializer is None else _pickling.dump_function(self._initializer, _main.NoMain())
        return pickle.dumps((function, _pickling.dump_function(self._initargs, main), self._threads))

    def make_workers(self, extension, count, name, cores, outlet=None, streams=(), begun=lambda: None):
        """Forks the template of count workers. extension has the class Workers. begun: called first in each worker."""
        threads = self._threads or max(1, cores // count)
        limits = self._threads is not None or not _blas.decided()
        begin = _worker.beginning(count, self._initializer, self._initargs, threads if limits else None, name,
                                  _global_rng.new_key(), outlet, streams)

        def begin_here(worker):
            begun()
            begin(worker)

        self._runtime = _furrow.WorkerRuntime(count, _worker, begin_here)
        flush()
        self.workers = extension.Workers(count, self.max_tasks, self._runtime)
        return self.workers

    def runtime_for(self, count):
        return self._runtime if count else _furrow.WorkerRuntime(1, _worker, None)


def identity(*modules):
    """A number that must be the same on all ranks: a hash of Python's version and the extensions."""
    import hashlib

    parts = [sys.version]
    for module in modules:
        with open(module.__file__, "rb") as file:
            parts.append(hashlib.sha256(file.read()).hexdigest())
    return int(hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16], 16)


def flush():
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()
