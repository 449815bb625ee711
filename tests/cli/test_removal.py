"""What a run removes, and what it never does: old outputs, protected ones, logs, folders that others need."""

import os
import subprocess

import pytest

import engine


def put(folder, **files):
    for name, text in files.items():
        (folder / name).write_text(text)


def run(folder, *arguments):
    return engine.furrow_run(*arguments, cwd=folder)


def unprotect(folder):
    subprocess.run(["chmod", "-R", "u+w", str(folder)], check=True)


PROTECTED = """
rule all:
    input: "p.txt", "d"
rule p:
    input: "in.txt"
    output: protected("p.txt"), "sister.txt"
    shell: "cat {input} | tee {output}"
rule d:
    input: "in.txt"
    output: protected(directory("d"))
    shell: "mkdir {output}; cp {input} {output}/f"
"""


@pytest.mark.parametrize("arguments", [[], ["-k"], ["-F"], ["-F", "-k"], ["-n"], ["-n", "-F"]], ids=" ".join)
def test_what_is_protected_and_due_is_refused_and_stays(tmp_path, arguments):
    put(tmp_path, Snakefile=PROTECTED, **{"in.txt": "old\n"})
    assert run(tmp_path).code == 0
    put(tmp_path, **{"in.txt": "new and longer\n"})
    result = run(tmp_path, *arguments)
    assert result.code == 1 and "Snakefile:4" in result.text and "write-protected" in result.text, str(result)
    for name in ("p.txt", "sister.txt", "d/f"):
        assert (tmp_path / name).read_text() == "old\n", name
    unprotect(tmp_path)
    assert run(tmp_path).code == 0
    assert (tmp_path / "sister.txt").read_text() == (tmp_path / "d/f").read_text() == "new and longer\n"
    unprotect(tmp_path)


def test_what_the_user_made_read_only_is_protected(tmp_path):
    snakefile = 'rule a:\n    input: "in"\n    output: "out"\n    shell: "cp {input} {output}"\n'
    put(tmp_path, Snakefile=snakefile, **{"in": "1"})
    assert run(tmp_path).code == 0
    os.chmod(tmp_path / "out", 0o464)  # the group may write, the owner may not
    put(tmp_path, **{"in": "22"})
    assert run(tmp_path).code == 1
    assert (tmp_path / "out").read_text() == "1"


def test_a_link_to_a_read_only_file_is_made_again(tmp_path):
    snakefile = 'rule a:\n    input: "in"\n    output: "out"\n    shell: "ln -s {input} {output}"\n'
    put(tmp_path, Snakefile=snakefile, **{"in": "1"})
    os.chmod(tmp_path / "in", 0o444)
    assert run(tmp_path).code == 0
    result = run(tmp_path, "-F")
    assert result.code == 0, str(result)
    assert (tmp_path / "in").read_text() == "1"


BROKEN = {
    "misspelt name": ("{input}", "{inptu}"),
    "brace": ("cp", "awk '{print $1}' x; cp"),
    "params": ("x=1", "x=lambda w: 1 / 0"),
    "threads": ("threads: 1", "threads: lambda w: w.nope"),
    "resources": ("mem_mb=1", "mem_mb=lambda w: {}['nope']"),
    "message": ('message: "m"', 'message: "{wildcards.nope}"'),
    "shadow": ('shadow: None', 'shadow: "minimal"'),
}
COMMAND = """
rule all:
    input: expand("out{n}.txt", n=range(3))
rule a:
    input: "in.txt"
    output: "out{n}.txt"
    message: "m"
    params: x=1
    threads: 1
    resources: mem_mb=1
    shadow: None
    shell: "cp {input} {output}"
"""


