"""Measures `furrow run` against Debian's Snakemake, ninja and xargs: ./dev bench workflow [--quick|--full] [--rows RE]

Each line names the work, what each program took, and the goal. Times are medians and include starting Python.
Memory is the sum of the peak resident sizes of all processes of a program.
"""
import argparse
import os
import re
import shlex
import sys
import tempfile
from pathlib import Path

import snakefiles
from measure import measure, measure_in_turn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
import conda as conda_support  # noqa: E402
import containers as containers_support  # noqa: E402

FURROW = os.environ.get("FURROW") or str(Path(__file__).resolve().parents[1] / "build" / "bin" / "furrow")
SNAKEMAKE = ["/usr/bin/snakemake", "--cores", "2"]


class Bench:
    """One row: a folder to work in, and how often and how much to measure."""

    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.repeats = 3 if options.quick else 7
        self.cleaned = 0

    def snakefile(self, text):
        (self.folder / "Snakefile").write_text(text)

    def furrow(self, *arguments, repeats=None, **more):
        return measure([FURROW, "run", "-c", "2", *arguments], self.folder, repeats or self.repeats, **more)

    def snakemake(self, *arguments, minutes=0.0, **more):
        """One run; left out if it takes longer than the options allow."""
        if minutes > (0.1 if self.options.quick else 99 if self.options.full else 1):
            return None
        return measure([*SNAKEMAKE, *arguments], self.folder, 1, **more)

    def clean(self):
        """Moves results away. Does not delete them: for some seconds after that ext4 is slow to make new files."""
        self.cleaned += 1
        old = self.folder / "old" / str(self.cleaned)
        old.mkdir(parents=True)
        for name in ("out", ".furrow", ".snakemake", ".ninja_log"):
            if (self.folder / name).exists():
                (self.folder / name).rename(old / name)


def version(bench):
    ours = measure([FURROW, "--version"], bench.folder, 20, memory=False)
    theirs = measure(["/usr/bin/snakemake", "--version"], bench.folder, 3, memory=False)
    return times(ours, theirs, goal=0.01)


def plan(text, goal, goal_mb=None, minutes=0.1, repeats=None):
    def row(bench):
        bench.snakefile(text)
        ours = bench.furrow("-n", "-q", repeats=repeats)
        return times(ours, bench.snakemake("-n", "-q", minutes=minutes), goal=goal, goal_mb=goal_mb)

    return row


def up_to_date(jobs, goal, goal_mb=None, minutes=0.0):
    def row(bench):
        bench.snakefile(snakefiles.independent(jobs))
        snakefiles.make_outputs(bench.folder, jobs)
        bench.furrow("--touch", "-q", repeats=1)
        ours = bench.furrow("-q")
        theirs = bench.snakemake("-q", minutes=minutes)
        (bench.folder / "build.ninja").write_text(snakefiles.ninja(jobs))
        snakefiles.ninja_log(bench.folder, jobs)
        others = {"ninja": measure(["ninja", "--quiet"], bench.folder, bench.repeats)}
        return times(ours, theirs, others, goal=goal, goal_mb=goal_mb)

    return row


def shell_jobs(bench):
    jobs, few = 2000, 2000 if bench.options.full else 150
    command = "echo {wildcards.i} > {output}"
    bench.snakefile(snakefiles.independent(jobs, command))
    xargs = f"mkdir -p out; seq 0 {jobs - 1} | xargs -P2 -I@ bash -c 'echo @ > out/@.txt'"
    (bench.folder / "build.ninja").write_text(snakefiles.ninja(jobs, "echo $i > $out"))
    programs = {"furrow": [FURROW, "run", "-c", "2", "-q", "-j", "2"], "xargs -P2": ["bash", "-c", xargs],
                "ninja -j2": ["ninja", "-j2", "--quiet"]}
    others = measure_in_turn(programs, bench.folder, bench.repeats, bench.clean)
    ours = others.pop("furrow")
    bench.clean()
    bench.snakefile(snakefiles.independent(few, command))
    theirs = bench.snakemake("-q", memory=False)
    return rates(jobs, ours, few, theirs, others, goal=0.9 * jobs / others["xargs -P2"].seconds)


def python_jobs(text, jobs, few, goal):
    def row(bench):
        bench.snakefile(text(jobs))
        (bench.folder / "one.py").write_text(snakefiles.SCRIPT)
        ours = bench.furrow("-q", "-j", "2", repeats=3, memory=False, before=bench.clean)
        bench.clean()
        count = jobs if bench.options.full else few
        bench.snakefile(text(count))
        return rates(jobs, ours, count, bench.snakemake("-q", memory=False), {}, goal=goal)

    return row


def modules(count, rules):
    """Loading and planning a workflow of many modules, and what Snakemake takes to be imported."""
    def row(bench):
        snakefiles.modules(bench.folder, count, rules)
        ours = bench.furrow("-n", "-q")
        imported = measure(["/usr/bin/python3", "-c", "import snakemake"], bench.folder, 3)
        theirs = bench.snakemake("-n", "-q", minutes=0.5)
        return times(ours, theirs, {"import snakemake": imported}, goal=imported.seconds)

    return row


