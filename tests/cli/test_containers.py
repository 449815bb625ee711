"""Rules with container:, by a stand-in for Apptainer (tests/support/apptainer.py)."""
import hashlib
import os
import signal
import subprocess

import pytest

import apptainer as apptainer_support
import conda as conda_support
import engine
from running import wait_until

SNAKEFILE = """
rule all:
    input: "a", "b", "plain"
rule a:
    output: "a"
    container: "docker://one"
    shell: "echo $IMAGE > {output}"
rule b:
    output: "b"
    singularity: "library://owner/two:1.0"
    shell: "echo $IMAGE > {output}"
rule plain:
    output: "plain"
    shell: "echo ${{IMAGE-none}} > {output}"
"""


def make(folder, tmp_path_factory, name="apptainer"):
    made = apptainer_support.Apptainer(tmp_path_factory.mktemp("apptainer"), name)
    made.publish("one")
    made.publish("owner/two:1.0", "two")
    folder.write("Snakefile", SNAKEFILE)

    def environment(**more):
        return {"PATH": os.pathsep.join([made.path(), "/usr/bin", "/bin"]), "TMPDIR": "/tmp", **more}

    def run(*arguments, code=0, **more):
        return folder.run("-c2", "--use-apptainer", *arguments, code=code, env=environment(**more))

    made.run, made.folder, made.environment = run, folder, environment
    return made


@pytest.fixture
def apptainer(folder, tmp_path_factory):
    """The program, its environment variables, and a workflow with two images."""
    return make(folder, tmp_path_factory)


def digest(address):
    return hashlib.md5(address.encode()).hexdigest()


def place(apptainer, address, prefix=".snakemake/singularity"):
    return apptainer.folder.path / prefix / (digest(address) + ".simg")


def only_call(apptainer, snakefile, *arguments, target, **more):
    """The command line of the one job."""
    apptainer.folder.write("Snakefile", snakefile)
    apptainer.run(target, *arguments, **more)
    [call] = apptainer.calls()
    return call


# ---- images


@pytest.mark.parametrize("options", [["--use-singularity"], ["--sdm", "apptainer"], ["--sdm", "singularity"]])
def test_each_job_runs_in_its_image(apptainer, options):
    apptainer.folder.run("-c2", *options, env=apptainer.environment())
    read = apptainer.folder.read
    assert (read("a"), read("b"), read("plain")) == ("one\n", "two\n", "none\n")


def test_images_are_pulled_once_under_the_names_that_snakemake_gives_them(apptainer):
    done = apptainer.run()
    assert "furrow: Pulling docker://one" in done.err and "furrow: Pulled library://owner/two:1.0 in " in done.err
    urls = "docker://one", "library://owner/two:1.0"
    pulls = [["apptainer", "pull", "--name", digest(url) + ".simg", url] for url in urls]
    assert sorted(apptainer.calls("pull")) == sorted(pulls)
    images = apptainer.folder.path / ".snakemake" / "singularity"
    assert {path.name for path in images.iterdir() if path.suffix != ".lock"} == {words[3] for words in pulls}
    apptainer.run("--forceall")
    assert len(apptainer.calls("pull")) == 2


@pytest.mark.parametrize("end", [".simg", ".sif"])
def test_an_image_that_is_there_is_used(apptainer, end):
    path = place(apptainer, "docker://one").with_suffix(end)
    path.parent.mkdir(parents=True)
    path.write_text("earlier")
    apptainer.run("a")
    assert apptainer.folder.read("a") == "earlier\n" and not apptainer.calls("pull")


def test_the_prefix_is_an_option_or_a_variable(apptainer):
    apptainer.run("a", "--singularity-prefix", "images")
    assert place(apptainer, "docker://one", "images").exists()
    apptainer.run("a", "--force", "--apptainer-prefix", "$WHERE/${WHERE}", WHERE="there")
    assert place(apptainer, "docker://one", "there/there").exists()
    apptainer.run("b", APPTAINER_CACHEDIR=str(apptainer.folder.path / "cache"))
    assert place(apptainer, "library://owner/two:1.0", "cache").exists()


def test_a_dry_run_says_which_images_would_be_pulled(apptainer):
    where = f".snakemake/singularity/{digest('docker://one')}.simg"
    assert f"container docker://one in {where}\n" in apptainer.run("-n").out
    apptainer.run("a")
    done = apptainer.run("-n")
    assert "docker://one" not in done.out and "library://owner/two:1.0" in done.out
    assert "no apptainer or singularity on PATH" in apptainer.run("-n", PATH="/usr/bin:/bin").out


