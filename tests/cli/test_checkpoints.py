"""What `furrow run` shows of a graph that grows, and what it says about mistakes behind a checkpoint."""
import pytest

SPLIT = """
rule all:
    input: "sum.txt"
checkpoint split:
    input: "list.txt"
    output: directory("parts")
    shell: "mkdir {output}; for i in $(cat {input}); do echo $i > {output}/$i; done"
rule count:
    input: "parts/{i}"
    output: "counted/{i}"
    shell: "cp {input} {output}"
def counted(wildcards):
    return expand("counted/{i}", i=sorted(os.listdir(checkpoints.split.get().output[0])))
rule sum:
    input: counted
    output: "sum.txt"
    shell: "cat {input} > {output}"
"""


@pytest.fixture
def split(folder):
    folder.write("list.txt", "1 2 3")
    folder.write("Snakefile", SPLIT)
    return folder


def test_a_dry_run_says_what_waits_for_which_checkpoint(split):
    text = split.run("-n", "-p").out
    assert "sum: " in text and "its inputs are known once checkpoint split has run" in text
    assert "3 jobs would run" in text and "2 jobs wait" not in text
    assert "1 job waits for checkpoints: more jobs may be needed once these have run." in text
    assert "cat parts" not in text, "a command whose inputs are not known is not shown"


def test_a_dry_run_knows_what_stands_behind_a_checkpoint_that_is_up_to_date(split):
    split.run("parts")
    text = split.run("-n").out
    assert "5 jobs would run" in text and "count (i=2)" in text and "wait" not in text


def test_why_names_the_checkpoint(split):
    text = split.run("--why", "sum").out
    assert "its inputs are known once checkpoint split has run" in text
    split.run()
    assert "up to date" in split.run("--why", "sum").out


def test_totals_count_what_is_new(split):
    text = split.run().text
    assert "3 jobs to run" in text and "1 job waits for checkpoints" in text
    assert "A checkpoint has run: 3 jobs more, 6 in all" in text
    assert "6 of 6 jobs done" in text


def test_followers_that_are_up_to_date_are_dropped(split):
    split.run()
    split.write("Snakefile", SPLIT.replace("mkdir {output}", "mkdir -p {output}"))
    text = split.run("--rerun-triggers", "code").text
    assert "jobs to run" in text and "Nothing to do" in split.run("-n").text, text


def test_a_checkpoint_that_has_run_is_not_run_again(split):
    split.run("parts")
    before = (split.path / "parts" / "1").stat().st_ino
    split.run()
    assert (split.path / "parts" / "1").stat().st_ino == before
    assert "Nothing to do" in split.run().text


def test_a_mistake_behind_a_checkpoint_names_its_rule(split):
    split.write("Snakefile", SPLIT.replace('expand("counted', 'expand("lost'))
    result = split.run(code=1)
    assert "missing input files for rule sum" in result.err and "lost/1" in result.err
    assert "Snakefile:14" in result.err, result


def test_a_function_that_fails_after_the_checkpoint_names_its_line(split):
    split.write("Snakefile", SPLIT.replace(".output[0])", ".output.lost)"))
    result = split.run(code=1)
    assert "lost" in result.err and "Snakefile:13" in result.err, result
    assert split.exists("parts") and not split.exists("sum.txt")


def test_with_keep_going_other_followers_go_on(split):
    split.write("Snakefile", SPLIT.replace('"sum.txt"', '"sum.txt", "other.txt"', 1) + """
def lost(wildcards):
    return checkpoints.split.get().output[0] + "/lost"
rule other:
    input: lost
    output: "other.txt"
    shell: "touch {output}"
""")
    result = split.run("-k", code=1)
    assert split.exists("sum.txt") and "missing input files for rule other" in result.err, result
    assert "5 of 7 jobs done" in result.err and "1 failed" in result.err and "1 skipped" in result.err, result


