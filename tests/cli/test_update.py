"""Outputs flagged update(), and inputs flagged before_update()."""

import pytest

APPENDS = """
rule a:
    input: "in.txt"
    output: update("log.txt")
    shell: "echo new >> {output}; test ! -e fails"
"""

BEFORE = """
rule all:
    input: "copy.txt", "list.txt"
rule change:
    output: update("list.txt")
    shell: "echo new >> {output}"
rule copy:
    input: before_update("list.txt")
    output: "copy.txt"
    shell: "cp {input} {output}; echo {input} > name.txt"
"""


def test_the_job_finds_the_old_file(folder):
    folder.write("in.txt", "1")
    folder.write("log.txt", "old\n")
    folder.run("-c1", "-F", snakefile=APPENDS)
    assert folder.read("log.txt") == "old\nnew\n"
    folder.run("-c1")
    assert folder.read("log.txt") == "old\nnew\n", "it is up to date"
    folder.write("in.txt", "22")
    folder.run("-c1")
    assert folder.read("log.txt") == "old\nnew\nnew\n"


def test_the_old_file_comes_back_when_the_job_fails(folder):
    folder.write("in.txt", "1")
    folder.write("fails", "")
    folder.write("log.txt", "old\n")
    folder.run("-c1", "-F", "--retries", "2", code=1, snakefile=APPENDS)
    assert folder.read("log.txt") == "old\n"
    folder.run("-c1", "-F", "--keep-incomplete", code=1)
    assert folder.read("log.txt") == "old\nnew\n"


def test_a_file_that_was_not_there_goes_when_the_job_fails(folder):
    folder.write("in.txt", "1")
    folder.write("fails", "")
    folder.run("-c1", code=1, snakefile=APPENDS)
    assert not folder.exists("log.txt")


def test_a_folder_is_updated_and_restored(folder):
    folder.write("d/old", "1")
    snakefile = 'rule a:\n    output: update(directory("d"))\n    shell: "rm d/old; echo 2 > d/new; test ! -e fails"\n'
    folder.write("fails", "")
    folder.run("-c1", "-F", code=1, snakefile=snakefile)
    assert folder.read("d/old") == "1" and not folder.exists("d/new")
    (folder.path / "fails").unlink()
    folder.run("-c1", "-F")
    assert folder.read("d/new") == "2\n" and not folder.exists("d/old")


def test_what_a_killed_run_has_half_changed_comes_back_first(folder):
    folder.write("in.txt", "1")
    folder.write("log.txt", "old\n")
    snakefile = APPENDS.replace("test ! -e fails", "test ! -e fails || kill -9 $(cat engine)")
    folder.write("fails", "")
    folder.write("Snakefile", snakefile + "\nimport os\nopen('engine', 'w').write(str(os.getppid()))\n")
    folder.run("-c1", "-F", code=-9)
    assert folder.read("log.txt") == "old\nnew\n"
    (folder.path / "fails").unlink()
    folder.run("-c1")
    assert folder.read("log.txt") == "old\nnew\n", "and not twice"


def test_a_reader_of_the_old_file_runs_first(folder):
    folder.write("list.txt", "old\n")
    folder.run("-c2", "-F", snakefile=BEFORE)
    assert folder.read("copy.txt") == "old\n" and folder.read("list.txt") == "old\nnew\n"
    assert folder.read("name.txt") == "list.txt\n"


def test_the_old_file_must_be_there(folder):
    result = folder.run("-c1", code=1, snakefile=BEFORE)
    assert "missing input files for rule copy" in result.err and "list.txt" in result.err


def test_a_job_may_read_what_it_updates(folder):
    folder.write("list.txt", "old\n")
    snakefile = ('rule a:\n    input: before_update("list.txt")\n    output: update("list.txt")\n'
                 '    shell: "cat {input} {input} > t; mv t {output}"\n')
    folder.run("-c1", "-F", snakefile=snakefile)
    assert folder.read("list.txt") == "old\nold\n"
    assert "Nothing to do" in folder.run("-c1").text


def test_an_update_that_its_own_reader_needs(folder):
    folder.write("list.txt", "old\n")
    snakefile = """
rule all:
    input: "list.txt", "first.txt"
rule first:
    input: before_update("list.txt")
    output: "first.txt"
    shell: "cp {input} {output}"
rule second:
    input: "first.txt"
    output: update("list.txt")
    shell: "cat {input} >> {output}"
"""
    folder.run("-c2", "-F", snakefile=snakefile)
    assert folder.read("list.txt") == "old\nold\n" and folder.read("first.txt") == "old\n"


def test_two_jobs_that_want_each_others_old_file_run_in_some_order(folder):
    folder.write("x", "x\n")
    folder.write("y", "y\n")
    rule = ('rule {a}:\n    input: before_update("{b}")\n    output: update("{a}")\n'
            '    shell: "cat {{input}} >> {{output}}"\n')
    folder.run("-c2", "-F", "x", "y", snakefile=rule.format(a="x", b="y") + rule.format(a="y", b="x"))
    assert len(folder.read("x").split()) + len(folder.read("y").split()) == 5


@pytest.mark.parametrize("kind", ["minimal", "shallow", "full", "copy-minimal"])
def test_a_job_in_a_shadow_folder_finds_a_copy_of_the_old_file(folder, kind):
    folder.write("db", "old\n")
    folder.write("sub/db", "old\n")
    text = f"""
rule a:
    input: before_update("sub/db")
    output: update("db"), update("sub/db"), update("new")
    shadow: "{kind}"
    shell: "for i in {{output}}; do echo new >> $i; done; test -e go"
"""
    folder.run("-F", snakefile=text, code=1)
    assert folder.read("db") == folder.read("sub/db") == "old\n" and not folder.exists("new"), "it has failed"
    folder.write("go", "")
    text = text.replace("; test -e go", "")
    folder.run("-F", snakefile=text)
    assert folder.read("db") == folder.read("sub/db") == "old\nnew\n" and folder.read("new") == "new\n"
    assert not (folder / "db").is_symlink()
