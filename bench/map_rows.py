"""The rows of bench/map.py. Each yields lines; a line is the result of one program, with its goal."""
import re
import shlex
import shutil
import statistics
import subprocess
import time
from dataclasses import dataclass

from measure import environment, run_watched


@dataclass
class Line:
    name: str
    value: str
    ratio: str = ""  # furrow relative to this program; the other way round for furrow's own lines
    goal: str = ""
    met: bool = True


def versus(name, rate, ours, goal=None):
    """A rival's rate, and how many times as fast furrow is."""
    ratio = ours / rate
    return Line(name, f"{rate:,.0f}/s", f"{ratio:.2f} x", "" if goal is None else f"{goal:g} x",
                goal is None or ratio >= goal)


def at_most(name, value, unit, goal, digits=0, ratio=""):
    return Line(name, f"{value:,.{digits}f} {unit}", ratio, f"{goal:g} {unit}", value <= goal)


# --- many short jobs


def many_jobs(count, program, words, goals):
    """PROGRAM has {} for the input. WORDS is the same for programs without {}: the input comes last."""
    def row(bench):
        jobs, few = bench.share(count), bench.share(count // 10)  # GNU parallel would take minutes
        numbers, template, plain = bench.numbers(jobs), shlex.quote(program(bench)), shlex.join(words(bench))
        furrow = f"{bench.furrow} map -j2"
        took = bench.in_turn({
            "furrow": f"{furrow} {template} < {numbers}",
            "furrow -k --joblog --tag": f"{furrow} -k --tag --joblog {bench.folder}/log {template} < {numbers}",
            "C loop of vfork": f"{bench.tool} {jobs} 2 {plain}",
            "make": f"make -s -j2 -f {bench.makefile(jobs, program(bench))}",
            "xargs -P2 -n1": f"xargs -P2 -n1 {plain} < {numbers}",
            "GNU parallel": f"parallel -j2 {template} < {bench.numbers(few)}",
        })
        rates = {name: (few if name == "GNU parallel" else jobs) / seconds for name, seconds in took.items()}
        ours = rates.pop("furrow")
        yield Line("furrow", f"{ours:,.0f}/s")
        for name, rate in rates.items():
            if name.startswith("furrow"):
                yield with_log(name, rate, ours, goals)
            else:
                yield versus(name, rate, ours, goals.get(name))
    return row


def with_log(name, rate, plain, goals):
    goal = goals.get("with log")
    return Line(name, f"{rate:,.0f}/s", f"{rate / plain:.2f} of it", f"{goal:g} of it" if goal else "",
                not goal or rate / plain >= goal)


SHORT = many_jobs(20_000, lambda bench: "/bin/true {}", lambda bench: ["/bin/true"],
                  {"C loop of vfork": 0.85, "xargs -P2 -n1": 1.4, "GNU parallel": 8, "with log": 0.85})
REDIRECTED = many_jobs(5_000, lambda bench: "echo {} > /dev/null",
                       lambda bench: ["/bin/bash", "-c", "echo $0 > /dev/null"], {})
TEN_MS = many_jobs(1_000, lambda bench: f"{bench.tool} spin 10 {{}}", lambda bench: [str(bench.tool), "spin", "10"], {})


# --- without running anything


def dry_run(bench):
    command = f"{bench.furrow} map --dry-run echo {{}} {{.}} < {bench.numbers(20_000)} > /dev/null"
    few = bench.share(1000)
    took = bench.in_turn({"furrow": command,
                          "GNU parallel": f"parallel --dry-run echo {{}} {{.}} < {bench.numbers(few)} > /dev/null"})
    theirs = took["GNU parallel"] / few * 20_000
    yield at_most("20,000 inputs", took["furrow"], "s", 0.1, 3)
    yield Line("GNU parallel", f"{theirs:,.1f} s", f"{theirs / took['furrow']:,.0f} x")
    command = f"cat {bench.numbers(1_000_000)} | exec {bench.furrow} map --dry-run echo {{}} > /dev/null"
    yield at_most("1,000,000, from a pipe", bench.in_turn({"furrow": command})["furrow"], "s", 2, 3)
    # The shell and cat are counted as well.
    watched = run_watched(["/bin/sh", "-c", command], bench.folder, 0.001)
    yield at_most("their memory", watched.megabytes, "MB", 30)


# --- what the engine costs


def callgrind(bench, jobs):
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", bench.furrow, "map", "-j2", "-k",
               "--tag", "--joblog", "log"]
    done = subprocess.run([*command, "/bin/true"], cwd=bench.folder, stdin=open(bench.numbers(jobs)),
                          capture_output=True, text=True, env={**environment(), "FURROW_SPAWN_WAITS": "1"}, check=True)
    counts = [int(n.replace(",", "")) for n in re.findall(r"refs:\s+([\d,]+)", done.stderr)]
    return max(counts)  # the largest is the engine; the watchdog is another process, with a small count


