"""Rules with conda:, by a stand-in for conda (tests/support/conda.py)."""
import os
import shutil
import signal
import subprocess

import pytest

import conda as conda_support
import engine
from running import wait_until

SNAKEFILE = """
rule all:
    input: "a", "b", "plain"
rule a:
    output: "a"
    conda: "envs/one.yaml"
    shell: "tool1 > {output}"
rule b:
    output: "b"
    conda: "envs/two.yaml"
    shell: "tool2 > {output}; which tool1 >> {output} || true"
rule plain:
    output: "plain"
    shell: "echo ${{CONDA_PREFIX-none}} > {output}"
"""


@pytest.fixture
def conda(folder, tmp_path_factory):
    """A conda, its environment variables, and a workflow with two environments."""
    made = conda_support.Conda(tmp_path_factory.mktemp("conda"))
    made.tool("tool1")
    made.tool("tool2", "two")
    folder.write("Snakefile", SNAKEFILE)
    folder.write("envs/one.yaml", made.yaml("tool1"))
    folder.write("envs/two.yaml", made.yaml("tool2=1.0"))

    def run(*arguments, code=0, **more):
        path = os.pathsep.join(["/usr/bin", "/bin", made.path()])
        return folder.run("-c2", *arguments, code=code, env={"PATH": path, **more})

    made.run, made.folder = run, folder
    return made


def environments(folder, prefix=".snakemake/conda"):
    path = folder.path / prefix
    return sorted(entry for entry in path.iterdir() if entry.is_dir()) if path.exists() else []


@pytest.mark.parametrize("option", [["--use-conda"], ["--sdm", "conda"]])
def test_each_job_runs_in_its_environment(conda, option):
    done = conda.run(*option)
    assert conda.folder.read("a") == "tool1\n" and conda.folder.read("b") == "two\n"
    assert conda.folder.read("plain") == "none\n"
    assert "Making conda envs/one.yaml in .snakemake/conda/" in done.err
    assert "Made conda envs/two.yaml in " in done.err
    assert len(conda.calls()) == 2 and len(environments(conda.folder)) == 2


def test_environments_are_made_and_activated_once(conda):
    conda.folder.write("Snakefile", """
rule all:
    input: expand("o{i}", i=range(20))
rule a:
    output: "o{i}"
    conda: "envs/one.yaml"
    shell: "tool1 > {output}"
""")
    conda.run("--use-conda")
    assert len(conda.calls("create")) == 1 and len(conda.calls("activate")) == 1
    conda.run("--use-conda", "-F")
    assert len(conda.calls("create")) == 1 and len(conda.calls("activate")) == 2


def test_one_environment_serves_all_rules_that_name_its_file(conda):
    conda.folder.write("Snakefile", SNAKEFILE.replace("two.yaml", "one.yaml").replace("tool2 >", "tool1 >"))
    conda.run("--use-conda")
    assert len(conda.calls()) == 1


def test_files_of_the_same_content_make_one_environment(conda):
    """As the wrappers of one tool bring them."""
    conda.folder.write("envs/two.yaml", conda.yaml("tool1"))
    conda.folder.write("Snakefile", SNAKEFILE.replace("tool2 >", "tool1 >"))
    done = conda.run("--use-conda")
    assert len(conda.calls()) == 1 and len(conda.calls("activate")) == 1
    assert conda.folder.read("b").startswith("tool1\n") and "another run" not in done.err
    for name in ("one", "two"):
        conda.folder.write(f"envs/{name}.yaml", conda.yaml("nowhere"))
    conda.run("--use-conda", "-k", "-F", code=1)
    assert len(conda.calls()) == 2, "what fails once is not tried again"


def test_without_the_option_nothing_is_made(conda):
    conda.folder.write("Snakefile", SNAKEFILE.replace("tool1 >", "echo x >").replace("tool2 >", "echo x >"))
    conda.run()
    assert not environments(conda.folder) and conda.folder.read("a") == "x\n"


def test_a_dry_run_says_what_would_be_made(conda):
    done = conda.run("-n", "--use-conda")
    assert "Would be made first:" in done.out and "conda envs/one.yaml in .snakemake/conda/" in done.out
    assert not conda.calls()
    conda.run("--use-conda")
    assert "Would be made" not in conda.run("-n", "--use-conda", "-F").out


def test_a_dry_run_says_which_rules_environments_it_does_not_know(conda):
    conda.folder.write("Snakefile", SNAKEFILE.replace("envs/one.yaml", "http://127.0.0.1:9/env.yaml"))
    done = conda.run("-n", "--use-conda", "a", "b")
    assert "what rule a needs is not known yet: NotFetched: http://127.0.0.1:9/env.yaml cannot be fetched" in done.out
    assert "conda envs/two.yaml in" in done.out and "rule b needs" not in done.out


