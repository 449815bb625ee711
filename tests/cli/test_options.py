"""What single options do and print."""
import os
import re
import subprocess
import time

import engine

CHAIN = '''
rule all:
    input: "b.out"
rule a:
    input: "in.txt"
    output: "a.out"
    shell: "cat {input} > {output}"
rule b:
    input: "a.out"
    output: "b.out"
    params: p=config.get("p", 1)
    shell: "cat {input} > {output}; echo {params.p} >> {output}"
'''


def chain(folder):
    folder.write("in.txt", "in\n")
    folder.write("Snakefile", CHAIN)
    return folder


def test_version_is_one_line(tmp_path):
    result = engine.furrow("--version", cwd=tmp_path)
    assert result.code == 0 and re.fullmatch(r"furrow \d+\.\d+\.\d+\n", result.out), str(result)


def test_help_names_every_option(tmp_path):
    result = engine.furrow("run", "--help", cwd=tmp_path)
    assert result.code == 0
    for option in """--snakefile --cores --jobs --dry-run --printshellcmds --quiet --keep-going --force --forceall
            --forcerun --until --omit-from --directory --config --configfile --resources --set-threads --set-resources
            --default-resources --rerun-triggers --rerun-incomplete --unlock --touch --dag --rulegraph --filegraph
            --summary --list --retries --latency-wait --keep-incomplete --notemp --delete-all-output --profile --why
            --python""".split():
        assert option in result.out, option