@pytest.mark.parametrize("options", [[], ["-k"]], ids=["", "-k"])
@pytest.mark.parametrize("name", [name for name in BROKEN if name != "shadow"])
def test_a_command_that_cannot_be_rendered_costs_no_old_output(tmp_path, name, options):
    put(tmp_path, Snakefile=COMMAND, **{"in.txt": "old"})
    assert run(tmp_path).code == 0
    assert BROKEN[name][0] in COMMAND
    put(tmp_path, Snakefile=COMMAND.replace(*BROKEN[name]), **{"in.txt": "new!"})
    result = run(tmp_path, *options)
    assert result.code == 1 and "Snakefile:" in result.text, str(result)
    assert [(tmp_path / f"out{n}.txt").read_text() for n in range(3)] == ["old"] * 3


def test_a_shadow_folder_that_cannot_be_made_costs_no_old_output(tmp_path):
    put(tmp_path, Snakefile=COMMAND.replace(*BROKEN["shadow"]), **{"in.txt": "old"})
    assert run(tmp_path).code == 0
    put(tmp_path, **{"in.txt": "new!", "file": ""})
    assert run(tmp_path, "--shadow-prefix", "file").code == 1
    assert (tmp_path / "out1.txt").read_text() == "old"


@pytest.mark.parametrize("kind", ["minimal", "shallow", "full"])
def test_a_shadow_job_does_not_see_its_old_outputs(tmp_path, kind):
    put(tmp_path, Snakefile=f"""
rule a:
    input: "in.txt"
    output: "res/a.txt", "b.txt", directory("res/d")
    shadow: "{kind}"
    shell: "ls {{output}} 2>/dev/null && exit 3; mkdir res/d; cp {{input}} res/a.txt; cp {{input}} b.txt"
""", **{"in.txt": "old"})
    assert run(tmp_path).code == 0
    put(tmp_path, **{"in.txt": "new!"})
    result = run(tmp_path)
    assert result.code == 0, str(result)
    assert (tmp_path / "res/a.txt").read_text() == (tmp_path / "b.txt").read_text() == "new!"


@pytest.mark.parametrize("retries", [[], ["--retries", "1"]], ids=["", "retries"])
def test_logs_in_a_folder_that_is_an_output_survive_a_failure(tmp_path, retries):
    put(tmp_path, Snakefile="""
rule a:
    output: directory("dir")
    log: "dir/logs/a.log"
    shell: "echo why >> {log}; touch {output}/half; exit 3"
""")
    assert run(tmp_path, *retries).code == 1
    assert (tmp_path / "dir/logs/a.log").read_text() == "why\n" * (1 + bool(retries))
    assert not (tmp_path / "dir/half").exists()


def test_a_folder_where_a_file_is_declared_is_not_emptied(tmp_path):
    snakefile = 'rule a:\n    output: "out"\n    shadow: "minimal"\n    shell: "echo made > {output}"\n'
    put(tmp_path, Snakefile=snakefile)
    (tmp_path / "out").mkdir()
    put(tmp_path / "out", precious="mine")
    for options in (["-F"], ["-n", "-F"], ["-k", "-F"], ["--delete-all-output"]):
        result = run(tmp_path, *options)
        assert "out is a folder with files in it" in result.text, str(result)
        assert (tmp_path / "out/precious").read_text() == "mine"


def test_only_folders_that_the_run_made_go(tmp_path):
    put(tmp_path, Snakefile="""
rule all:
    input: "use.txt", "bad/deep/b"
rule temporary:
    output: temp("mine/t"), temp("made/deep/t")
    shell: "touch {output}"
rule use:
    input: "mine/t", "made/deep/t"
    output: "use.txt"
    shell: "touch {output}"
rule bad:
    output: "bad/deep/b"
    shell: "touch {output}; exit 1"
""")
    (tmp_path / "mine").mkdir()
    assert run(tmp_path, "-k").code == 1
    assert sorted(path.name for path in tmp_path.iterdir() if path.is_dir() and path.name[0] != ".") == ["mine"]


