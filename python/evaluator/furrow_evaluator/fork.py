"""Children that run `run:` blocks.

A child is forked from the evaluator, which has loaded the Snakefile already. SIGCHLD wakes the loop through a pipe, so that no time passes between
the end of a child and its event. States of a child: started (in `running_`) -> ended (waited for, event sent). Nothing else removes one.
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

kErrorLimit = 60000
kResetSignals = (_signal.SIGCHLD, _signal.SIGTERM, _signal.SIGHUP, _signal.SIGQUIT, _signal.SIGUSR1, _signal.SIGUSR2)


class Child:
    def __init__(self, tag, error_fd):
        self.tag = tag
        self.error_fd = error_fd


class Children:
    def __init__(self, transport, guard_fd):
        __import__("subprocess")  # every child that calls shell(...) needs it; loading it here pays for it once
        self.transport_ = transport
        self.guard_fd_ = guard_fd
        self.guard_ = map_guard(guard_fd)
        self.running_ = {}
        self.wake_read_, self.wake_write_ = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        _signal.set_wakeup_fd(self.wake_write_, warn_on_full_buffer=False)
        _signal.signal(_signal.SIGCHLD, lambda number, frame: None)
        self.poll_ = select.poll()
        self.poll_.register(transport.fileno(), select.POLLIN)
        self.poll_.register(self.wake_read_, select.POLLIN)
        gc.collect()

    # Parent.

    def start(self, tag, slot, rule, job, fds):
        error_read, error_write = os.pipe2(os.O_CLOEXEC | os.O_NONBLOCK)
        sys.stdout.flush()
        sys.stderr.flush()
        gc.freeze()
        pid = os.fork()
        if pid == 0:
            self.be_child(slot, rule, job, fds, error_write)
        close_quietly([*fds, error_write])
        try:
            os.setpgid(pid, pid)
        except OSError:
            pass
        self.running_[pid] = Child(tag, error_read)
        return pid

    def wait(self, transport):
        """Reports children that end, until a request is there."""
        while True:
            ready = self.poll_.poll(0 if transport.has_frame() else None)
            if any(fd == self.wake_read_ for fd, _ in ready):
                self.reap()
            if transport.has_frame() or any(fd == transport.fileno() for fd, _ in ready):
                return

    def reap(self):
        try:
            os.read(self.wake_read_, 4096)
        except BlockingIOError:
            pass
        for pid in list(self.running_):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                child = self.running_.pop(pid)
                self.transport_.send({"event": "exit", "tag": child.tag, "status": status, "error": read_error(child.error_fd)})

    def kill_all(self):
        for pid in self.running_:
            try:
                os.killpg(pid, _signal.SIGKILL)
            except OSError:
                pass

    # Child.

    def be_child(self, slot, rule, job, fds, error_fd):
        status = 1
        try:
            self.settle(slot, fds, job)
            status = run_block(rule, job, error_fd)
        except BaseException as error:
            report(error, rule, error_fd)
        finally:
            leave_child(status)

    def settle(self, slot, fds, job):
        os.setpgid(0, 0)
        if self.guard_ is not None and slot is not None:
            self.guard_[4 * slot : 4 * slot + 4] = os.getpid().to_bytes(4, sys.byteorder)
        _signal.set_wakeup_fd(-1)
        for number in kResetSignals:
            _signal.signal(number, _signal.SIG_DFL)
        _signal.signal(_signal.SIGINT, _signal.default_int_handler)
        self.transport_.close()
        active.can_ask = False
        close_quietly([self.wake_read_, self.wake_write_])
        close_quietly(child.error_fd for child in self.running_.values())
        if self.guard_fd_ is not None:
            close_quietly([self.guard_fd_])
        os.dup2(fds[0], 1)
        os.dup2(fds[1], 2)
        close_quietly(fds)
        if job.get("cwd"):
            os.chdir(job["cwd"])
        forget_exit_functions()
        gc.enable()


def forget_exit_functions():
    """What is to be done at the end of the evaluator is not to be done at the end of a child."""
    atexit._clear()
    pools = sys.modules.get("multiprocessing.util")
    if pools is not None:
        pools._finalizer_registry.clear()


def map_guard(guard_fd):
    if guard_fd is None:
        return None
    size = os.fstat(guard_fd).st_size
    return mmap.mmap(guard_fd, size) if size else None


def run_block(rule, job, error_fd):
    try:
        rule.run_func(**run_arguments(rule, job))
    except SystemExit as leaving:
        if leaving.code not in (None, 0):
            report(leaving, rule, error_fd)
            return 1
    except BaseException as error:
        report(error, rule, error_fd)
        return 1
    return 0


def report(error, rule, error_fd):
    """To standard error for the user, to the pipe for the engine. The pipe never blocks: what it does not take is left out."""
    try:
        sys.stdout.flush()
        sys.stderr.write(user_traceback(error))
        sys.stderr.flush()
        text = dumps(describe(error, rule.name)).encode("utf-8", "surrogateescape")
        os.write(error_fd, text[:kErrorLimit])
    except Exception:
        pass


def leave_child(status):
    """Does what the end of a program would do: waits for the user's threads, calls exit functions, flushes what was printed."""
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


def read_error(fd):
    try:
        data = os.read(fd, kErrorLimit)
        return loads(data.decode("utf-8", "surrogateescape")) if data else None
    except (BlockingIOError, ValueError):
        return None
    finally:
        close_quietly([fd])
