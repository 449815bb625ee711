"""Jobs that a pipe or a service connects, when the engine or one of them is killed: nothing is left behind."""
import random
import signal
import stat
import subprocess

import pytest

import engine
from running import marked_processes, wait_until

PAIR = """
rule all:
    input: "out"
rule write:
    output: pipe("p")
    shell: "echo $$ > write.pid; {write}"
rule read:
    input: "p"
    output: "out"
    shell: "echo $$ > read.pid; {read}"
"""
SLOW = PAIR.format(write="sleep 60 > {output}", read="cat {input} > {output}")
QUICK = PAIR.format(write="echo text > {output}", read="cat {input} > {output}")


def pipes(folder):
    return [path.name for path in folder.rglob("*") if stat.S_ISFIFO(path.lstat().st_mode)]


def pid(folder, name):
    def read():
        path = folder / f"{name}.pid"
        return path.exists() and path.read_text().strip()

    return int(wait_until(read, 30, f"{name} has begun"))


def both(folder):
    return pid(folder, "write"), pid(folder, "read")


def is_gone(number):
    try:
        with open(f"/proc/{number}/stat") as file:
            return file.read().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.parametrize("which", ["write", "read"])
def test_a_killed_job_takes_its_partner_along(start, tmp_path, which):
    run = start(SLOW, "-c2")
    pids = both(tmp_path)
    killed = pids[0] if which == "write" else pids[1]
    subprocess.run(["kill", "-9", str(killed)], check=True)
    assert run.wait() == 1
    text = run.text()
    assert f"Job {which} failed" in text and "signal 9" in text and "2 failed" in text, text
    assert all(map(is_gone, pids)) and pipes(tmp_path) == [] and not (tmp_path / "out").exists()


def test_an_interrupt_ends_both(start, tmp_path):
    run = start(SLOW, "-c2")
    pids = both(tmp_path)
    run.signal(signal.SIGINT)
    assert run.wait() != 0
    assert all(map(is_gone, pids)) and pipes(tmp_path) == [] and "2 interrupted" in run.text()
    (tmp_path / "Snakefile").write_text(QUICK)
    assert engine.furrow_run("-c2", cwd=tmp_path).code == 0
    assert (tmp_path / "out").read_text() == "text\n"


def test_the_next_run_removes_what_a_killed_engine_has_left(start, tmp_path):
    run = start(SLOW, "-c2")
    pids = both(tmp_path)
    run.signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: all(map(is_gone, pids)), 30, "the watchdog has ended both")
    assert pipes(tmp_path) == ["p"]
    (tmp_path / "Snakefile").write_text(QUICK)
    assert engine.furrow_run("-c2", cwd=tmp_path).code == 0
    assert pipes(tmp_path) == [] and (tmp_path / "out").read_text() == "text\n"


def test_a_killed_engine_takes_its_services_along(start, tmp_path):
    run = start("""
rule use:
    input: "s"
    output: "out"
    shell: "echo $$ > read.pid; sleep 60"
rule serve:
    output: service("s")
    shell: "echo $$ > write.pid; touch {output}; sleep 60"
""", "-c2")
    pids = both(tmp_path)
    run.signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: all(map(is_gone, pids)), 30, "the watchdog has ended both")
    (tmp_path / "Snakefile").write_text("""
rule use:
    input: "s"
    output: "out"
    shell: "cat {input} > {output}"
rule serve:
    output: service("s")
    shell: "sleep 0.2; test ! -e {output}; echo new > {output}; sleep 60"
""")
    assert engine.furrow_run("-c2", cwd=tmp_path).code == 0
    assert (tmp_path / "out").read_text() == "new\n" and not (tmp_path / "s").exists()


MANY = """
rule all:
    input: expand("{i}.out", i=range(8))
rule write:
    output: pipe("{i}.p")
    shell: "sleep 0.05; seq 1000 > {output}"
rule filter:
    input: "{i}.p"
    output: pipe("{i}.q")
    shell: "grep 7 {input} > {output}"
rule read:
    input: "{i}.q"
    output: "{i}.out"
    shell: "wc -l < {input} > {output}"
"""


@pytest.mark.parametrize("seed", range(10 if engine.LONG_TESTS else 2))
def test_a_run_that_is_killed_at_any_moment_is_continued(start, tmp_path, seed):
    draw = random.Random(seed)
    run = start(MANY, "-c6")
    most = draw.randint(0, 7)
    made = tmp_path.glob
    wait_until(lambda: len(list(made("[0-9].out"))) >= most or run.process.poll() is not None, 60, "some are made")
    run.signal(signal.SIGKILL)
    run.wait()
    wait_until(lambda: not marked_processes(run.mark), 30, "nothing runs any longer")
    resumed = engine.furrow_run("-c6", cwd=tmp_path)
    assert resumed.code == 0, resumed
    assert {path.read_text().strip() for path in tmp_path.glob("[0-9].out")} == {"271"} and pipes(tmp_path) == []
    assert "Nothing to do" in engine.furrow_run("-c6", cwd=tmp_path).text