def test_a_cycle_behind_a_checkpoint_is_an_error(split):
    split.write("Snakefile", SPLIT.replace('input: "parts/{i}"', 'input: "parts/{i}", "end.txt"') + """
rule end:
    input: "sum.txt"
    output: "end.txt"
    shell: "touch {output}"
""")
    result = split.run("end.txt", code=1)
    assert "rule sum" in result.err and "a cycle" in result.err and "Snakefile:" in result.err, result


def test_a_checkpoint_with_no_job_for_it(folder):
    result = folder.run(code=1, snakefile="""
rule all:
    input: lambda wildcards: checkpoints.lost.get(s=1).output
rule other:
    output: "x"
    shell: "touch {output}"
""")
    assert "there is no checkpoint named lost" in result.err and "Snakefile:3" in result.err, result


def test_until_a_rule_that_turns_up_behind_a_checkpoint(split):
    result = split.run("--until", "count")
    assert split.read("counted/1") == "1\n" and split.exists("counted/3") and not split.exists("sum.txt"), result
    assert "4 of 4 jobs done" in result.text
    assert "Nothing to do" in split.run("--until", "count").text


def test_omit_from_a_rule_that_turns_up_behind_a_checkpoint(split):
    result = split.run("--omit-from", "count")
    assert split.exists("parts/1") and not split.exists("counted/1") and not split.exists("sum.txt"), result
    split.run()
    assert split.exists("sum.txt")


def test_what_an_omitted_job_behind_a_checkpoint_needs_is_made(split):
    split.write("Snakefile", SPLIT.replace('input: "parts/{i}"', 'input: "cut/{i}"') + """
rule cut:
    input: "parts/{i}"
    output: "cut/{i}"
    shell: "cp {input} {output}"
""")
    for name in "count", "counted/1":
        split.run("--omit-from", name, "-F")
        assert split.exists("cut/1") and not split.exists("counted/1") and not split.exists("sum.txt")
    assert split.exists("counted/2")


def test_a_job_behind_a_checkpoint_may_write_into_its_folder(split):
    text = SPLIT.replace("counted/{i}", "parts/{i}.counted")
    text = text.replace("sorted(os", "sorted(i for i in os").replace("[0])))", "[0]) if i.isdigit()))")
    split.write("Snakefile", text)
    split.run()
    assert split.read("sum.txt") == "1\n2\n3\n"
    assert "Nothing to do" in split.run().text


NOTES = """
rule all:
    input: "sum.txt"
checkpoint split:
    input: "list.txt"
    output: "names.txt"
    shell: "cp {input} {output}"
rule open:
    input: "names.txt", "seed.txt"
    output: directory("made/{i,[0-9]+}")
    shell: "mkdir {output}; echo {wildcards.i} > {output}/first"
rule note:
    input: "made/{i}"
    output: "made/{i}/note"
    shell: "cat {input}/first > {output}; echo >> notes.log"
def notes(wildcards):
    return expand("made/{i}/note", i=checkpoints.split.get().output[0].open().read().split())
rule sum:
    input: notes
    output: "sum.txt"
    shell: "cat {input} > {output}"
"""


def test_a_job_that_turns_up_may_write_into_the_folder_of_a_job_that_it_needs(folder):
    folder.write("list.txt", "1 2")
    folder.write("seed.txt", "")
    folder.write("Snakefile", NOTES)
    folder.run()
    assert folder.read("sum.txt") == "1\n2\n"
    assert "up to date" in folder.run().text
    folder.run("-R", "open")
    assert folder.read("made/1/note") == "1\n", "what was in the folder is made again with it"
    assert folder.read("notes.log") == "\n" * 4
    assert "up to date" in folder.run().text


def test_what_a_job_has_written_into_the_folder_of_a_checkpoint_is_not_a_source_later(split):
    """As in Snakemake: it is made again when its params, or its inputs, have changed."""
    text = SPLIT.replace("counted/{i}", "parts/{i}.counted")
    text = text.replace("sorted(os", "sorted(i for i in os").replace("[0])))", "[0]) if i.isdigit()))")
    split.write("Snakefile", text)
    split.run()
    split.write("Snakefile", text.replace("rule count:", "rule count:\n    params: 2"))
    result = split.run("-n")
    assert result.text.count("count (i=") == 3, result
    split.run()
    assert "Nothing to do" in split.run().text
    (split / "parts/2").write_text("other\n")
    split.run()
    assert split.read("sum.txt") != "1\n2\n3\n"


