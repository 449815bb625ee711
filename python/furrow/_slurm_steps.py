"""Starts programs on the nodes of a Slurm allocation, a job step for each node, with the user's srun and salloc.

    program --pipes--> srun --Slurm's own connections--> agent on a node          (a job step for each node)
    program --pipe---> salloc --> sh, which reads it     (only if the program is not in an allocation)

No port is opened. All of this ends with the program, however that ends: srun passes the end of its standard input on
to the agent, which ends; and the shell that salloc has started ends, so that salloc gives the allocation back.
"""

import collections
import os
import re
import selectors
import shutil
import subprocess
import sys
import threading
import time

from furrow._failures import PoolError

# Variables of Slurm that are no options for srun: where Slurm is, and which MPI it starts.
_KEPT = ("SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_CLUSTERS", "SLURM_JWT", "SLURM_MPI_TYPE")
_SAID = 20         # lines of a command that are kept for messages
_PATIENCE_S = 3    # before what a command says is shown while it is waited for
_END_S = 5         # how long a command may take to end
_MARK = "furrow-granted"
_HOLD = f'env | grep "^SLURM_"; echo {_MARK}; exec cat > /dev/null'


class Node:
    """A node of the allocation, and how many of its CPUs and tasks belong to it."""

    def __init__(self, name, cpus, tasks):
        self.name, self.cpus, self.tasks = name, cpus, tasks


class Allocation:
    """The nodes on which steps run: those of the job in which this program is, or of one that salloc gets."""

    def __init__(self, options, tasks):
        """options: words for salloc. tasks: how many processors to ask for, unless options say so; None: salloc's."""
        self._salloc = None
        if "SLURM_JOB_ID" in os.environ:
            variables = os.environ
        else:
            words = ["salloc", "--no-kill", *([f"--ntasks={tasks}"] if tasks else []), *options, "sh", "-c", _HOLD]
            self._salloc = Command(words, dict(os.environ))
            try:
                variables = self._granted()
            except BaseException:
                self.end()
                raise
        self.job = variables["SLURM_JOB_ID"]
        self.nodes = _nodes(variables)

    def _granted(self):
        text = self._salloc.read_until(_MARK.encode() + b"\n", "there is no allocation")
        self._salloc.mute()
        return dict(line.split("=", 1) for line in text.decode().splitlines() if "=" in line)

    def end(self):
        if self._salloc is not None:
            self._salloc.end(lambda: ["scancel", self.job] if hasattr(self, "job") else None)