def test_snakemake_and_furrow_use_each_others_environments(conda):
    """By the same stand-in: neither makes what the other has made."""
    conda.run("--use-conda", "a")
    env = engine.environment(PATH=os.pathsep.join([conda.path(), "/usr/bin", "/bin"]))
    for name in ("a", "b"):
        (conda.folder.path / name).unlink(missing_ok=True)
    done = engine.snakemake("--use-conda", "--conda-frontend", "conda", "-c1", "a", "b", cwd=conda.folder.path, env=env)
    assert done.code == 0, done
    assert len(conda.calls()) == 2, "one by each"
    (conda.folder.path / "b").unlink()
    conda.run("--use-conda", "b")
    assert len(conda.calls()) == 2 and conda.folder.read("b") == "two\n"


def test_an_environment_with_a_short_name_is_found(conda):
    conda.run("--use-conda", "a")
    (made,) = environments(conda.folder)
    made.rename(made.parent / made.name[:8])
    (made.parent / (made.name + ".env_setup_done")).unlink()
    conda.run("--use-conda", "-F", "a")
    assert len(conda.calls()) == 1


@pytest.mark.parametrize("option, variable", [(["--conda-prefix", "../here"], {}),
                                              ([], {"SNAKEMAKE_CONDA_PREFIX": "../here"})])
def test_a_prefix_for_all_workflows(conda, option, variable):
    conda.run("--use-conda", *option, "a", **variable)
    assert not environments(conda.folder) and len(environments(conda.folder, "../here")) == 1
    shutil.rmtree(conda.folder.path / "../here")


def test_activation_scripts_and_variables_reach_jobs(conda):
    script = 'export FROM_SCRIPT="x y"\nunset GONE\necho printed\n'
    conda.package("setter", **{"etc__conda__activate.d__x.sh": script})
    conda.folder.write("envs/one.yaml", conda.yaml("setter"))
    conda.folder.write("Snakefile", """
rule a:
    output: "a"
    conda: "envs/one.yaml"
    shell: "echo $FROM_SCRIPT ${{GONE-gone}} ${{PYTHONPATH-blocked}} > {output}"
""")
    conda.run("--use-conda", GONE="here", PYTHONPATH="/x")
    assert conda.folder.read("a").split()[1:] == ["y", "gone", "blocked"]
    conda.run("--use-conda", "-F", "--conda-not-block-search-path-envvars", PYTHONPATH="/x")
    assert conda.folder.read("a").split()[-1] == "/x"


@pytest.mark.parametrize("name", ["conda", "micromamba", "mamba"])
def test_any_frontend_is_used(conda, name):
    if name != "conda":
        (conda.base / "bin" / "conda").rename(conda.base / "bin" / name)
    conda.run("--use-conda", "a")
    conda.run("--use-conda", "--conda-frontend", name, "-F", "a")
    assert len(conda.calls()) == 1 and conda.folder.read("a") == "tool1\n"


def test_the_installation_may_be_named(conda):
    path = engine.environment()["PATH"]
    conda.run("--use-conda", "--conda-base-path", conda.base, "a", PATH=path)
    assert conda.folder.read("a") == "tool1\n"


# ---- what an environment is made from


def test_pins_are_used_first(conda):
    conda.tool("pinned")
    conda.folder.write("envs/one.linux-64.pin.txt", conda.pins("tool1", "pinned"))
    conda.run("--use-conda", "a", CONDA_SUBDIR="linux-64")
    (made,) = environments(conda.folder)
    assert (made / "bin/pinned").exists()


def test_pins_that_cannot_be_used_give_way_to_the_file(conda):
    conda.folder.write("envs/one.linux-64.pin.txt", conda.pins("tool1", "nowhere"))
    done = conda.run("--use-conda", "a", CONDA_SUBDIR="linux-64")
    assert "one.linux-64.pin.txt cannot be used" in done.err and conda.folder.read("a") == "tool1\n"


def test_a_script_runs_after_the_environment_is_made(conda):
    conda.folder.write("envs/one.post-deploy.sh", "tool1 > $CONDA_PREFIX/post\n")
    conda.run("--use-conda", "a")
    (made,) = environments(conda.folder)
    assert (made / "post").read_text() == "tool1\n"


