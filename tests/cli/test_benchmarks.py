"""benchmark: as lines of JSON, with more columns, and measured several times."""
import json

SNAKEFILE = """
rule a:
    input: "in.txt"
    output: "{w}.out"
    params: x="it's", y=lambda wildcards: [1, 2]
    resources: mem_mb=5
    benchmark: "{w}.jsonl"
    shell: "touch {output}"
"""
USUAL = ["s", "h:m:s", "max_rss", "max_vms", "max_uss", "max_pss", "io_in", "io_out", "mean_load", "cpu_time"]
MORE = ["jobid", "rule_name", "wildcards", "params", "threads", "cpu_usage", "resources", "input_size_mb"]


def test_a_file_named_jsonl_has_lines_of_json(folder):
    folder.write("in.txt", "1")
    folder.run("-c1", "z.out", snakefile=SNAKEFILE.replace('"{w}.jsonl"', 'repeat("{w}.jsonl", 2)'))
    lines = folder.read("z.jsonl").splitlines()
    assert len(lines) == 2
    assert sorted(json.loads(lines[0])) == sorted(USUAL)


def test_extended_benchmarks_have_the_job(folder):
    folder.write("in.txt", "x" * 2**20)
    folder.run("-c1", "--benchmark-extended", "z.out", snakefile=SNAKEFILE)
    row = json.loads(folder.read("z.jsonl"))
    assert sorted(row) == sorted(USUAL + MORE)
    assert row["rule_name"] == "a" and row["wildcards"] == {"w": "z"} and row["threads"] == 1
    assert row["params"]["x"] == "it's" and row["resources"]["mem_mb"] == 5
    assert row["input_size_mb"] == {"in.txt": 1.0} and row["jobid"] == 1


def test_the_same_as_a_table(folder):
    folder.write("in.txt", "x" * 2**20)
    folder.run("-c1", "--benchmark-extended", "z.out", snakefile=SNAKEFILE.replace("jsonl", "tsv"))
    head, row = [line.split("\t") for line in folder.read("z.tsv").splitlines()]
    assert head == USUAL + MORE
    row = dict(zip(head, row))
    assert row["wildcards"] == "{'w': 'z'}" and row["params"].startswith("{'x': 'it\\'s', ")
    assert row["input_size_mb"] == "{'in.txt': 1}"


def test_a_job_that_fails_the_second_time_has_failed(folder):
    snakefile = ('rule a:\n    output: "a"\n    benchmark: repeat("b.tsv", 3)\n'
                 '    shell: "echo 1 >> runs; test $(wc -l < runs) -lt 2; touch {output}"\n')
    folder.run("-c1", code=1, snakefile=snakefile)
    assert folder.read("runs") == "1\n1\n"
    assert not folder.exists("a") and not folder.exists("b.tsv")


def test_a_shadow_folder_serves_all_times(folder):
    snakefile = ('rule a:\n    output: "a"\n    benchmark: repeat("b.tsv", 2)\n    shadow: "minimal"\n'
                 '    shell: "echo 1 >> runs; cp runs {output}"\n')
    folder.run("-c1", snakefile=snakefile)
    assert folder.read("a") == "1\n1\n" and not folder.exists("runs")