def test_what_has_come_with_a_checkpoint_is_taken_as_it_is_although_a_rule_could_make_it(folder):
    folder.run(snakefile="""
rule all:
    input: "sum"
checkpoint split:
    output: directory("parts")
    shell: "mkdir -p parts; touch parts/a.txt parts/b.txt"
rule any:
    input: "Snakefile"
    output: "{folder}/{i}.txt"
    shell: "echo made > {output}"
def parts(wildcards):
    checkpoints.split.get()
    return expand("parts/{i}.txt", i=glob_wildcards("parts/{i}.txt").i)
rule sum:
    input: parts
    output: "sum"
    shell: "cat {input} > {output}"
""")
    assert folder.read("sum") == ""
    assert "Nothing to do" in folder.run().text


def test_a_group_job_file_and_an_open_checkpoint_on_a_cluster(split):
    split.write("Snakefile", SPLIT.replace('output: "counted/{i}"', 'output: temp("counted/{i}", group_jobs=True)'))
    result = split.run("--cluster", "sh", "-j", "1", code=1)
    assert "group_jobs=True" in result.err and "checkpoint" in result.err, result


CHAIN = """
rule all:
    input: "c1", "c2"
checkpoint a:
    output: "a{n}"
    shell: "touch {output}"
rule b:
    input: lambda wildcards: checkpoints.a.get(**wildcards).output
    output: "b{n}"
    shell: "touch {output}"
rule c:
    input: "b{n}"
    output: "c{n}"
    shell: "touch {output}"
"""


def test_until_a_follower(folder):
    """Snakemake 7 makes nothing here; version 9 does as Furrow."""
    folder.run("--until", "b1", snakefile=CHAIN)
    assert folder.exists("a1") and folder.exists("b1") and not folder.exists("a2") and not folder.exists("c1")
    folder.run("--until", "b")
    assert folder.exists("b2") and not folder.exists("c1")


def test_two_uses_of_a_module_have_their_own_checkpoints(folder):
    """In Snakemake 7 the second use takes the place of the first; version 9 does as Furrow."""
    folder.write("m.smk", """
checkpoint names:
    output: config["folder"] + "/names.txt"
    shell: "echo " + config["names"] + " > {output}"
rule make:
    output: config["folder"] + "/made/{n}"
    shell: "touch {output}"
def made(wildcards):
    with open(checkpoints.names.get().output[0]) as file:
        return [config["folder"] + "/made/" + n for n in file.read().split()]
rule collect:
    input: made
    output: config["folder"] + "/all.txt"
    shell: "echo {input} > {output}"
""")
    uses = "".join(f"""
module {name}:
    snakefile: "m.smk"
    config: {{"folder": "{name}", "names": "{names}"}}
use rule * from {name} as {name}_*
""" for name, names in (("one", "u v"), ("two", "w")))
    folder.run(snakefile='rule all:\n    input: "one/all.txt", "two/all.txt"\n' + uses)
    assert folder.read("one/all.txt") == "one/made/u one/made/v\n" and folder.read("two/all.txt") == "two/made/w\n"


FOUND = """
rule all:
    input: "sum"
checkpoint extract:
    output: "{i,[ab]}.log"
    shell: "mkdir -p found; touch found/{wildcards.i} {output}"
rule sum:
    input: "a.log", "b.log", lambda wildcards: expand("{i}.part", i=sorted(glob_wildcards("found/{i}").i))
    output: "sum"
    shell: "echo {input} > {output}"
rule part:
    output: "{i}.part"
    shell: "touch {output}"
"""


def test_a_job_with_a_checkpoints_output_looks_again_although_it_does_not_ask_for_the_checkpoint(folder):
    folder.run(snakefile=FOUND)
    assert folder.read("sum") == "a.log b.log a.part b.part\n"
    assert "Nothing to do" in folder.run().text