def test_a_script_that_fails_leaves_nothing(conda):
    conda.folder.write("envs/one.post-deploy.sh", "#!/bin/bash\necho broken here; exit 3\n")
    done = conda.run("--use-conda", "a", code=1)
    assert "one.post-deploy.sh has failed" in done.err and "broken here" in done.err
    assert not environments(conda.folder) and not conda.folder.exists("a")


def test_named_environments_and_folders(conda):
    made = conda.named("mine", "tool1")
    for name in ("mine", str(made)):
        conda.folder.write("Snakefile", SNAKEFILE.replace("envs/one.yaml", name))
        conda.run("--use-conda", "-F", "a")
        assert conda.folder.read("a") == "tool1\n"
    assert not conda.calls()


@pytest.mark.parametrize("name", ["nobody", "./no/folder"])
def test_what_is_not_there_is_named(conda, name):
    conda.folder.write("Snakefile", SNAKEFILE.replace("envs/one.yaml", name))
    done = conda.run("--use-conda", "a", code=1)
    assert name in done.err and not conda.folder.exists("a")


def test_functions_and_wildcards_choose_the_file(conda):
    conda.folder.write("Snakefile", """
rule all:
    input: "one.w", "two.f", "none.f"
rule w:
    output: "{which}.w"
    conda: "envs/{which}.yaml"
    shell: "ls $CONDA_PREFIX/bin > {output}"
rule f:
    output: "{which}.f"
    params: end="yaml"
    conda: lambda wildcards, params: None if wildcards.which == "none" else f"envs/{wildcards.which}.{params.end}"
    shell: "ls ${{CONDA_PREFIX-/nowhere}}/bin > {output} || true"
""")
    assert "2 " not in conda.run("-n", "--use-conda").out.split("Would be made first:")[1]
    conda.run("--use-conda")
    assert conda.folder.read("one.w") == "tool1\n" and conda.folder.read("two.f") == "tool2\n"
    assert conda.folder.read("none.f") == ""
    assert "Nothing to do" in conda.run("--use-conda").err


def test_files_of_modules_lie_next_to_their_snakefile(conda):
    rule = 'rule a:\n    output: "a"\n    conda: "e.yaml"\n    shell: "tool1 > {output}"\n'
    conda.folder.write("other/Snakefile", rule)
    conda.folder.write("other/e.yaml", conda.yaml("tool1"))
    conda.folder.write("Snakefile", 'module m:\n    snakefile: "other/Snakefile"\nuse rule * from m\n')
    conda.run("--use-conda", "a")
    assert conda.folder.read("a") == "tool1\n"


def test_environments_that_a_checkpoint_asks_for_are_made_when_they_are_known(conda):
    conda.folder.write("Snakefile", """
def wanted(wildcards):
    with open(checkpoints.split.get().output[0]) as file:
        return file.read().split()
rule all:
    input: wanted
checkpoint split:
    output: "parts"
    shell: "echo x.late y.late > {output}"
rule late:
    output: "{name}.late"
    conda: "envs/one.yaml"
    shell: "tool1 > {output}"
""")
    done = conda.run("--use-conda")
    assert conda.folder.read("x.late") == conda.folder.read("y.late") == "tool1\n"
    assert len(conda.calls()) == 1 and "Made conda envs/one.yaml" in done.err


# ---- scripts

SCRIPT = """
rule a:
    output: "a"
    conda: "envs/one.yaml"
    script: "a.py"
"""
PYTHON = """
import os
with open(snakemake.output[0], "w") as file:
    print(os.environ.get("WRAPPED"), os.path.basename(os.environ["CONDA_PREFIX"])[-1], file=file)
"""


@pytest.mark.parametrize("has_python", [True, False])
def test_a_script_runs_by_the_python_of_its_environment(conda, has_python):
    conda.python()
    conda.folder.write("Snakefile", SCRIPT)
    conda.folder.write("a.py", PYTHON)
    conda.folder.write("envs/one.yaml", conda.yaml(*["python"] * has_python))
    conda.run("--use-conda")
    assert conda.folder.read("a") == f"{'yes' if has_python else None} _\n"


@pytest.mark.parametrize("version", ["2.7", "3.6"])
def test_a_python_that_is_too_old_is_refused(conda, version):
    conda.python(version=version)
    conda.folder.write("Snakefile", SCRIPT + "rule b:\n    output: 'b'\n    shell: 'touch b'\n")
    conda.folder.write("a.py", PYTHON)
    conda.folder.write("envs/one.yaml", conda.yaml("python"))
    done = conda.run("--use-conda", "-k", "a", "b", code=1)
    assert f"bin/python3 is {version}" in done.err and "3.7 or later" in done.err
    assert conda.folder.exists("b") and not conda.folder.exists("a")