def test_files_and_folders_are_used_where_they_are(apptainer):
    apptainer.folder.write("images/file.sif", "file")
    apptainer.folder.write("images/sandbox/name", "sandbox")
    apptainer.folder.write("Snakefile", f"""
rule all:
    input: "relative", "url", "folder"
rule relative:
    output: "relative"
    container: "images/file.sif"
    shell: "echo $IMAGE > {{output}}"
rule url:
    output: "url"
    container: "file://{apptainer.folder.path}/images/file.sif"
    shell: "echo $IMAGE > {{output}}"
rule folder:
    output: "folder"
    container: "images/sandbox"
    shell: "echo $IMAGE > {{output}}"
""")
    apptainer.run()
    read = apptainer.folder.read
    assert (read("relative"), read("url"), read("folder")) == ("file\n", "file\n", "sandbox\n")
    assert not apptainer.calls("pull")


def test_functions_and_wildcards_name_images(apptainer):
    apptainer.folder.write("Snakefile", """
rule all:
    input: "one.f", "one.w", "none.f"
rule by_function:
    output: "{name}.f"
    container: lambda wildcards: None if wildcards.name == "none" else f"docker://{wildcards.name}"
    shell: "echo ${{IMAGE-none}} > {output}"
rule by_wildcard:
    output: "{name}.w"
    container: "docker://{name}"
    shell: "echo $IMAGE > {output}"
""")
    apptainer.run()
    read = apptainer.folder.read
    assert (read("one.f"), read("one.w"), read("none.f")) == ("one\n", "one\n", "none\n")


def test_an_image_for_all_rules_below_also_in_modules(apptainer):
    apptainer.publish("inner")
    apptainer.folder.write("inner.smk", """
rule first:
    output: "first"
    shell: "echo $IMAGE > {output}"
container: "docker://inner"
rule second:
    output: "second"
    shell: "echo $IMAGE > {output}"
""")
    apptainer.folder.write("Snakefile", """
container: "docker://one"
module inner:
    snakefile: "inner.smk"
use rule * from inner
rule all:
    default_target: True
    input: "first", "second", "own", "none"
    output: "all"
    shell: "echo $IMAGE > {output}"
rule own:
    output: "own"
    container: "library://owner/two:1.0"
    shell: "echo $IMAGE > {output}"
rule none:
    output: "none"
    container: None
    shell: "echo ${{IMAGE-none}} > {output}"
""")
    apptainer.run()
    found = [apptainer.folder.read(name) for name in ("first", "second", "all", "own", "none")]
    assert found == ["one\n", "inner\n", "one\n", "two\n", "none\n"]


def test_unused_images_are_removed(apptainer):
    apptainer.run()
    unused = place(apptainer, "docker://unused")
    unused.write_text("unused")
    kept = unused.with_name("README")
    kept.write_text("mine")
    done = apptainer.run("--container-cleanup-images")
    assert "1 image removed from" in done.err
    assert not unused.exists() and kept.exists() and place(apptainer, "docker://one").exists()


# ---- the command line


def test_the_command_line_is_that_of_snakemake(apptainer):
    call = only_call(apptainer, SNAKEFILE, target="a")
    here, image = str(apptainer.folder.path), str(place(apptainer, "docker://one"))
    assert call == ["apptainer", "exec", "--home", here, image, "bash", "-c", "set -euo pipefail; echo $IMAGE > a"]


def test_singularity_serves_where_there_is_no_apptainer(folder, tmp_path_factory):
    singularity = make(folder, tmp_path_factory, "singularity")
    assert only_call(singularity, SNAKEFILE, target="a")[:2] == ["singularity", "exec"]


def test_further_arguments_are_read_by_a_shell(apptainer):
    plain = only_call(apptainer, SNAKEFILE, "--singularity-args", "--nv --bind /data:/data", target="a")
    assert plain[4:7] == ["--nv", "--bind", "/data:/data"]
    apptainer.run("b", "--apptainer-args", "--bind '/a b:/c' --env X=$WHERE", WHERE="here")
    assert apptainer.calls()[1][4:8] == ["--bind", "/a b:/c", "--env", "X=here"]


