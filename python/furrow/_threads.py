"""The worker threads behind a furrow.ThreadPool, and their maps: the same methods as in furrow._furrow.

    give() -> chunks in one queue -> a worker thread runs each task -> stored -> settled: callbacks run, waiters wake

A map's lock guards its state. The worker that finishes the last task of a map settles it and runs its callbacks.
"""

import queue
import sys
import threading
import time

from furrow import _rng
from furrow._failures import PoolError, TaskTimeout
from furrow._stopping import Attempt, Overdue

MAP, ORDERED, UNORDERED = range(3)
_ITEM = 0  # Calling


def _nothing(index):
    pass


class ThreadMap:
    def __init__(self, kind, call, chunksize, timeout, retries, collect, items_ahead, on_settled, stream, together):
        self._kind = kind
        self._call = call
        self._chunksize = max(chunksize, 1)
        self._timeout = timeout
        self._retries = retries
        self._collect = collect
        self._items_ahead = items_ahead
        self._on_settled = on_settled
        self._stream = stream  # (seed, number) of its random numbers
        self._together = together  # whether the calls give coroutines
        self._outer = _rng.scope.get()
        self._progress = None
        self._workers = None
        self._changed = threading.Condition()
        self._early = {}
        self._ready = []
        self._next_out = 0
        self._dispatched = self.done = self.failed = self._returned = 0
        self._ended = self.stopped = self._settling = False
        self._error_index = None
        self.settled = False
        self.error = None
        self.results = None
        self._backlog = []

    @property
    def total(self):
        return self._dispatched

    def counts(self):
        """Its unfinished tasks, those that have returned and those that have failed."""
        with self._changed:
            return (0 if self.settled else self._dispatched - self.done), self._returned, self.failed

    # --- inputs

    def attach(self, workers):
        with self._changed:
            self._workers = workers
            backlog, self._backlog = self._backlog, []
            if self._kind == MAP:
                self.results = [None] * self._dispatched
        for chunk in backlog:
            workers.queue.put(chunk)
        self._settle_if_over()

    def give(self, items):
        for at in range(0, len(items), self._chunksize):
            chunk = (self, self._dispatched, items[at:at + self._chunksize])
            with self._changed:
                self._dispatched += len(chunk[2])
                if self._workers is None:
                    self._backlog.append(chunk)
                    continue
            self._workers.queue.put(chunk)

    def end_input(self):
        with self._changed:
            self._ended = True
        self._settle_if_over()

    def fail_input(self, exception):
        with self._changed:
            if self._kind == MAP:
                self.error = exception
            else:
                self._early[self._dispatched] = (True, exception)
                self._dispatched += 1
                self.done += 1
                self._pass_on()
            self._ended = True
        self._settle_if_over()

    def wants_input(self):
        with self._changed:
            waiting = len(self._ready) + len(self._early) + self._dispatched - self.done
            return not self.settled and waiting < self._items_ahead

    def show(self, progress):
        from furrow._progress import StreamProgress

        self._progress = StreamProgress(progress, self, self._dispatched)

    # --- in a worker thread

    def run(self, first, items):
        outcomes = self._await_all(first, items) if self._together else self._try_all(first, items)
        for index, (failed, value) in enumerate(outcomes, first):
            with self._changed:
                if self.stopped:
                    break
                self.done += 1
                self._store(index, failed, value)
                if self._progress:
                    self._progress.tick()
            value = None
        _rng.scope.set(None)  # or the thread would keep this map, and its results, until its next task
        if not self.stopped:
            self._settle_if_over()

    def _try_all(self, first, items):
        for index, item in enumerate(items, first):
            if self.stopped:
                return
            yield self._try(index, item)
            item = None

    def _await_all(self, first, items):
        """Runs all coroutines of a chunk at once, on this thread's event loop."""
        from furrow import _async

        if self.stopped:
            return []
        seed, number = self._stream
        values = [(index, True, item) for index, item in enumerate(items, first)]
        done = _async.run_together(self._call, _ITEM, values, (self._timeout, self._retries, seed), number, _nothing)
        return [(not right, value) for right, value in done]

    def _try(self, index, item):
        for left in range(self._retries, -1, -1):
            attempt = Attempt(self, self._outer, self._timeout)
            _rng.scope.set(_rng.Scope(*self._stream, index, attempt))
            failed, value, again = self._run_watched(attempt, item)
            if attempt.late() > 0:
                failed, value = True, self._too_late(index, value if failed else None)
            if not failed or not again or left == 0 or self.stopped:
                return failed, value

    def _run_watched(self, attempt, item):
        if self._timeout is None:
            return self._run_one(item)
        self._workers.overdue.watch(attempt)
        try:
            return self._run_one(item)
        finally:
            self._workers.overdue.forget(attempt)

    def _run_one(self, item):
        """Whether it has failed, the result or the exception, and whether another attempt makes sense."""
        try:
            return False, self._call(item), True
        except Exception as problem:
            return True, problem, True
        except BaseException as problem:
            return True, PoolError(f"the task raised {type(problem).__name__}"), False

    def _too_late(self, index, problem):
        late = TaskTimeout(f"task {index}: the task took longer than {self._timeout:g} s", index, self._timeout)
        late.__cause__ = problem
        return late

    def _store(self, index, failed, value):
        if self.settled:
            return
        self.failed += failed
        self._returned += not failed
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
            over = self._workers is not None and self._ended and self.done == self._dispatched
            if not over or self.settled or self._settling:
                return
            self._settling = True
            on_settled, self._on_settled = self._on_settled, None
        try:
            if self._progress:
                self._progress.finish()
            if on_settled:
                on_settled(self.error, self.results)
        finally:
            self._finish()

    def _finish(self):
        with self._changed:
            self.settled = True
            self._call = None
            self._changed.notify_all()
        self._workers.forget(self)

    # --- shutdown

    def stop(self):
        """Starts no further tasks, and settles it without a callback."""
        self.stopped = True
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

    # --- results

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


