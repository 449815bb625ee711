"""Options of Snakemake that print, list or wait instead of making files; and options that have no effect."""
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
    done = run(tmp_path, "--precommand", "x.sh")
    assert done.code == 2 and "shell.prefix()" in done.err, done
    assert not (tmp_path / "a.txt").exists()