def conda_jobs(bench):
    """What a conda environment adds to each job; conda itself is a stand-in."""
    jobs, few = 1000, 500 if bench.options.full else 20
    conda = conda_support.Conda(bench.folder)
    (bench.folder / "env.yaml").write_text(conda.yaml())
    os.environ["PATH"] += os.pathsep + conda.path()
    on = ["--use-conda", "--conda-frontend", "conda", "--conda-prefix", str(bench.folder / "envs")]
    bench.snakefile(snakefiles.in_conda(jobs))
    bench.furrow("-q", "--conda-create-envs-only", *on, repeats=1)
    programs = {name: [FURROW, "run", "-c", "2", "-q", *more] for name, more in (("with", on), ("without", []))}
    ours = measure_in_turn(programs, bench.folder, bench.repeats, bench.clean)
    bench.clean()
    bench.snakefile(snakefiles.in_conda(few))
    theirs = {}
    for name, more in (("with", on), ("without", [])):
        theirs[name] = bench.snakemake("-q", *more, memory=False)
        bench.clean()
    added = [1000 * (taken["with"].seconds - taken["without"].seconds) / count
             for taken, count in ((ours, jobs), (theirs, few))]
    goal = min(10, added[1] / 10)
    return (f"{added[0]:.2f} ms/job", f"{added[1]:.1f} ms/job", f"{added[1] / max(added[0], 0.01):.0f}x",
            f"without: {ours['without'].seconds:.2f} s", f"{goal:.1f} ms/job", added[0] <= goal)


def container_jobs(bench):
    """What a container adds to each job, beside what the runtime takes alone."""
    jobs = 1000
    image = containers_support.make_root(bench.folder / "image")
    why_not = containers_support.missing_charliecloud(image)
    if why_not:
        return (why_not, "-", "-", "", "", True)
    bench.snakefile(snakefiles.in_container(jobs, image))
    command = "bash -c 'echo @ > out/@.txt'"
    inside = f"ch-run --bind {bench.folder} --cd {bench.folder} {image} -- {command}"
    programs = {"with": [FURROW, "run", "-c", "2", "-q", "--container-runtime", "charliecloud"],
                "without": [FURROW, "run", "-c", "2", "-q"]}
    for name, text in (("ch-run", inside), ("bash", command)):
        programs[name] = ["bash", "-c", f"mkdir -p out; seq 0 {jobs - 1} | xargs -P2 -I@ {text}"]
    os.environ.setdefault("USER", "bench")
    taken = measure_in_turn(programs, bench.folder, bench.repeats, bench.clean)
    added = [1000 * (taken[one].seconds - taken[other].seconds) / jobs
             for one, other in (("with", "without"), ("ch-run", "bash"))]
    goal = added[1] + 1
    return (f"{added[0]:.2f} ms/job", "-", "-", f"ch-run alone: {added[1]:.2f} ms/job", f"{goal:.1f} ms/job",
            added[0] <= goal)


def behind_checkpoint(bench):
    """The same jobs with and without a checkpoint before them. Outputs are flags: the engine alone counts."""
    jobs, few, seconds = 10_000, 1000, {}
    for name, is_checkpoint in (("with", True), ("without", False)):
        bench.snakefile(snakefiles.behind_checkpoint(jobs, is_checkpoint))
        seconds[name] = bench.furrow("-q", repeats=3, memory=False, before=bench.clean)
        bench.clean()
    bench.snakefile(snakefiles.behind_checkpoint(few))
    theirs = bench.snakemake("-q", minutes=1.5, memory=False)
    return rates(jobs, seconds["with"], few, theirs, {"without": seconds["without"]},
                 goal=jobs / (1.15 * seconds["without"].seconds))


def many_checkpoints(bench):
    """Growth must be linear: twice the checkpoints, twice the time."""
    measured = {}
    for count in (250, 500, 1000):
        bench.snakefile(snakefiles.many_checkpoints(count))
        measured[count] = bench.furrow("-q", repeats=1 if bench.options.quick else 3, memory=False, before=bench.clean)
        bench.clean()
    theirs = {}
    for count in (10, 20, 40):
        bench.snakefile(snakefiles.many_checkpoints(count))
        theirs[count] = bench.snakemake("-q", memory=False)
        bench.clean()
    each = 12  # jobs for each checkpoint
    others = "; ".join(f"{n}: {n * each / m.seconds:.0f}/s" for n, m in measured.items())
    others += "; snakemake " + "; ".join(f"{n}: {n * each / m.seconds:.1f}/s" for n, m in theirs.items() if m)
    ours, rival = 1000 * each / measured[1000].seconds, theirs[40] and 40 * each / theirs[40].seconds
    goal = 0.8 * 250 * each / measured[250].seconds
    return (f"{ours:.0f}/s", f"{rival:.1f}/s" if rival else "-", f"{ours / rival:.0f}x" if rival else "", others,
            f"{goal:.0f}/s", ours >= goal)