def own_work(bench):
    """The cost of 1,000 more jobs, so that the start is not counted."""
    if not shutil.which("valgrind"):
        yield Line("left out", "valgrind is not installed")
        return
    each = (callgrind(bench, 1500) - callgrind(bench, 500)) / 1000
    yield Line("instructions, with log", f"{each:,.0f}")
    # One instruction per clock at 2 GHz: today's machines reach at least that with such code.
    yield at_most("at 2 a nanosecond", each / 2000, "us", 20, 1)


def waiting_memory(bench):
    """The engine's peak memory with 200,000 more inputs, which a bar makes it read ahead."""
    peaks = []
    for count in (1000, 201_000):
        command = f"exec {bench.furrow} map -j1 --bar --halt now,done=1 true < {bench.numbers(count)} 2> /dev/null"
        # Only the engine's memory: its watchdog shares its pages.
        peaks.append(run_watched(["/bin/sh", "-c", command], bench.folder, 0.001).largest)
    yield at_most("a waiting job", (peaks[1] - peaks[0]) * 1024 * 1024 / 200_000, "bytes", 200)


def first_job(bench):
    """The time from the start of furrow to main() of the first job, which a shell starts."""
    delays = []
    for _ in range(10 * bench.rounds):
        begin = time.time()
        done = subprocess.run([bench.furrow, "map", f"{bench.tool} now; :", ":::", "1"], capture_output=True, text=True,
                              env={**environment(), "SHELL": "/bin/bash"}, check=True)
        delays.append(float(done.stdout) - begin)
    yield at_most("median", statistics.median(delays) * 1e3, "ms", 10, 1)


# --- blocks


def blocks(bench):
    data, lines = bench.data(bench.share(2_000_000_000))
    size = data.stat().st_size
    right = f"awk '{{ n += $1 }} END {{ exit n != {lines} }}'"
    furrow = f"{bench.furrow} map -j2"
    took = bench.in_turn({
        "furrow --pipe": f"{furrow} --pipe --block 1M wc -l < {data} | {right}",
        "... from cat": f"cat {data} | {furrow} --pipe --block 1M wc -l | {right}",
        "... --block 10M": f"{furrow} --pipe --block 10M wc -l < {data} | {right}",
        "furrow --pipe-part": f"{furrow} --pipe-part -a {data} --block 1M wc -l | {right}",
        "... --block -1": f"{furrow} --pipe-part -a {data} --block -1 wc -l | {right}",
    })
    theirs = bench.in_turn({"GNU parallel": f"parallel -j2 --pipe --block 1M wc -l < {data} | {right}"},
                           rounds=1)["GNU parallel"]
    data.unlink()
    for name, seconds in took.items():
        rate, ratio = size / seconds / 1e9, theirs / seconds
        is_goal = name == "furrow --pipe"
        yield Line(name, f"{rate:.2f} GB/s", f"{ratio:.1f} x", "1.5 GB/s, 3 x" if is_goal else "",
                   not is_goal or (rate >= 1.5 and ratio >= 3))
    yield Line("GNU parallel --pipe", f"{size / theirs / 1e9:.2f} GB/s")


ROWS = {
    "20,000 x /bin/true": SHORT,
    "5,000 x a shell with a redirection": REDIRECTED,
    "1,000 x 10 ms of work": TEN_MS,
    "--dry-run": dry_run,
    "own work of the engine, per job": own_work,
    "memory": waiting_memory,
    "start to first job": first_job,
    "2 GB through wc -l": blocks,
}