def test_a_removed_folder_is_reported(tmp_path):
    line = f"mkdir gone; cd gone; rmdir ../gone; {engine.FURROW} run"
    done = subprocess.run(["bash", "-c", line], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1 and "has been removed" in done.stderr, done.stderr


def test_command_without_arguments_says_what_to_do(tmp_path):
    result = engine.furrow(cwd=tmp_path)
    assert result.code in (0, 1, 2) and "furrow run" in result.text, str(result)


def test_mistyped_option_suggests_the_right_one(folder):
    result = chain(folder).run("--keep-goin", code=2)
    assert "--keep-going" in result.text


def test_mistyped_command_suggests_the_right_one(tmp_path):
    result = engine.furrow("rnu", cwd=tmp_path)
    assert result.code == 2 and "run" in result.text


def test_dry_run_prints_each_job_and_makes_nothing(folder):
    result = chain(folder).run("-n")
    assert re.search(r"^\s*a\b.*missing", result.text, re.M) and re.search(r"^\s*b\b.*missing", result.text, re.M)
    assert not (folder / "a.out").exists()


def test_dry_run_prints_commands_with_p(folder):
    assert "cat a.out > b.out; echo 1 >> b.out" in chain(folder).run("-n", "-p").text


def test_nothing_to_do_says_so(folder):
    chain(folder).run()
    assert "othing to " in folder.run().text


def test_quiet_prints_little(folder):
    loud = len(chain(folder).run("-F").text)
    assert len(folder.run("-F", "-q").text) < loud


def test_quiet_still_shows_errors(folder):
    result = folder.run("-q", code=1, snakefile='rule broken:\n    output: "x"\n    shell: "exit 3"\n')
    assert "broken" in result.text and "3" in result.text


def test_list_prints_one_rule_per_line(folder):
    assert {"all", "a", "b"} <= set(chain(folder).run("--list").text.split())


def test_dag_is_dot_on_standard_output_with_every_job(folder):
    snakefile = ('rule all:\n    input: "1.out", "2.out"\n'
                 'rule one:\n    output: "{n}.out"\n    shell: "touch {output}"\n'
                 'print("chatter")\n')
    result = folder.run("--dag", snakefile=snakefile)
    assert result.out.startswith("digraph")
    assert "chatter" not in result.out and "chatter" in result.err
    assert len(re.findall(r"^\s*\d+\s*\[\s*label", result.out, re.M)) == 3
    assert len(re.findall(r"^\s*\d+ -> \d+", result.out, re.M)) == 2


def test_dag_is_what_graphviz_reads(folder):
    result = chain(folder).run("--dag")
    if os.path.exists("/usr/bin/dot"):
        drawn = subprocess.run(["dot", "-Tplain"], input=result.out, text=True, capture_output=True)
        assert drawn.returncode == 0 and drawn.stdout.count("node ") == 3, drawn.stderr


def test_summary_is_a_table_on_standard_output(folder):
    chain(folder).run()
    lines = folder.run("--summary").out.splitlines()
    assert lines[0].split("\t")[0] in ("output_file", "filename")
    assert sorted(line.split("\t")[0] for line in lines[1:]) == ["a.out", "b.out"]


def test_why_names_the_changed_input(folder):
    chain(folder).run()
    time.sleep(0.02)
    folder.write("in.txt", "changed\n")
    assert "in.txt" in folder.run("--why", "a.out").text


def test_why_names_the_changed_param(folder):
    chain(folder).run()
    assert "param" in folder.run("--config", "p=2", "--why", "b.out").text


def test_why_names_the_changed_code(folder):
    chain(folder).run()
    folder.write("Snakefile", CHAIN.replace("cat {input} > {output}; echo", "head {input} > {output}; echo"))
    assert "code" in folder.run("--why", "b.out").text


def test_why_says_that_nothing_changed(folder):
    chain(folder).run()
    result = folder.run("--why", "b.out")
    assert "up to date" in result.text


def test_why_runs_nothing(folder):
    chain(folder).run("--why", "b.out")
    assert not (folder / "a.out").exists()


def test_profile_sets_options(folder):
    folder.write("prof/config.yaml", "cores: 1\nprintshellcmds: true\nconfig:\n  - p=77\n")
    assert "echo 77" in chain(folder).run("--profile", "prof").text


def test_a_later_profile_overrides_an_earlier_one_and_the_workflows_own_overrides_both(folder):
    folder.write("one.yaml", "config:\n  - p=1\nprintshellcmds: true\nretries: 4\n")
    folder.write("two.yaml", "config:\n  - p=2\n")
    assert "echo 2" in chain(folder).run("--profile", "one.yaml", "--profile", "two.yaml").text
    folder.write("profiles/default/config.yaml", "config:\n  - p=3\n")
    assert "echo 3" in folder.run("-F", "--profile", "one.yaml", "--profile", "two.yaml").text


def test_a_cluster_option_is_refused_without_a_cluster(folder):
    result = chain(folder).run("--batch-nodes", "2", code=2)
    assert "--batch-nodes is about" in result.err and "Add --executor slurm" in result.err
    assert not (folder / "b.out").exists()
    result = engine.furrow("map", "--packing", "one", "touch", ":::", "made", cwd=folder.path)
    assert result.code == 255 and "Add --executor slurm" in result.err
    assert not (folder / "made").exists()


def test_a_cluster_profile_works_without_a_cluster(folder):
    folder.write("prof/config.yaml",
                 "executor: slurm\njobs: 50\nbatch-nodes: 2\npacking: packed\nlocal-cores: 1\ngroups: [other=g]\n")
    chain(folder).run("--profile", "prof", "--executor", "local", "--cores", "1")
    assert (folder / "b.out").exists()


def test_all_cores_are_used_without_c(folder):
    folder.write("Snakefile",
                 'rule a:\n    output: "a.out"\n    threads: 1000\n    shell: "echo {threads} > {output}"\n')
    result = engine.execute(engine.FURROW_RUN, folder.path)
    assert result.code == 0, str(result)
    given = int((folder / "a.out").read_text())
    logical = len(os.sched_getaffinity(0))
    assert logical / 2 <= given <= logical, "all cores, of which two threads may be one"


def test_outputs_of_jobs_do_not_mix(folder):
    """The lines of two jobs that write at once do not mix."""
    result = folder.run("--cores", "2", snakefile='''
rule all:
    input: "a.out", "b.out"
rule one:
    output: "{w}.out"
    shell: "for i in $(seq 40); do echo {wildcards.w}-line; sleep 0.002; done; touch {output}"
''')
    lines = [line.strip() for line in result.text.splitlines() if line.strip() in ("a-line", "b-line")]
    assert len(lines) == 80
    assert lines in (["a-line"] * 40 + ["b-line"] * 40, ["b-line"] * 40 + ["a-line"] * 40)


def test_failed_job_shows_rule_wildcards_command_code_and_end_of_log(folder):
    result = folder.run(code=1, snakefile='''
rule all:
    input: "x.out"
rule breaks:
    output: "{w}.out"
    log: "logs/{w}.log"
    shell: "seq 1000 > {log}; echo the last words >> {log}; exit 42"
''')
    for word in ("breaks", "w=x", "exit 42", "42", "logs/x.log", "the last words"):
        assert word in result.text, word


def test_closed_standard_output_does_not_crash(folder):
    chain(folder)
    shell = subprocess.run(
        ["bash", "-c", '"$@" | head -c 1; exit ${PIPESTATUS[0]}', "bash", *engine.FURROW_RUN, "--cores", "1", "--dag"],
        cwd=folder.path, env=engine.environment(), capture_output=True, text=True, timeout=30,
    )
    assert shell.returncode in (0, 1, 141), shell
    assert "terminate" not in shell.stderr


def test_standard_output_closed_from_the_start_does_not_crash(folder):
    chain(folder)
    shell = subprocess.run(
        ["bash", "-c", 'exec "$@" >&- 2>&-', "bash", *engine.FURROW_RUN, "--cores", "1"],
        cwd=folder.path, env=engine.environment(), timeout=30,
    )
    assert shell.returncode in (0, 1)
    if (folder / "b.out").exists():
        assert (folder / "b.out").read_text() == "in\n1\n"


def test_max_threads_caps_numbers_and_functions(folder):
    folder.write("Snakefile", '''
rule all:
    input: "number.out", "function.out"
rule number:
    output: "number.out"
    threads: 3
    shell: "echo {threads} > {output}"
rule function:
    output: "function.out"
    threads: lambda wildcards: 3
    resources: mem_mb=lambda wildcards, threads: 100 * threads
    shell: "echo {threads} {resources.mem_mb} > {output}"
''')
    folder.run("-c", "4", "--max-threads", "2")
    assert (folder / "number.out").read_text() == "2\n"
    assert (folder / "function.out").read_text() == "2 200\n"


def test_latency_wait_does_not_block_other_jobs(folder):
    folder.write("Snakefile", '''
rule all:
    input: "late.out", "b.out"
rule late:
    output: "late.out"
    priority: 1
    shell: "(while [ ! -e b.out ]; do sleep 0.02; done; sleep 0.1; touch {output}) > /dev/null 2>&1 &"
rule a:
    output: "a.out"
    shell: "touch {output}"
rule b:
    input: "a.out"
    output: "b.out"
    shell: "touch {output}"
''')
    folder.run("-c", "2", "--latency-wait", "30")
    assert (folder / "late.out").exists()


def test_a_wrong_value_in_a_profile_is_reported_with_its_line(folder):
    chain(folder)
    for wrong in ("cores: many", "resources: [mem_mb=lots]", "set-scatter: [split=0]", "retries: soon", "batch: a",
                  "configfile: none.yaml", "jobs: x", "omit-flags: [tmp]",
                  "default-resources: [\"x=input.size_mbb*2\"]", "set-threads: [\"a=attempt / 0\"]"):
        folder.write("prof/config.yaml", f"keep-going: true\n{wrong}\n")
        done = engine.furrow("run", "-n", "-F", "--profile", "prof", cwd=folder.path)
        assert done.code > 0 and "prof/config.yaml:2" in done.err, f"{wrong}\n{done}"
