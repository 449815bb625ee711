"""Runs a program and measures its time and the memory of the program and its children."""
import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Measurement:
    seconds: float
    megabytes: float = 0.0  # all its processes together
    largest: float = 0.0  # the largest of them


def environment():
    """Debian's python3 first: a version manager's shim costs 0.15 s a start."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("SNAKEMAKE", "FURROW", "PYTHON"))}
    return {**env, "PATH": "/usr/bin:/bin:" + env.get("PATH", ""), "LC_ALL": "C.UTF-8"}


def run(argv, folder):
    """Returns the seconds from start to end; raises an error if the program fails."""
    begin = time.perf_counter()
    done = subprocess.run(argv, cwd=folder, env=environment(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT)
    seconds = time.perf_counter() - begin
    if done.returncode != 0:
        raise RuntimeError(f"{argv} in {folder} ended with {done.returncode}:\n"
                           f"{done.stdout[-2000:].decode(errors='replace')}")
    return seconds


def high_water(pid, peaks):
    """Notes the peak resident size (kB) of a process and of all its descendants."""
    try:
        status = (Path("/proc") / str(pid) / "status").read_text()
        children = (Path("/proc") / str(pid) / "task" / str(pid) / "children").read_text().split()
    except OSError:
        return
    for line in status.splitlines():
        if line.startswith("VmHWM:"):
            peaks[pid] = int(line.split()[1])
    for child in children:
        high_water(int(child), peaks)


def run_watched(argv, folder, pause):
    """Like run(), with the sum of the peaks of the program and its children: an upper bound of their memory."""
    begin = time.perf_counter()
    process = subprocess.Popen(argv, cwd=folder, env=environment(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    peaks, ended = {}, threading.Event()

    def watch():
        while not ended.is_set():
            high_water(process.pid, peaks)
            ended.wait(pause)

    watcher = threading.Thread(target=watch)
    watcher.start()
    process.wait()
    seconds = time.perf_counter() - begin
    ended.set()
    watcher.join()
    return Measurement(seconds, sum(peaks.values()) / 1024, max(peaks.values(), default=0) / 1024)


def measure(argv, folder, repeats, memory=True, before=None):
    """The median of several runs. Memory comes from one more run, because watching would slow the others. A program
    that takes long runs once and is watched less often."""
    if repeats == 1:
        if before:
            before()
        return run_watched(argv, folder, 0.05) if memory else Measurement(run(argv, folder))
    times = []
    for _ in range(repeats):
        if before:
            before()
        times.append(run(argv, folder))
    if not memory:
        return Measurement(statistics.median(times))
    if before:
        before()
    return Measurement(statistics.median(times), run_watched(argv, folder, 0.002).megabytes)


def measure_in_turn(programs, folder, repeats, before):
    """The median time of each, by name. They run in turn, so that a machine that slows down slows down for all."""
    times = {name: [] for name in programs}
    for _ in range(repeats):
        for name, argv in programs.items():
            before()
            times[name].append(run(argv, folder))
    return {name: Measurement(statistics.median(taken)) for name, taken in times.items()}
