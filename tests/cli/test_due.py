"""Which changes of files make a job due: those that happen while it runs, those that times hide, and flags."""
import os
import shutil
import time

import pytest

import engine
from running import Running

NOTHING = "Nothing to do"
# Waits for the file `go`, having read its input.
SLOW = """
rule all:
    input: "out.txt"
rule slow:
    input: "in.txt"
    output: "out.txt"
    {more}
    shell: "v=$(cat {{input}}); touch begun; while [ ! -e go ]; do sleep 0.02; done; echo $v > {{output}}"
"""


def run_while(folder, change, *arguments):
    """Runs the workflow; calls CHANGE while its job `slow` runs."""
    for name in ("begun", "go"):
        (folder / name).unlink(missing_ok=True)
    running = Running(["-c", "2", *arguments], folder.path, engine.environment(), f"FURROW_TEST_MARK={folder.path}")
    running.wait_for_file("begun")
    change()
    (folder / "go").touch()
    assert running.wait(60) == 0, running.text()
    return running.text()


def is_due(folder, *arguments):
    out = folder.run("-n", *arguments).out
    return NOTHING not in out


@pytest.fixture
def slow(folder):
    folder.write("Snakefile", SLOW.format(more=""))
    folder.write("in.txt", "old")
    return folder


def replace_with_older(path):
    """Another content with an older time, as `cp -p` gives it."""
    path.write_text("new")
    os.utime(path, (1_000_000_000, 1_000_000_000))


@pytest.mark.parametrize(
    "change", [lambda path: path.write_text("new"), replace_with_older], ids=["edited", "replaced"]
)
def test_an_input_that_is_edited_while_its_job_runs_is_seen_as_changed(slow, change):
    text = run_while(slow, lambda: change(slow / "in.txt"))
    assert (slow / "out.txt").read_text() == "old\n" and "warning" not in text
    assert "input has changed" in slow.run("-n").out
    assert "changed input: in.txt" in slow.run("--why", "out.txt").out
    slow.run()
    assert (slow / "out.txt").read_text().strip() == (slow / "in.txt").read_text()
    assert not is_due(slow)


def test_the_same_bytes_are_no_change(slow):
    def rewrite():
        time.sleep(0.3)  # until the content is known
        (slow / "in.txt").write_text("old")

    run_while(slow, rewrite)
    assert not is_due(slow)


def test_an_input_that_a_user_edits_in_two_runs_is_taken_after_the_second_with_a_warning(slow):
    run_while(slow, lambda: (slow / "in.txt").write_text("second"))
    text = run_while(slow, lambda: (slow / "in.txt").write_text("third"))
    assert "warning: in.txt, an input of rule slow" in text and "before_update()" in text and "update()" in text
    assert not is_due(slow)
    (slow / "in.txt").write_text("fourth")
    assert is_due(slow)


def test_an_input_that_is_edited_after_its_job_does_not_count_as_edited_twice(slow):
    run_while(slow, lambda: None)
    (slow / "in.txt").write_text("second")
    assert "warning" not in run_while(slow, lambda: (slow / "in.txt").write_text("third"))
    assert is_due(slow)


def test_an_input_that_its_job_changes_is_taken_as_it_is_in_the_second_run(folder):
    folder.write("in.txt", "1\n")
    snakefile = """
rule a:
    input: "in.txt"
    output: "out.txt"
    shell: "sleep 0.1; echo line >> {input}; cp {input} {output}"
"""
    assert "warning" not in folder.run(snakefile=snakefile).text
    assert "warning: in.txt, an input of rule a" in folder.run().text
    assert NOTHING in folder.run().text
    assert (folder / "in.txt").read_text() == "1\nline\nline\n"


def test_an_input_that_its_job_touches_settles_without_a_warning(folder):
    folder.write("in.txt", "1\n")
    snakefile = """
rule a:
    input: "in.txt"
    output: "out.txt"
    shell: "sleep 0.3; touch {input}; cp {input} {output}"
"""
    assert "warning" not in folder.run(snakefile=snakefile).text
    assert NOTHING in folder.run().text


def test_an_ancient_input_may_change_at_any_time(folder):
    folder.write("in.txt", "old")
    folder.write("Snakefile", SLOW.format(more="").replace('"in.txt"', 'ancient("in.txt")'))
    run_while(folder, lambda: (folder / "in.txt").write_text("new"))
    assert not is_due(folder)


def test_a_further_attempt_counts_from_its_own_start(folder):
    folder.write("in.txt", "old")
    snakefile = """
rule a:
    input: "in.txt"
    output: "out.txt"
    retries: 1
    params: n=lambda w, attempt: attempt
    shell: "if [ {params.n} = 1 ]; then echo changed > {input}; exit 1; fi; cp {input} {output}"
"""
    folder.run(snakefile=snakefile)
    assert (folder / "out.txt").read_text() == "changed\n"
    assert not is_due(folder)


