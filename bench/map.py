"""Measures `furrow map` against a C loop of vfork, make, xargs and GNU parallel: ./dev bench map [--quick] [--rows RE]

All programs of a row run in turn, several times, so that what else the machine does hits all alike; the best time of
each counts. Rates are jobs a second; a ratio above 1 means that furrow is faster.
"""
import argparse
import os
import re
import shlex
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from measure import environment, run_watched

HERE = Path(__file__).resolve().parent
FURROW = os.environ.get("FURROW") or str(HERE.parents[0] / "build" / "bin" / "furrow")
JOBS = 2


class Bench:
    def __init__(self, folder, options):
        self.folder, self.options = folder, options
        self.rounds = 2 if options.quick else 5
        self.loop = folder / "vfork_loop"
        subprocess.run(["cc", "-O2", "-o", self.loop, HERE / "vfork_loop.c", "-lpthread"], check=True)

    def numbers(self, count):
        path = self.folder / f"numbers{count}"
        if not path.exists():
            path.write_text("".join(f"{i}\n" for i in range(1, count + 1)))
        return path

    def makefile(self, count, command):
        path = self.folder / "Makefile"
        jobs = " ".join(f"j{i}" for i in range(1, count + 1))
        path.write_text(f".PHONY: all {jobs}\nall: {jobs}\nj%:\n\t@{command.replace('{}', '$*')}\n")
        return path

    def seconds(self, command):
        """Of a line of shell, which must succeed."""
        begin = time.perf_counter()
        done = subprocess.run(["/bin/sh", "-c", command], cwd=self.folder, env={**environment(), "SHELL": "/bin/bash"},
                              stdin=subprocess.DEVNULL, capture_output=True)
        took = time.perf_counter() - begin
        if done.returncode:
            raise RuntimeError(f"{command} ended with {done.returncode}:\n{done.stderr[-2000:].decode()}")
        return took

    def in_turn(self, commands):
        """The best time of each command; by name."""
        best = {name: [] for name in commands}
        for _ in range(self.rounds):
            for name, command in commands.items():
                best[name].append(self.seconds(command))
        return {name: min(times) for name, times in best.items()}


