"""What `prepare` makes from shell commands and messages."""

import json

import pytest
from conftest import job_error


def command(client, name="a", wildcards=None, **fields):
    return client.one("prepare", client.job(name, wildcards, **fields))["shell"]


@pytest.mark.parametrize(
    "template, filled",
    [
        ("{input}", "a b x.txt"),
        ("{input:q}", "'a b' x.txt"),
        ("{input[1]} {input.n} {input[n]}", "x.txt x.txt x.txt"),
        ("{output.o} {output}", "out/S out/S"),
        ("{wildcards.s} {wildcards}", "S s=S"),
        ("{params.p} {params[0]} {params.d[k]} {params.l}", "pS pS v 1 2"),
        ("{threads:>3}|{threads:03d}", "  2|002"),
        ("{resources.mem_mb} {resources.mem}", "500 500 MB"),
        ("{rule} {log}", "a l"),
        ("{{print $1}} {G} {os.sep} {config[x][y]}", "{print $1} [g] / 7"),
        ("{params.none!r} {params.q:q} {params.empty:q}", "None 'it'\"'\"'s' "),
        ("no braces", "no braces"),
    ],
)
def test_templates(folder, template, filled):
    client = folder.load(
        f"""
        G = "[g]"
        rule a:
            input: "a b", n="x.txt"
            output: o="out/{{s}}"
            params: p="p{{s}}", d={{"k": "v"}}, l=[1, 2], none=None, q="it's", empty=""
            threads: 2
            resources: mem_mb=500
            log: "l"
            shell: {template!r}
        """,
        config={"x": {"y": 7}},
    )
    assert command(client, wildcards={"s": "S"}) == filled


def test_the_parts_of_a_shell_job(folder):
    client = folder.load('rule a:\n    output: "o"\n    message: "makes {output}"\n    shell: "touch {output}"\n')
    answer = client.one("prepare", client.job("a"))
    assert answer["message"] == "makes o" and answer["shell"] == "touch o" and answer["prefix"] == "set -euo pipefail; "
    assert answer["executable"].endswith("/bash")
    assert client.one("describe", client.job("a"))["shell"] == "touch o"


def test_prefix_suffix_and_executable(folder):
    client = folder.load(
        'x = 3\nshell.prefix("set -x {x}; ")\nshell.suffix("; echo {x}")\nshell.executable("sh")\n'
        'rule a:\n    shell: "true"\n'
    )
    answer = client.one("prepare", client.job("a"))
    assert answer["prefix"] == "set -x 3; "
    assert answer["shell"] == "true ; echo 3"
    assert answer["executable"].endswith("/sh")


def test_strict_mode_is_only_for_bash(folder):
    client = folder.load('shell.executable("sh")\nrule a:\n    shell: "true"\n')
    assert client.one("prepare", client.job("a"))["prefix"] == ""


@pytest.mark.parametrize(
    "template, kind, part",
    [
        ("{s}", "NameError", "wildcards.s"),
        ("{nope}", "NameError", "'nope'"),
        ("{input.nope}", "AttributeError", "no input named nope"),
        ("{input[7]}", "IndexError", "{input[7]}"),
        ("awk {print}", "NameError", "doubled"),
        ("open {", "WorkflowError", "{"),
        ("{params.d[z]}", "KeyError", "z"),
    ],
)
def test_mistakes_in_templates_name_the_place(folder, template, kind, part):
    client = folder.load(
        f'rule a:\n    input: n="i"\n    output: "{{s}}"\n    params: d={{}}\n    shell: {template!r}\n'
    )
    error = job_error(client, "prepare", client.job("a", {"s": "S"}))
    assert error["type"] == kind and part in error["message"] and error["rule"] == "a"


def test_values_of_params_functions_reach_the_command(folder):
    client = folder.load(
        'rule a:\n    output: "{s}"\n    params: lambda wc: {"k": [wc.s, 2]}\n    shell: "{params[0][k]}"\n'
    )
    assert command(client, wildcards={"s": "S"}) == "S 2"
    assert client.one("prepare", client.job("a", {"s": "S"}))["params"][0]["text"] == "dict('k': ['S', 2])"


def test_rules_with_nothing_to_run(folder):
    client = folder.load('rule a:\n    output: touch("o")\n')
    assert client.one("prepare", client.job("a")) == {"message": None}


def test_thousands_of_jobs_in_one_request(folder):
    client = folder.load('rule a:\n    output: "o{s}"\n    shell: "touch {output}"\n')
    jobs = [{"r": 0, "w": {"s": str(i)}, "output": [f"o{i}"], "threads": 1} for i in range(5000)]
    answers = client.request("prepare", jobs=jobs)["jobs"]
    assert [answer["shell"] for answer in answers] == [f"touch o{i}" for i in range(5000)]


def test_a_variable_is_not_hidden_by_a_name_that_only_messages_know(folder):
    client = folder.load(
        """
        name, benchmark = "mine", "fast"
        rule a:
            output: "a"
            message: "{name}"
            shell: "echo {name} {benchmark} {rule}"
        rule b:
            output: "b"
            shell: "echo {rule}"
        """
    )
    answer = client.one("prepare", client.job("a"))
    assert answer["shell"] == "echo mine fast a"
    assert answer["message"] == "a"


def submitted(client, command, name="a"):
    (answer,) = client.request("submission", jobs=[client.job(name, jobid=7)], text=command)["jobs"]
    return answer


def test_cluster_config_fills_the_command_that_submits(folder):
    path = folder.write("cluster.yaml", "__default__:\n  queue: short\n  time: 5\na:\n  time: 60\n")
    folder.write("Snakefile", "rule a:\n    output: 'a'\n    shell: 'true'\n"
                              "rule b:\n    output: 'b'\n    shell: 'true'\n")
    client = folder.start()
    client.load(cluster_config=[str(path)])
    words = submitted(client, "sub -q {cluster.queue} -t {cluster[time]}")
    assert words["command"] == "sub -q short -t 60"
    assert json.loads(words["properties"])["cluster"] == {"queue": "short", "time": 60}
    assert submitted(client, "sub -t {cluster.time}", "b")["command"] == "sub -t 5"
    assert "--cluster-config has no nodes" in submitted(client, "{cluster.nodes}")["error"]["message"]


def test_a_jobscript_is_filled_for_each_job(folder):
    text = "#!/bin/bash\n# properties = {properties}\nmodule load {rule}\n{exec_job}\necho {{x}}\n"
    path = folder.write("job.sh", text)
    folder.write("Snakefile", "rule a:\n    output: 'a'\n    shell: 'true'\n")
    client = folder.start()
    client.load(jobscript=str(path))
    script = submitted(client, "sub")["properties"]
    assert script.startswith("#!/bin/bash\n# properties = {")
    assert script.endswith("module load a\n{exec_job}\necho {x}\n")
    path.write_text("echo\n")
    client = folder.start()
    client.load(jobscript=str(path))
    assert "has no {exec_job}" in submitted(client, "sub")["error"]["message"]


def test_f_strings_of_commands_may_name_items_of_the_rule(folder):
    client = folder.load(
        """
        word = "w"
        rule a:
            input: n="in put"
            output: "{x}.txt", t="{x}.2"
            params: 5
            shell: f"{word} {input.n:q} {output} {output.t} {output[0]} {params[0]} {{wildcards.x}}"
        """
    )
    answer = client.one("describe", client.job("a", {"x": "v"}))
    assert answer["shell"] == "w 'in put' v.txt v.2 v.2 v.txt 5 v"
    assert "0x" not in client.rule("a")["code"]
