"""Rules with envmodules: jobs run with the modules loaded, by whichever module system and shell there is."""
import sys

import pytest

import engine
import modules

SNAKEFILE = """
rule all:
    input: "a", "plain"
rule a:
    output: "a"
    envmodules: "tool/2"
    shell: "echo $TOOL_VERSION $(tool) > {output}"
rule plain:
    output: "plain"
    shell: "echo ${{TOOL_VERSION-none}} > {output}"
"""


def program(path, text):
    path.write_text(text)
    path.chmod(0o755)


@pytest.fixture(params=sorted(modules.SYSTEMS))
def loaded(request, folder):
    """Runs furrow with a module system and the modules tool/1 and tool/2."""
    if why := modules.missing(request.param):
        pytest.skip(why)
    made = modules.make(folder.path / "sw", "tool/1", "tool/2")
    for version in "12":
        program(folder.path / f"sw/tool/{version}/bin/tool", f"#!/bin/sh\necho tool {version}\n")

    def run(*arguments, code=0, **more):
        return folder.run("-c1", *arguments, code=code, env={**modules.variables(request.param, made), **more})

    run.folder, run.system, run.path = folder, request.param, made
    return run


@pytest.mark.parametrize("option", [["--use-envmodules"], ["--sdm", "env-modules"]])
def test_a_job_runs_with_its_modules(loaded, option):
    loaded.folder.write("Snakefile", SNAKEFILE)
    loaded(*option)
    assert loaded.folder.read("a") == "tool/2 tool 2\n"
    assert loaded.folder.read("plain") == "none\n"


def test_without_the_option_they_mean_nothing(loaded):
    loaded.folder.write("Snakefile", SNAKEFILE.replace("$(tool)", "x"))
    loaded("--config", "x=1", TOOL_VERSION="mine")
    assert loaded.folder.read("a") == "mine x\n"


@pytest.mark.parametrize("shell", ["dash", "sh", "bash"])
def test_any_shell_knows_module(loaded, shell):
    loaded.folder.write("Snakefile", f'shell.executable("{shell}")\n' + SNAKEFILE)
    loaded("--use-envmodules", "a")
    assert loaded.folder.read("a") == "tool/2 tool 2\n"


def test_the_users_own_modules_are_unloaded_and_functions_are_used(loaded):
    """As in a login shell: module is an exported function, and something is loaded already."""
    folder = loaded.folder
    folder.write("Snakefile", SNAKEFILE)
    start = (f". {modules.SYSTEMS[loaded.system]}/init/bash; export -f module; module load tool/1; "
             f"test $TOOL_VERSION = tool/1; exec {engine.FURROW} run -c1 --use-envmodules a")
    done = engine.execute(["/bin/bash", "-c", start], folder.path,
                          engine.environment(**modules.variables(loaded.system, loaded.path)))
    assert done.code == 0, done
    assert folder.read("a") == "tool/2 tool 2\n"


def test_a_module_that_is_not_there_fails_its_job_alone(loaded):
    loaded.folder.write("Snakefile", SNAKEFILE.replace("tool/2", "tool/9"))
    done = loaded("--use-envmodules", "-k", code=1)
    assert "cannot load the environment modules tool/9" in done.err
    assert loaded.folder.exists("plain") and not loaded.folder.exists("a")


def test_several_modules_may_stand_in_one_text(loaded):
    loaded.folder.write("Snakefile", SNAKEFILE.replace('"tool/2"', '"tool/1 other/1"'))
    modules.make(loaded.folder.path / "more", "other/1")
    done = loaded("--use-envmodules", "a", MODULEPATH=f"{loaded.path}:{loaded.folder.path}/more/modulefiles")
    assert done.code == 0 and loaded.folder.read("a").startswith("other/1 ")


def test_a_program_without_shell_syntax_is_found_in_a_module(loaded):
    loaded.folder.write("Snakefile", 'rule a:\n    output: touch("a")\n    envmodules: "tool/1"\n    shell: "tool"\n')
    done = loaded("--use-envmodules", "a")
    assert "tool 1" in done.text


def test_strict_mode_holds_for_the_command(loaded):
    text = 'rule a:\n    output: touch("a")\n    envmodules: "tool/1"\n    shell: "false | cat; true"\n'
    loaded.folder.write("Snakefile", text)
    assert "Job a failed" in loaded("--use-envmodules", code=1).text


SCRIPTS = """
rule a:
    output: "a"
    envmodules: "tool/1"
    script: "a.py"
rule b:
    output: "b"
    envmodules: "tool/2"
    script: "b.sh"
"""
PYTHON = """
import os, sys
with open(snakemake.output[0], "w") as file:
    print(os.environ["TOOL_VERSION"], os.environ.get("WRAPPED"), file=file)
"""


def test_scripts_run_with_modules(loaded):
    folder = loaded.folder
    folder.write("Snakefile", SCRIPTS)
    folder.write("a.py", PYTHON)
    folder.write("b.sh", 'echo "$TOOL_VERSION" "$(tool)" > "${snakemake_output[0]}"\n')
    loaded("--use-envmodules", "a", "b")
    assert folder.read("a") == "tool/1 None\n"
    assert folder.read("b") == "tool/2 tool 2\n"


def test_the_python_of_a_module_runs_its_scripts(loaded):
    folder = loaded.folder
    folder.write("Snakefile", SCRIPTS)
    folder.write("a.py", PYTHON)
    program(folder.path / "sw/tool/1/bin/python3", f'#!/bin/sh\nWRAPPED=yes exec {sys.executable} "$@"\n')
    loaded("--use-envmodules", "a")
    assert folder.read("a") == "tool/1 yes\n"


def test_a_python_that_is_too_old_is_named(loaded):
    folder = loaded.folder
    folder.write("Snakefile", SCRIPTS)
    folder.write("a.py", PYTHON)
    program(folder.path / "sw/tool/1/bin/python3", "#!/bin/sh\nexit 1\n")
    done = loaded("--use-envmodules", "a", code=1)
    assert "sw/tool/1/bin/python3, which the modules bring, is older than Python 3.7" in done.err


def test_what_was_made_with_other_modules_is_due(loaded):
    loaded.folder.write("Snakefile", SNAKEFILE)
    loaded("--use-envmodules")
    assert "Nothing to do" in loaded("--use-envmodules").err
    assert "which no option turns on now" in loaded("--why", "a").out
    loaded.folder.write("Snakefile", SNAKEFILE.replace("tool/2", "tool/1"))
    done = loaded("--use-envmodules", "--why", "a")
    assert "another software environment, envmodules tool/2; now it is envmodules tool/1" in done.out
    loaded("--use-envmodules")
    assert loaded.folder.read("a") == "tool/1 tool 1\n"
    assert "Nothing to do" in loaded("--use-envmodules").err


def test_without_any_module_system_the_job_says_so(folder):
    folder.write("Snakefile", 'rule a:\n    output: touch("a")\n    envmodules: "tool/1"\n    shell: "true"\n')
    done = folder.run("-c1", "--use-envmodules", code=1, env={"MODULESHOME": "/nowhere"})
    assert "cannot load the environment modules tool/1" in done.err and not folder.exists("a")
