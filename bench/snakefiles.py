"""The workflows for the benchmark, and the same work for ninja."""
import os


def independent(jobs, command="touch {output}"):
    return f'''
rule all:
    input: expand("out/{{i}}.txt", i=range({jobs}))
rule one:
    output: "out/{{i}}.txt"
    shell: "{command}"
'''


def in_conda(jobs):
    """Jobs of one conda environment, which is on only with --use-conda."""
    return f'''
rule all:
    input: expand("out/{{i}}.txt", i=range({jobs}))
rule one:
    output: "out/{{i}}.txt"
    conda: "env.yaml"
    shell: "echo {{wildcards.i}} > {{output}}"
'''


def in_container(jobs, image):
    """Jobs of one image, which is used only with an option for containers."""
    return in_conda(jobs).replace('conda: "env.yaml"', f'container: "{image}"')


def chain(length):
    return f'''
rule all:
    input: expand("c/{{i}}.txt", i=range({length}))
rule a:
    output: "a/{{i}}.txt"
    shell: "touch {{output}}"
rule b:
    input: "a/{{i}}.txt"
    output: "b/{{i}}.txt"
    shell: "touch {{output}}"
rule c:
    input: "b/{{i}}.txt"
    output: "c/{{i}}.txt"
    shell: "touch {{output}}"
'''


def behind_checkpoint(jobs, is_checkpoint=True):
    """Jobs that a function names once a checkpoint has run; or, for comparison, at once."""
    wait = "checkpoints.begin.get()" if is_checkpoint else "None"
    return f'''
def found(wildcards):
    {wait}
    return expand("out/{{i}}.txt", i=range({jobs}))
rule all:
    input: "out/begun", found
{"checkpoint" if is_checkpoint else "rule"} begin:
    output: touch("out/begun")
rule one:
    input: "out/begun"
    output: touch("out/{{i}}.txt")
'''


def many_checkpoints(checkpoints, each=10):
    """Each checkpoint adds some jobs, as soon as it has run."""
    return f'''
rule all:
    input: expand("out/{{s}}.sum", s=range({checkpoints}))
checkpoint begin:
    output: touch("out/{{s}}.begun")
rule one:
    input: "out/{{s}}.begun"
    output: touch("out/{{s}}/{{i}}.txt")
def found(wildcards):
    checkpoints.begin.get(s=wildcards.s)
    return expand("out/{{s}}/{{i}}.txt", s=wildcards.s, i=range({each}))
rule sum:
    input: found
    output: touch("out/{{s}}.sum")
'''


def all_to_all(width):
    return f'''
rule all:
    input: expand("b/{{i}}.txt", i=range({width}))
rule a:
    output: "a/{{i}}.txt"
    shell: "touch {{output}}"
rule b:
    input: expand("a/{{j}}.txt", j=range({width}))
    output: "b/{{i}}.txt"
    shell: "touch {{output}}"
'''


def functions(jobs):
    return f'''
rule all:
    input: expand("b/{{i}}.txt", i=range({jobs}))
rule a:
    output: "a/{{i}}.txt"
    shell: "touch {{output}}"
rule b:
    input: lambda wildcards: f"a/{{wildcards.i}}.txt"
    output: "b/{{i}}.txt"
    params: n=lambda wildcards: int(wildcards.i) + 1
    shell: "echo {{params.n}} > {{output}}"
'''


def run_blocks(jobs):
    return f'''
rule all:
    input: expand("out/{{i}}.txt", i=range({jobs}))
rule one:
    output: "out/{{i}}.txt"
    run:
        with open(output[0], "w") as out:
            out.write(wildcards.i)
'''


def scripts(jobs):
    return f'''
rule all:
    input: expand("out/{{i}}.txt", i=range({jobs}))
rule one:
    output: "out/{{i}}.txt"
    script: "one.py"
'''


def modules(folder, count, rules):
    """Writes a workflow of COUNT modules with RULES rules each, one of which is specialised."""
    used = ""
    for number in range(count):
        (folder / f"m{number}").mkdir()
        (folder / f"m{number}" / "Snakefile").write_text(_chained_rules(rules))
        used += f'''
module m{number}:
    snakefile: "m{number}/Snakefile"
    prefix: "out/m{number}"
    config: {{"n": {number}}}
use rule * from m{number} as m{number}_*
use rule r0 from m{number} as m{number}_r0 with:
    threads: 2
'''
    last = ", ".join(f"rules.m{number}_r{rules - 1}.output" for number in range(count))
    (folder / "Snakefile").write_text(f"{used}rule all:\n    input: {last}\n    default_target: True\n")


def _chained_rules(count):
    text = ""
    for number in range(count):
        before = f"    input: rules.r{number - 1}.output\n" if number else ""
        text += f'''
rule r{number}:
{before}    output: "r{number}.txt"
    log: "logs/r{number}.log"
    params: n=config["n"]
    threads: 1
    resources: mem_mb=100
    shell: "echo {{params.n}} > {{output}} 2> {{log}}"
'''
    return text


SCRIPT = 'with open(snakemake.output[0], "w") as out:\n    out.write(snakemake.wildcards.i)\n'


def make_outputs(folder, jobs):
    """Makes the outputs of independent(jobs), as if it had run."""
    os.makedirs(folder / "out", exist_ok=True)
    for i in range(jobs):
        os.close(os.open(folder / "out" / f"{i}.txt", os.O_CREAT | os.O_WRONLY))


def ninja(jobs, command="touch $out"):
    edges = "".join(f"build out/{i}.txt: one\n  i = {i}\n" for i in range(jobs))
    return f"rule one\n  command = {command}\n{edges}"


def ninja_hash(command):
    """The hash of a command in ninja's log: MurmurHash64A."""
    data, m, full = command.encode(), 0xC6A4A7935BD1E995, (1 << 64) - 1
    h = 0xDECAFBADDECAFBAD ^ (len(data) * m & full)
    whole = len(data) // 8 * 8
    for start in range(0, whole, 8):
        k = int.from_bytes(data[start : start + 8], "little") * m & full
        k = (k ^ k >> 47) * m & full
        h = (h ^ k) * m & full
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & full
    h = (h ^ h >> 47) * m & full
    return h ^ h >> 47


def ninja_log(folder, jobs):
    """The log that ninja would have after building ninja(jobs): without it nothing is up to date."""
    with open(folder / ".ninja_log", "w") as log:
        log.write("# ninja log v5\n")
        for i in range(jobs):
            name = f"out/{i}.txt"
            log.write(f"0\t1\t{os.stat(folder / name).st_mtime_ns}\t{name}\t{ninja_hash('touch ' + name):x}\n")
