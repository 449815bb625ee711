"""Options that print or write something about a workflow or its run: --stats, --debug-dag, --lint and more."""
import json

SNAKEFILE = """
rule all:
    input: "b.1", "b.2"
rule a:
    output: "a"
    resources: mem_mb=5
    threads: 1
    shell: "echo a > {output}"
rule b:
    input: "a"
    output: "b.{n}"
    log: "logs/{n}"
    shell: "cp {input} {output}"
"""


def test_stats_hold_how_long_rules_and_files_took(folder):
    folder.run("-c1", "--stats", "out.json", snakefile=SNAKEFILE)
    stats = json.loads(folder.read("out.json"))
    assert sorted(stats) == ["files", "rules", "total_runtime"]
    assert sorted(stats["rules"]) == ["a", "all", "b"] and sorted(stats["files"]) == ["a", "b.1", "b.2"]
    times = stats["rules"]["b"]
    assert 0 < times["min-runtime"] <= times["mean-runtime"] <= times["max-runtime"] <= stats["total_runtime"]
    file = stats["files"]["a"]
    assert sorted(file) == ["duration", "priority", "resources", "start-time", "stop-time"]
    assert file["resources"]["_cores"] == 1 and file["resources"]["mem_mb"] == 5
    folder.run("-c1", "--stats", "none.json")
    assert json.loads(folder.read("none.json")) == {"total_runtime": 0.0, "rules": {}, "files": {}}


def test_stats_omit_jobs_that_failed(folder):
    snakefile = SNAKEFILE.replace("cp {input}", "test {wildcards.n} = 1; cp {input}")
    folder.run("-c1", "-k", "--stats", "out.json", code=1, snakefile=snakefile)
    assert sorted(json.loads(folder.read("out.json"))["files"]) == ["a", "b.1"]


def test_debug_dag_names_candidates_and_choices(folder):
    more = "ruleorder: b > c\nrule c:\n    output: 'b.{m}'\n    shell: 'touch {output}'\n"
    done = folder.run("-n", "--debug-dag", snakefile=SNAKEFILE + more)
    lines = done.err.splitlines()
    pairs = [(line, lines[i + 1].strip()) for i, line in enumerate(lines[:-1]) if " job " in line]
    assert pairs[:5] == [("candidate job all", "wildcards:"), ("candidate job b", "wildcards: n=1"),
                         ("candidate job c", "wildcards: m=1"), ("candidate job a", "wildcards:"),
                         ("selected job a", "wildcards:")]
    assert ("selected job b", "wildcards: n=2") in pairs and pairs[-1] == ("selected job all", "wildcards:")
    assert "selected job c" not in done.err
    assert "4 jobs would run" in done.out


def test_lint_returns_1_if_there_is_advice(folder):
    done = folder.run("--lint", snakefile=SNAKEFILE, code=1)
    assert "Lints for rule a (line 4, " in done.out and "No log directive defined" in done.out
    found = json.loads(folder.run("--lint", "json", code=1).out)
    assert [place["for"]["rule"] for place in found["rules"]] == ["a", "b"]
    folder.run("--lint", snakefile="rule all:\n    input: []\n")
    assert "neither text nor json" in folder.run("--lint", "xml", code=2).err


def test_print_compilation_prints_python(folder):
    text = folder.run("--print-compilation", snakefile=SNAKEFILE).out
    compile(text, "Snakefile", "exec")
    assert "cp {input} {output}" in text
    assert not folder.exists(".furrow")


def test_cleanup_metadata_forgets_how_files_were_made(folder):
    folder.run("-c1", snakefile=SNAKEFILE)
    changed = SNAKEFILE.replace("cp {input}", "cat {input} >")
    assert "code has changed" in folder.run("-n", snakefile=changed).out
    folder.run("--cleanup-metadata", "b.1", "./b.2")
    assert "Nothing to do" in folder.run("-n").out
    done = folder.run("--cleanup-metadata", "a", "nope", code=1)
    assert "there is no record of nope" in done.err
    assert folder.exists("a") and folder.exists("b.1")


def test_files_that_the_workflow_does_not_know_are_listed(folder):
    folder.run("-c1", snakefile=SNAKEFILE)
    for name in ("extra", "sub/more", ".hidden", ".git/x", "logs/1"):
        folder.write(name, "")
    assert folder.run("--list-untracked").out.split() == ["Snakefile", "extra", "sub/more"]


def test_the_graph_as_json(folder):
    graph = json.loads(folder.run("--d3dag", snakefile=SNAKEFILE).out)
    names = {node["id"]: node["value"]["rule"] for node in graph["nodes"]}
    edges = sorted((names[link["u"]], names[link["v"]]) for link in graph["links"])
    assert edges == [("a", "b"), ("a", "b"), ("b", "all"), ("b", "all")]
