"""Short jobs of a Snakefile on Slurm, compared with Debian's Snakemake with --cluster sbatch: both on a Slurm of two
virtual nodes on this machine, which starts and ends with the row. Snakemake submits each job separately and would take
many minutes for all of them, so it runs fewer, and the rates are compared. Its memory is that of the Snakemake that
starts in each job.
"""
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from row import Row

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "support"))

FURROW = os.environ.get("FURROW") or str(ROOT / "build" / "bin" / "furrow")
COMMAND = [FURROW, "run", "--executor", "slurm", "-q"]
OURS, MANY, THEIRS = 1000, 10_000, 20
SPEEDUP = 50
MOST_SUBMISSIONS = 10
SNAKEFILE = """
rule all:
    input: expand("out/{{n}}.txt", n=range({count}))
rule one:
    output: "out/{{n}}.txt"
    resources: mem_mb=400, runtime=1
    shell: "echo {{wildcards.n}} > {{output}}"
"""


def timed_run(slurm, command, count):
    """Seconds for COUNT jobs in a fresh folder, and how many submissions they took."""
    from engine import environment

    with tempfile.TemporaryDirectory(prefix="furrow-bench-") as folder:
        (Path(folder) / "Snakefile").write_text(SNAKEFILE.format(count=count))
        before, begin = slurm.submissions(), time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment(**slurm.environment(), HOME=folder),
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=600)
        took = time.perf_counter() - begin
        made = len(list((Path(folder) / "out").glob("*.txt")))
        if done.returncode != 0 or made != count:
            raise RuntimeError(f"{command} ended with {done.returncode} and {made} files: {done.stderr[-2000:]}")
        return took, slurm.submissions() - before


def on_slurm(command, count):
    from slurm import Slurm

    slurm = Slurm().start()
    try:
        return timed_run(slurm, command, count)
    finally:
        slurm.stop()


def short_jobs():
    def snakemake():
        if not rates:
            command = ["/usr/bin/snakemake", "-j", "100", "--latency-wait", "10", "--cluster",
                       "sbatch --parsable --mem={resources.mem_mb} --time={resources.runtime} -o /dev/null"]
            rates.append(THEIRS / on_slurm(command, THEIRS)[0])
        return rates[0]

    def furrow():
        seconds, submissions = on_slurm(COMMAND, OURS)
        row.goal = SPEEDUP * snakemake()
        verdict = "met" if submissions <= MOST_SUBMISSIONS else "MISSED"
        return OURS / seconds, (f"{seconds:.1f} s in {submissions} submissions (at most {MOST_SUBMISSIONS}: "
                                f"{verdict}); "
                                f"Snakemake with {THEIRS} jobs: {THEIRS / snakemake():.0f} s")

    rates = []
    row = Row(f"{OURS:,} short jobs of a Snakefile on Slurm", 0, "jobs/s", furrow, snakemake)
    return row


def many_jobs():
    """Ten times as many jobs must not take longer per job."""
    def furrow():
        row.goal = OURS / on_slurm(COMMAND, OURS)[0]
        seconds, submissions = on_slurm(COMMAND, MANY)
        return MANY / seconds, f"{submissions} submissions; goal: the rate of {OURS:,} jobs"

    row = Row(f"{MANY:,} short jobs of a Snakefile on Slurm", 0, "jobs/s", furrow)
    return row


def rows():
    import slurm

    if slurm.missing():
        print(f"no Slurm: {slurm.missing()}", file=sys.stderr)
        return
    yield short_jobs()
    yield many_jobs()
