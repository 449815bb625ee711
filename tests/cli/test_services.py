"""Services: jobs that run as long as other jobs need them."""
import time

import pytest

SERVED = """
rule all:
    input: "one", "two"
rule serve:
    output: service("s/here")
    shell: "echo begin >> log; trap 'echo end >> log; exit 0' TERM; sleep 0.3; touch {output}; "
           "while true; do sleep 0.05; done"
rule use:
    input: "s/here"
    output: "{n,one|two}"
    shell: "test -e {input}; echo {wildcards.n} >> log; sleep 0.1; touch {output}"
"""


def test_a_service_runs_until_those_that_use_it_have_ended(folder):
    folder.run("-c3", snakefile=SERVED)
    log = folder.read("log").split()
    assert log[0] == "begin" and sorted(log[1:3]) == ["one", "two"] and log[3:] == ["end"], log
    assert not folder.exists("s") and "Nothing to do" in folder.run("-c3").text


def test_a_service_that_ignores_the_signal_is_killed(folder):
    ignores = SERVED.replace("echo end >> log; exit 0", "echo asked >> log")
    ignores = ignores.replace("do sleep 0.05; done", "do sleep 0.05 || true; echo on >> log; done")
    folder.run("-c3", "two", snakefile=ignores)
    log = folder.read("log").split()
    assert log[0] == "begin" and "two" in log
    assert "on" in log[log.index("asked"):], "it goes on after the signal"
    time.sleep(0.3)
    assert folder.read("log").split() == log, "and then it is killed"


def test_it_runs_again_whenever_it_is_needed(folder):
    folder.run("-c3", snakefile=SERVED)
    (folder.path / "one").unlink()
    folder.run("-c3", "one")
    assert folder.read("log").split().count("begin") == 2


@pytest.mark.parametrize("serve, says", [
    ("exit 3", "exit code 3"),
    ("exit 0", "what it offers is not there"),
    ("touch {output}; sleep 0.3; exit 5", "exit code 5"),
])
def test_a_service_that_ends_early_takes_those_that_use_it_along(folder, serve, says):
    snakefile = SERVED.replace("sleep 0.1; touch {output}", "sleep 60; touch {output}")
    begin, end = snakefile.index('"echo begin'), snakefile.index("rule use")
    result = folder.run("-c3", code=1, snakefile=snakefile[:begin] + f'"{serve}"\n' + snakefile[end:], timeout=30)
    assert "Job serve failed" in result.err and says in result.err, result
    assert "because serve" in result.err and not folder.exists("one") and not folder.exists("s")


def test_a_failure_of_one_that_uses_it_ends_all(folder):
    result = folder.run("-c3", code=1, snakefile=SERVED.replace("sleep 0.1; touch", "test {wildcards.n} = one; touch"))
    assert "Job use (n=two) failed: exit code 1" in result.err, result
    assert result.err.count("because use (n=two), with which it runs at once, has failed (exit code 1)") == 2, result
    assert "end" in folder.read("log") and not folder.exists("one")


def test_services_that_use_services(folder):
    folder.run("-c3", snakefile="""
rule use:
    input: "top.s"
    output: "out"
    shell: "echo use >> log; touch {output}"
rule top:
    input: "base.s"
    output: service("top.s")
    shell: "trap 'echo top ends >> log; exit' TERM; echo top >> log; touch {output}; while true; do sleep 0.02; done"
rule base:
    output: service("base.s")
    shell: "trap 'echo base ends >> log; exit' TERM; echo base >> log; sleep 0.1; touch {output}; "
           "while true; do sleep 0.02; done"
""")
    assert folder.read("log").splitlines() == ["base", "top", "use", "top ends", "base ends"]


def test_a_service_of_jobs_that_a_pipe_connects(folder):
    folder.run("-c3", snakefile="""
rule reader:
    input: "p"
    output: "out"
    shell: "cat {input} > {output}"
rule writer:
    input: "s"
    output: pipe("p")
    shell: "cat {input} > {output}"
rule serve:
    output: service("s")
    shell: "echo data > {output}; sleep 60"
""", timeout=30)
    assert folder.read("out") == "data\n"


def test_a_service_that_nobody_uses(folder):
    snakefile = 'rule a:\n    output: service("x")\n    shell: "touch {output}; sleep 60"\n'
    result = folder.run("-c2", code=1, snakefile=snakefile)
    assert "service(x) of rule a is used by no job" in result.err and "Snakefile:1" in result.err, result


def test_cores_are_counted_together(folder):
    result = folder.run("-c2", code=1, snakefile=SERVED)
    assert "together they need 3 cores, and there are only 2" in result.err and not folder.exists("log"), result