def times(ours, theirs, others=None, goal=None, goal_mb=None):
    """The cells of a row in seconds and megabytes."""
    met = ours.seconds <= goal if goal else True
    met = met and (goal_mb is None or ours.megabytes <= goal_mb)
    wanted = f"{goal:.3g} s" + (f", {goal_mb} MB" if goal_mb else "") if goal else ""
    extra = "; ".join(f"{name} {amount(m)}" for name, m in (others or {}).items())
    ratio = f"{theirs.seconds / ours.seconds:.0f}x" if theirs else ""
    return amount(ours), amount(theirs), ratio, extra, wanted, met


def rates(jobs, ours, their_jobs, theirs, others, goal):
    """The cells of a row in jobs a second."""
    ours, theirs = jobs / ours.seconds, theirs and their_jobs / theirs.seconds
    extra = "; ".join(f"{name} {jobs / m.seconds:.0f}/s" for name, m in others.items())
    shown = f"{theirs:.1f}/s" if theirs else "-"
    return f"{ours:.0f}/s", shown, f"{ours / theirs:.0f}x" if theirs else "", extra, f"{goal:.0f}/s", ours >= goal


def amount(measurement):
    if measurement is None:
        return "-"
    memory = f", {measurement.megabytes:.0f} MB" if measurement.megabytes else ""
    return f"{measurement.seconds:.3f} s{memory}"


ROWS = {
    "--version": version,
    "-n -q, 10,000 independent jobs": plan(snakefiles.independent(10_000), 0.08, minutes=0.2),
    "-n -q, 3-stage chain, 30,000 jobs": plan(snakefiles.chain(10_000), 0.25, 60, minutes=0.5),
    "-n -q, all-to-all 1,000 x 1,000": plan(snakefiles.all_to_all(1000), 0.4, 150, minutes=0.8),
    "-n -q, 10,000 input and params functions": plan(snakefiles.functions(10_000), None, minutes=0.5),
    "-n -q, 1 million jobs": plan(snakefiles.independent(1_000_000), 10, 1200, minutes=1000, repeats=1),
    "-n -q, 40 modules, 520 rules": modules(40, 13),
    "2,000 jobs up to date": up_to_date(2000, 0.05),
    "100,000 jobs up to date": up_to_date(100_000, 0.7, 120, minutes=5),
    "run 2,000 one-line shell jobs, -j 2": shell_jobs,
    "run 10,000 flags behind a checkpoint": behind_checkpoint,
    "run 1,000 checkpoints that add 10 each": many_checkpoints,
    "what conda: adds to 1,000 jobs": conda_jobs,
    "what container: adds to 1,000 jobs": container_jobs,
    "run 400 run: jobs": python_jobs(snakefiles.run_blocks, 400, 12, 300),
    "run 40 script: jobs": python_jobs(snakefiles.scripts, 40, 12, 40),
}
SLOW = ["1 million", "100,000"]


def growth(folder, options):
    """How planning grows with the number of jobs."""
    print("\nplanning, -n -q, independent jobs")
    for jobs in (1000, 10_000, 100_000) if options.quick else (1000, 10_000, 100_000, 1_000_000):
        bench = Bench(folder, options)
        bench.snakefile(snakefiles.independent(jobs))
        taken = bench.furrow("-n", "-q", repeats=1 if jobs > 100_000 else 3)
        print(f"  {jobs:>9,}  {amount(taken):>20}  {taken.seconds / jobs * 1e6:6.1f} us a job")


def table(names, options):
    width = max(map(len, names))
    print(f"{'work':{width}}  {'furrow':>17}  {'snakemake':>18}  {'ratio':>6}  {'goal':>14}       other programs")
    missed = 0
    for name in names:
        with tempfile.TemporaryDirectory(prefix="furrow-bench-") as folder:
            ours, theirs, ratio, extra, goal, met = ROWS[name](Bench(Path(folder), options))
        missed += not met
        verdict = "" if not goal else "met" if met else "MISS"
        print(f"{name:{width}}  {ours:>17}  {theirs:>18}  {ratio:>6}  {goal:>14} {verdict:4}  {extra}", flush=True)
    return missed


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--quick", action="store_true", help="fewer runs, no row that takes long")
    arguments.add_argument("--full", action="store_true", help="run Snakemake even if it takes minutes")
    arguments.add_argument("--rows", default="", metavar="RE", help="only rows whose name matches")
    options = arguments.parse_args()
    names = [n for n in ROWS if re.search(options.rows, n) and not (options.quick and any(s in n for s in SLOW))]
    if not names:
        sys.exit(f"no row matches {options.rows!r}; there are:\n  " + "\n  ".join(ROWS))
    print(f"{shlex.quote(FURROW)} on {os.cpu_count()} cores")
    missed = table(names, options)
    if not options.rows:
        with tempfile.TemporaryDirectory(prefix="furrow-bench-") as folder:
            growth(Path(folder), options)
    print(f"\n{len(names) - missed} of {len(names)} rows meet their goal")


if __name__ == "__main__":
    main()