def test_other_scripts_run_by_programs_of_the_environment(conda):
    conda.package("bash", bin__bash='#!/bin/sh\nWRAPPED=yes exec /bin/bash "$@"\n')
    conda.folder.write("Snakefile", SCRIPT.replace("a.py", "a.sh"))
    conda.folder.write("a.sh", 'echo "$WRAPPED" > "${snakemake_output[0]}"\n')
    conda.folder.write("envs/one.yaml", conda.yaml("bash"))
    conda.run("--use-conda")
    assert conda.folder.read("a") == "yes\n"


def test_a_wrapper_runs_in_its_own_environment(conda):
    conda.folder.write("Snakefile", 'rule a:\n    output: "a"\n    wrapper: "v1/tool"\n')
    conda.folder.write("w/v1/tool/environment.yaml", conda.yaml("tool1"))
    conda.folder.write("w/v1/tool/wrapper.py", 'import os\nos.system(f"tool1 > {snakemake.output[0]}")\n')
    done = conda.run("--use-conda", "--wrapper-prefix", "w")
    assert conda.folder.read("a") == "tool1\n" and "w/v1/tool/environment.yaml in .snakemake/conda/" in done.err


# ---- what makes jobs due


def test_a_change_of_the_file_makes_its_jobs_due(conda):
    conda.run("--use-conda")
    assert "Nothing to do" in conda.run("--use-conda").err
    conda.folder.write("envs/one.yaml", conda.yaml("tool1") + "# other\n")
    done = conda.run("--use-conda", "-n")
    assert "software environment has changed" in done.out and "rule b" not in done.out
    assert "made in another software environment" in conda.run("--use-conda", "--why", "a").out
    conda.run("--use-conda")
    assert len(conda.calls()) == 3 and "Nothing to do" in conda.run("--use-conda").err


def test_the_same_file_elsewhere_changes_nothing(conda):
    conda.run("--use-conda")
    (conda.folder.path / "envs").rename(conda.folder.path / "other")
    conda.folder.write("Snakefile", SNAKEFILE.replace("envs/", "other/"))
    assert "Nothing to do" in conda.run("--use-conda").err


# ---- options


def test_only_environments_are_made(conda):
    conda.run("--use-conda", "--conda-create-envs-only")
    assert len(environments(conda.folder)) == 2 and not conda.folder.exists("a")


def test_environments_are_listed_and_removed(conda):
    conda.run("--use-conda", "--conda-create-envs-only")
    done = conda.run("--use-conda", "--list-conda-envs")
    lines = done.out.splitlines()
    assert lines[0] == "environment\tcontainer\tlocation" and len(lines) == 3
    assert lines[1].startswith("envs/one.yaml\t\t.snakemake/conda/")
    conda.folder.write("Snakefile", SNAKEFILE.replace("two.yaml", "one.yaml"))
    conda.folder.write(".snakemake/conda/notes.txt", "mine")
    done = conda.run("--use-conda", "--conda-cleanup-envs")
    assert "1 environment removed" in done.err
    assert len(environments(conda.folder)) == 1 and conda.folder.exists(".snakemake/conda/notes.txt")


@pytest.mark.parametrize("given, done", [([], "--tarballs"), (["cache"], "--tarballs --packages")])
def test_downloads_are_removed(conda, given, done):
    conda.run("--use-conda", "a", "--conda-cleanup-pkgs", *given)
    assert conda.calls("clean") == [f"clean --yes {done}"]


# ---- bad input


def test_no_conda(conda):
    done = conda.run("--use-conda", code=1, PATH="/usr/bin:/bin")
    assert done.err.count("there is no conda, mamba, micromamba on PATH") == 1, "and not for each environment"
    assert not conda.folder.exists("plain")
    conda.run("--use-conda", "-k", code=1, PATH="/usr/bin:/bin")
    assert conda.folder.exists("plain") and not conda.folder.exists("a")


def test_a_file_that_is_not_there_or_broken(conda):
    (conda.folder.path / "envs/one.yaml").unlink()
    for option in ("-n", "-p"):
        done = conda.run("--use-conda", option, code=1)
        assert "envs/one.yaml of a conda environment cannot be read" in done.err
    conda.folder.write("envs/one.yaml", "channels: [\n")
    done = conda.run("--use-conda", "-k", code=1)
    assert "envs/one.yaml:" in done.err and "no description of a conda environment" in done.err
    assert conda.folder.exists("b") and not conda.folder.exists("a")


