"""Workers that begin in a fresh interpreter: the start methods spawn and forkserver.

A pool starts one program, the template. It is given the pool's memory, imports the caller's main module as
multiprocessing's spawn does, and then forks the workers: the first ones, and those that replace dead ones.

    parent --descriptors, preparation (a file)--> template: prepare, names of __main__ (a pipe) --> parent
"""

import os
import pickle
import signal
import sys

from multiprocessing.popen_spawn_posix import _DupFd

from furrow import _blas, _furrow, _logs, _main, _worker
from furrow._relay import Outlet


class Template:
    """The parent's side: starts the program, and asks it which names its __main__ has.

    While the initializer's arguments are pickled it is what multiprocessing calls the spawning Popen, of which pipes,
    sockets and shared memory ask how their descriptors travel: they are inherited under their numbers.
    """

    DupFd = _DupFd

    def __init__(self, workers, max_tasks, initializer, initargs, threads, key, relay):
        from multiprocessing import reduction, resource_tracker, spawn

        self._numbers = workers, max_tasks, threads, key
        self._initial = initializer, initargs  # alive as long as the pool: a lock's name ends with its object
        self._relay = relay.descriptors()
        self._passed = list(self._relay)
        self._names = None
        self._reading = None
        self._frozen = None
        _know_theirs(reduction.ForkingPickler)
        self._authkey = _multiprocess_key()
        for context in _worker.of_libraries("context"):
            context.set_spawning_popen(self)  # locks and queues in the arguments pass their descriptors on
        try:
            preparation = spawn.get_preparation_data("SpawnPoolWorker")
            if not os.path.exists(preparation.get("init_main_from_path", "/")):
                del preparation["init_main_from_path"]  # typed, or piped in
            self._preparation = bytes(reduction.ForkingPickler.dumps(preparation))
            self._begin = bytes(reduction.ForkingPickler.dumps((initializer, initargs)))
        finally:
            for context in _worker.of_libraries("context"):
                context.set_spawning_popen(None)
        self._tracker = resource_tracker.getfd()

    def duplicate_for_child(self, fd):
        self._passed.append(fd)
        return fd

    def start(self, segment, arena):
        """Starts the program and returns its pid. segment and arena are descriptors; arena may be -1."""
        from multiprocessing import util

        data = os.memfd_create("furrow-start")
        self._reading, writing = os.pipe()
        try:
            with open(data, "wb", closefd=False) as file:
                pickle.dump((os.getpid(), segment, arena, writing, self._numbers, self._tracker, self._relay,
                             _logs.levels(), self._preparation, self._authkey, self._begin), file)
            words, start = self._command(data)
            descriptors = {data, segment, writing, self._tracker, start, *self._passed}
            descriptors |= {arena} if arena >= 0 else set()
            # The parent handles interrupts: they stay blocked in the template until main() ignores them.
            before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
            try:
                return util.spawnv_passfds(os.fsencode(words[0]), [os.fsencode(word) for word in words],
                                           tuple(sorted(descriptors)))
            finally:
                signal.pthread_sigmask(signal.SIG_SETMASK, before)
        finally:
            os.close(data)
            os.close(writing)
            if self._frozen is not None:
                self._frozen.close()

    def _command(self, data):
        """The words that start the program, and a descriptor that it reads besides."""
        from multiprocessing import spawn, util

        if getattr(sys, "frozen", False):  # only multiprocessing.freeze_support() starts anything in it
            self._frozen = open(os.memfd_create("furrow-frozen"), "w+b")
            self._frozen.write(self._preparation + pickle.dumps(_Frozen(data)))
            self._frozen.seek(0)
            start = self._frozen.fileno()
            return spawn.get_command_line(pipe_handle=start, tracker_fd=self._tracker), start
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        program = f"import sys; sys.path.insert(0, {folder!r}); from furrow._spawn import main; main({data})"
        return [spawn.get_executable(), *util._args_from_interpreter_flags(), "-c", program], data

    def names(self):
        """What _main.described() says in the template. Waits until the template has imported __main__."""
        if self._names is None:
            with open(self._reading, "rb") as pipe:
                self._reading = None
                text = pipe.read()
            self._names = pickle.loads(text) if text else {}
        return self._names

    def __del__(self):
        if self._reading is not None:
            os.close(self._reading)


def _know_theirs(pickler):
    """Has multiprocessing's pickler know the pipes and sockets of multiprocess."""
    for theirs in _worker.of_libraries("reduction"):
        for kind, reducer in theirs.ForkingPickler._extra_reducers.items():
            pickler._extra_reducers.setdefault(kind, reducer)


def _multiprocess_key():
    """The key with which the program uses the managers of multiprocess; None if it has not imported that."""
    process = sys.modules.get("multiprocess.process")
    return process and bytes(process.current_process().authkey)


def _prepare_multiprocess(authkey):
    """Does for multiprocess what multiprocessing's spawn.prepare() does for itself."""
    if authkey is not None:
        from multiprocess import process

        process.current_process().authkey = authkey
        process.current_process()._inheriting = True


class _Frozen:
    """What multiprocessing takes for the process that it has started in a frozen program."""

    def __init__(self, data):
        self._data = data

    def _bootstrap(self, parent_sentinel):
        main(self._data)


def main(data):
    """The template's whole program."""
    if signal.getsignal(signal.SIGINT) != signal.SIG_IGN:
        # The parent decides what an interrupt means. Not ignored, since programs that tasks start would inherit that.
        signal.signal(signal.SIGINT, lambda *_: None)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    with open(data, "rb") as file:
        file.seek(0)
        parent, segment, arena, writing, numbers, tracker, relay, levels, *prepared, begin = pickle.load(file)
    workers, max_tasks, threads, key = numbers
    preparation, authkey = prepared
    from multiprocessing import process, resource_tracker, spawn, util

    resource_tracker._resource_tracker._fd = tracker
    if threads:
        _blas.limit(threads, [])
    process.current_process()._inheriting = True
    try:
        spawn.prepare(pickle.loads(preparation))
        _prepare_multiprocess(authkey)
        initializer, initargs = pickle.loads(begin)
        _logs.adopt(levels)
    finally:
        for each in _worker.of_libraries("process"):
            vars(each.current_process()).pop("_inheriting", None)
    try:
        with open(writing, "wb") as pipe:
            pipe.write(pickle.dumps(_main.described() if "__mp_main__" in sys.modules else {}))
    except BrokenPipeError:  # the program has been interrupted as it made the pool
        os._exit(1)

    outlet = Outlet.inherited(*relay)
    start = _worker.beginning(workers, initializer, initargs, threads, "SpawnPoolWorker", key, outlet)
    util._flush_std_streams()
    status = _furrow.run_template(segment, arena, workers, max_tasks, parent, _worker, start)
    os._exit(status)
