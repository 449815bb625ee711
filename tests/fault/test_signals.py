"""Signals to a job, to the evaluator and to the engine."""
import os
import signal
import time

import pytest

from running import wait_until, command_line, marked_processes

STUBBORN = '''
rule all:
    input: expand("{n}.out", n=range(4))
rule one:
    output: "{n}.out"
    shell: "trap '' TERM INT HUP; echo half > {output}; touch started-{wildcards.n}; while true; do sleep 0.05; done"
'''
GRANDCHILDREN = '''
rule one:
    output: "one.out"
    shell: "(trap '' TERM; (while true; do echo x >> {output}; sleep 0.02; done) & wait) & touch started-0; sleep 60"
'''
RUN_BLOCK = '''
import time, subprocess
rule one:
    output: "one.out"
    run:
        child = subprocess.Popen(["sleep", "60"])
        open(output[0], "w").write("half")
        open("started-0", "w").close()
        time.sleep(60)
'''
SCRIPT = '''
rule one:
    output: "one.out"
    script: "job.py"
'''
KINDS = {"stubborn": STUBBORN, "grandchildren": GRANDCHILDREN, "run block": RUN_BLOCK, "script": SCRIPT}


@pytest.fixture(params=KINDS)
def busy(request, start, tmp_path):
    """An engine whose jobs run, and would run for at least a minute."""
    (tmp_path / "job.py").write_text(
        'import time\nopen(snakemake.output[0], "w").write("half")\nopen("started-0", "w").close()\ntime.sleep(60)\n'
    )
    running = start(KINDS[request.param], "-j", "2")
    running.wait_for_file("started-0")
    return running


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupt_ends_everything_soon(busy, number):
    begin = time.monotonic()
    busy.signal(number)
    code = busy.wait(10)
    seconds = time.monotonic() - begin
    assert code in ([1] if number == signal.SIGINT else [1, 128 + signal.SIGTERM, -signal.SIGTERM]), busy.text()
    assert seconds < 8, busy.text()
    busy.wait_for_nothing_left(0.2)


def test_second_interrupt_ends_at_once(busy):
    busy.signal(signal.SIGINT)
    time.sleep(0.02)
    begin = time.monotonic()
    try:
        busy.signal(signal.SIGINT)
    except ProcessLookupError:
        pass
    busy.wait(10)
    assert time.monotonic() - begin < 5
    busy.wait_for_nothing_left(0.5)


def test_no_process_outlives_a_killed_engine(busy):
    busy.signal(signal.SIGKILL)
    busy.wait()
    busy.wait_for_nothing_left(1.0)


def test_outputs_of_interrupted_jobs_are_made_again(start, tmp_path):
    running = start('''
rule all:
    input: "a.out", "b.out"
rule a:
    output: "a.out"
    shell: "echo a >> $JOBLOG; echo done > {output}"
rule b:
    input: "a.out"
    output: "b.out"
    shell: "echo b >> $JOBLOG; echo half > {output}; touch started; test -e go || sleep 60; echo done > {output}"
''', "-j", "1")
    running.wait_for_file("started")
    running.signal(signal.SIGINT)
    assert running.wait() == 1
    (tmp_path / "go").touch()
    again = start(None, "-j", "1")
    assert again.wait() == 0, again.text()
    assert (tmp_path / "b.out").read_text() == "done\n"
    assert (tmp_path / "jobs.log").read_text().split() == ["a", "b", "b"]


def test_killed_job_is_reported_with_its_signal(start, tmp_path):
    running = start('''
rule killed_rule:
    output: "one.out"
    shell: "echo half > {output}; kill -KILL $$"
''', "-j", "1")
    assert running.wait() == 1
    assert "SIGKILL" in running.text() or "signal 9" in running.text(), running.text()
    assert "killed_rule" in running.text()
    assert not (tmp_path / "one.out").exists()


def test_crashed_run_block_is_reported_with_its_signal(start, tmp_path):
    running = start('''
import ctypes
rule all:
    input: "crash.out", "fine.out"
rule crash:
    output: "crash.out"
    run:
        open(output[0], "w").write("half")
        ctypes.string_at(0)
rule fine:
    output: "fine.out"
    run:
        open(output[0], "w").write("fine")
''', "-j", "1", "-k")
    assert running.wait() == 1
    assert "SIGSEGV" in running.text() or "signal 11" in running.text(), running.text()
    assert not (tmp_path / "crash.out").exists()
    assert (tmp_path / "fine.out").read_text() == "fine"


@pytest.mark.parametrize("where", ["snakefile", "input function"])
def test_crashed_evaluator_is_reported_with_its_signal(start, where):
    text = {
        "snakefile": "import ctypes\nctypes.string_at(0)\nrule a:\n    output: 'a'\n",
        "input function": '''
import ctypes
rule a:
    input: lambda wildcards: ctypes.string_at(0)
    output: "{w}.out"
    shell: "touch {output}"
''',
    }[where]
    running = start(text, "-j", "1", "x.out")
    assert running.wait() == 1
    assert "SIGSEGV" in running.text() or "signal 11" in running.text(), running.text()
    running.wait_for_nothing_left(0.5)


def test_killed_evaluator_ends_the_run_cleanly(start):
    running = start(RUN_BLOCK, "-j", "1")
    running.wait_for_file("started-0")
    evaluators = [p for p in marked_processes(running.mark) if "evaluator" in command_line(p)]
    assert evaluators
    os.kill(min(evaluators), signal.SIGKILL)
    assert running.wait(10) == 1
    assert "Python" in running.text() or "evaluator" in running.text(), running.text()
    running.wait_for_nothing_left(1.0)
    again = start(None, "-n")
    assert again.wait() == 0 and "1 job" in again.text(), "a half-written file must be made again"


def test_no_unlock_is_needed_after_a_killed_engine(start, tmp_path):
    """The lock of a folder ends with its engine: no --unlock is needed after a kill."""
    running = start(STUBBORN, "-j", "2")
    running.wait_for_file("started-0")
    running.signal(signal.SIGKILL)
    running.wait()
    (tmp_path / "Snakefile").write_text('rule all:\n    output: "all.out"\n    shell: "touch {output}"\n')
    again = start(None, "-j", "2")
    assert again.wait(10) == 0, again.text()
    wait_until(lambda: not running.left(), 1, "the first run's jobs are gone")
