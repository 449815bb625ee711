"""The threads, resources and params of a job have one definition, in every run.

One workflow has a rule for each combination of how params, threads and resources can be given. All it uses comes from
the configuration, so that one value at a time can be changed. After a run nothing is due, whatever the limits of the
next run are; after a change exactly the jobs that use the changed value are due, and the change is named.
"""
import itertools
import re

import pytest

import engine

# How the param `p` is given, and which values of the configuration it uses. "threads" and "memory" stand for what the
# rule's threads and resources use.
PARAMS = {
    "constant": ("V['constant']", {"constant"}),
    "wildcards": ("lambda w: w.x * V['wildcards']", {"wildcards"}),
    "input": ("lambda w, input: f\"{input[0]} {V['input']}\"", {"input"}),
    "output": ("lambda w, output: output[0] + str(V['output'])", {"output"}),
    "threads": ("lambda w, threads: threads", {"threads"}),
    "divided": ("lambda w, input, threads: f\"--per {840 // threads} {len(input)}\"", {"threads"}),
    "resources": ("lambda w, resources: f'-Xmx{resources.mem_mb}m'", {"memory"}),
    "derived": ("lambda w, resources: resources.mem_mib", {"memory"}),
    "get": ("lambda w, resources: resources.get('mem_mb', 50)", {"memory"}),
    "get_nothing": ("lambda w, resources: resources.get('disk_mb', V['default'])", {"default"}),
    "attempt": ("lambda w, attempt: attempt * V['attempt']", {"attempt"}),
    "keywords": ("lambda w, **known: (known['threads'], known['resources'].get('mem_mb'))", {"threads", "memory"}),
    "earlier": ("lambda w, params: params.plain", set()),
    "nested": ("lambda w: lambda w, threads: threads", {"threads"}),
    "tmpdir": ("lambda w, resources: f\"-T {resources.tmpdir} {V['tmpdir']}\"", {"tmpdir"}),
    "tmpdir_is_there": ("lambda w, resources: (os.path.isdir(resources.tmpdir), V['isdir'])[1]", {"isdir"}),
    "raising": ("lambda w, input: open(input[1]).read()", set()),
}
THREADS = {
    "constant": ("V['threads']", {"threads"}),
    "wildcards": ("lambda w: V['threads'] * len(w.x)", {"threads"}),
    "attempt": ("lambda w, attempt: V['threads'] * attempt", {"threads"}),
    "input": ("lambda w, input: V['threads'] * len(input)", {"threads"}),
}
MEMORY = {
    "constant": ("V['memory']", {"memory"}),
    "wildcards": ("lambda w: V['memory'] * len(w.x)", {"memory"}),
    "attempt": ("lambda w, attempt: V['memory'] * attempt", {"memory"}),
    "input": ("lambda w, input: V['memory'] * len(input)", {"memory"}),
    "threads": ("lambda w, threads: V['memory'] * threads", {"memory", "threads"}),
    "raising": ("lambda w, input: os.path.getsize(input[1]) * V['memory']", set()),
    "none": ("None", set()),
}
VALUES = {
    "plain": 1, "constant": 2, "wildcards": 3, "input": 4, "output": 5, "threads": 7, "memory": 100, "default": 6,
    "attempt": 8, "tmpdir": 9, "isdir": 10,
}


def combinations():
    for params, threads, memory in itertools.product(PARAMS, THREADS, MEMORY):
        if memory == "none" and params in ("resources", "derived"):
            continue
        yield params, threads, memory


def chosen():
    """All of them in a long run; else each pair of them at least once."""
    found = list(combinations())
    if engine.LONG_TESTS:
        return found
    names = [list(PARAMS), list(THREADS), list(MEMORY)]
    return [one for one in found if sum(names[i].index(one[i]) for i in range(3)) % 4 == 0]


def rule_name(combination):
    return "__".join(combination)


def uses(combination):
    params, threads, memory = combination
    used = {"plain"}
    if memory == "raising" and "memory" in PARAMS[params][1]:
        # What it was can be known, but not what it would be without the input. Only what does not depend on the input
        # is compared.
        return used | (THREADS[threads][1] if "threads" in PARAMS[params][1] and threads != "input" else set())
    for value in PARAMS[params][1]:
        used |= {"threads": THREADS[threads][1], "memory": MEMORY[memory][1]}.get(value, {value})
    return used


SNAKEFILE = """
import os
V = {{name: config.get(name, value) for name, value in {values}.items()}}
NAMES = {names}
rule all:
    input: expand("{{n}}.a.out", n=NAMES)
rule gone:
    output: temp("{{x}}.tmp")
    shell: "echo 1 > {{output}}"
"""
RULE = """
rule {name}:
    input: "in.txt", "a.tmp"
    output: "{name}.{{x}}.out"
    threads: {threads}
    resources: mem_mb={memory}
    params: plain=V["plain"], p={params}
    shell: "echo {{params.p}} > {{output}}"
"""


@pytest.fixture(scope="module")
def made(module_folder):
    """The folder after the first run, on four cores."""
    folder = module_folder
    folder.write("in.txt", "in")
    text = SNAKEFILE.format(values=VALUES, names=[rule_name(one) for one in chosen()])
    for one in chosen():
        params, threads, memory = one
        text += RULE.format(
            name=rule_name(one), params=PARAMS[params][0], threads=THREADS[threads][0], memory=MEMORY[memory][0]
        )
    folder.run("-c4", "-q", snakefile=text, timeout=300)
    return folder


