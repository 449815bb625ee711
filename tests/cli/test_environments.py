"""Rules with conda:, container: or envmodules:, without and with the options that turn these on.

test_conda.py, test_containers.py and test_modules.py have what Furrow sets up.
"""
SNAKEFILE = """
rule all:
    input: "c", "d", "plain"
rule c:
    output: "c"
    conda: "envs/c.yaml"
    shell: "echo c > {output}"
rule d:
    output: "d"
    container: "docker://image"
    envmodules: "tool/1"
    shell: "echo d > {output}"
rule plain:
    output: "plain"
    shell: "echo plain > {output}"
"""


def test_without_an_option_the_jobs_run_here(folder):
    folder.run("-c1", snakefile=SNAKEFILE)
    assert folder.read("c") == "c\n" and folder.read("d") == "d\n"


def test_a_workflow_without_environments_takes_the_options_of_a_common_profile(folder):
    folder.write("prof/config.yaml", "use-conda: true\nconda-prefix: envs\nconda-frontend: mamba\n"
                                     "software-deployment-method: [conda, apptainer]\nsingularity-args: '-B /x'\n")
    folder.write("Snakefile", "rule a:\n    output: 'a'\n    shell: 'touch a'\n")
    assert "furrow:" not in folder.run("-c1", "--profile", "prof").err
    assert folder.exists("a")


def test_what_was_made_without_the_environment_is_due_with_it(folder):
    folder.run("-c1", snakefile=SNAKEFILE)
    done = folder.run("-c1", "-n", "--use-apptainer")
    assert "software environment has changed" in done.out and "2 jobs would run" in done.out
    assert "made without container docker://image" in folder.run("--use-apptainer", "--why", "d").out
    assert "Nothing to do" in folder.run("-c1", "-n", "--use-apptainer", "--rerun-triggers", "mtime", "code").out


def test_an_unknown_method_is_named(folder):
    done = folder.run("-n", "--sdm", "nix", snakefile=SNAKEFILE, code=2)
    assert "nix is not one of conda, apptainer, env-modules" in done.err
