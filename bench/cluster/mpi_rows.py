"""A Pool over MPI, in C++ and in Python, compared with mpi4py.futures: each with two workers on ranks of their own, and
a rank that distributes the tasks."""
import os
import statistics
import subprocess
from pathlib import Path

from row import Row

FOLDER = Path(__file__).parent
PROGRAM = os.environ.get("FURROW_MPI_POOL", str(FOLDER.parents[1] / "build" / "bin" / "mpi_pool_bench"))
PYTHON = "/usr/bin/python3"


def mpirun(ranks, *argv):
    """The numbers on the last line that the program prints."""
    command = ["mpirun", "-n", str(ranks), "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader"]
    if os.geteuid() == 0:
        command.append("--allow-run-as-root")
    done = subprocess.run([*command, *map(str, argv)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=240)
    if done.returncode != 0:
        raise RuntimeError(f"{argv} ended with {done.returncode}: {done.stderr[-2000:]}")
    return [float(word) for word in done.stdout.split("\n")[-2].split()]


def median(times, measure):
    return statistics.median(measure() for _ in range(times))


def comparison(name, row, goal, ours, theirs, unit, program=(PROGRAM,), fewer=()):
    """Each does its own number of tasks and rates are compared, or seconds if there is no number. The remark is our
    rate for FEWER tasks."""
    def rate(tasks):
        return tasks / median(3, lambda: mpirun(3, *program, row, tasks)[0])

    def furrow():
        if not ours:
            return median(3, lambda: mpirun(3, *program, row, ours)[0])
        return rate(ours), "; ".join(f"{tasks:,} tasks: {rate(tasks):,.0f}/s" for tasks in fewer)

    def rival():
        seconds = median(3, lambda: mpirun(3, PYTHON, "-m", "mpi4py.futures", FOLDER / "mpi_rival.py", row, theirs)[0])
        return theirs / seconds if theirs else seconds

    return Row(name, goal, unit, furrow, rival, more_is_better=bool(ours))


def many(ranks, workers):
    """Tasks of 20 ms that only wait, 10 for each worker: the rate relative to the ideal one, and the use of rank 0's
    core."""
    def furrow():
        seconds, tasks, processor = mpirun(ranks + 1, PROGRAM, "naps", 10, workers)
        ideal = tasks * 0.02 / (ranks * workers)
        return ideal / seconds, f"rank 0 uses {processor / seconds:.2f} cores"

    return Row(f"{ranks * workers} workers on {ranks} ranks, tasks that wait for 20 ms", 0.5, "of ideal", furrow, None)


def rows():
    yield comparison("2 workers, empty tasks, chunk size 1", "singly", 500_000, 1_000_000, 10_000, "tasks/s",
                     fewer=(1_000, 10_000, 100_000))
    yield comparison("2 workers, empty tasks, automatic chunks", "chunks", 10_000_000, 20_000_000, 1_000_000, "tasks/s",
                     fewer=(10_000, 1_000_000))
    yield comparison("64 MiB in and out of 2 tasks", "arrays", 0.15, 0, 0, "s")
    python = (PYTHON, FOLDER / "mpi_python.py")
    yield comparison("Python, 2 workers, empty tasks, chunk size 1", "singly", 300_000, 1_000_000, 10_000, "tasks/s",
                     python)
    yield comparison("Python, 2 workers, empty tasks, automatic chunks", "chunks", 2_000_000, 10_000_000, 1_000_000,
                     "tasks/s", python)
    yield comparison("Python, 64 MiB in and out of 2 tasks", "arrays", 0.15, 0, 0, "s", python)
    for ranks, workers in (2, 25), (4, 25), (8, 25):
        yield many(ranks, workers)
