"""Ctrl-C ends everything with one traceback, and a killed parent leaves no worker behind."""
import os
import signal
import time

import program
import pytest

SECONDS = 20  # before a test gives up; the promised time is printed with the measured one

BUSY = {
    "sleeping": "time.sleep(60)",
    "in Python": "while True: pass",
    "in C": "sum(range(10**12))",
}

CALLS = {
    "map": "pool.map(work, range(8))",
    "map_async": "pool.map_async(work, range(8)).get()",
    "imap": "list(pool.imap(work, range(8)))",
    "imap_unordered": "list(pool.imap_unordered(work, range(8)))",
    "starmap": "pool.starmap(work, ((x,) for x in range(8)))",
    "apply": "pool.apply(work, (1,))",
    "apply_async": "pool.apply_async(work, (1,)).get()",
}


def write(folder, work, call, start):
    path = folder / "busy.py"
    path.write_text(f"""
import multiprocessing, sys, time
from furrow import Pool

def work(x):
    if x == 1:
        print("working", flush=True)
    {work}

if __name__ == "__main__":
    with Pool(2, context=multiprocessing.get_context("{start}")) as pool:
        {call}
""")
    return path


def started(folder, *what):
    running = program.Running(write(folder, *what))
    assert running.read_line() == "working"
    time.sleep(0.05)
    return running


@pytest.mark.parametrize("start, whole_group", [("fork", True), ("fork", False), ("spawn", True)],
                         ids=["from the terminal", "to the parent alone", "spawned"])
@pytest.mark.parametrize("work", BUSY)
@pytest.mark.parametrize("call", CALLS)
def test_an_interrupt_ends_everything_with_one_traceback(call, work, start, whole_group, tmp_path, record_property):
    with started(tmp_path, BUSY[work], CALLS[call], start) as running:
        began = time.monotonic()
        (os.killpg if whole_group else os.kill)(running.process.pid, signal.SIGINT)
        _, text = running.process.communicate(timeout=SECONDS)
        took = time.monotonic() - began
        print(f"ended after {took:.3f} s (promised: 0.3 s)")
        record_property("seconds", took)
        running.wait_until_alone(SECONDS)
    assert text.count("Traceback (most recent call last)") == 1, text
    assert text.rstrip().endswith("KeyboardInterrupt")
    assert running.process.returncode == -signal.SIGINT


@pytest.mark.parametrize("start", ["fork", "spawn"])
@pytest.mark.parametrize("work", BUSY)
@pytest.mark.parametrize("call", ["map", "imap", "apply_async"])
def test_a_killed_parent_leaves_no_worker(call, work, start, tmp_path, record_property):
    with started(tmp_path, BUSY[work], CALLS[call], start) as running:
        assert len(running.members()) > 1
        os.kill(running.process.pid, signal.SIGKILL)
        took = running.wait_until_alone(SECONDS)
        print(f"all ended after {took:.3f} s (promised: 1 s)")
        record_property("seconds", took)


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_the_pool_is_usable_after_an_interrupt(start, tmp_path):
    path = tmp_path / "goes_on.py"
    path.write_text(f"""
import furrow, time
def busy(x):
    print("working", flush=True)
    time.sleep(600)
if __name__ == "__main__":
    with furrow.Pool(2, context="{start}") as pool:
        for call in (pool.map, lambda f, xs: list(pool.imap(f, xs)),
                     lambda f, xs: list(pool.imap_unordered(f, iter(xs)))):
            try:
                call(busy, range(2))
            except KeyboardInterrupt:
                print(pool.map(abs, [-1, -2]), flush=True)
""")
    with program.Running(path) as running:
        for _ in range(3):
            assert [running.read_line(), running.read_line()] == ["working", "working"]
            time.sleep(0.05)
            os.killpg(running.process.pid, signal.SIGINT)
            assert running.read_line() == "[1, 2]"
        assert running.process.communicate(timeout=SECONDS) == ("", "")
    assert running.process.returncode == 0


def test_an_idle_pool_of_a_killed_parent_ends(tmp_path):
    path = tmp_path / "idle.py"
    path.write_text("""
import furrow, time
pool = furrow.Pool(2)
pool.map(abs, range(10))
print("idle", flush=True)
time.sleep(60)
""")
    with program.Running(path) as running:
        assert running.read_line() == "idle"
        os.kill(running.process.pid, signal.SIGKILL)
        print(f"all ended after {running.wait_until_alone(SECONDS):.3f} s (promised: 1 s)")
