"""Draws the inputs of an imap from an iterable that may block, in a thread of its own.

It draws no more than the stream wants, so the iterable may be endless. If the iterable raises, the stream ends with
that exception, after the results of the inputs drawn before.
"""

import itertools
import threading


class Feeder:
    def __init__(self, workers, pending, iterable, chunksize):
        self._workers = workers
        self._pending = pending
        self._iterable = iterable
        self._chunksize = chunksize
        self._room = threading.Event()
        self._thread = threading.Thread(target=self._run, name="furrow-feeder", daemon=True)
        self._thread.start()

    def taken(self):
        self._room.set()

    def _run(self):
        pending, workers = self._pending, self._workers
        try:
            iterator = iter(self._iterable)
            self._iterable = None
            while not pending.settled and not workers.ended:
                while not pending.wants_input():
                    self._room.wait(0.1)
                    self._room.clear()
                    if pending.settled or workers.ended:
                        return
                batch = list(itertools.islice(iterator, self._chunksize))
                if not batch:
                    break
                pending.give(batch)
                workers.nudge()
            pending.end_input()
        except BaseException as problem:  # there is nobody else to tell
            pending.fail_input(problem)
        if not workers.ended:
            workers.nudge()
