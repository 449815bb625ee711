"""Draws the inputs of an imap from an iterable that may take its time, in a thread of its own.

It draws no more than the job is hungry for, so an endless iterable is welcome. What it raises ends the stream
after the results of what was drawn before.
"""

import itertools
import threading

_AT_ONCE = 64  # chunks


class Feeder:
    def __init__(self, crew, job, iterable, chunksize):
        self._crew = crew
        self._job = job
        self._iterable = iterable
        self._chunksize = chunksize
        self._room = threading.Event()
        self._thread = threading.Thread(target=self._run, name="furrow-feeder", daemon=True)
        self._thread.start()

    def taken(self):
        self._room.set()

    def _run(self):
        job, crew = self._job, self._crew
        try:
            iterator = iter(self._iterable)
            self._iterable = None
            while not job.settled and not crew.ended:
                while not job.hungry():
                    self._room.wait(0.1)
                    self._room.clear()
                    if job.settled or crew.ended:
                        return
                batch = list(itertools.islice(iterator, self._chunksize))
                if not batch:
                    break
                job.give(batch)
                crew.nudge()
            job.end_input()
        except Exception as problem:
            job.fail_input(problem)
        if not crew.ended:
            crew.nudge()
