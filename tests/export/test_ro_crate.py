"""`furrow export --ro-crate`: runs as a Provenance Run Crate. Crate() checks what they have in common."""

import json
import os
import shutil

import engine
import pytest
from ro_crate import DONE, FAILED, Crate, ids, types

SNAKEFILE = """
configfile: "config.yaml"
include: "rules/count.smk"
rule all:
    input: "report.txt", "parts"
rule report:
    input: expand("counts/{sample}.tsv", sample=config["samples"]), "config.yaml"
    output: "report.txt"
    params: title=config["title"], depth=3
    threads: 2
    script: "scripts/report.py"
rule split:
    "Splits a text into its lines."
    input: "data/A.txt"
    output: directory("parts")
    shell: "mkdir -p {output}/deep; split -l1 {input} {output}/deep/; echo x > '{output}/a b'"
"""
COUNT = """
rule count:
    input: "data/{sample}.txt"
    output: "counts/{sample}.tsv"
    shell: "wc -l < {input} > {output}"
"""
SCRIPT = "open(snakemake.output[0], 'w').write(snakemake.params.title)\n"


@pytest.fixture(scope="module")
def made(module_folder):
    module_folder.write("Snakefile", SNAKEFILE)
    module_folder.write("rules/count.smk", COUNT)
    module_folder.write("scripts/report.py", SCRIPT)
    module_folder.write("config.yaml", "samples: [A, B]\ntitle: Some counts\n")
    for sample, text in (("A", "one\ntwo\n"), ("B", "three\n")):
        module_folder.write(f"data/{sample}.txt", text)
    module_folder.run("-c2")
    return module_folder


@pytest.fixture(scope="module")
def crate(made):
    return made.crate("whole", "--license", "https://spdx.org/licenses/CC-BY-4.0")


def test_the_workflow_is_the_main_entity_with_its_rules_as_tools_and_steps(crate):
    assert crate.root["mainEntity"] == {"@id": "Snakefile"}
    tools = {tool["name"]: tool for tool in crate.resolve(crate.workflow["hasPart"])}
    assert set(tools) == {"count", "report", "split"}
    assert tools["split"]["description"] == "Splits a text into its lines.\nRule split of Snakefile, line 12"
    assert ids(tools["report"]["mainEntity"]) == ["scripts/report.py"]
    positions = {step["name"]: int(step["position"]) for step in crate.resolve(crate.workflow["step"])}
    assert positions["count"] < positions["report"]
    for source in ("rules/count.smk", "scripts/report.py"):
        assert types(crate[source]) == ["File", "SoftwareSourceCode"]
    assert ids(crate["rules/count.smk"]["isPartOf"]) == ["Snakefile"]
    assert crate.root["license"] == {"@id": "https://spdx.org/licenses/CC-BY-4.0"}


def test_each_job_is_an_action_with_all_that_is_known_of_it(crate):
    jobs = crate.jobs()
    assert set(jobs) == {"count (sample=A)", "count (sample=B)", "report", "split"}
    count, report = jobs["count (sample=A)"], jobs["report"]
    assert count["description"] == "wc -l < data/A.txt > counts/A.tsv"
    assert (crate.files(count["object"]), crate.files(count["result"])) == (["data/A.txt"], ["counts/A.tsv"])
    assert crate.values(count) == {"sample": "A"}
    assert crate.facts(count) == {"threads": "1", "attempt": "1", "exit status": "0"}
    assert crate.files(report["object"]) == ["config.yaml", "counts/A.tsv", "counts/B.tsv"]
    assert crate.values(report) == {"title": "'Some counts'", "depth": "3"} or \
        crate.values(report) == {"title": "Some counts", "depth": "3"}
    assert crate.facts(report)["threads"] == "2"
    for job in jobs.values():
        assert job["actionStatus"] == DONE
        assert crate.resolve(job["agent"])[0]["name"] and crate.resolve(job["location"])[0]["name"]


