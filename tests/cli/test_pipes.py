"""Jobs that a named pipe connects: they run at once, and end together."""
import stat

import pytest

WORDS = """
rule all:
    input: "a.sorted", "b.sorted"
rule words:
    input: "{x}.txt"
    output: pipe("{x}.words")
    shell: "tr ' ' '\\n' < {input} > {output}"
rule sort:
    input: "{x}.words"
    output: "{x}.sorted"
    shell: "sort {input} > {output}"
"""


@pytest.fixture
def words(folder):
    folder.write("a.txt", "b a c")
    folder.write("b.txt", "2 1")
    folder.write("Snakefile", WORDS)
    return folder


def pipes(folder):
    return [path.name for path in folder.path.rglob("*") if stat.S_ISFIFO(path.lstat().st_mode)]


def test_the_reader_gets_what_the_writer_writes(words):
    words.run("-c4")
    assert words.read("a.sorted") == "a\nb\nc\n"
    assert words.read("b.sorted").split() == ["1", "2"]
    assert pipes(words) == [] and not words.exists("a.words")


def test_writer_and_reader_run_exactly_if_the_file_of_the_reader_is_due(words):
    words.run("-c4")
    assert "Nothing to do" in words.run("-c4").text
    (words.path / "a.sorted").unlink()
    assert "2 of 2 jobs done" in words.run("-c4", "a.sorted").text
    words.write("b.txt", "4 3 5")
    text = words.run("-n").out
    assert "words (x=b)" in text and "sort (x=b)" in text and "(x=a)" not in text
    words.run("-c4")
    assert words.read("b.sorted").split() == ["3", "4", "5"]
    words.write("Snakefile", WORDS.replace("sort {input}", "sort -r {input}"))
    assert "words (x=a)" in words.run("-n").out, "a pipe is never there already"


def test_what_is_at_the_path_of_a_pipe_is_no_file_of_the_workflow(words):
    words.write("a.words", "left over")
    words.run("-c4")
    assert words.read("a.sorted") == "a\nb\nc\n" and not words.exists("a.words")


def test_cores_are_counted_together(words):
    for arguments in (["-c1"], ["-c1", "-n"], ["-c1", "--keep-going"]):
        result = words.run(*arguments, code=1)
        assert "run at once" in result.err and "need 2 cores, and there are only 1" in result.err, result
        assert "Snakefile:4" in result.err and "-c" in result.err
        assert not words.exists("a.sorted") and not words.exists("b.sorted")
    words.run("-c2", "-T0")


def test_a_chain_of_pipes_runs_at_once(folder):
    folder.run("-c3", snakefile="""
rule all:
    input: "out"
rule one:
    output: pipe("p/1")
    shell: "for i in 1 2 3; do echo $i; done > {output}"
rule two:
    input: "p/1"
    output: pipe("p/2")
    shell: "sed s/^/x/ {input} > {output}"
rule three:
    input: "p/2"
    output: "out"
    shell: "tac {input} > {output}"
""")
    assert folder.read("out") == "x3\nx2\nx1\n" and not folder.exists("p")


def test_one_job_reads_several_pipes_and_another_file(folder):
    folder.run("-c8", snakefile="""
rule all:
    input: "out"
rule part:
    output: pipe("part.{i}")
    shell: "echo {wildcards.i} > {output}"
rule head:
    output: "head"
    shell: "sleep 0.2; echo head > {output}"
rule sum:
    input: "head", expand("part.{i}", i=range(3))
    output: "out"
    shell: "cat {input} > {output}"
""")
    assert folder.read("out").split() == ["head", "0", "1", "2"]


def test_one_job_writes_two_pipes_and_a_file(folder):
    folder.run("-c3", snakefile="""
rule all:
    input: "one", "two", "count"
rule split:
    output: pipe("a"), pipe("b"), "count"
    shell: "echo 1 > {output[0]}; echo 2 > {output[1]}; echo 2 > {output[2]}"
rule one:
    input: "a"
    output: "one"
    shell: "cat {input} > {output}"
rule two:
    input: "b"
    output: "two"
    shell: "cat {input} > {output}"
""")
    assert [folder.read(name).strip() for name in ("one", "two", "count")] == ["1", "2", "2"]
    (folder.path / "one").unlink()
    assert "4 of 4 jobs done" in folder.run("-c3").text, "all of them run again"


