"""Options of Snakemake that print, list or wait instead of making files; and options that have no effect."""
import json

import engine


def run(folder, *options):
    return engine.furrow("run", "-c1", *options, cwd=folder)


def workflow(folder, params="1"):
    (folder / "Snakefile").write_text(
        f'rule a:\n    output: "a.txt"\n    params: x={params}\n    shell: "echo {{params.x}} > {{output}}"\n')


def test_lists_the_outputs_whose_params_changed(tmp_path):
    workflow(tmp_path)
    assert run(tmp_path).code == 0
    assert run(tmp_path, "--list-params-changes").out == ""
    workflow(tmp_path, params="2")
    for options in (["--list-params-changes"], ["--list-changes", "params"]):
        assert run(tmp_path, *options).out == "a.txt\n"
    assert run(tmp_path, "--list-code-changes").out == ""
    assert (tmp_path / "a.txt").read_text() == "1\n"


def test_hooks_run_unless_they_are_turned_off(tmp_path):
    workflow(tmp_path)
    with (tmp_path / "Snakefile").open("a") as file:
        file.write('onsuccess:\n    open("hook", "w").close()\n')
    assert run(tmp_path, "--no-hooks").code == 0
    assert not (tmp_path / "hook").exists()
    assert run(tmp_path, "-F").code == 0
    assert (tmp_path / "hook").exists()


def test_all_temp_removes_what_is_no_longer_needed(tmp_path):
    (tmp_path / "Snakefile").write_text(
        'rule all:\n    input: "b"\n'
        'rule b:\n    input: "a"\n    output: "b"\n    shell: "cp {input} {output}"\n'
        'rule a:\n    output: "a"\n    shell: "echo 1 > {output}"\n')
    done = run(tmp_path, "--all-temp")
    assert done.code == 0, done
    assert not (tmp_path / "a").exists()
    assert (tmp_path / "b").read_text() == "1\n", "what rule all needs stays"


def test_shows_the_whole_log_of_a_failed_job_on_request(tmp_path):
    (tmp_path / "Snakefile").write_text(
        'rule a:\n    output: "a"\n    log: "log"\n    shell: "seq 5000 > {log}; false"\n')
    assert "| 7\n" not in run(tmp_path).text
    assert "| 7\n" in run(tmp_path, "--show-failed-logs").text


def test_waits_for_files_before_planning(tmp_path):
    workflow(tmp_path)
    (tmp_path / "names").write_text("late.txt\n")
    for option in (["--wait-for-files", "late.txt", "-n"], ["--wait-for-files-file", "names"]):
        done = run(tmp_path, *option)
        assert done.code == 1 and "late.txt is not there" in done.err, done
    (tmp_path / "late.txt").touch()
    assert run(tmp_path, "--wait-for-files-file", "names").code == 0


def test_a_typed_option_without_effect_is_named(tmp_path):
    workflow(tmp_path)
    done = run(tmp_path, "--scheduler", "greedy")
    assert done.code == 0 and "--scheduler has no effect" in done.err, done
    assert "effect" not in run(tmp_path, "--scheduler", "greedy", "-q", "all").err


def test_a_refused_option_says_what_to_do(tmp_path):
    workflow(tmp_path)
    done = run(tmp_path, "--cluster-sidecar", "x.sh")
    assert done.code == 2 and "start the sidecar before" in done.err, done
    assert not (tmp_path / "a.txt").exists()


PARTS = """
rule all:
    input: "all.out"
rule gather:
    input: first="a.part", more=["b.part", "c.part"]
    output: "all.out"
    shell: "cat {input} > {output}"
rule part:
    output: "{n}.part"
    shell: "echo {wildcards.n} > {output}"
"""


