"""The crew of threads behind a furrow.ThreadPool, and its jobs: the same calls as those of furrow._furrow.

    give() -> chunks in one queue -> a worker thread runs each task -> store -> settled: callbacks, waiters

A job's lock guards its state; the last worker to finish something of it settles it, and runs its callbacks.
"""

import queue
import threading
import time

from furrow import _rng
from furrow._failures import PoolError

MAP, ORDERED, UNORDERED = range(3)


class ThreadJob:
    def __init__(self, kind, call, chunksize, retries, collect, items_ahead, on_settled, stream):
        self._kind = kind
        self._call = call
        self._chunksize = max(chunksize, 1)
        self._retries = retries
        self._collect = collect
        self._items_ahead = items_ahead
        self._on_settled = on_settled
        self._stream = stream  # of random numbers: (seed, number)
        self._progress = None
        self._crew = None
        self._changed = threading.Condition()
        self._early = {}
        self._ready = []
        self._next_out = 0
        self._fed = self.done = self.failed = 0
        self._ended = self._stopped = self._settling = False
        self._error_index = None
        self.settled = False
        self.error = None
        self.results = None
        self._backlog = []

    @property
    def total(self):
        return self._fed

    # Inputs.

    def attach(self, crew):
        with self._changed:
            self._crew = crew
            backlog, self._backlog = self._backlog, []
            if self._kind == MAP:
                self.results = [None] * self._fed
        for chunk in backlog:
            crew.queue.put(chunk)
        self._settle_if_over()

    def give(self, items):
        for at in range(0, len(items), self._chunksize):
            chunk = (self, self._fed, items[at:at + self._chunksize])
            with self._changed:
                self._fed += len(chunk[2])
                if self._crew is None:
                    self._backlog.append(chunk)
                    continue
            self._crew.queue.put(chunk)

    def end_input(self):
        with self._changed:
            self._ended = True
        self._settle_if_over()

    def fail_input(self, exception):
        with self._changed:
            if self._kind == MAP:
                self.error = exception
            else:
                self._early[self._fed] = (True, exception)
                self._fed += 1
                self.done += 1
                self._pass_on()
            self._ended = True
        self._settle_if_over()

    def hungry(self):
        with self._changed:
            waiting = len(self._ready) + len(self._early) + self._fed - self.done
            return not self.settled and waiting < self._items_ahead

    def show(self, progress):
        from furrow._progress import StreamProgress

        self._progress = StreamProgress(progress, self, self._fed)

    # A worker's side.

    def run(self, first, items):
        for index, item in enumerate(items, first):
            if self._stopped:
                return
            failed, value = self._try(index, item)
            with self._changed:
                self.done += 1
                self._store(index, failed, value)
                if self._progress:
                    self._progress.tick()
            item = value = None
        self._settle_if_over()

    def _try(self, index, item):
        for left in range(self._retries, -1, -1):
            _rng.scope.set(_rng.Scope(*self._stream, index))
            try:
                return False, self._call(item)
            except Exception as problem:
                if left == 0:
                    return True, problem
            except BaseException as problem:
                return True, PoolError(f"the task raised {type(problem).__name__}")

    def _store(self, index, failed, value):
        if self.settled:
            return
        self.failed += failed
        if self._kind != MAP:
            if failed and self._collect:
                failed, value = False, self._collect(index, value)
            self._early[index] = (bool(failed), value)
            self._pass_on()
        elif not failed:
            self.results[index] = value
        elif self._collect:
            self.results[index] = self._collect(index, value)
        elif self._error_index is None or index < self._error_index:
            self.error, self._error_index = value, index

    def _pass_on(self):
        if self._kind == UNORDERED:
            self._ready.extend(self._early.values())
            self._early.clear()
        while self._next_out in self._early:
            self._ready.append(self._early.pop(self._next_out))
            self._next_out += 1
        self._changed.notify_all()

    def _settle_if_over(self):
        with self._changed:
            over = self._crew is not None and self._ended and self.done == self._fed
            if not over or self.settled or self._settling:
                return
            self._settling = True
            told, self._on_settled = self._on_settled, None
        try:
            if self._progress:
                self._progress.finish()
            if told:
                told(self.error, self.results)
        finally:
            self._finish()

    def _finish(self):
        with self._changed:
            self.settled = True
            self._call = None
            self._changed.notify_all()
        self._crew.forget(self)

    # The end.

    def stop(self):
        """Nothing more of it is begun, and nobody waits for it."""
        self._stopped = True
        self._on_settled = None
        with self._changed:
            self.settled = True
            self._changed.notify_all()

    def abandon(self, error):
        with self._changed:
            if self.settled:
                return
            self.error = error
            if self._kind != MAP:
                self._ready.append((True, error))
        self.stop()

    # Results.

    def take(self):
        with self._changed:
            return self._ready.pop(0) if self._ready else None

    @property
    def exhausted(self):
        with self._changed:
            return self.settled and not self._ready

    def wait_until(self, timeout, done):
        deadline = None if timeout < 0 else time.monotonic() + timeout
        with self._changed:
            while not done():
                left = None if deadline is None else deadline - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self._changed.wait(left)
        return True


class ThreadCrew:
    def __init__(self, workers, begin):
        self.queue = queue.SimpleQueue()
        self.ended = False
        self._jobs = set()
        self._lock = threading.Lock()
        self._nothing = threading.Condition(self._lock)
        self.threads = [threading.Thread(target=self._work, args=(begin,), daemon=True,
                                         name=f"furrow-worker-{number + 1}") for number in range(workers)]
        self.broken = None
        for each in self.threads:
            each.start()

    def _work(self, begin):
        try:
            begin()
        except BaseException as problem:
            self._break(problem)
            return
        while True:
            chunk = self.queue.get()
            if chunk is None:
                return
            job, first, items = chunk
            job.run(first, items)
            chunk = job = items = None

    def _break(self, problem):
        error = PoolError(f"the initializer failed: {problem!r}")
        error.__cause__ = problem
        self.broken = error
        for job in list(self._jobs):
            job.abandon(error)
            self.forget(job)

    def submit(self, job):
        with self._lock:
            self._jobs.add(job)
        job.attach(self)
        if self.broken:
            job.abandon(self.broken)
            self.forget(job)

    def forget(self, job):
        with self._lock:
            self._jobs.discard(job)
            if not self._jobs:
                self._nothing.notify_all()

    def wait(self, job, timeout):
        return job.wait_until(timeout, lambda: job.settled)

    def wait_for_item(self, job, timeout):
        return job.wait_until(timeout, lambda: job.settled or job._ready)

    def nudge(self):
        pass

    tick = nudge

    def cancel(self, job):
        job.stop()
        self.forget(job)

    def finish(self):
        """Waits for the jobs, then for the threads."""
        with self._lock:
            while self._jobs and not self.ended:
                self._nothing.wait()
        self.end()
        for each in self.threads:
            if each is not threading.current_thread():
                each.join()

    def end(self):
        with self._lock:
            if self.ended:
                return
            self.ended = True
            left = list(self._jobs)
            self._jobs.clear()
            self._nothing.notify_all()
        for job in left:
            job.abandon(PoolError("the pool was terminated"))
        for _ in self.threads:
            self.queue.put(None)