def test_touch_removes_nothing(tmp_path):
    put(tmp_path, Snakefile="""
rule all:
    input: "c"
rule t:
    output: temp("t")
    shell: "echo t > {output}"
rule c:
    input: "t"
    output: "c"
    shell: "cp {input} {output}"
""")
    assert run(tmp_path, "--notemp").code == 0
    assert run(tmp_path, "--touch", "-F").code == 0
    assert (tmp_path / "t").exists() and (tmp_path / "c").exists()


def test_delete_all_output_keeps_what_is_protected(tmp_path):
    put(tmp_path, Snakefile=PROTECTED, **{"in.txt": "old\n"})
    assert run(tmp_path).code == 0
    result = run(tmp_path, "--delete-all-output")
    assert "p.txt is write-protected and stays" in result.text and "d is write-protected and stays" in result.text
    assert (tmp_path / "p.txt").exists() and (tmp_path / "d/f").exists() and not (tmp_path / "sister.txt").exists()
    unprotect(tmp_path)


TOUCHED = """
rule all:
    input: "c", "d"
rule a:
    input: "in"
    output: "a"
    params: p=1
    shell: "echo {params.p} > {output}; echo a >> runs"
rule t:
    input: "a"
    output: temp("t")
    shell: "cp {input} {output}; echo t >> runs"
rule c:
    input: "t"
    output: "c"
    shell: "cat {input} > {output}; echo c >> runs"
rule d:
    input: "a"
    output: directory("d")
    shell: "mkdir {output}; cp {input} {output}/f; echo d >> runs"
"""


def test_touch_accepts_what_is_there_although_a_temp_file_is_gone(tmp_path):
    put(tmp_path, Snakefile=TOUCHED, **{"in": ""})
    assert run(tmp_path).code == 0
    put(tmp_path, runs="", Snakefile=TOUCHED.replace("p=1", "p=2").replace("cp {input}", "cp  {input}"))
    result = run(tmp_path, "--touch")
    assert result.code == 0, str(result)
    result = run(tmp_path)
    assert result.code == 0 and (tmp_path / "runs").read_text() == "", str(result)
    assert (tmp_path / "a").read_text() == (tmp_path / "d/f").read_text() == "1\n" and not (tmp_path / "t").exists()


def test_touch_makes_nothing_up(tmp_path):
    put(tmp_path, Snakefile=TOUCHED, **{"in": ""})
    assert run(tmp_path).code == 0
    (tmp_path / "c").unlink()
    result = run(tmp_path, "--touch", "-F")
    assert result.code == 1 and "c is not there" in result.text and not (tmp_path / "c").exists()
    result = run(tmp_path)
    assert result.code == 0 and (tmp_path / "c").read_text() == "1\n", str(result)


FLAG = """
rule all:
    input: "done", "folder"
rule flag:
    input: "in.txt"
    output: touch("done"), "sister", touch(directory("folder"))
    shadow: {shadow!r}
    retries: 1
    shell: "echo x >> done; echo x >> sister; mkdir -p folder; echo x >> folder/x; {end}"
"""


@pytest.mark.parametrize("shadow", [None, "shallow"])
def test_a_touch_output_of_a_failed_job_goes_as_any_other(tmp_path, shadow):
    """It would say that the job has succeeded. A second try does not see what the first has made, either."""
    put(tmp_path, Snakefile=FLAG.format(shadow=shadow, end="true"), **{"in.txt": "1\n"})
    assert run(tmp_path).code == 0
    assert (tmp_path / "done").read_text() == (tmp_path / "sister").read_text() == "x\n"
    put(tmp_path, Snakefile=FLAG.format(shadow=shadow, end="test $(wc -l < done)$(wc -l < folder/x) = 11 -a -e go"))
    put(tmp_path, **{"in.txt": "2\n"})
    assert run(tmp_path).code == 1
    left = {path.name for path in tmp_path.iterdir()}
    assert not left & {"done", "sister", "folder"}, left
    put(tmp_path, go="")
    assert run(tmp_path).code == 0
    assert (tmp_path / "done").read_text() == "x\n"