def test_the_run_has_what_went_in_and_what_came_out(crate):
    run, = crate.runs()
    assert run["actionStatus"] == DONE and run["description"].startswith("furrow run -c2")
    assert set(crate.files(run["object"])) == {"data/A.txt", "data/B.txt", "config.yaml"}
    assert set(crate.files(run["result"])) == {"report.txt", "parts"}
    assert crate.values(run) == {"samples": '["A","B"]', "title": "Some counts"}
    engine_run, = crate.of_type("OrganizeAction")
    assert crate.resolve(engine_run["instrument"])[0]["name"] == "Furrow"
    steps = {step["name"]: step for step in crate.resolve(engine_run["object"])}
    assert len(steps["Jobs of rule count"]["object"]) == 2


def test_a_folder_is_a_dataset_with_its_files(crate):
    assert types(crate["parts/"]) == ["Dataset"]
    assert ids(crate["parts/"]["hasPart"]) == ["parts/a%20b", "parts/deep/aa", "parts/deep/ab"]
    assert "parts/" in ids(crate.jobs()["split"]["result"])


def test_a_slim_crate_has_the_checksums_and_the_workflow_but_no_data(made, crate):
    slim = made.crate("slim", "--slim")
    there = {os.path.relpath(os.path.join(place, name), os.fsdecode(slim.folder))
             for place, _, names in os.walk(os.fsdecode(slim.folder)) for name in names}
    assert there == {"ro-crate-metadata.json", "Snakefile", "rules/count.smk", "scripts/report.py", "config.yaml"}
    for name in ("data/A.txt", "counts/B.tsv", "parts/deep/aa"):
        left_out, whole = slim["#file/" + name], crate[name]
        assert left_out["localPath"] == name and left_out["description"] == "Not included."
        assert [left_out[key] for key in ("sha256", "contentSize")] == [whole[key] for key in ("sha256", "contentSize")]
    assert slim.root["description"].endswith("The data is not included.")
    assert "note: not all files are included: 8 left out" in made.export("--ro-crate", made.path / "x", "--slim").err
    shutil.rmtree(made.path / "x")


def test_the_same_crate_is_made_again_and_needs_neither_python_nor_the_snakefile_to_load(made, crate, tmp_path):
    again = engine.furrow("export", made.path, "--ro-crate", tmp_path / "again", cwd="/", env={"PATH": "/nowhere"})
    assert again.code == 0, str(again)
    assert "again has 4 jobs of 1 run, and " in again.err

    def known(crate):
        return {e["@id"]: e for e in crate.graph if e["@id"] not in ("./", "https://spdx.org/licenses/CC-BY-4.0")}
    assert known(Crate(tmp_path / "again")) == known(crate)


def test_a_file_that_has_changed_is_not_taken_for_the_one_that_was_used(made, tmp_path):
    copy = type(made)(tmp_path / "copy")
    shutil.copytree(made.path, copy.path)
    copy.write("data/A.txt", "another text\n")
    os.unlink(copy / "data/B.txt")
    copy.write("Snakefile", SNAKEFILE + "# new\n")
    result = copy.export("--ro-crate", tmp_path / "crate")
    changed = Crate(tmp_path / "crate")
    assert "not all files are included: 1 no longer there, 1 changed since" in result.err
    assert "warning: Snakefile has changed since the run" in result.err
    assert changed["#file/data/A.txt"]["description"] == "Not included: it has changed since."
    assert "sha256" not in changed["#file/data/A.txt"] and changed["#file/data/A.txt"]["contentSize"] == "8"
    assert changed["#file/data/B.txt"]["description"] == "Not included: it is no longer there."
    assert changed["Snakefile"]["description"] == "It has changed since the run; this is how it is now."
    # The same bytes are no change, whatever their time.
    os.utime(copy / "counts/A.tsv", (1, 1))
    assert "counts/A.tsv" in copy.crate("touched").entities


def test_a_run_that_failed_is_exported_with_what_went_wrong(folder):
    folder.run("-c1", "-k", code=1, snakefile="""
rule all:
    input: "good", "bad", "after"
rule good:
    output: "good"
    shell: "echo > {output}"
rule bad:
    output: "bad"
    shell: "echo oh no >&2; exit 3"
rule after:
    input: "bad"
    output: "after"
    shell: "echo > {output}"
""")
    crate = folder.crate("failed")
    jobs = crate.jobs()
    assert set(jobs) == {"good", "bad"}
    assert (jobs["good"]["actionStatus"], jobs["bad"]["actionStatus"]) == (DONE, FAILED)
    assert jobs["bad"]["error"].startswith("Exit status 3.") and "oh no" in jobs["bad"]["error"]
    assert jobs["bad"]["result"] == [] and crate.facts(jobs["bad"])["exit status"] == "3"
    run, = crate.runs()
    assert (run["actionStatus"], run["error"]) == (FAILED, "A job has failed.")
    steps = {step["name"]: step["actionStatus"] for step in crate.of_type("ControlAction")}
    assert steps == {"Jobs of rule good": DONE, "Jobs of rule bad": FAILED}


