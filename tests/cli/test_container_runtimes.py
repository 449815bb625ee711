"""Rules with container:, really in containers: by Podman and Charliecloud, in an image of this machine's own files.

A runtime that is not installed, or that the kernel does not let run, is skipped. docker is Podman under another name.
Podman takes a second for each job, so only the long tests use it. Several may run at a time: each session has a store
and locks of its own.
"""
import os
import signal
import subprocess

import pytest

import containers
import engine
from running import wait_until

SNAKEFILE = """
rule all:
    input: "sub/a", "plain"
rule a:
    output: "sub/a"
    container: "IMAGE"
    shell: "head -n 1 /etc/name > {output}; id -u >> {output}; pwd >> {output}; echo $HOME >> {output}"
rule plain:
    output: "plain"
    shell: "cat /etc/name > {output} 2> /dev/null || echo none > {output}"
"""
ALL = ["charliecloud", "podman", "docker", "podman-folder"]
with_podman = pytest.mark.parametrize("runtime", ALL if engine.LONG_TESTS else ALL[:2], indirect=True)
with_all = pytest.mark.parametrize("runtime", ALL, indirect=True)


class Runtime:
    def __init__(self, name, image, environment, podman=None):
        self.name, self.image, self.environment, self.podman = name, image, environment, podman

    def options(self):
        return ["--container-runtime", self.name]


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    return containers.make_root(tmp_path_factory.mktemp("root") / "tiny")


@pytest.fixture(scope="session")
def podman(root, tmp_path_factory):
    if not engine.LONG_TESTS:
        pytest.skip("Podman runs in the long tests")
    made, why_not = containers.working_podman(tmp_path_factory.mktemp("podman"), root)
    if why_not:
        pytest.skip(why_not)
    return made


@pytest.fixture(params=ALL if engine.LONG_TESTS else ALL[:1])
def runtime(request, root):
    if request.param == "charliecloud":
        why_not = containers.missing_charliecloud(root)
        if why_not:
            pytest.skip(why_not)
        yield Runtime("charliecloud", str(root), {})
        return
    podman = request.getfixturevalue("podman")
    image = str(root) if request.param == "podman-folder" else "docker://localhost/tiny"
    yield Runtime(request.param.split("-")[0], image, podman.environment(), podman)