def test_the_rules_own_shell_is_called_by_its_name(apptainer):
    call = only_call(apptainer, 'shell.executable("/bin/sh")\n' + SNAKEFILE, target="a")
    assert call[5:7] == ["sh", "-c"]


def test_a_job_in_a_shadow_folder_runs_there(apptainer, tmp_path_factory):
    outside = str(tmp_path_factory.mktemp("shadows"))
    text = SNAKEFILE.replace('container: "docker://one"', 'container: "docker://one"\n    shadow: "minimal"')
    call = only_call(apptainer, text, target="a")
    here = str(apptainer.folder.path)
    assert call[3] == here and call[4] == "--pwd" and call[5].startswith(here + "/")
    assert apptainer.folder.read("a") == "one\n"
    apptainer.run("a", "--force", "--shadow-prefix", outside, "--apptainer-args=--verbose")
    again = apptainer.calls()[1]
    assert again[again.index("--pwd") + 1].startswith(outside)


def test_folders_outside_of_the_workflow_are_bound(apptainer, tmp_path_factory):
    scratch = "/var/spool"  # no folder that the program shows by itself
    elsewhere = tmp_path_factory.mktemp("sources", numbered=True)
    (elsewhere / "x.py").write_text("print(open(snakemake.input[0]).read(), file=open(snakemake.output[0], 'w'))")
    apptainer.folder.write("in", "text")
    call = only_call(apptainer, f"""
rule a:
    input: "in"
    output: "a"
    container: "docker://one"
    script: "{elsewhere}/x.py"
""", target="a", TMPDIR=scratch)
    binds = [call[i + 1] for i, word in enumerate(call) if word == "--bind"]
    assert scratch in binds and str(apptainer.folder.path) not in binds
    assert any(engine_folder.endswith("/evaluator") for engine_folder in binds)
    at = call.index(str(place(apptainer, "docker://one")))
    assert call[at + 1:at + 3] == ["python3", "-B"] and call[-1] == f"{elsewhere}/x.py"
    assert apptainer.folder.read("a") == "text\n"


def test_a_command_that_is_too_long_for_an_argument_goes_to_a_file(apptainer):
    apptainer.folder.write("Snakefile", """
rule a:
    output: "a"
    container: "docker://one"
    params: text="x" * 200_000
    shell: "echo {params.text} $IMAGE > {output}"
""")
    apptainer.run("a")
    assert apptainer.folder.read("a") == "x" * 200_000 + " one\n"
    assert not list((apptainer.folder.path / ".furrow" / "payload").iterdir())


def test_run_blocks_run_outside(apptainer):
    apptainer.folder.write("Snakefile", """
import os
container: "docker://one"
rule a:
    output: "a"
    run:
        open(output[0], "w").write(os.environ.get("IMAGE", "none"))
""")
    apptainer.run("a")
    assert apptainer.folder.read("a") == "none" and not apptainer.calls() and not apptainer.calls("pull")


def test_scripts_run_by_the_programs_of_the_image(apptainer):
    apptainer.tool("one", "python3", "'python of the image'")
    apptainer.tool("one", "Rscript", "'R of the image'")
    apptainer.folder.write("x.py", "")
    apptainer.folder.write("x.R", "")
    apptainer.folder.write("Snakefile", """
container: "docker://one"
rule p:
    output: touch("p")
    script: "x.py"
rule r:
    output: touch("r")
    script: "x.R"
""")
    done = apptainer.run("p", "r")
    assert "python of the image" in done.out + done.err and "R of the image" in done.out + done.err


# ---- conda in a container

CONDA = """
rule a:
    output: "a"
    container: "docker://one"
    conda: "envs/x.yaml"
    shell: "echo $IMAGE $(tool) > {output}"
"""


@pytest.fixture
def both(apptainer, tmp_path_factory):
    """The image docker://one has a conda. It is not on PATH otherwise."""
    made = conda_support.Conda(tmp_path_factory.mktemp("conda"))
    made.tool("tool", "by conda")
    apptainer.tool("one", "conda", f'> /dev/null; exec {made.base}/bin/conda "$@"')
    apptainer.folder.write("envs/x.yaml", made.yaml("tool"))
    apptainer.folder.write("Snakefile", CONDA)
    apptainer.conda = made
    return apptainer


