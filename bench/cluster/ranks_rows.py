"""`mpirun furrow map` on two ranks that run one job at a time each, compared with the command alone with two slots: the
cost of sending every second job to another rank. The start of MPI is included."""
import os
import subprocess
import time
from pathlib import Path

from mpi_rows import median
from row import Row

FURROW = os.environ.get("FURROW") or str(Path(__file__).parents[2] / "build" / "bin" / "furrow")
JOBS = 4000
GOAL = 0.75  # relative to the rate of the command alone


def rate(*argv):
    """Jobs per second."""
    command = [*argv, FURROW, "map", "-j1" if argv else "-j2", "/bin/true", ":::", *map(str, range(JOBS))]
    begin = time.monotonic()
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240)
    if done.returncode != 0:
        raise RuntimeError(f"furrow map ended with {done.returncode}: {done.stderr[-2000:]}")
    return JOBS / (time.monotonic() - begin)


def rows():
    mpirun = ["mpirun", "-n", "2", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader"]
    if os.geteuid() == 0:
        mpirun.append("--allow-run-as-root")
    alone = []

    def local():
        if not alone:
            alone.append(median(3, rate))
        return alone[0]

    def ranks():
        row.goal = GOAL * local()
        return median(3, lambda: rate(*mpirun))

    row = Row(f"{JOBS:,} empty programs by furrow map on 2 ranks; rival: without MPI, -j2", 0, "jobs/s", ranks, local)
    return [row]