def test_an_input_that_is_edited_before_a_kill_is_used_by_the_next_run(slow):
    running = Running(["-c", "1"], slow.path, engine.environment(), f"FURROW_TEST_MARK={slow.path}")
    running.wait_for_file("begun")
    (slow / "in.txt").write_text("new")
    running.signal(9)
    running.wait()
    running.wait_for_nothing_left(20)
    (slow / "go").touch()
    slow.run()
    assert (slow / "out.txt").read_text() == "new\n"
    assert not is_due(slow)


def test_an_input_that_another_job_has_made_is_seen_as_changed_too(folder):
    folder.write(
        "Snakefile",
        SLOW.format(more="") + 'rule first:\n    output: "in.txt"\n    shell: "echo old > {output}"\n',
    )
    run_while(folder, lambda: (folder / "in.txt").write_text("edited"))
    assert is_due(folder)
    folder.run()
    assert (folder / "out.txt").read_text() == "edited\n"
    assert not is_due(folder)


# ---- times that do not tell


@pytest.fixture
def copied(folder):
    """A job that has made out.txt from in.txt."""
    folder.write("in.txt", "1\n")
    folder.run(snakefile='rule a:\n    input: "in.txt"\n    output: "out.txt"\n    shell: "cp {input} {output}"\n')
    return folder


def test_an_older_file_in_the_place_of_an_input_makes_its_job_due(copied):
    copied.write("backup.txt", "2\n")
    os.utime(copied / "backup.txt", (1_000_000_000, 1_000_000_000))
    shutil.copy2(copied / "backup.txt", copied / "in.txt")
    assert "input has changed" in copied.run("-n").out
    copied.run()
    assert (copied / "out.txt").read_text() == "2\n"
    assert not is_due(copied)


def test_a_clock_that_was_set_back_hides_no_edit(copied):
    ahead = time.time() + 3600
    for name in ("in.txt", "out.txt"):
        os.utime(copied / name, (ahead, ahead))
    copied.run("--touch", "-F")
    os.utime(copied / "out.txt", (ahead, ahead))
    (copied / "in.txt").write_text("3\n")
    assert is_due(copied)


def test_times_that_were_cut_to_whole_seconds_are_no_change(copied):
    copied.write("big.bin", "x" * 2_000_000)
    inputs = 'rule a:\n    input: "in.txt", "big.bin"\n    output: "out.txt"\n'
    copied.run(snakefile=inputs + '    shell: "cat {input} > {output}"\n')
    for name in ("in.txt", "big.bin"):
        seconds = os.stat(copied / name).st_mtime_ns // 10**9
        os.utime(copied / name, (seconds, seconds))
    assert not is_due(copied)


# ---- flags

FLAG = """
rule all:
    input: "out.txt"
rule mark:
    input: "in.txt"
    output: {flag}
    shell: {command!r}
rule follow:
    input: "flag"
    output: "out.txt"
    shell: "cat in.txt > {{output}}"
"""


@pytest.mark.parametrize("flag, command", [('touch("flag")', "true"), ('"flag"', ": > {output}")])
def test_a_flag_that_was_renewed_alone_makes_its_follower_due(folder, flag, command):
    folder.write("in.txt", "1\n")
    folder.run(snakefile=FLAG.format(flag=flag, command=command))
    assert not is_due(folder)
    folder.write("in.txt", "2\n")
    folder.run("flag")
    out = folder.run("-n").out
    assert "follow: input is newer" in out and "mark:" not in out
    folder.run()
    assert (folder / "out.txt").read_text() == "2\n"
    assert not is_due(folder)


def test_a_flag_that_was_renewed_before_a_kill_makes_its_follower_due(folder):
    folder.write("in.txt", "1\n")
    slow = FLAG.format(flag='touch("flag")', command="true").replace(
        'shell: "cat', 'shell: "touch begun; while [ ! -e go ]; do sleep 0.02; done; cat'
    )
    folder.write("go", "")
    folder.run(snakefile=slow)
    for name in ("go", "begun"):
        (folder / name).unlink()
    folder.write("in.txt", "2\n")
    running = Running(["-c", "1"], folder.path, engine.environment(), f"FURROW_TEST_MARK={folder.path}")
    running.wait_for_file("begun")
    running.signal(9)
    running.wait()
    running.wait_for_nothing_left(20)
    (folder / "go").touch()
    assert "follow" in folder.run("-n").out
    folder.run()
    assert (folder / "out.txt").read_text() == "2\n"


# ---- folders


