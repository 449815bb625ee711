"""Two or three engines at a time in one folder are killed at random, with and without their watchdogs. No file has two
writers, no record of what was finished is lost, and in the end all is as if one engine had made it.
"""
import os
import random
import signal
import subprocess
import time
from pathlib import Path

import pytest

import engine

ROUNDS = 200 if engine.LONG_TESTS else 4
COUNT = 12
SNAKEFILE = """
rule all:
    input: expand("joined/{n}", n=range(%d))
rule make:
    output: "made/{n}"
    shell: "exec sh job.sh {output}"
rule join:
    input: "made/{n}"
    output: "joined/{n}"
    shell: "exec sh job.sh {output} {input}"
"""
# Says whether another process writes the same file, and when it has ended.
JOB = """
exec 9>"$LOCKS/$(echo "$1" | tr / _)"
flock -n 9 || echo "TWICE $1" >> "$LOG"
echo half > "$1"
sleep 0.0$(($$ % 9))
if [ -n "$2" ]; then cat "$2" >> "$1"; else echo "$1" >> "$1"; fi
echo "END $1 $(date +%s.%N)" >> "$LOG"
"""


class Folder:
    def __init__(self, folder):
        self.work, self.log = folder / "work", folder / "log"
        (folder / "locks").mkdir()
        self.work.mkdir()
        self.log.touch()
        (self.work / "Snakefile").write_text(SNAKEFILE % COUNT)
        (self.work / "job.sh").write_text(JOB)
        self.env = engine.environment(LOCKS=str(folder / "locks"), LOG=str(self.log))
        self.said = folder / "said"

    def start(self, targets):
        with open(self.said, "a") as said:
            return subprocess.Popen([*engine.FURROW_RUN, "-c", "2", "--keep-going", *targets], cwd=self.work,
                                    env=self.env, stdin=subprocess.DEVNULL, stdout=said, stderr=said)

    def written_twice(self):
        return [line for line in self.log.read_text().splitlines() if line.startswith("TWICE")]


def children(pid):
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            text = (process / "stat").read_text()
        except OSError:
            continue
        name, rest = text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 1:].split()
        if int(rest[1]) == pid:
            found.append((int(process.name), name))
    return found


def send(pid, number):
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        pass  # it has just ended


def kill(process, with_watchdog):
    victims = [process.pid]
    if with_watchdog:
        victims += [pid for pid, name in children(process.pid) if name == "furrow-guard"]
        for pid in victims:
            send(pid, signal.SIGSTOP)
    for pid in victims:
        send(pid, signal.SIGKILL)
    process.wait()


@pytest.mark.parametrize("engines", [2, 3])
def test_engines_under_random_kills(tmp_path, engines):
    seed = random.randrange(1 << 30)
    draw = random.Random(seed)
    folder = Folder(tmp_path)
    for number in range(ROUNDS):
        names = list(range(COUNT))
        draw.shuffle(names)
        share = max(2, COUNT // engines - draw.randrange(3))
        running = []
        for index in range(engines):
            targets = [f"joined/{n}" for n in names[index * share:(index + 1) * share]]
            if draw.random() < 0.5:  # sometimes what another makes, too
                targets.append(f"joined/{draw.randrange(COUNT)}")
            if draw.random() < 0.3:
                targets.append("--forceall")
            running.append(folder.start(targets))
            time.sleep(draw.uniform(0, 0.3))
        for process in draw.sample(running, draw.randrange(1, engines + 1)):
            time.sleep(draw.uniform(0, 0.4))
            if process.poll() is None:
                kill(process, draw.random() < 0.5)
        for process in running:
            process.wait(60)
        said = f"seed {seed}, round {number}\n{folder.said.read_text()[-3000:]}"
        assert not folder.written_twice(), said
    folder.start([]).wait(60)
    assert folder.start([]).wait(60) == 0, folder.said.read_text()[-3000:]
    for n in range(COUNT):
        assert (folder.work / "joined" / str(n)).read_text() == f"half\nhalf\nmade/{n}\n", f"seed {seed}"
    before = folder.log.read_text()
    assert folder.start([]).wait(60) == 0
    assert folder.log.read_text() == before, f"seed {seed}: a last run has nothing to do"
    left = [p.name for p in (folder.work / ".furrow" / "engines").iterdir() if p.name not in ("turn", "number")]
    assert not left, f"seed {seed}: {left}"


@pytest.mark.parametrize("with_watchdog", [False, True])
def test_records_of_a_killed_second_engine_are_kept(tmp_path, with_watchdog):
    """The engine with the database goes on; the other one has finished a job, and runs another when it is killed."""
    snakefile = """
rule first:
    output: "first"
    shell: "touch begun.first; while [ ! -e go ]; do sleep 0.05; done; touch {output}"
rule quick:
    output: "quick"
    shell: "echo quick >> ran; touch {output}"
rule slow:
    input: "quick"
    output: "slow"
    shell: "touch begun.slow; while [ ! -e go ]; do sleep 0.05; done; touch {output}"
"""
    (tmp_path / "Snakefile").write_text(snakefile)

    def start(target):
        process = subprocess.Popen([*engine.FURROW_RUN, "-c", "1", target, "-q"], cwd=tmp_path,
                                   env=engine.environment(), stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 30
        while not (tmp_path / f"begun.{target}").exists():
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.01)
        return process

    first, second = start("first"), start("slow")
    kill(second, with_watchdog)
    journal, = (tmp_path / ".furrow" / "engines").glob("*.journal")
    with open(journal, "ab") as file:  # a record that was being written
        file.write(journal.read_bytes()[-40:-3])
    assert "Nothing to do" in engine.furrow_run("quick", cwd=tmp_path).text
    (tmp_path / "go").touch()
    assert first.wait(30) == 0
    assert engine.furrow_run("slow", cwd=tmp_path).code == 0
    assert (tmp_path / "ran").read_text() == "quick\n"
    assert not list((tmp_path / ".furrow" / "engines").glob("*.journal"))
    # Without the times of files, only a record tells that it is made.
    os.utime(tmp_path / "quick", (1, 1))
    done = engine.furrow_run("quick", cwd=tmp_path)
    assert "Nothing to do" in done.text, done
