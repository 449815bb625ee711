"""`mpirun -n N furrow run` makes the same files as `furrow run`."""
import os
import re

from workflows import ELEVEN, ELEVEN_FILES

WIDE = """
rule all:
    input: expand("{n}.out", n=range(24))
rule one:
    output: "{n}.out"
    threads: 1
    shell: "echo $PPID > {output}; sleep 0.05"
"""


def test_a_workflow_makes_the_same_files(ranks, tmp_path_factory):
    ranks.write("Snakefile", ELEVEN)
    result = ranks(3, "run")
    there = {name: (ranks / name).read_text() for name in ELEVEN_FILES}
    assert "of 3 ranks" in result.err
    for name in ELEVEN_FILES:
        (ranks / name).unlink()
    ranks.alone("run")
    assert there == {name: (ranks / name).read_text() for name in ELEVEN_FILES}
    assert "up to date" in ranks(2, "run").err


def test_every_rank_runs_jobs(ranks):
    ranks.write("Snakefile", WIDE)
    ranks(3, "run")
    assert len({(ranks / f"{n}.out").read_text() for n in range(24)}) == 3


def test_run_blocks_run_on_every_rank(ranks):
    ranks.write("Snakefile", """
import os, time
TABLE = {"a": 1}
rule all:
    input: expand("{n}.out", n=range(12))
rule one:
    output: "{n}.out"
    params: twice=lambda wildcards: int(wildcards.n) * 2
    run:
        time.sleep(0.1)
        open(output[0], "w").write(f"{params.twice} {TABLE['a']} {os.getppid()}")
        shell("echo more >> {output}")
""")
    ranks(2, "run", "--cores", "4")
    rows = [(ranks / f"{n}.out").read_text().split() for n in range(12)]
    assert [row[0] for row in rows] == [str(2 * n) for n in range(12)]
    assert len({row[2][:-4] for row in rows}) == 2, "forked from two evaluators"


def test_scripts_workdir_and_shadow_work(ranks):
    ranks.write("work/script.py",
                'open(snakemake.output[0], "w").write(snakemake.wildcards.n + snakemake.config["word"])')
    ranks.write("Snakefile", """
workdir: "work"
rule all:
    input: expand("{n}.out", n=list("abcd")), expand("{n}.shadow", n=list("abcd"))
rule one:
    output: "{n}.out"
    script: "work/script.py"
rule two:
    output: "{n}.shadow"
    shadow: "minimal"
    shell: "touch junk; echo {wildcards.n} > {output}"
""")
    ranks(2, "run", "--config", "word=x")
    assert [(ranks / f"work/{n}.out").read_text() for n in "abcd"] == ["ax", "bx", "cx", "dx"]
    assert [(ranks / f"work/{n}.shadow").read_text() for n in "abcd"] == ["a\n", "b\n", "c\n", "d\n"]
    assert not (ranks / "work/junk").exists()


def test_threads_count_per_rank_and_cores_over_all_ranks(ranks):
    ranks.write("Snakefile", """
rule all:
    input: "a", "b"
rule one:
    output: "{n}"
    threads: 64
    shell: "echo {threads} > {output}"
""")
    ranks(3, "run", "--cores", "6")
    assert (ranks / "a").read_text() == "2\n"
    result = ranks(2, "run", "-F", "--cores", "1", "--verbose")
    assert (ranks / "a").read_text() == "1\n" and re.search(r"on 1 core of 2 ranks", result.err), str(result)


def test_local_rules_run_on_rank_0(ranks):
    ranks.write("Snakefile", "localrules: all, one\n" + WIDE)
    ranks(2, "run")
    assert len({(ranks / f"{n}.out").read_text() for n in range(24)}) == 1


def test_a_failed_job_is_shown_and_retried(ranks):
    ranks.write("Snakefile", """
rule all:
    input: "a", "b"
rule one:
    output: "{n}"
    retries: 2
    shell: "echo try of {wildcards.n} >> $JOBLOG; echo trouble with {wildcards.n} >&2; "
           "if [ $(grep -c {wildcards.n} $JOBLOG) = 2 ]; then touch {output}; else touch {output}; exit 3; fi"
""")
    result = ranks(2, "run")
    assert result.err.count("\ntrouble with a") == 2
    ranks.log.unlink()
    ranks.write("Snakefile", (ranks / "Snakefile").read_text().replace("retries: 2", "retries: 0"))
    result = ranks(2, "run", "-F", "-k", code=1)
    assert "exit code 3" in result.err and not (ranks / "a").exists()


def test_benchmarks_and_logs_are_written(ranks):
    ranks.write("Snakefile", """
rule all:
    input: expand("{n}.out", n=range(4))
rule one:
    output: "{n}.out"
    log: "{n}.log"
    benchmark: "{n}.bench"
    shell: "/usr/bin/python3 -c 'x = bytearray(50_000_000); import time; time.sleep(0.2)' > {log}; touch {output}"
""")
    ranks(2, "run", "--cores", "2")
    for n in range(4):
        header, row = [line.split("\t") for line in (ranks / f"{n}.bench").read_text().splitlines()]
        assert float(row[header.index("s")]) > 0.1 and float(row[header.index("max_rss")]) > 40
        assert (ranks / f"{n}.log").exists()


def test_memory_is_limited_on_each_rank(ranks):
    """A job that asks for more memory than any rank has takes all of it, so each rank runs one job at a time."""
    ranks.write("Snakefile", """
rule all:
    input: expand("{n}.out", n=range(6))
rule one:
    output: "{n}.out"
    resources: mem_mb=10_000_000
    shell: "echo begin $PPID >> $JOBLOG; sleep 0.1; echo end $PPID >> $JOBLOG; touch {output}"
""")
    ranks(2, "run", "--cores", "8")
    running = {}
    for line in ranks.log.read_text().splitlines():
        word, rank = line.split()
        running[rank] = running.get(rank, 0) + (1 if word == "begin" else -1)
        assert running[rank] <= 1
    assert len(running) == 2


def test_slurm_and_ranks_together_are_refused(ranks):
    ranks.write("Snakefile", WIDE)
    result = ranks(2, "run", "--executor", "slurm", code=1)
    assert "Use only one of the two" in result.err and result.err.count("furrow: error") == 1


def test_a_job_may_start_mpi(ranks):
    root = "--allow-run-as-root" if os.geteuid() == 0 else ""
    ranks.write("Snakefile", f"""
rule one:
    output: "out"
    shell: "mpirun {root} --oversubscribe --bind-to none -n 2 sh -c 'echo $OMPI_COMM_WORLD_SIZE' > {{output}}"
""")
    ranks(2, "run")
    assert (ranks / "out").read_text() == "2\n2\n"