def test_a_file_that_is_added_to_a_folder_while_its_job_runs_is_seen(folder):
    folder.write("data/one", "1")
    folder.write("Snakefile", SLOW.format(more="").replace('"in.txt"', '"data"').replace("cat {input}", "ls {input}"))
    run_while(folder, lambda: folder.write("data/two", "2"))
    assert is_due(folder)
    folder.run()
    assert (folder / "out.txt").read_text() == "one two\n"
    assert not is_due(folder)


def test_a_job_that_makes_its_output_in_its_input_folder_is_not_due_again(folder):
    folder.write("data/one", "1")
    snakefile = """
rule all:
    input: "data/list", "data/more/list"
rule a:
    input: "data"
    output: "data/list"
    shell: "ls {input} > {output}"
rule b:
    output: "data/more/list"
    shell: "echo > {output}"
"""
    folder.run("-c", "1", snakefile=snakefile)
    folder.run("-c", "1")  # `a` once more if `b` came after it
    assert not is_due(folder)


# ---- --touch


def test_touch_takes_what_is_there_and_makes_nothing_up(folder):
    snakefile = """
rule all:
    input: "dir", "b.txt", "flag"
rule d:
    output: directory("dir")
    shell: "mkdir {output}; echo 1 > {output}/f"
rule a:
    output: temp("tmp.txt")
    shell: "echo a > {output}"
rule b:
    input: "tmp.txt"
    output: "b.txt"
    shell: "cat {input} > {output}"
rule flag:
    output: touch("flag")
"""
    folder.run(snakefile=snakefile)
    for name in ("dir", "b.txt", "flag"):
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))
    folder.run("--touch", "-F")
    assert all(os.stat(folder / name).st_mtime > 1_500_000_000 for name in ("dir", "b.txt", "flag"))
    assert not (folder / "tmp.txt").exists() and (folder / "b.txt").read_text() == "a\n"
    assert not is_due(folder)
    for name in ("b.txt", "flag"):
        (folder / name).unlink()
        assert name + " is not there" in folder.run("--touch", code=1).text
        assert not (folder / name).exists()
        folder.run()


def test_touch_removes_no_temp_file(folder):
    snakefile = """
rule b:
    input: "a.txt"
    output: "b.txt"
    shell: "cp {input} {output}"
rule a:
    output: temp("a.txt")
    shell: "echo > {output}"
"""
    folder.run("--notemp", snakefile=snakefile)
    folder.run("--touch", "-F")
    assert (folder / "a.txt").exists()


def test_the_script_of_one_job_is_the_code_of_that_job(folder):
    """Its path holds a wildcard, or a param that a function answers."""
    folder.write("Snakefile", """
rule all:
    input: expand("{w}.out", w=["a", "b"])
rule make:
    output: "{w}.out"
    params: tool=lambda wc: "tool_" + wc.w
    script: "scripts/{params.tool}.sh"
""")
    for name in "ab":
        folder.write(f"scripts/tool_{name}.sh", 'echo 1 > "${snakemake_output[0]}"\n')
    folder.run()
    assert "othing to do" in folder.run().text
    folder.write("scripts/tool_b.sh", 'echo 2 > "${snakemake_output[0]}"\n')
    assert "tool_b.sh" in folder.run("--why", "b.out").out
    assert "1 of" in folder.run("--until", "make").text
    assert folder.read("a.out") == "1\n" and folder.read("b.out") == "2\n"
    os.unlink(folder / "scripts/tool_a.sh")
    result = folder.run("-R", "make", code=1)
    assert "tool_a.sh" in result.text and "is not there" in result.text and folder.exists("a.out"), str(result)


TYPES = """
VALUES = {{"a": [1, "None", [1, 2], "True"], "b": ["1", None, "[1, 2]", True]}}[config["v"]]
rule all:
    input: expand("o{{i}}", i=range(4))
rule a:
    output: "o{{i}}"
    params: {param}
    shell: "touch {{output}}"
"""


def test_params_that_look_the_same_as_texts_are_different(folder):
    """A script would see the difference."""
    folder.run("--config", "v=a", snakefile=TYPES.format(param="lambda wildcards: VALUES[int(wildcards.i)]"))
    assert "Nothing to do" in folder.run("--config", "v=a").text
    text = folder.run("-n", "--config", "v=b").text
    assert text.count("params have changed") == 4, text


@pytest.mark.parametrize("at", range(4))
def test_constant_params_that_look_the_same_as_texts_are_different(folder, at):
    folder.run("--config", "v=a", snakefile=TYPES.format(param=f"VALUES[{at}]"))
    assert "Nothing to do" in folder.run("--config", "v=a").text
    assert "5 jobs would run" in folder.run("-n", "--config", "v=b").text