def test_results_of_earlier_runs_are_actions_of_these_runs(folder):
    rules = "rule a:\n    output: 'a'\n    shell: 'echo 1 > a'\n" \
            "rule b:\n    input: 'a'\n    output: 'b'\n    shell: 'cat a > b'\n"
    folder.run("a", snakefile=rules)
    first = os.listdir(folder / ".furrow/runs")[0].split("-")[1].split(".")[0]
    folder.run("b")
    crate = folder.crate("both")
    by_run = {step["name"]: engine_run["@id"] for engine_run in crate.of_type("OrganizeAction")
              for step in crate.resolve(engine_run["object"])}
    assert len(set(by_run.values())) == 2
    last = by_run["Jobs of rule b"].split("/")[1]
    alone = folder.crate("last", "--run", last[:8])
    assert set(alone.jobs()) == {"b"} and set(crate.jobs()) == {"a", "b"}
    refused = folder.export("--ro-crate", "x", "--run", "zz", code=1)
    assert "there is no run zz" in refused.err and not (folder / "x").exists()
    folder.run("-F", "a")
    assert "nothing that the run " + first in folder.export("--ro-crate", "x", "--run", first, code=1).err
    # Without the journals of the runs before, their jobs are still known.
    for name in sorted(os.listdir(folder / ".furrow/runs"))[:2]:
        os.unlink(folder / ".furrow/runs" / name)
    forgotten = folder.crate("forgotten")
    assert set(forgotten.jobs()) == {"a", "b"} and "#run/earlier" in forgotten.entities


def test_an_input_that_was_edited_between_two_runs_is_two_files(folder):
    rules = "rule a:\n    input: 'in'\n    output: 'a'\n    shell: 'cat in > a'\n" \
            "rule b:\n    input: 'in'\n    output: 'b'\n    shell: 'cat in > b'\n"
    folder.write("in", "first\n")
    folder.run("a", snakefile=rules)
    folder.write("in", "second text\n")
    folder.run("b")
    crate = folder.crate("edited")
    (old,), (new,) = (ids(crate.jobs()[name]["object"]) for name in "ab")
    assert new == "in" and old.startswith("#earlier/")
    assert crate[old]["contentSize"] == "6" and crate[old]["description"] == "Not included: it has changed since."


def test_a_crate_is_made_whole_or_not_at_all(made, tmp_path):
    full = tmp_path / "full"
    full.mkdir()
    (full / "mine").write_text("")
    refused = made.export("--ro-crate", full, code=1)
    assert "is there already, and is not empty" in refused.err and os.listdir(full) == ["mine"]
    (tmp_path / "file").write_text("")
    assert "is there already, and is no folder" in made.export("--ro-crate", tmp_path / "file", code=1).err
    assert sorted(os.listdir(tmp_path)) == ["file", "full"]
    (tmp_path / "empty").mkdir()
    made.export("--ro-crate", tmp_path / "empty")
    Crate(tmp_path / "empty")
    assert sorted(os.listdir(tmp_path)) == ["empty", "file", "full"]


def test_mistakes_are_named(folder, tmp_path):
    assert "--ro-crate CRATE is missing" in folder.export(code=2).err
    assert "no workflow has run in" in folder.export("--ro-crate", "x", code=1).err
    folder.run(snakefile="rule all:\n    shell: ''\n")
    assert sorted(os.listdir(folder.path)) == [".furrow", "Snakefile"]


def test_the_metadata_is_one_entity_a_line(crate):
    with open(os.path.join(crate.folder, b"ro-crate-metadata.json")) as file:
        lines = file.read().splitlines()
    assert len(lines) == len(crate.graph) + 3
    assert json.loads(lines[2].rstrip(","))["@id"] == "ro-crate-metadata.json"