class Command:
    """A command of Slurm with pipes. What it writes to standard error is shown, and kept for messages."""

    def __init__(self, words, environment):
        if shutil.which(words[0]) is None:
            raise PoolError(f"Pool(backend=\"slurm\") needs Slurm's {words[0]}, which is not on PATH")
        # In a session of its own: an interrupt in the terminal is for the program.
        self._process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                         bufsize=0, env=environment, start_new_session=True)
        self.name = words[0]
        self._said = collections.deque(maxlen=_SAID)
        self._held = []  # lines to be shown if this takes long; None: lines are shown at once
        self._muted = False
        self._lock = threading.Lock()
        self._reader = threading.Thread(target=self._read_errors, name="furrow-slurm", daemon=True)
        self._reader.start()

    def _read_errors(self):
        with self._process.stderr as pipe, open(pipe.fileno(), "rb", closefd=False) as lines:
            for line in lines:
                line = line.decode(errors="replace")
                with self._lock:
                    if _is_of_slurm(line):
                        self._said.append(line.rstrip())
                    if self._muted and _is_of_slurm(line):
                        continue
                    if self._held is not None:
                        self._held.append(line)
                        continue
                _show(line)

    def show(self):
        """From now on its lines appear in the program's standard error."""
        with self._lock:
            held, self._held = self._held or [], None
        for line in held:
            _show(line)

    def mute(self):
        """What Slurm says from now on is of no interest: the pool ends, or has what it needs."""
        with self._lock:
            self._muted = True

    def read_until(self, mark, problem):
        """Reads standard output up to the mark. problem: what it means if that does not come."""
        begun, text = time.monotonic(), b""
        pipe = self._process.stdout
        with selectors.DefaultSelector() as selector:
            selector.register(pipe, selectors.EVENT_READ)
            while not text.endswith(mark):
                if not selector.select(0.1):
                    if time.monotonic() - begun > _PATIENCE_S:
                        self.show()
                    continue
                got = os.read(pipe.fileno(), 1)  # what follows the mark is not for here
                if not got:
                    raise PoolError(self.failure(problem))
                text += got
        return text

    def failure(self, what):
        """A message about its end, with its own words."""
        try:
            status = self._process.wait(1)
        except subprocess.TimeoutExpired:
            return f"{what}: {self.name} runs on, but has closed its output"
        self._reader.join(1)
        with self._lock:
            said = list(self._said) or [line.rstrip() for line in self._held or ()]
        ended = f"{self.name} was killed by signal {-status}" if status < 0 else f"{self.name} exited with {status}"
        return "\n  ".join([f"{what}: {ended}", *said])

    def take_pipes(self):
        """Descriptors of copies of its pipes, to read from and to write to."""
        pipes = os.dup(self._process.stdout.fileno()), os.dup(self._process.stdin.fileno())
        self._process.stdout.close()
        self._process.stdin.close()
        return pipes

    def end(self, canceller):
        """Waits until it has ended, as it does when its input has; canceller() gives the words that end it in Slurm."""
        self.mute()
        if not self._process.stdin.closed:
            self._process.stdin.close()
        try:
            self._process.wait(_END_S)
        except subprocess.TimeoutExpired:
            words = canceller()
            if words:
                subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                               check=False)
            self._process.kill()
            self._process.wait()
        self._reader.join(_END_S)
        if not self._process.stdout.closed:
            self._process.stdout.close()


def start_on(node, job, options, words):
    """srun with words on a node of a job, where they get all CPUs that the job has there."""
    environment = {name: value for name, value in os.environ.items()
                   if name in _KEPT or not name.startswith(("SLURM_", "SLURMD_", "PMI_", "PMIX_"))}
    return Command(["srun", f"--jobid={job}", "--nodes=1", "--ntasks=1", f"--nodelist={node.name}",
                    f"--cpus-per-task={node.cpus}", "--overlap", "--mpi=none", "--job-name=furrow", *options, *words],
                   environment)


def _nodes(variables):
    names = subprocess.run(["scontrol", "show", "hostnames", variables["SLURM_JOB_NODELIST"]], capture_output=True,
                           text=True, stdin=subprocess.DEVNULL, check=False)
    if names.returncode != 0:
        raise PoolError(f"scontrol cannot tell the nodes of job {variables['SLURM_JOB_ID']}: {names.stderr.strip()}")
    names = names.stdout.split()
    cpus = counts(variables.get("SLURM_JOB_CPUS_PER_NODE", ""), len(names))
    tasks = counts(variables.get("SLURM_TASKS_PER_NODE", ""), len(names))
    return [Node(*each) for each in zip(names, cpus, tasks)]


def counts(text, nodes):
    """Slurm's "4(x2),3" as [4, 4, 3], with a 1 for each node that it does not name."""
    found = []
    for count, times in re.findall(r"(\d+)(?:\(x(\d+)\))?", text):
        found += [int(count)] * int(times or 1)
    return (found + [1] * nodes)[:nodes]


def share(processes, nodes):
    """How many of the processes each node gets: as Slurm has placed the tasks, or in proportion to the CPUs."""
    tasks = [node.tasks for node in nodes]
    if sum(tasks) == processes:
        return tasks
    cpus = sum(node.cpus for node in nodes)
    exact = [processes * node.cpus / cpus for node in nodes]
    shares = [int(each) for each in exact]
    by_rest = sorted(range(len(nodes)), key=lambda index: shares[index] - exact[index])
    for index in by_rest[: processes - sum(shares)]:
        shares[index] += 1
    return shares


def _is_of_slurm(line):
    return line.startswith(("srun:", "salloc:", "slurmstepd:", "scancel:"))


def _show(line):
    if sys.stderr is not None:
        sys.stderr.write(line)
        sys.stderr.flush()
