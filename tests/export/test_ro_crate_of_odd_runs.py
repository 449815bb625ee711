"""Crates of runs that were killed or go on, of files with hostile names, and of workflows with secrets or software."""

import os
import signal
import time

import conda as conda_support
import engine
import modules
import pytest
from ro_crate import DONE, FAILED, RUNNING, Crate, ids
from running import Running, wait_until

SLOW = """
rule all:
    input: "quick", "slow"
rule quick:
    output: "quick"
    shell: "echo > quick"
rule slow:
    input: "quick"
    output: "slow"
    shell: "touch begun; while [ ! -e go ]; do sleep 0.05; done; touch {output}"
"""
NAMES = ["a b", "quo'te\"s", "line\nend", "\u00fc\u4e2d\U0001f600", "per%20cent#x?y", "co:lon", "@id", "\u202eright",
         "a<b&c", "back\\slash", "dash-", "x" * 200, "ro-crate-metadata.json", "\udcff\udce2\udc82"]


def started(folder, name):
    folder.write("Snakefile", SLOW)
    run = Running(["-c2"], folder.path, engine.environment(), f"EXPORTED={name}")
    run.wait_for_file("begun")
    return run


def test_a_run_that_was_killed_is_exported(folder):
    run = started(folder, "killed")
    time.sleep(1)  # so that the journal has the start
    run.signal(signal.SIGKILL)
    run.wait()
    run.wait_for_nothing_left(20)
    crate = folder.crate("killed")
    jobs = crate.jobs()
    assert (jobs["quick"]["actionStatus"], jobs["slow"]["actionStatus"]) == (DONE, FAILED)
    assert jobs["slow"]["error"] == "It had not ended when its run was killed." and "endTime" not in jobs["slow"]
    run, = crate.runs()
    assert (run["actionStatus"], run["error"]) == (FAILED, "The run was killed.")
    folder.write("go", "")
    folder.run("-c2")
    assert {job["actionStatus"] for job in folder.crate("again").jobs().values()} == {DONE}


def test_a_run_that_goes_on_is_exported_and_not_disturbed(folder):
    run = started(folder, "live")

    def exported():
        result = engine.furrow("export", "--ro-crate", folder.path.parent / "live", cwd=folder.path)
        return result if result.code == 0 else None
    result = wait_until(exported, 20, "a job has ended")
    assert "1 job of a run that goes on left out" in result.err
    crate = Crate(folder.path.parent / "live")
    assert set(crate.jobs()) == {"quick"}
    assert crate.runs()[0]["actionStatus"] == RUNNING and "endTime" not in crate.runs()[0]
    folder.write("go", "")
    assert run.wait() == 0, run.text()


@pytest.fixture(scope="module")
def hostile(module_folder):
    place = os.fsencode(module_folder.path)
    for at, name in enumerate(map(os.fsencode, NAMES)):
        os.makedirs(place + b"/dir/" + name)
        for path in (name, b"dir/" + name + b"/f {} " + name[:50]):
            with open(place + b"/" + path, "w") as file:
                file.write(f"{at}\n")
    module_folder.run("-c2", snakefile="""
import os
NAMES = sorted(name for name in os.listdir(".") if name != "Snakefile" and os.path.isfile(name))
rule all:
    input: ["out/%d" % at for at in range(len(NAMES))]
rule copy:
    input: lambda wildcards: NAMES[int(wildcards.at)], "dir"
    output: "out/{at}"
    run:
        import shutil
        shutil.copy(input[0], output[0])
""")
    return module_folder