@pytest.fixture
def workflow(folder, runtime):
    def write(snakefile):
        folder.write("Snakefile", snakefile.replace("IMAGE", runtime.image))

    def run(*arguments, code=0, **more):
        return folder.run("-c2", *runtime.options(), *arguments, code=code, env={**runtime.environment, **more})

    def start(*arguments):
        command = [*engine.FURROW_RUN, "-c2", *runtime.options(), *arguments]
        return subprocess.Popen(command, cwd=folder.path, env=engine.environment(**runtime.environment),
                                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    write(SNAKEFILE)
    folder.write_workflow, folder.run_in, folder.start, folder.runtime = write, run, start, runtime
    yield folder
    if runtime.podman is not None:
        wait_until(lambda: not runtime.podman.containers(), 20, "no container is left")


@with_all
def test_a_job_runs_in_the_image_as_the_user_in_the_folder_of_the_workflow(workflow):
    workflow.run_in()
    here = str(workflow.path)
    assert workflow.read("sub/a").splitlines() == ["tiny", str(os.getuid()), here, here]
    assert workflow.read("plain") == "none\n"
    assert (workflow.path / "sub/a").stat().st_uid == os.getuid()


def test_variables_standard_output_and_logs_are_as_usual(workflow):
    workflow.write_workflow("""
rule a:
    output: touch("a")
    log: "a.log"
    container: "IMAGE"
    threads: 2
    shell: "echo in the log > {log}; echo to standard output; echo to standard error >&2; echo $OMP_NUM_THREADS $MINE"
""")
    done = workflow.run_in("a", MINE="my own")
    printed = done.out + done.err
    assert "to standard output" in printed and "to standard error" in printed and "2 my own" in printed
    assert workflow.read("a.log") == "in the log\n"


@with_podman
def test_what_a_job_writes_outside_its_folders_is_not_kept(workflow, root):
    workflow.write_workflow("""
rule a:
    output: touch("a")
    container: "IMAGE"
    shell: "touch /etc/left || true; echo changed > /etc/name || true"
""")
    workflow.run_in("a")
    assert not (root / "etc" / "left").exists() and (root / "etc" / "name").read_text() == "tiny\n"


@with_podman
@pytest.mark.parametrize("command, code", [("exit 7", 7), ("bash -c 'kill -9 $$'; echo goes on", 137)])
def test_the_end_of_a_job_is_reported(workflow, command, code):
    workflow.write_workflow(f"""
rule a:
    output: "a"
    container: "IMAGE"
    shell: "touch {{output}}; (true); {command}"
""")
    done = workflow.run_in("a", code=1)
    assert f"exit code {code}" in done.err and "goes on" not in done.out
    assert not workflow.exists("a")


def test_shadow_folders_and_temporary_files(workflow, tmp_path_factory):
    scratch = str(tmp_path_factory.mktemp("scratch"))
    workflow.write("in", "text\n")
    workflow.write_workflow(f"""
rule a:
    input: "in"
    output: "out/a"
    container: "IMAGE"
    shadow: "minimal"
    resources: tmpdir="{scratch}"
    shell: "cat {{input}} > {{output}}; touch beside; echo x > $TMPDIR/made; pwd >> {{output}}"
""")
    workflow.run_in("out/a")
    text, where = workflow.read("out/a").splitlines()
    assert text == "text" and where.startswith(str(workflow.path) + "/.")
    assert not workflow.exists("beside") and os.path.exists(scratch + "/made")


def test_pipes_reach_into_containers(workflow):
    workflow.write_workflow("""
rule a:
    output: pipe("p")
    container: "IMAGE"
    shell: "echo through the pipe > {output}"
rule b:
    input: "p"
    output: "b"
    container: "IMAGE"
    shell: "cat {input} > {output}"
""")
    workflow.run_in("b")
    assert workflow.read("b") == "through the pipe\n"


def processes(mark):
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if words[:2] == [b"sleep", mark.encode()]:
            found.append(int(name))
    return found


SLEEPER = """
rule a:
    output: "a"
    container: "IMAGE"
    shell: "touch begun; sleep {params.mark}; touch {output}"
    params: mark="MARK"
"""


@with_podman
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_nothing_goes_on_after_the_end_of_the_run(workflow, how):
    mark = f"{1000 + os.getpid()}.{int(how)}"
    workflow.write_workflow(SLEEPER.replace('params: mark="MARK"', "").replace("{params.mark}", mark))
    run = workflow.start("a")
    wait_until(lambda: workflow.exists("begun") and processes(mark), 60, "the job runs")
    run.send_signal(how)
    assert run.wait(60) != 0
    wait_until(lambda: not processes(mark), 20, "the job has ended")
    assert not workflow.exists("a")


@with_podman
def test_a_job_that_takes_too_long_is_ended(workflow):
    mark = f"{1000 + os.getpid()}.5"
    workflow.write_workflow(SLEEPER.replace('params: mark="MARK"', "resources: runtime=0.02")
                            .replace("{params.mark}", mark))
    done = workflow.run_in("a", code=1)
    assert not processes(mark), done


def test_an_image_without_the_shell_of_the_rule_says_so(workflow):
    workflow.write_workflow('shell.executable("/usr/bin/perl")\n' + SNAKEFILE)
    done = workflow.run_in("-k", "sub/a", code=1)
    assert "perl" in done.err and ("not found" in done.err or "No such file" in done.err)


def test_images_that_a_runtime_cannot_run_are_refused(workflow):
    workflow.write("x.sif", "")
    workflow.write_workflow(SNAKEFILE.replace("IMAGE", "x.sif"))
    done = workflow.run_in("-k", code=1)
    assert f"{workflow.runtime.name} cannot run the image {workflow.path}/x.sif" in done.err
    assert workflow.exists("plain")


@pytest.mark.skipif(not engine.LONG_TESTS, reason="Podman tries again for some seconds")
@pytest.mark.parametrize("runtime", ["podman", "docker"], indirect=True)
def test_a_missing_image_is_pulled_and_a_failure_is_shown(workflow):
    workflow.write_workflow(SNAKEFILE.replace("IMAGE", "docker://localhost:1/missing"))
    assert "container docker://localhost:1/missing" in workflow.run_in("-n").out
    done = workflow.run_in("-k", code=1)
    assert "cannot pull the image docker://localhost:1/missing" in done.err
    assert f"$ {workflow.runtime.name} pull localhost:1/missing" in done.err and workflow.exists("plain")


def test_the_other_runtime_runs_what_one_has_made_without_making_it_again(workflow):
    workflow.run_in()
    assert "Nothing to do" in workflow.run_in("-n").out
    workflow.write_workflow(SNAKEFILE.replace("IMAGE", "docker://other"))
    assert "software environment has changed" in workflow.run_in("-n", PATH="/usr/bin:/bin").out


def test_scripts_run_by_the_python_of_the_image(folder, tmp_path_factory):
    image = containers.make_root(tmp_path_factory.mktemp("python") / "image")
    why_not = containers.missing_charliecloud(image)
    if why_not:
        pytest.skip(why_not)
    arguments = containers.add_python(image)
    folder.write("scripts/x.py", "import helper\nhelper.write(snakemake.output[0], open('/etc/name').read())\n")
    folder.write("scripts/helper.py", "def write(path, text):\n    open(path, 'w').write(text)\n")
    folder.write("Snakefile", f"""
rule a:
    output: "a"
    container: "{image}"
    script: "scripts/x.py"
""")
    folder.run("-c1", "--container-runtime", "charliecloud", "--container-args", arguments, "a")
    assert folder.read("a") == "tiny\n"
    assert not list(folder.path.rglob("__pycache__")) and not folder.exists(".cache")


def test_charliecloud_pulls_by_its_image_builder(folder, root, tmp_path_factory):
    """ch-image and ch-convert are stand-ins: there is no registry."""
    why_not = containers.missing_charliecloud(root)
    if why_not:
        pytest.skip(why_not)
    programs = tmp_path_factory.mktemp("programs")
    calls = programs / "calls"
    (programs / "ch-image").write_text(f'#!/bin/sh\necho ch-image "$@" >> {calls}\n')
    (programs / "ch-convert").write_text(f'#!/bin/sh\necho ch-convert "$@" >> {calls}\ncp -a {root} "$6"\n')
    for name in ("ch-image", "ch-convert"):
        (programs / name).chmod(0o755)
    folder.write("Snakefile", SNAKEFILE.replace("IMAGE", "docker://debian:12"))
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    for _ in range(2):
        folder.run("-c1", "--container-runtime", "charliecloud", "--forceall", env=environment)
    pulled, converted = calls.read_text().splitlines()
    assert pulled == "ch-image pull debian:12" and converted.startswith("ch-convert -i ch-image -o dir debian:12 ")
    [image] = (folder.path / ".snakemake" / "singularity").glob("*.charliecloud")
    assert folder.read("sub/a").splitlines()[0] == "tiny" and converted.endswith(" " + image.name)


def test_an_unknown_runtime_is_named(folder):
    folder.write("Snakefile", SNAKEFILE)
    done = folder.run("-n", "--container-runtime", "lxc", code=2)
    assert "lxc is not one of apptainer, podman, docker, charliecloud" in done.err


def test_without_the_runtime_its_name_is_shown(folder):
    folder.write("Snakefile", SNAKEFILE.replace("IMAGE", "docker://x"))
    (folder.path / "python3").symlink_to("/usr/bin/python3")
    done = folder.run("-c1", "--container-runtime", "podman", code=1, env={"PATH": str(folder.path)})
    assert "there is no podman on PATH" in done.err