def test_run_blocks_and_scripts_are_partners(folder):
    folder.write("upper.py", "with open(snakemake.input[0]) as f, open(snakemake.output[0], 'w') as g:\n"
                             "    g.write(f.read().upper())\n")
    folder.run("-c3", snakefile="""
rule all:
    input: "out"
rule a:
    output: pipe("a")
    run:
        with open(output[0], "w") as file:
            file.write("text")
rule b:
    input: "a"
    output: pipe("b")
    script: "upper.py"
rule c:
    input: "b"
    output: "out"
    run:
        with open(input[0]) as file, open(output[0], "w") as out:
            out.write(file.read() + "!")
""")
    assert folder.read("out") == "TEXT!"


FAILING = """
rule all:
    input: "out", "other"
rule writer:
    output: pipe("p")
    shell: "{writer}"
rule reader:
    input: "p"
    output: "out"
    shell: "{reader}"
rule other:
    output: "other"
    shell: "touch {{output}}"
"""


@pytest.mark.parametrize("writer, reader, culprit", [
    ("sleep 0.2; false", "cat {input} > {output}; sleep 60", "writer"),
    ("yes > {output}", "sleep 0.2; exit 3", "reader"),
    ("echo 1 > {output}", "cat {input} > {output}; exit 4", "reader"),
    ("echo 1 > {output}; sleep 60", "head -n1 {input} > {output}; kill -9 $$", "reader"),
    ("echo 1 > {output}", "cat {input}", "reader"),
])
def test_a_failure_ends_the_partners_and_the_files_of_both_go(folder, writer, reader, culprit):
    snakefile = FAILING.format(writer=writer, reader=reader)
    result = folder.run("-c4", "--keep-going", code=1, snakefile=snakefile, timeout=30)
    partner = {"writer": "reader", "reader": "writer"}[culprit]
    assert f"Job {culprit} failed" in result.err and f"Job {partner} failed" in result.err
    assert f"because {culprit}, with which it runs at once, has failed" in result.err, result
    assert "2 failed" in result.err and folder.exists("other")
    assert pipes(folder) == [] and not folder.exists("out")
    text = folder.run("-n").out
    assert "writer" in text and "reader" in text


def test_both_are_tried_again(folder):
    folder.run("-c2", snakefile="""
rule all:
    input: "out"
rule writer:
    output: pipe("p")
    shell: "echo writer >> log; echo text > {output}"
rule reader:
    input: "p"
    output: "out"
    retries: 2
    resources: n=lambda wildcards, attempt: attempt
    shell: "echo reader {resources.n} >> log; cat {input} > {output}; test {resources.n} = 3"
""")
    assert sorted(folder.read("log").splitlines()) == ["reader 1", "reader 2", "reader 3"] + ["writer"] * 3
    assert folder.read("out") == "text\n"


def test_touch_marks_the_file_of_the_reader(words):
    words.run("-c4")
    words.write("a.txt", "other text")
    words.run("--touch", "-c1")
    assert "Nothing to do" in words.run("-c4").text
    assert words.read("a.sorted") == "a\nb\nc\n" and pipes(words) == []


def test_interrupted_jobs_are_incomplete(words):
    words.write("Snakefile", WORDS.replace("sort {input}", "exit 1; sort {input}"))
    words.run("-c4", code=1)
    words.write("Snakefile", WORDS)
    words.run("-c4", "--rerun-incomplete")
    assert words.read("a.sorted") == "a\nb\nc\n"


def test_pipes_behind_a_checkpoint(folder):
    folder.run("-c4", snakefile="""
rule all:
    input: "sum"
checkpoint split:
    output: directory("parts")
    shell: "mkdir {output}; for i in 1 2 3; do echo $i > {output}/$i; done"
rule double:
    input: "parts/{i}"
    output: pipe("double/{i}")
    shell: "cat {input} {input} > {output}"
rule count:
    input: "double/{i}"
    output: "count/{i}"
    shell: "cat {input} > {output}"
def counted(wildcards):
    return [f"count/{i}" for i in sorted(os.listdir(checkpoints.split.get().output[0]))]
rule sum:
    input: counted
    output: "sum"
    shell: "cat {input} > {output}"
""")
    assert folder.read("sum").split() == ["1", "1", "2", "2", "3", "3"]
    assert "Nothing to do" in folder.run().text and not folder.exists("double")