def test_hostile_names_are_encoded_and_their_files_are_found(hostile):
    crate = hostile.crate("hostile")
    assert len(crate.jobs()) == len(NAMES)
    assert crate.jobs()["copy (at=0)"]["description"] == "Rule copy of Snakefile, line 6"
    for identifier in ("a%20b", "quo'te%22s", "line%0Aend", "\u00fc\u4e2d\U0001f600", "per%2520cent%23x%3Fy",
                       "co%3Alon", "%40id", "%E2%80%AEright", "a%3Cb&c", "back%5Cslash", "%FF%E2%82"):
        assert "File" in crate[identifier]["@type"]
        assert identifier + "/" not in crate.entities and f"dir/{identifier}/" not in crate.entities
        assert any(part.startswith(f"dir/{identifier}/f%20%7B%7D%20") for part in ids(crate["dir/"]["hasPart"]))
    assert crate["%FF%E2%82"]["name"] == "\ufffd\ufffd\ufffd"
    renamed = crate["renamed/ro-crate-metadata.json"]
    assert renamed["alternateName"] == "ro-crate-metadata.json"


def test_what_a_folder_has_got_since_is_noticed_and_what_is_no_file_is_counted(folder):
    folder.run(snakefile="rule a:\n    output: directory('made')\n"
                         "    shell: 'mkdir made; echo > made/x; ln -s .. made/up'\n")
    crate = folder.crate("at once")
    assert crate["made/"]["description"] == \
        "1 name in it left out: links to folders, special files, or what cannot be read."
    assert "1 in folders that are links to folders" in folder.export("--ro-crate", folder / "x").err
    later = time.time() + 100
    os.utime(folder / "made/x", (later, later))
    assert "It has changed since the run" in folder.crate("later")["made/"]["description"]
    assert "warning: made has changed since the run" in folder.export("--ro-crate", folder / "y").err


def test_a_file_outside_of_the_folder_is_named_but_not_included(folder):
    (folder.path.parent / "reference").write_text("bases\n")
    (folder.path.parent / "rules").mkdir()
    (folder.path.parent / "rules/a.smk").write_text("rule a:\n    input: '../reference'\n    output: 'a'\n"
                                                    "    shell: 'cp {input} {output}'\n")
    folder.run(snakefile="include: '../rules/a.smk'\n")
    crate = folder.crate("outside")
    place, = crate.files(crate.jobs()["a"]["object"])
    assert place == str(folder.path.parent / "reference")
    entity = crate["#file/" + place]
    assert entity["localPath"] == place and entity["contentSize"] == "6" and entity["sha256"]
    # What the workflow consists of is included, wherever it is.
    assert crate["sources/a.smk"]["alternateName"] == str(folder.path.parent / "rules/a.smk")


def test_values_of_envvars_are_not_in_the_crate(folder):
    secret = "s3cret-of-mine"
    folder.run(env={"TOKEN": secret}, code=1, snakefile="""
envvars: "TOKEN"
config["token"] = os.environ["TOKEN"]
rule all:
    input: "a", "b"
rule a:
    output: "a"
    params: token=os.environ["TOKEN"]
    shell: "echo {params.token} | wc -c > {output}"
rule b:
    output: "b"
    shell: "echo $TOKEN >&2; exit 1"
""")
    crate = folder.crate("redacted", env={"TOKEN": secret})
    with open(os.path.join(crate.folder, b"ro-crate-metadata.json")) as file:
        text = file.read()
    assert secret not in text and "echo (redacted) | wc -c > a" in text
    assert crate.values(crate.jobs()["a"])["token"] in ("(redacted)", "'(redacted)'")
    assert crate.values(crate.runs()[0])["token"] == "(redacted)"
    journals = [path.read_bytes() for path in (folder / ".furrow/runs").iterdir()]
    assert b'token' in journals[0]
    # Without the variable nobody can tell where its value is.
    result = folder.export("--ro-crate", folder.path / "hidden")
    assert "warning: commands and params are left out" in result.err and "TOKEN" in result.err
    hidden = Crate(folder / "hidden")
    with open(folder / "hidden/ro-crate-metadata.json") as file:
        assert secret not in file.read()
    assert hidden.jobs()["a"]["description"].startswith("Left out")


