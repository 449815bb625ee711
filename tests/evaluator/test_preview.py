"""What `describe` and `details` answer while jobs that a job depends on have yet to run."""

import pytest
from conftest import job_error

RULE = """
rule a:
    input: "early.txt"
    output: "o"
    params: {params}
    threads: {threads}
    resources: mem_mb={mem}
    message: "{{threads}}"
    shell: "{shell}"
"""


def load(folder, params="1", threads="1", mem="1", shell="{params}"):
    return folder.load(RULE.format(params=params, threads=threads, mem=mem, shell=shell))


def job(client, **fields):
    return client.job("a", {}, input=["early.txt"], **fields)


def described(client):
    return client.one("describe", job(client, preview=True))


LATER = {
    "reads the input": "lambda w, input: open(input[0]).read()",
    "reads it by name": "lambda w: open('early.txt').read()",
    "reads an undeclared file": "lambda w: open('other.txt').read()",
    "raises something else": "lambda w, input: {}[input[0]]",
    "takes anything": "lambda w, **known: {}[known['input'][0]]",
    "a size": "lambda w, input: input.size",
}


@pytest.mark.parametrize("name", LATER)
def test_what_depends_on_a_missing_input_is_unknown(folder, name):
    shell = "{params.x} {params.x[3]:>8} {params.x.part:q} {params.y}"
    client = load(folder, params=f"x={LATER[name]}, y=2", shell=shell)
    answer = described(client)
    assert answer["shell"] == "<TBD> <TBD> '<TBD>' 2" and "params" not in answer
    assert job_error(client, "prepare", job(client))
    x, y = client.one("details", {**job(client, preview=True), "want": ["params"]})["params"]
    assert "error" in x and "text" not in x and y["text"] == "2"


MISTAKES = {
    "a missing key": "lambda w: {}['nope']",
    "an unknown name": "lambda w, input: nope",
    "a wrong operation": "lambda w: 1 / 0",
}


@pytest.mark.parametrize("name", MISTAKES)
@pytest.mark.parametrize("place", ["params", "threads", "mem"])
def test_a_mistake_is_an_error_at_once(folder, name, place):
    client = load(folder, **{place: MISTAKES[name]})
    assert "line" in job_error(client, "describe", job(client, preview=True))


def test_threads_and_resources_that_are_unknown(folder):
    client = load(
        folder,
        threads="lambda w, input: len(open(input[0]).read())",
        mem="lambda w, input: input.size_mb",
        shell="{threads} {resources.mem_mb} {resources.mem} {resources.mem_mib}",
    )
    answer = described(client)
    assert answer["shell"] == "<TBD> <TBD> <TBD> <TBD>" and answer["message"] == "<TBD>"


def test_a_function_that_needs_an_unknown_value_is_unknown_too(folder):
    client = load(
        folder,
        params="x=lambda w, input: open(input[0]).read(), y=lambda w, params: int(params.x), "
        "z=lambda w, resources: resources.mem_mb + 1",
        mem="lambda w, threads: 2 * int(threads)",
        threads="lambda w, input: len(open(input[0]).read())",
    )
    assert described(client)["shell"] == "<TBD> <TBD> <TBD>"


def test_functions_that_can_answer_do(folder):
    shell = "{params} {resources.mem_mb}"
    client = load(folder, "lambda w, threads: threads + 1", "lambda w: 3", "lambda w: 50", shell)
    answer = described(client)
    assert answer["shell"] == "4 50" and answer["params"][0]["text"] == "4"


def test_a_size_in_a_command(folder):
    client = load(folder, shell="head -c {input.size} {input}")
    assert described(client)["shell"] == "<TBD>"


@pytest.mark.parametrize("op", ["prepare", "describe"])
def test_a_run_block_whose_params_cannot_be_made(folder, op):
    client = folder.load('rule a:\n    output: "{s}"\n    params: "{t}"\n    run:\n        pass\n')
    assert "t" in job_error(client, op, client.job("a", {"s": "S"}))["message"]


def test_describing_a_script_finds_what_preparing_finds(folder):
    folder.write("s.py", "")
    param = 'lambda w: __import__("threading").Lock()'
    client = folder.load(f'rule a:\n    output: "o"\n    params: {param}\n    script: "s.py"\n')
    for op in ("prepare", "describe"):
        assert "cannot be passed to a script" in job_error(client, op, client.job("a"))["message"]


def test_describing_a_script_writes_nothing(folder):
    folder.write("s.py", "")
    client = folder.load('rule a:\n    output: "o"\n    script: "s.py"\n')
    assert client.one("describe", client.job("a")) == {"message": None, "show": "python3 s.py"}
    assert not (folder.path / ".furrow").exists()


def test_a_misspelt_name_gets_a_suggestion(folder):
    client = load(folder, shell="cat {inptu}")
    assert "did you mean 'input'?" in job_error(client, "describe", job(client))["message"]


UNIFORM = [
    'shell: "sort {input} > {output} # {wildcards.x} {params.p} {threads}"',
    'shell: "sort {input[0]:q} > {output[0]} # {CONFIG[a][b]}"',
    "run: print(params)",
    "message: '{wildcards.x}'",
]
NOT_UNIFORM = [
    'shell: "echo {wildcards.x[3]} > {output}"',
    'shell: "echo {params.p[2]} > {output}"',
    'shell: "echo {input.size_mb} > {output}"',
    'shell: "echo {threads:{wildcards.x}} > {output}"',
    'message: "{output[0][9]}"',
    'script: "{wildcards.x}.py"',
    'threads: lambda w: int(w.x)\n    shell: "touch {output}"',
    'resources: mem_mb=lambda w: int(w.x)\n    shell: "touch {output}"',
]


@pytest.mark.parametrize(
    "lines, expected", [(lines, True) for lines in UNIFORM] + [(lines, False) for lines in NOT_UNIFORM]
)
def test_whether_one_command_stands_for_all(folder, lines, expected):
    text = 'CONFIG = {"a": {"b": 1}}\nrule a:\n    input: "i"\n    output: "{x}.o"\n    params: p="{x}"\n'
    client = folder.load(text + f"    {lines}\n")
    assert client.rule("a")["uniform"] is expected


@pytest.mark.parametrize("line", ["input: lambda w: w.x", "input: 'i'\n    params: p=lambda w: w.x"])
def test_a_command_that_needs_a_function_stands_for_itself_alone(folder, line):
    client = folder.load(f'rule a:\n    {line}\n    output: "{{x}}.o"\n    shell: "touch {{output}}"\n')
    assert client.rule("a")["uniform"] is False
