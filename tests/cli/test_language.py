"""The edge of the language: what is planned but cannot be run, hooks, --touch, and errors that teach."""

import os
import signal
import subprocess
import time

import engine

REFUSED = """
rule all:
    input: "plain.txt", "wrapped.txt", "fetched.txt"
rule plain:
    output: "plain.txt"
    shell: "echo x > {output}"
rule wrapped:
    input: "plain.txt"
    output: "wrapped.txt"
    cwl: "v1.2.0/tool.cwl"
rule fetched:
    input: storage("https://host/file.txt")
    output: "fetched.txt"
    shell: "cp {input} {output}"
"""


def test_a_dry_run_says_in_one_line_which_jobs_cannot_be_run(folder):
    result = folder.run("-n", snakefile=REFUSED, code=1)
    assert "wrapped: " in result.out and "fetched: " in result.out
    (line,) = [line for line in result.err.splitlines() if "cannot be run" in line]
    assert "2 jobs" in line and "cwl v1.2.0/tool.cwl" in line and "remote files are not supported yet" in line
    assert not (folder / "plain.txt").exists()


def test_a_job_that_cannot_be_run_is_refused_when_it_would_start(folder):
    result = folder.run("-k", snakefile=REFUSED, code=1)
    assert (folder / "plain.txt").read_text() == "x\n" and not (folder / "fetched.txt").exists()
    assert "cwl v1.2.0/tool.cwl: CWL tools are not supported yet" in result.err
    assert "remote files are not supported yet" in result.err
    folder.write("wrapped.txt", "made elsewhere\n")
    folder.write("fetched.txt", "made elsewhere\n")
    folder.run("--touch", "-F")
    assert "up to date" in folder.run("-n").out
    changed = REFUSED.replace("v1.2.0", "v1.3.0")
    assert "code has changed" in folder.run("-n", snakefile=changed, code=1).out
    folder.run("-k", code=1)
    assert (folder / "wrapped.txt").read_text() == "made elsewhere\n"


def test_touch_accepts_that_a_temp_file_is_gone(folder):
    snakefile = """
rule all:
    input: "last.txt"
rule first:
    output: temp("between.txt")
    params: 1
    shell: "echo {params} > {output}"
rule last:
    input: "between.txt"
    output: "last.txt"
    shell: "cp {input} {output}"
"""
    folder.run(snakefile=snakefile)
    folder.write("Snakefile", snakefile.replace("params: 1", "params: 2"))
    folder.run("--touch")
    assert "up to date" in folder.run().err and (folder / "last.txt").read_text() == "1\n"
    assert not (folder / "between.txt").exists()


def test_onerror_runs_when_a_run_is_interrupted(folder):
    folder.write(
        "Snakefile",
        'rule a:\n    output: "a"\n    shell: "touch started; sleep 60"\nonerror:\n    open("hook", "w").close()\n',
    )
    process = subprocess.Popen(
        [engine.FURROW, "run"], cwd=folder.path, env=engine.environment(), stderr=subprocess.DEVNULL
    )
    deadline = time.monotonic() + 60
    while not (folder / "started").exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(process.pid, signal.SIGINT)
    assert process.wait(timeout=60) != 0
    assert (folder / "hook").exists()


def test_scatter_and_priorities(folder):
    folder.write(
        "Snakefile",
        """
scattergather: split=2
rule all:
    input: gather.split("{scatteritem}.done"), expand("{n}.p", n=[1, 3, 2])
rule split:
    output: scatter.split("{scatteritem}.part")
    shell: "touch {output}"
rule work:
    input: "{scatteritem}.part"
    output: "{scatteritem}.done"
    shell: "cp {input} {output}"
rule p:
    output: "{n,[0-9]}.p"
    priority: lambda wc: int(wc.n)
    shell: "echo {wildcards.n} >> order; touch {output}"
""",
    )
    folder.run("-c", "1", "--set-scatter", "split=3")
    assert (folder / "3-of-3.done").exists() and (folder / "order").read_text() == "3\n2\n1\n"
    assert "--set-scatter split=0" in folder.run("--set-scatter", "split=0", code=2).err


def test_limits_that_the_snakefile_sets_hold(folder):
    folder.write(
        "Snakefile",
        """
workflow.global_resources["db"] = 1
rule all:
    input: expand("{n}.o", n=range(4))
rule a:
    output: "{n}.o"
    resources: db=1
    shell: "mkdir lock; sleep 0.1; rmdir lock; touch {output}"
""",
    )
    folder.run("-c", "4")


def test_the_detailed_summary_has_inputs_and_commands(folder):
    folder.write(
        "Snakefile",
        'rule a:\n    input: "i"\n    output: "o"\n    shell:\n        """\n        cp {input} \\\n  {output}\n  """\n',
    )
    folder.write("i", "")
    lines = [line.split("\t") for line in folder.run("--detailed-summary").out.splitlines()]
    assert lines[0] == "output_file date rule log-file(s) input-file(s) shellcmd status plan".split()
    assert lines[1][4] == "i" and lines[1][5].startswith("cp i") and len(lines[1]) == 8


def test_names_with_a_slash_at_the_end_are_the_same_files(folder):
    folder.write(
        "Snakefile",
        """
rule use:
    input: "d/"
    output: "o"
    shell: "cat {input}/f > {output}"
rule make:
    output: directory("{n,d}/")
    shell: "mkdir {output}; echo x > {output}/f"
""",
    )
    folder.run("d/")
    folder.run()
    assert (folder / "o").read_text() == "x\n" and "up to date" in folder.run("d/", "o").err


def test_dates_in_a_config_file_are_dates(folder):
    folder.write("c.yaml", "day: 2020-01-31\nat: 2020-01-31T01:02:03Z\n2021-02-03: key\ntext: '2020-01-31'\n")
    folder.write(
        "Snakefile",
        """
configfile: "c.yaml"
import datetime
assert config["day"] == datetime.date(2020, 1, 31) and config["text"] == "2020-01-31"
assert config["at"] == datetime.datetime(2020, 1, 31, 1, 2, 3, tzinfo=datetime.timezone.utc)
assert config[datetime.date(2021, 2, 3)] == "key"
""",
    )
    folder.run()
    folder.run("--config", "day=2020-01-31", code=1)


def test_a_workflow_that_looks_for_logs_in_snakemakes_place_finds_them(folder):
    snakefile = ('import glob\nrule a:\n    output: "a"\n    shell: "touch {output}"\n'
                 'onsuccess:\n    print(len(glob.glob(".snakemake/log/*.log")), file=open("count", "w"))\n')
    folder.run("-n", snakefile=snakefile)
    assert not folder.exists(".snakemake")
    folder.run()
    assert folder.read("count") == "1\n"


def test_an_iterator_fills_the_first_pattern_of_expand_only_and_furrow_says_so(folder):
    result = folder.run("-n", "-q", snakefile="""
rule all:
    input: expand(["a/{u}", "b/{u}"], u=map(str, range(3))), expand(["c/{u}", "d/{u}"], u=range(2))
rule one:
    output: "{folder,a|b|c|d}/{u}"
    shell: "touch {output}"
""")
    assert "one          7" in result.out
    (line,) = [line for line in result.err.splitlines() if "iterator" in line]
    assert f"{folder / 'Snakefile'}:3: " in line and "u=list(...)" in line
