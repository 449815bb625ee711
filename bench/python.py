"""Measures the Python module against multiprocessing, multiprocess, concurrent.futures, joblib and mpi4py.futures:
./dev bench python [--quick] [--rows RE] [--rivals RE]

All libraries of a row run in turn, several times, each time in a new process and after one warm-up (except for the rows
of the start and of memory); the median of each counts. A ratio above 1 means that furrow is faster, or takes less.
"""
import argparse
import importlib.util
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from measure import environment, run

HERE = Path(__file__).resolve().parent
MODULE = os.environ.get("FURROW_PYTHON") or str(HERE.parent / "build" / "python")
WORKERS = 2
RIVALS = ["multiprocessing", "multiprocess", "concurrent.futures", "joblib", "mpi4py.futures"]


@dataclass
class Row:
    """One measurement: WORK is its name in python_work.py, COUNT the number of tasks (fewer for slow rivals)."""
    title: str
    work: str
    count: int
    rivals: list
    fewer: dict = field(default_factory=dict)
    times: dict = field(default_factory=dict)  # rival: how many times as fast furrow must be
    most: float = 0.0  # furrow must take no more than this, in UNIT
    unit: str = "s"


ROWS = [
    Row("empty task, chunksize=1", "calls", 100_000, RIVALS,
        {"multiprocess": 10, "concurrent.futures": 10, "joblib": 20, "mpi4py.futures": 50},
        {"multiprocessing": 20}, unit="/s"),
    Row("empty task, automatic chunks", "chunks", 1_000_000, RIVALS, {"joblib": 20}, {"multiprocessing": 1.5},
        unit="us a task"),
    Row("lambda, automatic chunks", "lambdas", 1_000_000, ["multiprocess", "joblib"], {"joblib": 20},
        {"multiprocess": 10}, unit="us a task"),
    *(Row(f"3,000 {kind}, automatic chunks", work, 150_000, RIVALS, {"joblib": 10}, {"multiprocessing": 1.2},
          unit="us a task")
      for kind, work in {"short texts": "texts", "dicts": "dicts", "small tuples": "tuples",
                         "objects": "objects"}.items()),
    Row("Executor.submit of empty tasks", "submitted", 10_000, ["concurrent.futures"],
        times={"concurrent.futures": 6}, unit="/s"),
    Row("start of joblib.Parallel, and empty tasks", "start_of_joblib", 10_000, ["joblib"], times={"joblib": 5},
        unit="/s"),
    Row("joblib.Parallel of empty tasks", "calls_of_joblib", 10_000, ["joblib"], times={"joblib": 5}, unit="/s"),
    Row("identity on two 64 MiB arrays", "arrays", 2, RIVALS, {}, {"multiprocessing": 20}, most=0.1),
    Row("one 100 MB array to 4 tasks", "one_array", 4, RIVALS, most=0.06),
    Row("start and first map", "start", 2, RIVALS[:-1], {}, {"multiprocessing": 1}, most=0.015),
    Row("kept 3 s after two 64 MiB arrays", "kept", 2, RIVALS[:3:2], most=64, unit="MiB a worker"),
    Row("100 calls of cpu_count()", "cores", 100, [], most=0.05),
]


class Bench:
    def __init__(self, folder, options):
        self.folder, self.rounds, self.quick = folder, 3 if options.quick else 5, options.quick
        self.env = {**environment(), "PYTHONPATH": MODULE, "OMPI_ALLOW_RUN_AS_ROOT": "1",
                    "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
        self.rivals = [name for name in RIVALS if re.search(options.rivals, name) and self.is_there(name)]

    def is_there(self, name):
        found = importlib.util.find_spec(name.split(".")[0]) and (not name.startswith("mpi") or shutil.which("mpirun"))
        if not found:
            print(f"left out: {name} is not installed")
        return found

    def seconds(self, row, library, count):
        command = [sys.executable, str(HERE / "python_work.py"), row.work, library, str(WORKERS), str(count)]
        if library == "mpi4py.futures":  # one more rank than workers; on two cores they must not spin
            command = ["mpirun", "--oversubscribe", "--mca", "mpi_yield_when_idle", "1", "-n", str(WORKERS + 1),
                       sys.executable, "-m", "mpi4py.futures", *command[1:]]
        done = subprocess.run(command, cwd=self.folder, env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              text=True)
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:]}")
        return float(done.stdout)

    def measure(self, row):
        """The median seconds of each library for all tasks, furrow first."""
        libraries = ["furrow", *(name for name in row.rivals if name in self.rivals)]
        counts = {name: max(2, row.count // row.fewer.get(name, 1) // (10 if self.quick and row.count > 100 else 1))
                  for name in libraries}
        taken = {name: [] for name in libraries}
        for _ in range(self.rounds):
            for name in libraries:
                taken[name].append(self.seconds(row, name, counts[name]))
        return {name: statistics.median(times) / counts[name] * row.count for name, times in taken.items()}


def goals(row, seconds, name):
    """The goal, and whether it was met."""
    if name == "furrow" and row.most:
        return verdict(f"at most {row.most:g} {row.unit}", seconds["furrow"] <= row.most)
    if name in row.times:
        return verdict(f"{row.times[name]:g} times", seconds[name] / seconds["furrow"] >= row.times[name])
    return ""


def verdict(goal, reached):
    return f"goal {goal}: {'ok' if reached else 'MISSED'}"


def shown(row, seconds):
    if row.unit == "/s":
        return f"{row.count / seconds:>12,.0f}/s"
    if row.unit == "us a task":
        return f"{seconds / row.count * 1e6:>9.3f} us a task"
    return f"{seconds:>12.4f} {row.unit}"


def lines(row, seconds):
    for name, value in seconds.items():
        times = f"{value / max(seconds['furrow'], 1e-9):6.2f} times as"
        ratio = "" if name == "furrow" else f"{times} much" if "MiB" in row.unit else f"furrow is {times} fast"
        yield f"{name:<20} {shown(row, value)}   {ratio:<32} {goals(row, seconds, name)}".rstrip()


def imports(bench):
    """Measures whole processes: the cost of an import is what it adds to them."""
    texts = {"nothing": "pass", "multiprocessing": "import multiprocessing", "furrow": "import furrow"}
    programs = {name: [sys.executable, "-c", f"import sys; sys.path.insert(0, {MODULE!r}); {text}"]
                for name, text in texts.items()}
    taken = {name: [] for name in programs}
    for _ in range(5 * bench.rounds):
        for name, argv in programs.items():
            taken[name].append(run(argv, bench.folder))
    median = {name: statistics.median(times) for name, times in taken.items()}
    for name in ("multiprocessing", "furrow"):
        yield f"{'import ' + name:<24} {(median[name] - median['nothing']) * 1e3:>8.1f} ms"
    over = (median["furrow"] - median["multiprocessing"]) * 1e3
    yield f"{'more':<24} {over:>8.1f} ms   {verdict('at most 15 ms', over <= 15)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the work, and fewer rounds")
    parser.add_argument("--rows", default="", metavar="RE", help="only rows whose name matches")
    parser.add_argument("--rivals", default="", metavar="RE", help="only rivals whose name matches")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options)
        for row in ROWS:
            if re.search(options.rows, row.title):
                print(f"\n{row.title}, {WORKERS} workers", flush=True)
                for line in lines(row, bench.measure(row)):
                    print("  " + line, flush=True)
        if re.search(options.rows, "import"):
            print("\nimport", flush=True)
            for line in imports(bench):
                print("  " + line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
