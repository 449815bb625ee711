"""Children that run `run:` blocks.

A child is forked from the evaluator, which has already loaded the Snakefile. SIGCHLD wakes the loop through a pipe, so
that the exit event is sent as soon as a child ends. States of a child: started (in `_running`) -> ended (waited for,
event sent). Nothing else removes a child.
"""

import _signal
import atexit
import gc
import mmap
import os
import select
import sys
from json import loads

from . import active
from .errors import describe, user_traceback
from .jobs import run_arguments
from .transport import close_quietly, dumps

_COOKIE = "FURROW_JOB"  # by it the next engine finds processes of a run that was killed; it ends in 16 digits
_ERROR_LIMIT = 60000
_RESET_SIGNALS = (_signal.SIGCHLD, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)


class _Child:
    def __init__(self, tag, error_fd):
        self.tag = tag
        self.error_fd = error_fd


class Children:
    def __init__(self, transport, guard_fd):
        __import__("subprocess")  # children need it for shell(...); this loads it once for all
        self._transport = transport
        self._guard_fd = guard_fd
        self._guard = _map_guard(guard_fd)
        self._running = {}
        self._wake_read, self._wake_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        self._poll = select.poll()
        self._poll.register(transport.fileno(), select.POLLIN)
        self._poll.register(self._wake_read, select.POLLIN)
        gc.collect()

    # Parent.

    def start(self, tag, slot, rule, job, fds):
        error_read, error_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self._run_child(tag, slot, rule, job, fds, error_write)
        close_quietly([*fds, error_write])
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass
        self._running[pid] = _Child(tag, error_read)
        return pid

    def wait(self, transport):
        """Reports children that end, until a request arrives."""
        while True:
            ready = self._poll.poll(0 if transport.has_frame() else None)
            if any(fd == self._wake_read for fd, _ in ready):
                self._reap()
            if transport.has_frame() or any(fd == transport.fileno() for fd, _ in ready):
                return

    def _reap(self):
        try:
            os.read(self._wake_read, 4096)
        except BlockingIOError:
            pass
        for pid in list(self._running):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                child = self._running.pop(pid)
                self._transport.send(
                    {"event": "exit", "tag": child.tag, "status": status, "error": _read_error(child.error_fd)}
                )

    def kill_all(self):
        for pid in self._running:
            try:
                os.killpg(pid, _signal.SIGKILL)
            except OSError:
                pass

    # Child.

    def _run_child(self, tag, slot, rule, job, fds, error_fd):
        status = 1
        try:
            self._set_up_child(tag, slot, fds, job)
            status = _run_block(rule, job, error_fd)
        except BaseException as error:
            _report(error, rule, error_fd)
        finally:
            _exit_child(status)

    def _set_up_child(self, tag, slot, fds, job):
        os.setpgid(0, 0)
        if self._guard is not None and slot is not None:
            self._guard[4 * slot : 4 * slot + 4] = os.getpid().to_bytes(4, sys.byteorder)
        if _COOKIE in os.environ:
            os.environ[_COOKIE] = "%s%016x" % (os.environ[_COOKIE][:-16], tag)
        _signal.set_wakeup_fd(-1)
        for number in _RESET_SIGNALS:
            _signal.signal(number, _signal.SIG_DFL)
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        self._transport.close()
        active.can_ask = False
        close_quietly([self._wake_read, self._wake_write])
        close_quietly(child.error_fd for child in self._running.values())
        if self._guard_fd is not None:
            close_quietly([self._guard_fd])
        os.dup2(fds[0], 1)
        os.dup2(fds[1], 2)
        close_quietly(fds)
        if job.get("cwd"):
            os.chdir(job["cwd"])
        _forget_exit_functions()
        gc.enable()


def _forget_exit_functions():
    """Exit functions of the evaluator must not run at the end of a child."""
    atexit._clear()
    pools = sys.modules.get("multiprocessing.util")
    if pools is not None:
        pools._finalizer_registry.clear()


def _map_guard(guard_fd):
    if guard_fd is None:
        return None
    size = os.fstat(guard_fd).st_size
    return mmap.mmap(guard_fd, size) if size else None


def _run_block(rule, job, error_fd):
    try:
        rule.run_func(**run_arguments(rule, job))
    except SystemExit as error:
        if error.code not in (None, 0):
            _report(error, rule, error_fd)
            return 1
    except BaseException as error:
        _report(error, rule, error_fd)
        return 1
    return 0


def _report(error, rule, error_fd):
    """Writes the error to standard error for the user, and to the pipe for the engine.

    The pipe never blocks: what does not fit is left out.
    """
    try:
        sys.stdout.flush()
        sys.stderr.write(user_traceback(error))
        sys.stderr.flush()
        text = dumps(describe(error, rule.name)).encode("utf-8", "surrogateescape")
        os.write(error_fd, text[:_ERROR_LIMIT])
    except Exception:
        pass


def _exit_child(status):
    """Ends the child as a program ends: waits for user threads, calls exit functions, flushes output."""
    try:
        threading = sys.modules.get("threading")
        if threading is not None:
            threading._shutdown()
        pools = sys.modules.get("multiprocessing.util")
        if pools is not None:
            pools._exit_function()
        atexit._run_exitfuncs()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except BaseException:
        status = status or 1
    finally:
        os._exit(status)


def _read_error(fd):
    try:
        data = os.read(fd, _ERROR_LIMIT)
        return loads(data.decode("utf-8", "surrogateescape")) if data else None
    except (BlockingIOError, ValueError):
        return None
    finally:
        close_quietly([fd])