def due(folder, *arguments, env=None):
    """What a dry run names, with the reasons."""
    out = folder.run("-n", *arguments, env=env, timeout=120).out
    return dict(re.findall(r"^(\w+) \(x=a\): (.*)$", out, re.MULTILINE))


@pytest.mark.parametrize(
    "arguments", [["-c4"], ["-c1"], ["-c64", "--max-threads", "2"], ["-c4", "--resources", "mem_mb=3"]]
)
def test_nothing_is_due_whatever_the_limits(made, arguments):
    assert due(made, *arguments) == {}


def test_nothing_is_due_with_another_folder_for_temporary_files(made):
    (made / "tmp").mkdir(exist_ok=True)
    assert due(made, "-c4", env={"TMPDIR": str(made / "tmp")}) == {}


@pytest.mark.parametrize("value", VALUES if engine.LONG_TESTS else ["plain", "wildcards", "threads", "memory"])
def test_a_changed_value_makes_those_jobs_due_that_use_it(made, value):
    found = due(made, "-c2", "--config", f"{value}={VALUES[value] * 2}")
    wanted = {rule_name(one) for one in chosen() if value in uses(one)}
    # `gone` is made again for them, and so all are due; but only these for their params.
    assert {name for name, reason in found.items() if "params have changed" in reason} == wanted
    why = made.run("--why", min(wanted) + ".a.out", "--config", f"{value}={VALUES[value] * 2}").out
    assert re.search(r"param (p|plain) was .*, and is .* now", why), why


def test_a_function_that_now_fails_makes_its_job_due_and_the_run_says_so(folder):
    text = 'rule a:\n    output: "a.txt"\n    params: x={}\n    shell: "echo {{params.x}} > {{output}}"\n'
    folder.run(snakefile=text.format("1"))
    folder.write("Snakefile", text.format("lambda w: 1 / 0"))
    assert "a function of its params fails" in folder.run("-n", code=1).out
    assert "ZeroDivisionError" in folder.run("--why", "a.txt").out
    assert "ZeroDivisionError" in folder.run(code=1).text


def test_what_a_command_gets_is_within_the_limits(folder):
    folder.run(
        "-c", "2", "--resources", "mem_mb=30",
        snakefile="""
rule a:
    output: "a.txt"
    threads: 8
    resources: mem_mb=lambda w, threads: threads * 100
    params: t=lambda w, threads: threads, m=lambda w, resources: resources.mem_mb
    shell: "echo {params.t} {params.m} {threads} {resources.mem_mb} > {output}"
""",
    )
    assert (folder / "a.txt").read_text() == "2 30 2 30\n"
    assert "echo 2 30 2 30" in folder.run("-n", "-p", "-F", "-c", "2", "--resources", "mem_mb=30").out


@pytest.mark.parametrize("how", ["run", "script"])
def test_blocks_and_scripts_see_the_limits_and_are_recorded_without(folder, how):
    folder.write("write.py", "open(snakemake.output[0], 'w').write(f'{snakemake.params.t} {snakemake.threads}')")
    action = 'script: "write.py"' if how == "script" else "run: open(output[0], 'w').write(f'{params.t} {threads}')"
    text = f"""
rule a:
    output: "a.txt"
    threads: 8
    params: t=lambda w, threads: threads
    {action}
"""
    folder.run("-c", "2", snakefile=text)
    assert (folder / "a.txt").read_text() == "2 2"
    for cores in (1, 2, 4):
        assert "Nothing to do" in folder.run("-c", cores).text


def test_a_job_that_succeeded_at_a_later_attempt_is_not_due(folder):
    snakefile = """
rule a:
    output: "a.txt"
    retries: 2
    threads: lambda w, attempt: attempt
    resources: mem_mb=lambda w, attempt: attempt * 100
    params: t=lambda w, threads: threads, m=lambda w, resources: resources.mem_mb, n=lambda w, attempt: attempt
    shell: "test {params.n} = 2 && echo {params.t} {params.m} > {output}"
"""
    folder.run(snakefile=snakefile)
    assert (folder / "a.txt").read_text() == "2 200\n"
    assert "Nothing to do" in folder.run().text


@pytest.mark.parametrize("option, value", [("--set-threads", "a=4"), ("--set-resources", "a:mem_mb=900")])
def test_an_option_that_changes_a_rule_makes_its_job_due(folder, option, value):
    snakefile = """
rule a:
    output: "a.txt"
    threads: 2
    resources: mem_mb=100
    params: p=lambda w, threads, resources: (threads, resources.mem_mb)
    shell: "echo {params.p} > {output}"
"""
    folder.run(snakefile=snakefile)
    assert "params have changed" in folder.run("-n", option, value).out
    folder.run(option, value)
    assert "Nothing to do" in folder.run(option, value).text
    assert "params have changed" in folder.run("-n").out


def test_touch_records_params_that_functions_give(folder):
    snakefile = """
rule all:
    input: "b.txt"
rule a:
    output: temp("a.txt")
    shell: "echo 1 > {output}"
rule b:
    input: "a.txt"
    output: "b.txt"
    params: x=config.get("x", 1), y=lambda w, threads: threads, z=lambda w, input: open(input[0]).read()
    shell: "echo {params.x} > {output}"
"""
    folder.run(snakefile=snakefile)
    folder.run("--touch", "--config", "x=2")
    assert "Nothing to do" in folder.run("--config", "x=2").text
    assert (folder / "b.txt").read_text() == "1\n"
    assert "params have changed" in folder.run("-n", "--config", "x=3").out