class WorkerThreads:
    def __init__(self, workers, begin):
        self.queue = queue.SimpleQueue()
        self.overdue = Overdue()
        self.ended = False
        self._pending_maps = set()
        self._returned = self._failed = 0  # tasks of maps that have ended
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
                break
            pending, first, items = chunk
            pending.run(first, items)
            chunk = pending = items = None
        if "furrow._async" in sys.modules:
            sys.modules["furrow._async"].close()

    def _break(self, problem):
        error = PoolError(f"the initializer failed: {problem!r}")
        error.__cause__ = problem
        self.broken = error
        for pending in list(self._pending_maps):
            pending.abandon(error)
            self.forget(pending)

    def submit(self, pending):
        with self._lock:
            self._pending_maps.add(pending)
        pending.attach(self)
        if self.broken:
            pending.abandon(self.broken)
            self.forget(pending)

    # A map asks for this lock while it holds its own: its progress may be a function that calls statistics(). So nobody
    # who holds this one may ask a map.

    def statistics(self):
        with self._lock:
            ended = 0, self._returned, self._failed
            pending_maps = list(self._pending_maps)
        return (*(sum(each) for each in zip(ended, *(each.counts() for each in pending_maps))), 0)

    def forget(self, pending):
        """Called when the map is settled, so that its counts do not change any more."""
        _, returned, failed = pending.counts()
        with self._lock:
            if pending in self._pending_maps:
                self._pending_maps.remove(pending)
                self._returned += returned
                self._failed += failed
            if not self._pending_maps:
                self._nothing.notify_all()

    def wait(self, pending, timeout):
        return pending.wait_until(timeout, lambda: pending.settled)

    def wait_for_item(self, pending, timeout):
        return pending.wait_until(timeout, lambda: pending.settled or pending._ready)

    def nudge(self):
        pass

    tick = nudge

    def cancel(self, pending):
        pending.stop()
        self.forget(pending)

    def finish(self):
        """Waits for the maps, then for the threads."""
        with self._lock:
            while self._pending_maps and not self.ended:
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
            left = list(self._pending_maps)
            self._nothing.notify_all()
        for pending in left:
            pending.abandon(PoolError("the pool was terminated"))
            self.forget(pending)
        for _ in self.threads:
            self.queue.put(None)