def test_a_batch_must_be_one_of_them(tmp_path):
    (tmp_path / "Snakefile").write_text(PARTS)
    for wrong in ("gather", "gather=3/2", "gather=0/2", "gather=1", "=1/2", "gather=x/2"):
        done = run(tmp_path, "--batch", wrong)
        assert done.code == 2 and "RULE=I/N" in done.err, done
    done = run(tmp_path, "--batch", "gathr=1/2")
    assert done.code == 1 and "gather" in done.err, done
    done = run(tmp_path, "--batch", "gather=1/9")
    assert done.code == 1 and "3 inputs, which cannot be divided into 9 parts" in done.err, done
    done = run(tmp_path, "--batch", "gather=2/2")
    assert done.code == 1 and "a.part" in done.err and "Run the other batches first" in done.err, done


def test_inputs_that_an_option_takes_for_ancient(tmp_path):
    (tmp_path / "Snakefile").write_text(PARTS)
    assert run(tmp_path).code == 0
    for at, names in enumerate((["first"], ["0"], ["more"], ["1"])):
        (tmp_path / "a.part").write_text(f"new {at}")
        (tmp_path / "c.part").write_text("c\n")
        done = run(tmp_path, "-n", "--consider-ancient", f"gather={','.join(names)}", "--rerun-triggers", "mtime")
        assert ("Nothing to do" in done.out) == (names in (["first"], ["0"])), done
    done = run(tmp_path, "--consider-ancient", "gather=second")
    assert done.code == 1 and "no input second" in done.err and "Snakefile:4" in done.err, done


def test_flags_that_an_option_leaves_out(tmp_path):
    (tmp_path / "Snakefile").write_text(
        'rule b:\n    input: "a"\n    output: protected("b")\n    shell: "cp {input} {output}"\n'
        'rule a:\n    output: temp("a")\n    shell: "echo 1 > {output}"\n')
    assert run(tmp_path, "--omit-flags", "temp", "protected").code == 0
    assert (tmp_path / "a").exists() and (tmp_path / "b").stat().st_mode & 0o200
    done = run(tmp_path, "--omit-flags", "tmp")
    assert done.code == 2 and "no flag tmp" in done.err, done


AMBIGUOUS = """
def fails(wildcards):
    raise ValueError("not for " + wildcards.w)
ruleorder: first > second
rule all:
    input: "x.out"
rule first:
    input: FIRST
    output: "{w}.out"
    shell: "touch {output}"
rule second:
    output: "{w}.out"
    shell: "touch {output}"
"""


def test_strict_evaluation_of_rules_that_are_not_chosen(tmp_path):
    for what, first, says in (("functions", "fails", "not for x"), ("cyclic-graph", '"{w}.out"', "cycle"),
                              ("periodic-wildcards", '"{w}.x.out"', "grow without end")):
        (tmp_path / "Snakefile").write_text(AMBIGUOUS.replace("FIRST", first))
        assert run(tmp_path, "-n").code == 0, what
        done = run(tmp_path, "-n", "--strict-dag-evaluation", what)
        assert done.code == 1 and says in done.err, done
    assert run(tmp_path, "--strict-dag-evaluation", "all").code == 2


def test_says_what_happened_to_each_job(tmp_path):
    (tmp_path / "Snakefile").write_text(
        'rule all:\n    input: "c"\n'
        'rule a:\n    output: "a"\n    shell: "touch {output}"\n'
        'rule b:\n    input: "a"\n    output: "b"\n    log: "b.log"\n    shell: "exit 3"\n'
        'rule c:\n    input: "b"\n    output: "c"\n    shell: "touch {output}"\n')

    def results(*options):
        run(tmp_path, "--job-results", "r", *options)
        return {line["rule"]: line for line in map(json.loads, (tmp_path / "r").read_text().splitlines())}

    assert {name: line["state"] for name, line in results("-n").items()} == dict.fromkeys(
        ("a", "b", "c", "all"), "would-run")
    lines = results()
    assert [lines[name]["state"] for name in ("a", "b", "c", "all")] == ["done", "failed", "skipped", "skipped"]
    assert lines["b"]["status"] == 3 and lines["b"]["log"] == ["b.log"] and lines["b"]["reason"]
    assert lines["a"]["seconds"] >= 0 and "status" not in lines["a"]
    assert results("a")["a"]["state"] == "unneeded"