def rates(bench, count, program, plain_words):
    """Jobs a second of each program. PROGRAM has {} for the input; PLAIN_WORDS: without it, where it comes last."""
    few = max(100, count // 20)  # GNU parallel's share
    numbers, fewer = bench.numbers(count), bench.numbers(few)
    template = shlex.quote(program)
    words = shlex.join([*plain_words]) if plain_words else f"/bin/sh -c {shlex.quote(program.replace('{}', '$0'))}"
    furrow = f"{FURROW} map -j{JOBS}"
    bench.makefile(count, program)
    took = bench.in_turn({
        "furrow": f"{furrow} {template} < {numbers}",
        "furrow with log": f"{furrow} -k --tag --joblog {bench.folder}/log {template} < {numbers}",
        "C loop": f"{bench.loop} {count} {JOBS} {words}",
        "make": f"make -s -j{JOBS}",
        "xargs": f"xargs -P{JOBS} -n1 {words} < {numbers}",
        "GNU parallel": f"parallel -j{JOBS} {template} < {fewer}",
    })
    return {name: (few if name == "GNU parallel" else count) / seconds for name, seconds in took.items()}


def many_jobs(program, plain_words, full, quick, goals):
    def row(bench):
        rate = rates(bench, quick if bench.options.quick else full, program, plain_words)
        for name, value in rate.items():
            ratio = rate["furrow"] / value
            goal = goals.get(name)
            note = "" if goal is None else f"goal {goal:.2f}  {'ok' if ratio >= goal else 'MISSED'}"
            yield f"{name:<18} {value:>9.0f}/s   furrow is {ratio:5.2f} times as fast  {note}"
    return row


def dry_run(bench):
    took = bench.in_turn({"furrow": f"{FURROW} map --dry-run echo {{}} {{.}} < {bench.numbers(20_000)} > /dev/null"})
    yield verdict("20,000 inputs", took["furrow"], 0.1)
    fewer = bench.numbers(500)
    theirs = bench.seconds(f"parallel --dry-run echo {{}} {{.}} < {fewer} > /dev/null") / 500
    yield f"{'GNU parallel':<18} {theirs * 1e6:>9.0f} us a job   furrow is {theirs / took['furrow'] * 20_000:5.0f} times as fast"
    count = 100_000 if bench.options.quick else 1_000_000
    numbers = bench.numbers(count)
    measured = run_watched(["/bin/sh", "-c", f"exec {FURROW} map --dry-run echo {{}} < {numbers} > /dev/null"], bench.folder, 0.01)
    yield verdict(f"{count:,} inputs", measured.seconds, 2 * count / 1e6)
    yield f"{'its memory':<18} {measured.megabytes:>9.0f} MB  goal 30  {'ok' if measured.megabytes < 30 else 'MISSED'}"


def verdict(name, seconds, goal):
    return f"{name:<18} {seconds:>9.3f} s   goal {goal:g}  {'ok' if seconds <= goal else 'MISSED'}"


def own_work(bench):
    """Instructions of the engine itself, a job, with a log: what 1,000 more jobs add."""
    if not shutil.which("valgrind"):
        yield "left out: valgrind is not installed"
        return
    counts = []
    for jobs in (500, 1500):
        done = subprocess.run(["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", FURROW, "map", f"-j{JOBS}", "-k",
                               "--tag", "--joblog", "log", "/bin/true"], cwd=bench.folder, env=environment(),
                              stdin=open(bench.numbers(jobs)), capture_output=True, text=True)
        counts.append(max(int(n.replace(",", "")) for n in re.findall(r"refs:\s+([\d,]+)", done.stderr)))
    each = (counts[1] - counts[0]) / 1000
    # Two instructions a nanosecond is what such code reaches on machines of today.
    yield f"{'instructions':<18} {each:>9.0f} a job: {each / 2000:.1f} us at 2 a nanosecond   goal 20 us  " + \
        ("ok" if each / 2000 < 20 else "MISSED")


def waiting_memory(bench):
    """What a job that waits costs: the engine's peak with all inputs read ahead, against few of them."""
    peaks = []
    for count in (1000, 201_000):
        numbers = bench.numbers(count)
        command = f"exec {FURROW} map -j1 --bar --halt now,done=1 true < {numbers} 2> /dev/null"
        peaks.append(run_watched(["/bin/sh", "-c", command], bench.folder, 0.002).megabytes)
    each = (peaks[1] - peaks[0]) * 1024 * 1024 / 200_000
    yield f"{'a waiting job':<18} {each:>9.0f} bytes, where all are counted first   goal 200  {'ok' if each < 200 else 'MISSED'}"


def first_job(bench):
    delays = []
    for _ in range(10 * bench.rounds):
        begin = time.time()
        done = subprocess.run([FURROW, "map", f"-j{JOBS}", f"{bench.loop} now #", ":::", "1"], capture_output=True, text=True,
                              env={**environment(), "SHELL": "/bin/sh"}, check=True)
        delays.append(float(done.stdout) - begin)
    yield f"{'start to first job':<18} {statistics.median(delays) * 1e3:>9.1f} ms (median; best {min(delays) * 1e3:.1f})   goal 10  " + \
        ("ok" if statistics.median(delays) < 0.01 else "MISSED")


def pipe(bench):
    size = 300_000_000 if bench.options.quick else 2_000_000_000
    data = bench.folder / "data"
    line = b"the quick brown fox jumps over the lazy dog, and the dog does not mind\n"
    with open(data, "wb") as file:
        piece = line * (1_000_000 // len(line))
        for _ in range(size // len(piece)):
            file.write(piece)
    size = data.stat().st_size
    total = "awk '{ n += $1 } END { exit n != %d }'" % (size // len(line))
    took = bench.in_turn({
        "furrow --pipe": f"{FURROW} map -j{JOBS} --pipe --block 1M wc -l < {data} | {total}",
        "... from a pipe": f"cat {data} | {FURROW} map -j{JOBS} --pipe --block 1M wc -l | {total}",
        "... --block 10M": f"{FURROW} map -j{JOBS} --pipe --block 10M wc -l < {data} | {total}",
        "... --pipe-part": f"{FURROW} map -j{JOBS} --pipe-part -a {data} --block 1M wc -l | {total}",
        "... --block -1": f"{FURROW} map -j{JOBS} --pipe-part -a {data} --block -1 wc -l | {total}",
    })
    theirs = bench.seconds(f"parallel -j{JOBS} --pipe --block 1M wc -l < {data} | {total}")
    data.unlink()
    for name, seconds in {**took, "GNU parallel": theirs}.items():
        rate = size / seconds / 1e9
        note = f"goal 1.50 and 3 times  {'ok' if rate >= 1.5 and theirs / seconds >= 3 else 'MISSED'}" \
            if name == "furrow --pipe" else ""
        yield f"{name:<18} {rate:>9.2f} GB/s   {theirs / seconds:5.1f} times GNU parallel  {note}"


def rows():
    return {
        "/bin/true": many_jobs("/bin/true {}", ["/bin/true"], 20_000, 2_000, {"C loop": 0.85, "xargs": 1.4, "GNU parallel": 8}),
        "a redirection": many_jobs("echo {} > /dev/null", None, 4_000, 1_000, {}),
        "10 ms of work": None,
        "dry run": dry_run,
        "own work": own_work,
        "memory": waiting_memory,
        "start": first_job,
        "blocks": pipe,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the work")
    parser.add_argument("--rows", default="", metavar="RE", help="only rows whose name matches")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder), options)
        for name, row in rows().items():
            if not re.search(options.rows, name):
                continue
            if row is None:
                program = f"{bench.loop} spin 10"
                row = many_jobs(program + " {}", [str(bench.loop), "spin", "10"], 1_000, 200, {})
            print(f"\n{name}")
            for line in row(bench):
                print("  " + line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
