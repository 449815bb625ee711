"""Software environments reach the nodes of a cluster."""
import os

import apptainer as apptainer_support
import conda as conda_support
import modules
import pytest

RULES = """
rule all:
    input: expand("{kind}{i}", kind=["m", "c", "s"], i=range(2))
rule m:
    output: "m{i}"
    envmodules: "tool/1"
    shell: "echo $TOOL_VERSION $SLURM_JOB_ID > {output}"
rule c:
    output: "c{i}"
    conda: "one.yaml"
    shell: "tool1 > {output}; echo $SLURM_JOB_ID >> {output}"
rule s:
    output: "s{i}"
    conda: "one.yaml"
    script: "s.sh"
"""


def test_jobs_on_nodes_have_their_modules_and_conda_environments(folder, tmp_path_factory):
    system = next((name for name in modules.SYSTEMS if not modules.missing(name)), None)
    if system is None:
        pytest.skip(modules.missing("tcl"))
    conda = conda_support.Conda(tmp_path_factory.mktemp("conda"))
    conda.tool("tool1")
    folder.write("one.yaml", conda.yaml("tool1"))
    folder.write("Snakefile", RULES)
    folder.write("s.sh", 'tool1 > "${snakemake_output[0]}"\n')
    variables = modules.variables(system, modules.make(folder.path / "sw", "tool/1"))
    path = os.pathsep.join([folder.environment()["PATH"], conda.path()])
    folder.run("--executor", "slurm", "-j", "4", "--sdm", "conda", "env-modules", PATH=path, **variables)
    for i in range(2):
        version, job = folder.read(f"m{i}").split()
        assert version == "tool/1" and job.isdigit()
        tool, job = folder.read(f"c{i}").split()
        assert tool == "tool1" and job.isdigit()
        assert folder.read(f"s{i}") == "tool1\n"
    assert len(conda.calls("create")) == 1 and len(conda.calls("activate")) == 1


def test_containers_are_started_on_the_node(folder, tmp_path_factory):
    apptainer = apptainer_support.Apptainer(tmp_path_factory.mktemp("apptainer"))
    apptainer.publish("one")
    folder.write("x.sh", 'echo $IMAGE $SLURM_JOB_ID > "${snakemake_output[0]}"\n')
    folder.write("Snakefile", """
rule all:
    input: "a", "b"
rule a:
    output: "a"
    container: "docker://one"
    shell: "echo $IMAGE $SLURM_JOB_ID > {output}"
rule b:
    output: "b"
    container: "docker://one"
    script: "x.sh"
""")
    path = os.pathsep.join([folder.environment()["PATH"], apptainer.path()])
    arguments = "--env $SLURM_JOB_ID"
    folder.run("--executor", "slurm", "-j", "4", "--use-apptainer", "--apptainer-args", arguments, PATH=path)
    for name in ("a", "b"):
        image, job = folder.read(name).split()
        assert image == "one" and job.isdigit()
    assert len(apptainer.calls("pull")) == 1
    # The node's shell has read the arguments.
    assert all(call[5].isdigit() for call in apptainer.calls())
