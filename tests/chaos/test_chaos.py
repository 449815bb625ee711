"""Engine, watchdog, evaluator and jobs are killed at random, alone and together. The next runs must never give a wrong
result, leave a process behind, or run a job beside a copy of it that is still alive.
"""
import os
import random
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

import engine
from running import command_line, marked_processes

HERE = Path(__file__).parent
ROUNDS = 500 if engine.LONG_TESTS else 12
NAMES = [f"{stage}-{n}" for stage in ("one", "two") for n in range(4)]


def halves(name):
    return f"first half of {name}\nsecond half of {name}\n"


class Round:
    """One folder with a workflow, or with jobs of a map, that is started and killed several times."""

    def __init__(self, folder, kind):
        self.work, self.log, locks = folder / "work", folder / "jobs.log", folder / "locks"
        for made in (self.work, locks):
            made.mkdir(parents=True)
        self.log.touch()
        for name in ("Snakefile", "job.sh"):
            shutil.copy(HERE / name, self.work)
        self.mark = f"CHAOS_ROUND={folder}"
        self.env = engine.environment(JOBLOG=str(self.log), LOCKS=str(locks), CHAOS_ROUND=str(folder))
        self.output = folder / "engine.out"
        if kind == "run":
            self.command = [engine.FURROW, "run", "-c3", "-q"]
            self.wanted = {f"one/{n}.txt": halves(f"one-{n}") for n in range(4)}
            self.wanted.update({f"two/{n}.txt": halves(f"two-{n}") + halves(f"one-{n}") for n in range(4)})
        else:
            self.command = [engine.FURROW, "map", "-j3", "--joblog", "log", "--resume-failed", "bash job.sh {} {}.txt",
                            ":::", *NAMES]
            self.wanted = {f"{name}.txt": halves(name) for name in NAMES}

    def start(self):
        with open(self.output, "a") as output:
            print("$", *self.command, file=output, flush=True)
            return subprocess.Popen(self.command, cwd=self.work, env=self.env, stdin=subprocess.DEVNULL, stdout=output,
                                    stderr=output, start_new_session=True)

    def targets(self, root):
        """The engine's processes by kind."""
        found = {"engine": [root], "watchdog": [], "evaluator": [], "job": []}
        for pid in marked_processes(self.mark):
            line = command_line(pid)
            if pid == root:
                continue
            if line.startswith(engine.FURROW):
                found["watchdog"].append(pid)
            else:
                found["evaluator" if "main.py --fd" in line else "job"].append(pid)
        return found

    def disturb(self, draw):
        process = self.start()
        time.sleep(draw.uniform(0, 0.5))
        found = self.targets(process.pid)
        kinds = draw.sample(sorted(found), draw.randint(1, 3))
        if draw.random() < 0.5 and "engine" not in kinds:
            kinds.append("engine")
        victims = [draw.choice(found[kind]) for kind in kinds if found[kind]]
        for number in ((signal.SIGSTOP, signal.SIGKILL) if draw.random() < 0.7 else (signal.SIGKILL,)):
            for pid in victims:
                try:
                    os.kill(pid, number)
                except ProcessLookupError:
                    pass
        process.wait(60)

    def check(self):
        last = self.start()

        def story():
            return f"{self.output.read_text()[-4000:]}\n{self.log.read_text()}"

        assert last.wait(60) == 0, story()
        files = {str(p.relative_to(self.work)): p.read_text() for p in self.work.rglob("*.txt")}
        assert files == self.wanted, story()
        assert self.log.read_text() == "", story()
        until = time.monotonic() + 20
        while marked_processes(self.mark) and time.monotonic() < until:
            time.sleep(0.02)
        assert not [f"{pid}: {command_line(pid)}" for pid in marked_processes(self.mark)], story()


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_random_kills(seed, tmp_path):
    draw = random.Random(f"chaos {seed}")
    chaos = Round(tmp_path / "round", "map" if seed % 3 == 2 else "run")
    try:
        for _ in range(draw.randint(1, 3)):
            chaos.disturb(draw)
        chaos.check()
    finally:
        for pid in marked_processes(chaos.mark):
            os.kill(pid, signal.SIGKILL)
