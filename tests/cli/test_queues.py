"""from_queue(): inputs that come while the workflow runs."""
import signal
import subprocess
import time

import pytest

import engine
from running import wait_until

QUEUE = """
import queue, threading, time
done = object()
files = queue.Queue()
def fill():
    for i in range({count}):
        {before}
        files.put(f"out/{{i}}.txt")
    files.put(done)
    files.join()
threading.Thread(target=fill).start()
rule all:
    input: from_queue(files, finish_sentinel=done)
rule double:
    input: "in/{{i}}"
    output: "out/{{i}}.txt"
    shell: "cat {{input}} {{input}} > {{output}}"
rule make:
    output: "in/{{i}}"
    shell: "echo {{wildcards.i}} > {{output}}"
"""
QUICK = ("-c2", "--queue-input-wait-time", "0.05")


def queue(count=3, before="time.sleep(0.15)"):
    return QUEUE.format(count=count, before=before)


def test_what_comes_later_is_made(folder):
    text = folder.run(*QUICK, snakefile=queue()).text
    assert [folder.read(f"out/{i}.txt").split() for i in range(3)] == [[str(i)] * 2 for i in range(3)]
    assert "7 of 7 jobs done" in text and "waits for a queue" in text and "A queue has new items" in text, text


def test_what_is_there_already_is_not_made_again(folder):
    folder.run(*QUICK, snakefile=queue())
    before = (folder.path / "out" / "1.txt").stat().st_mtime_ns
    folder.run(*QUICK, snakefile=queue(4))
    assert (folder.path / "out" / "1.txt").stat().st_mtime_ns == before and folder.exists("out/3.txt")


def test_a_queue_that_is_full_from_the_start_is_planned_at_once(folder):
    text = folder.run(*QUICK, "-n", snakefile=queue(2, "pass").replace(".start()", ".start(); time.sleep(0.3)")).out
    assert "double (i=1)" in text and "5 jobs would run" in text and "wait" not in text


def test_a_dry_run_shows_what_has_come_so_far(folder):
    started = time.monotonic()
    text = folder.run("-n", snakefile=queue(2, "time.sleep(0 if i == 0 else 600)")
                      .replace(".start()", ".start(); time.sleep(0.3)")).out
    assert "double (i=0)" in text and "double (i=1)" not in text
    assert "its inputs are known once its queue has ended" in text and "1 job waits for a queue" in text
    assert time.monotonic() - started < 300


def test_a_job_that_uses_the_items_runs_once_all_have_come(folder):
    folder.run(*QUICK, snakefile=queue().replace("rule all:", "rule sum:").replace(
        "finish_sentinel=done)\n", 'finish_sentinel=done)\n    output: "sum"\n'
                                   '    shell: "echo run >> log; cat {input} > {output}"\n', 1))
    assert folder.read("sum").split() == ["0", "0", "1", "1", "2", "2"] and folder.read("log") == "run\n"


def test_a_failure_ends_the_run_although_more_would_come(folder):
    result = folder.run(*QUICK, code=1, timeout=60, snakefile=queue(100, "time.sleep(0.1)").replace(
        "echo {wildcards.i}", "test {wildcards.i} != 1; echo {wildcards.i}"))
    assert "Job make (i=1) failed" in result.err


def test_an_item_that_nobody_makes_is_reported(folder):
    snakefile = queue(1).replace('f"out/{i}.txt"', '"lost"')
    result = folder.run(*QUICK, code=1, snakefile=snakefile)
    assert "lost" in result.err and "missing input files for rule all" in result.err, result


def test_an_interrupt_ends_the_wait(folder):
    folder.write("Snakefile", queue(1, "time.sleep(600)").replace("start()", "start()").replace(
        "Thread(target=fill)", "Thread(target=fill, daemon=True)"))
    process = subprocess.Popen([*engine.FURROW_RUN, *QUICK], cwd=folder.path, env=engine.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    wait_until(lambda: list(folder.path.glob(".furrow/log/*.log")), 30, "it waits")
    time.sleep(0.3)
    process.send_signal(signal.SIGINT)
    text = process.communicate(timeout=60)[0]
    assert process.returncode != 0 and "not started" in text, text


@pytest.mark.parametrize("text, says", [
    ("from_queue(files)", "finish_sentinel"),
    ("from_queue([], finish_sentinel=done)", "takes a queue, as queue.Queue(), not list"),
    ("a=['x', from_queue(files, finish_sentinel=done)]", "cannot stand in the list a"),
    ("unpack(from_queue(files, finish_sentinel=done))", "unpack"),
])
def test_mistakes(folder, text, says):
    snakefile = f"import queue\nfiles = queue.Queue()\ndone = object()\nrule a:\n    input: {text}\n    output: 'y'\n" \
                "    shell: 'touch {output}'\n"
    result = folder.run("-n", code=1, snakefile=snakefile)
    assert says in result.err and "Snakefile:5" in result.err, result


def test_a_rule_with_wildcards_cannot_have_a_queue(folder):
    result = folder.run("-n", "1.y", code=1, snakefile="import queue\nrule a:\n    output: '{n}.y'\n    input: "
                        "from_queue(queue.Queue(), finish_sentinel=1)\n    shell: 'touch {output}'\n")
    assert "wildcards" in result.err and "Snakefile:" in result.err, result