def test_an_environment_is_made_and_used_in_the_container(both):
    prefix = str(both.folder.path / ".snakemake" / "conda")
    both.run("--use-conda")
    assert both.folder.read("a") == "one by conda\n"
    assert all(call[4] == str(place(both, "docker://one")) for call in both.calls())
    # As Snakemake: the folder, the image, and the file.
    text = prefix + "docker://one" + both.folder.read("envs/x.yaml")
    assert os.path.isdir(f"{prefix}/{digest(text)}_")
    [created] = [call for call in both.calls() if "create" in call]
    assert created[5:7] == ["env", "CONDA_CHANNEL_PRIORITY=strict"] and created[8:11] == ["conda", "env", "create"]
    both.run("--use-conda", "--forceall")
    assert len(both.conda.calls()) == 1
    assert f"envs/x.yaml\tdocker://one\t.snakemake/conda/{digest(text)}_" in both.run("--list-conda-envs").out


def test_without_its_option_the_image_is_used_alone(both):
    both.folder.write("Snakefile", CONDA.replace("$(tool)", "alone"))
    both.run()
    assert both.folder.read("a") == "one alone\n" and not both.conda.calls()


def test_a_script_runs_by_the_python_of_the_environment_in_the_container(both):
    both.conda.python(version=None)
    both.folder.write("envs/x.yaml", both.conda.yaml("python"))
    both.folder.write("x.py", "import os\nopen(snakemake.output[0], 'w').write(os.environ['WRAPPED'])\n")
    both.folder.write("Snakefile", CONDA.replace('shell: "echo $IMAGE $(tool) > {output}"', 'script: "x.py"'))
    both.run("--use-conda")
    assert both.folder.read("a") == "yes"


def test_an_image_without_conda_says_so(both):
    (both.base / "bin-of-one" / "conda").unlink()
    done = both.run("--use-conda", code=1)
    assert "cannot make container docker://one with conda envs/x.yaml" in done.err and not both.folder.exists("a")


def test_a_containerized_image_has_the_environments(both, tmp_path):
    both.folder.write("Snakefile", CONDA.replace("container:", "containerized:"))
    done = both.run("--use-conda", code=1)
    wanted = digest(both.folder.read("envs/x.yaml"))
    assert f"/conda-envs/{wanted}" in done.err and "cannot activate" in done.err
    assert not both.conda.calls()


# ---- what makes jobs due


def test_another_image_makes_a_job_due(apptainer):
    apptainer.run()
    assert "Nothing to do" in apptainer.run("-n").out
    apptainer.publish("other")
    apptainer.folder.write("Snakefile", SNAKEFILE.replace("docker://one", "docker://other"))
    assert "software environment has changed" in apptainer.run("-n").out
    assert "Nothing to do" in apptainer.run("-n", "--rerun-triggers", "mtime", "code").out
    apptainer.run()
    assert apptainer.folder.read("a") == "other\n"


def test_another_file_in_the_place_of_an_image_makes_a_job_due_and_a_copy_does_not(apptainer):
    apptainer.folder.write("x.sif", "first")
    apptainer.folder.write("Snakefile", SNAKEFILE.replace("docker://one", "x.sif"))
    apptainer.run("a")
    os.utime(apptainer.folder.path / "x.sif", (1, 1))
    assert "Nothing to do" in apptainer.run("-n", "a").out
    apptainer.folder.write("x.sif", "newer")
    assert "software environment has changed" in apptainer.run("-n", "a").out


# ---- what goes wrong


def test_without_a_program_nothing_that_needs_it_runs(apptainer):
    done = apptainer.run("-k", code=1, PATH="/usr/bin:/bin")
    assert "there is no apptainer or singularity on PATH" in done.err
    assert apptainer.folder.exists("plain") and not apptainer.folder.exists("a")


@pytest.mark.parametrize("text, words", [
    (None, "manifest unknown"),
    ("half of an image", "no space left on device"),
    ("nothing", "has made no file"),
])
def test_a_pull_that_fails_shows_the_command_and_what_it_printed(apptainer, text, words):
    if text:
        apptainer.publish("broken", text)
    apptainer.folder.write("Snakefile", SNAKEFILE.replace("docker://one", "docker://broken"))
    name = digest("docker://broken") + ".simg"
    done = apptainer.run("-k", code=1)
    assert "cannot pull the image docker://broken" in done.err and words in done.err
    assert f"pull --name {name} docker://broken" in done.err
    assert apptainer.folder.read("b") == "two\n" and apptainer.folder.exists("plain")
    assert not apptainer.folder.exists("a")
    left = {path.name for path in (apptainer.folder.path / ".snakemake" / "singularity").iterdir()}
    assert not any(digest("docker://broken") in each and not each.endswith(".lock") for each in left), left