def test_the_conda_file_of_a_rule_is_what_its_step_is_built_from(folder, tmp_path):
    conda = conda_support.Conda(tmp_path / "conda")
    conda.tool("tool1")
    folder.write("envs/tool.yaml", conda.yaml("tool1"))
    folder.run("--use-conda", env={"PATH": os.pathsep.join(["/usr/bin", "/bin", conda.path()])}, snakefile="""
rule a:
    output: "a"
    conda: "envs/tool.yaml"
    shell: "tool1 > {output}"
""")
    crate = folder.crate("conda", "--slim")
    step, = crate.resolve(crate.workflow["step"])
    environment, = crate.resolve(step["buildInstructions"])
    assert environment["name"] == "envs/tool.yaml" and environment["encodingFormat"] == "application/yaml"
    assert crate.facts(crate.jobs()["a"])["software environment"].startswith("conda ")


@pytest.mark.skipif(modules.missing("tcl") is not None, reason="needs Debian's environment-modules")
def test_modules_of_a_rule_are_what_its_tool_requires(folder, tmp_path):
    variables = modules.variables("tcl", modules.make(tmp_path / "modules", "tool/1.5"))
    folder.run("--use-envmodules", env=variables, snakefile="""
rule a:
    output: "a"
    envmodules: "tool/1.5"
    shell: "echo > {output}"
""")
    crate = folder.crate("modules")
    tool, = crate.resolve(crate.workflow["hasPart"])
    module, = crate.resolve(tool["softwareRequirements"])
    assert (module["name"], module["softwareVersion"]) == ("tool", "1.5")


def test_two_workflows_of_a_folder_are_kept_apart(folder):
    rules = "rule make:\n    output: '%s'\n    shell: 'echo > {output}'\n"
    folder.write("first.smk", rules % "a")
    folder.write("second.smk", rules % "b")
    folder.run("-s", "first.smk")
    folder.run("-s", "second.smk")
    crate = folder.crate("two")
    assert crate.workflow["name"] == "second.smk"
    assert {workflow["name"]: ids(workflow["hasPart"]) for workflow in crate.of_type("ComputationalWorkflow")} == {
        "first.smk": ["#workflow-2/rule/make"], "second.smk": ["#rule/make"]}
    made = {crate.resolve(action["instrument"])[0]["@id"]: crate.files(action["result"])
            for action in crate.of_type("CreateAction")}
    assert made["#rule/make"] == made["second.smk"] == ["b"]
    assert made["#workflow-2/rule/make"] == made["first.smk"] == ["a"]


def test_rules_that_need_each_other_have_no_order(folder):
    folder.run("3", snakefile="""
rule even:
    input: lambda wildcards: str(int(wildcards.n) - 1)
    output: "{n,[24]}"
    shell: "echo > {output}"
rule odd:
    input: lambda wildcards: [] if wildcards.n == "1" else str(int(wildcards.n) - 1)
    output: "{n,[13]}"
    shell: "echo > {output}"
""")
    crate = folder.crate("circle")
    assert len(crate.of_type("HowToStep")) == 2
    assert not any("position" in step for step in crate.of_type("HowToStep"))


def test_wildcards_whose_text_is_ambiguous_are_one_value(folder):
    folder.run("out/1, y=2/3", "out/1/2", snakefile="""
rule a:
    output: "out/{x}/{y}"
    shell: "echo > {output:q}"
""")
    crate = folder.crate("wildcards")
    values = {action["name"]: crate.values(action) for action in crate.jobs().values()}
    assert values == {"a (x=1, y=2)": {"x": "1", "y": "2"}, "a (x=1, y=2, y=3)": {"wildcards": "x=1, y=2, y=3"}}


def test_an_interrupted_export_leaves_nothing(folder):
    folder.run(snakefile="rule a:\n    output: directory('many')\n"
                         "    shell: 'mkdir many; cd many; seq 20000 | xargs touch'\n")
    run = Running(["export", "--ro-crate", "crate"], folder.path, engine.environment(), "EXPORTED=stopped",
                  program=[engine.FURROW])
    wait_until(lambda: [name for name in os.listdir(folder.path) if name.startswith("crate.")], 20, "it has begun")
    run.signal(signal.SIGTERM)
    assert run.wait() == 128 + signal.SIGTERM, run.text()
    assert sorted(os.listdir(folder.path)) == [".furrow", "Snakefile", "engine.out", "many"]