def test_a_failed_creation_shows_its_output_and_leaves_nothing(conda):
    conda.folder.write("envs/one.yaml", conda.yaml("tool1", "nowhere"))
    done = conda.run("--use-conda", code=1)
    assert "cannot make conda envs/one.yaml" in done.err and "ResolvePackageNotFound:" in done.err
    assert "env create --quiet --file" in done.err and "no job was started" in done.err
    assert not conda.folder.exists("plain")
    assert len(environments(conda.folder)) == 1, "that of the other file"
    done = conda.run("--use-conda", "-k", code=1)
    assert conda.folder.exists("plain") and conda.folder.exists("b") and not conda.folder.exists("a")
    conda.folder.write("envs/one.yaml", conda.yaml("tool1"))
    conda.run("--use-conda")


def test_a_half_made_environment_is_made_again(conda):
    conda.run("--use-conda", "a")
    (made,) = environments(conda.folder)
    (made / "env_setup_done").unlink()
    (made.parent / (made.name + ".env_setup_done")).unlink()
    (made / "bin/tool1").unlink()
    conda.run("--use-conda", "-F", "a")
    assert len(conda.calls()) == 2 and conda.folder.read("a") == "tool1\n"


def start(conda, *arguments):
    env = engine.environment(PATH=os.pathsep.join(["/usr/bin", "/bin", conda.path()]))
    return subprocess.Popen([engine.FURROW, "run", "-c2", "--use-conda", *arguments], cwd=conda.folder.path, env=env,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@pytest.mark.parametrize("killer", [signal.SIGKILL, signal.SIGINT])
def test_a_killed_creator_frees_the_lock_and_leaves_nothing_that_is_used(conda, killer):
    (conda.base / "wait").touch()
    run = start(conda, "a")
    wait_until(lambda: conda.calls("pid"), 60, "conda")
    run.send_signal(killer)
    run.communicate()
    pid = int(conda.calls("pid")[0].split()[1])
    wait_until(lambda: not os.path.exists(f"/proc/{pid}"), 60, "the end of conda")
    if killer == signal.SIGINT:
        assert not environments(conda.folder)
    (conda.base / "wait").unlink()
    conda.run("--use-conda", "a")
    assert len(conda.calls()) == 2 and conda.folder.read("a") == "tool1\n"


def test_two_runs_make_an_environment_once(conda):
    (conda.base / "wait").touch()
    first = start(conda, "a")
    wait_until(lambda: conda.calls("pid"), 60, "conda")
    other = start(conda, "-d", "elsewhere", "-s", "Snakefile", "--conda-prefix", conda.folder.path / ".snakemake/conda",
                  "a")
    for line in other.stdout:
        if "Waiting for another run that makes conda envs/one.yaml" in line:
            break
    else:
        raise AssertionError("it has not waited")
    (conda.base / "wait").unlink()
    first.communicate(), other.communicate()
    assert first.returncode == other.returncode == 0 and len(conda.calls()) == 1
    assert conda.folder.read("elsewhere/a") == "tool1\n"


def test_an_environment_that_is_removed_under_a_run(conda):
    conda.folder.write("Snakefile", """
rule all:
    input: "second", "third"
rule first:
    output: "first"
    conda: "envs/one.yaml"
    shell: "tool1 > {output}; rm -rf $CONDA_PREFIX"
rule second:
    input: "first"
    output: "second"
    conda: "envs/one.yaml"
    shell: "tool1 > {output}"
rule third:
    input: "first"
    output: "third"
    shell: "echo third > {output}"
""")
    done = conda.run("--use-conda", "-k", code=1)
    assert "has been removed while the run went on" in done.err
    assert conda.folder.exists("third") and not conda.folder.exists("second")
    conda.run("--use-conda")
    assert conda.folder.read("second") == "tool1\n"


def test_a_full_disk_leaves_nothing_half_made(conda):
    prefix = conda.folder.path / "small"
    prefix.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(prefix)], capture_output=True).returncode:
        pytest.skip("only root may mount a small disk")
    try:
        conda.package("big", lib__big="x" * 200_000)
        conda.folder.write("envs/one.yaml", conda.yaml("big", "tool1"))
        done = conda.run("--use-conda", "-k", "--conda-prefix", "small", code=1)
        assert "No space left on device" in done.err and conda.folder.exists("plain")
        assert not conda.folder.exists("a")
        assert all((made / "env_setup_done").exists() for made in environments(conda.folder, "small"))
    finally:
        subprocess.run(["umount", str(prefix)], check=True)