def test_without_keep_going_no_job_starts(apptainer):
    apptainer.folder.write("Snakefile", SNAKEFILE.replace("docker://one", "docker://missing"))
    apptainer.run(code=1)
    assert not any(apptainer.folder.exists(name) for name in ("a", "b", "plain"))


def test_an_image_that_is_not_there_is_named(apptainer):
    apptainer.folder.write("Snakefile", SNAKEFILE.replace("docker://one", "images/one.sif"))
    done = apptainer.run("-k", code=1)
    assert f"there is no container image {apptainer.folder.path}/images/one.sif" in done.err
    assert apptainer.folder.exists("b")


def test_a_name_with_blanks_is_an_error_of_its_jobs_alone(apptainer):
    apptainer.folder.write("Snakefile", SNAKEFILE.replace("docker://one", "docker://one or two"))
    apptainer.run("b")
    assert "no blanks" in apptainer.run("a", code=1).err


def test_an_image_without_bash_fails_its_job_and_says_so(apptainer):
    apptainer.publish("one", "one without-bash")
    done = apptainer.run("-k", code=1)
    assert '"bash": executable file not found' in done.err and apptainer.folder.exists("b")


def test_an_image_that_goes_while_the_run_goes_on_is_missed(apptainer):
    image = place(apptainer, "docker://one")
    apptainer.folder.write("Snakefile", f"""
rule a:
    input: "before"
    output: "a"
    container: "docker://one"
    shell: "echo $IMAGE > {{output}}"
rule before:
    output: "before"
    shell: "rm {image}; touch before"
""")
    done = apptainer.run("a", code=1)
    assert "has been removed while the run went on" in done.err and str(image) in done.err


# ---- two at a time, and the end of one


def start(apptainer, *arguments):
    command = [*engine.FURROW_RUN, "-c2", "--use-apptainer", *arguments]
    with open(apptainer.folder.path / "printed", "w") as printed:
        return subprocess.Popen(command, cwd=apptainer.folder.path, env=engine.environment(**apptainer.environment()),
                                stdout=printed, stderr=printed)


def test_a_puller_that_is_killed_leaves_nothing_that_is_used(apptainer):
    wait = apptainer.base / "wait"
    wait.touch()
    first = start(apptainer, "a")
    wait_until(lambda: apptainer.calls("pull"), 30, "it pulls")
    first.send_signal(signal.SIGKILL)
    first.wait()
    wait.unlink()
    apptainer.run("a")
    assert apptainer.folder.read("a") == "one\n" and len(apptainer.calls("pull")) == 2
    left = list((apptainer.folder.path / ".snakemake" / "singularity").glob("*.pull"))
    assert left == []


def test_of_two_runs_one_pulls_and_the_other_waits(apptainer, tmp_path):
    (apptainer.base / "wait").touch()
    prefix = ["--singularity-prefix", str(tmp_path / "images")]
    first = start(apptainer, "a", *prefix)
    wait_until(lambda: apptainer.calls("pull"), 30, "it pulls")
    apptainer.folder.write("second/Snakefile", SNAKEFILE)
    second = start(apptainer, "a", "-d", "second", "-s", "second/Snakefile", *prefix)
    waits = "Waiting for another run that pulls docker://one"
    wait_until(lambda: waits in apptainer.folder.read("printed"), 30, waits)
    (apptainer.base / "wait").unlink()
    for run in (first, second):
        assert run.wait(60) == 0
        assert len(apptainer.calls("pull")) == 1
    assert apptainer.folder.read("a") == apptainer.folder.read("second/a") == "one\n"


def test_an_interrupted_run_ends_its_pull(apptainer):
    (apptainer.base / "wait").touch()
    run = start(apptainer, "a")
    wait_until(lambda: apptainer.calls("pull"), 30, "it pulls")
    run.send_signal(signal.SIGINT)
    assert run.wait(60) != 0
    assert not list((apptainer.folder.path / ".snakemake" / "singularity").glob("*.pull"))