def test_a_pipe_that_a_checkpoint_gives_a_second_reader(folder):
    result = folder.run("-c4", code=1, snakefile="""
rule all:
    input: "sum", "first"
checkpoint look:
    output: "look"
    shell: "sleep 0.3; touch {output}"
rule write:
    output: pipe("p")
    shell: "echo 1 > {output}"
rule first:
    input: "p"
    output: "first"
    shell: "cat {input} > {output}"
def asked(wildcards):
    checkpoints.look.get()
    return "p"
rule sum:
    input: asked
    output: "sum"
    shell: "cat {input} > {output}"
""")
    assert "pipe(p) of rule write is read by more than one job" in result.err, result
    assert folder.read("first") == "1\n" and not folder.exists("sum")


MISTAKES = {
    "no reader": ('rule a:\n    output: pipe("x")\n    shell: "echo > {output}"\n', "is read by no job", 1),
    "only asked for": ('rule all:\n    input: "x"\nrule a:\n    output: pipe("x")\n    shell: "echo > {output}"\n',
                       "rule all, which executes nothing", 1),
    "two readers": ('rule all:\n    input: "y", "z"\nrule a:\n    output: pipe("x")\n    shell: "echo > {output}"\n'
                    'rule b:\n    input: "x"\n    output: "y"\n    shell: "cat {input} > {output}"\n'
                    'rule c:\n    input: "x"\n    output: "z"\n    shell: "cat {input} > {output}"\n',
                    "is read by more than one job", 3),
    "shadow": ('rule b:\n    input: "x"\n    output: "y"\n    shadow: "minimal"\n    shell: "cat {input} > {output}"\n'
               'rule a:\n    output: pipe("x")\n    shell: "echo > {output}"\n', "a shadow folder", 1),
    "a file of the partner": ('rule b:\n    input: "x", "f"\n    output: "y"\n    shell: "cat {input} > {output}"\n'
                              'rule a:\n    output: pipe("x"), "f"\n    shell: "echo > {output}"\n',
                              "needs f, which a makes while both run at once", 1),
    "a job in between": ('rule b:\n    input: "x", "g"\n    output: "y"\n    shell: "cat {input} > {output}"\n'
                         'rule a:\n    output: pipe("x"), "f"\n    shell: "echo > {output}"\n'
                         'rule c:\n    input: "f"\n    output: "g"\n    shell: "cp {input} {output}"\n',
                         "b can never start: it waits for c, which waits for a", 1),
    "groups": ('rule b:\n    input: "x"\n    output: "y"\n    group: "g"\n    shell: "cat {input} > {output}"\n'
               'rule a:\n    output: pipe("x")\n    group: "h"\n    shell: "echo > {output}"\n',
               "connects jobs of the groups h and g", 6),
    "a checkpoint": ('rule b:\n    input: "x"\n    output: "y"\n    shell: "cat {input} > {output}"\n'
                     'checkpoint a:\n    output: pipe("x")\n    shell: "echo > {output}"\n',
                     "checkpoint a has a pipe or a service as an output", 5),
}


@pytest.mark.parametrize("case", MISTAKES)
def test_mistakes_are_found_before_anything_starts(folder, case):
    snakefile, message, line = MISTAKES[case]
    for arguments in (["-c4"], ["-n"]):
        result = folder.run(*arguments, code=1, snakefile=snakefile)
        assert message in result.err and f"Snakefile:{line}" in result.err, result
    assert pipes(folder) == []


@pytest.mark.parametrize("flags", ["directory(pipe('x'))", "pipe(directory('x'))", "pipe(protected('x'))",
                                   "touch(pipe('x'))", "service(pipe('x'))", "ensure(pipe('x'), non_empty=True)"])
def test_flags_that_a_pipe_cannot_have(folder, flags):
    result = folder.run("-n", code=1, snakefile=f"rule a:\n    output: {flags}\n    shell: 'true'\n")
    assert "exclude each other" in result.err and "Snakefile:2" in result.err, result


def test_inputs_may_be_flagged_too(words):
    words.write("Snakefile", WORDS.replace('input: "{x}.words"', 'input: rules.words.output'))
    assert "warning" not in words.run("-c4").err.lower()
    words.write("Snakefile", WORDS.replace('input: "{x}.words"', 'input: pipe("{x}.words")'))
    words.run("-c4", "-F")
    assert words.read("a.sorted") == "a\nb\nc\n"


def test_a_folder_at_the_path_of_a_pipe_stays(words):
    (words.path / "a.words").mkdir()
    result = words.run("-c4", code=1)
    assert "a.words" in result.err and (words.path / "a.words").is_dir(), result


def test_a_dry_run_shows_which_jobs_run_at_once(words):
    text = words.run("-n").out
    assert "words (x=a)" in text and "5 jobs would run" in text
    assert "runs at once with sort (x=a)" in text
