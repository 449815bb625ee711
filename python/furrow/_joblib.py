"""The backend "furrow" of joblib: Parallel over the workers of a furrow.Executor.

The executor lives as long as the backend: for all calls within `with joblib.parallel_backend("furrow")`. A call that
fails or is interrupted ends its workers, and the next one starts new ones.
"""

import concurrent.futures
import functools
import multiprocessing

from joblib import cpu_count
from joblib.parallel import AutoBatchingMixin, FallbackToBackend, ParallelBackendBase, SequentialBackend

from furrow._executor import Executor

_GROWTH = 16  # how many times as long as the last one a batch may be


class Backend(AutoBatchingMixin, ParallelBackendBase):
    supports_timeout = True
    supports_inner_max_num_threads = True

    # A batch costs little, so batches are a tenth as long as those of joblib's own backends.
    MIN_IDEAL_BATCH_DURATION = 0.02
    MAX_IDEAL_BATCH_DURATION = 0.2

    _executor = None
    _made_for = None

    def __init__(self, context=None, **words):
        super().__init__(**words)
        self._context = context

    def __reduce__(self):
        return _remade, (type(self), self._context, self.nesting_level, self.inner_max_num_threads)

    def effective_n_jobs(self, n_jobs):
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        if n_jobs is None:
            return 1
        return max(cpu_count() + 1 + n_jobs, 1) if n_jobs < 0 else n_jobs

    def configure(self, n_jobs=1, parallel=None, prefer=None, require=None, **others):
        """others: how joblib's own backends share arrays; here they need no such choice."""
        n_jobs = self.effective_n_jobs(n_jobs)
        if n_jobs == 1:
            raise FallbackToBackend(SequentialBackend(nesting_level=self.nesting_level))
        self.parallel = parallel
        method = self._context or multiprocessing.get_start_method()
        wanted = n_jobs, method, self.inner_max_num_threads
        if wanted != self._made_for:
            self._drop()
            self._made_for = wanted
            self._executor = Executor(n_jobs, method, threads_per_worker=self.inner_max_num_threads)
        return n_jobs

    def compute_batch_size(self):
        size, took = self._effective_batch_size, self._smoothed_batch_duration
        if 0 < took < self.MIN_IDEAL_BATCH_DURATION:
            ideal = int(size * self.MIN_IDEAL_BATCH_DURATION / took)
            self._effective_batch_size = max(min(ideal, _GROWTH * size), size)
            self._smoothed_batch_duration = self._DEFAULT_SMOOTHED_BATCH_DURATION
            return self._effective_batch_size
        return super().compute_batch_size()

    def apply_async(self, func, callback=None):
        future = self._executor.submit(_run, func)
        future.get = functools.partial(_result, future)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    submit = apply_async  # the name from joblib 1.5 on

    def terminate(self):
        self.reset_batch_stats()

    def abort_everything(self, ensure_ready=True):
        self._executor.terminate()
        self._executor = self._made_for = None
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)

    def _drop(self):
        if self._executor:
            self._executor.shutdown(wait=False)


def _run(batch):
    try:
        return batch()
    except KeyboardInterrupt as interrupt:  # not one of the program's: joblib's backends send this, too
        from joblib.my_exceptions import WorkerInterrupt

        raise WorkerInterrupt() from interrupt


def _result(future, timeout=None):
    try:
        return future.result(timeout)
    except concurrent.futures.TimeoutError:
        if future.done():  # a task has raised it
            raise
        raise multiprocessing.TimeoutError(f"no result came within {timeout} s") from None  # as of joblib's backends


def _remade(kind, context, nesting_level, inner_max_num_threads):
    return kind(context, nesting_level=nesting_level, inner_max_num_threads=inner_max_num_threads)
