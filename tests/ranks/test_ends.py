"""When a part of a run over ranks is killed, nothing keeps running, and the next run completes the work."""
import os
import signal
import time

import pytest

from running import marked_processes, wait_until

SLOW = """
rule all:
    input: expand("{n}.out", n=range(8))
rule one:
    output: "{n}.out"
    shell: "echo start {wildcards.n} >> $JOBLOG; echo half > {output}; touch started-{wildcards.n}; "
           "if [ ! -e quick ] && [ {wildcards.n} -gt 1 ]; then sleep 60 & wait; fi; "
           "echo whole > {output}; echo end {wildcards.n} >> $JOBLOG"
"""


@pytest.fixture
def busy(ranks):
    """A run in which two of eight jobs are done and others run on both ranks."""
    ranks.write("Snakefile", SLOW)
    running = ranks.start(2, "run", "--cores", "4")
    wait_until(lambda: len(list(ranks.path.glob("started-*"))) >= 6, 30, f"six have started:\n{running.text()}")
    return running


def finish(ranks):
    """Runs again: jobs that were done are not repeated, all others are."""
    ranks.write("quick", "")
    ranks(2, "run", "--cores", "4")
    lines = ranks.log.read_text().splitlines()
    for n in range(8):
        assert (ranks / f"{n}.out").read_text() == "whole\n"
        assert lines.count(f"end {n}") == 1


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_cleanly(ranks, busy, number):
    busy.signal(number)
    busy.wait(10)
    busy.wait_for_nothing_left(2)
    halves = [n for n in range(8) if (ranks / f"{n}.out").exists() and (ranks / f"{n}.out").read_text() == "half\n"]
    assert not halves, busy.text()
    finish(ranks)


def test_killing_mpirun_ends_the_run(ranks, busy):
    busy.signal(signal.SIGKILL)
    busy.wait_for_nothing_left(10)
    finish(ranks)


@pytest.mark.parametrize("rank", [0, 1])
def test_killing_a_rank_ends_the_run(ranks, busy, rank):
    pids = ranks.pids()
    assert len(pids) == 2
    os.kill(pids[rank], signal.SIGKILL)
    assert busy.wait(15) != 0
    busy.wait_for_nothing_left(5)
    finish(ranks)


def test_a_killed_job_is_reported_and_retried(ranks):
    ranks.write("Snakefile", """
rule all:
    input: expand("{n}.out", n=range(6))
rule one:
    output: "{n}.out"
    retries: 1
    shell: "if [ ! -e tried-{wildcards.n} ]; then touch tried-{wildcards.n}; kill -9 $$; fi; touch {output}"
""")
    result = ranks(2, "run", "--cores", "4")
    assert result.err.count("signal 9") >= 6, str(result)


def test_a_sigterm_to_one_rank_ends_the_run_cleanly(ranks, busy):
    os.kill(ranks.pids()[1], signal.SIGTERM)
    busy.wait(15)
    busy.wait_for_nothing_left(5)
    finish(ranks)


def test_an_interrupted_map_leaves_no_process_and_a_correct_log(ranks):
    running = ranks.start(3, "map", "-j2", "--joblog", "log", "touch started-{}; sleep {}", ":::", "0", *["60"] * 9)
    running.wait_for_file("started-60")
    wait_until(lambda: (ranks / "log").read_text().count("\n") == 2, 10, "the first is logged")
    running.signal(signal.SIGINT)
    running.wait(10)
    running.wait_for_nothing_left(2)
    rows = (ranks / "log").read_text().splitlines()
    assert len(rows) == 2, rows


def test_a_sigterm_ends_jobs_that_print_endlessly(ranks):
    running = ranks.start(2, "map", "-j1", "yes {}", ":::", 1, 2)
    time.sleep(1)
    assert marked_processes(ranks.mark)
    running.signal(signal.SIGTERM)
    running.wait(10)
    running.wait_for_nothing_left(2)
