"""`script:` jobs."""

import ast
import glob
import os
import shutil
import subprocess
import sys

import pytest
from conftest import job_error


def run(client, name, wildcards=None, program=None, **fields):
    answer = client.one("prepare", client.job(name, wildcards, **fields))
    argv = answer["argv"] if program is None else [program, *answer["argv"][1:]]
    done = subprocess.run(
        argv, cwd=client.cwd, env={**os.environ, **answer["env"]}, capture_output=True, text=True
    )
    return answer, done


RULE = """
    rule a:
        input: "a b", x=["c", "d"]
        output: o="out/{s}"
        params: p="it's {s}", f=lambda wc: {"k": (1, 2.5)}, l=[1, "two"]
        threads: 3
        resources: mem_mb=100
        log: "log file"
        script: "scripts/%s"
"""


def test_python_scripts(folder):
    folder.write("scripts/beside.py", "value = 5\n")
    folder.write(
        "scripts/s.py",
        """
        import os, sys
        import beside
        from snakemake.script import snakemake as same
        from snakemake.shell import shell
        assert same is snakemake and __name__ == "__main__" and beside.value == 5
        assert os.path.basename(__file__) == "s.py" and os.path.basename(snakemake.scriptdir) == "scripts"
        input, output, params, resources = snakemake.input, snakemake.output, snakemake.params, snakemake.resources
        print(input[0], input.x, output.o, params.p, params.f["k"], params["l"])
        print(snakemake.wildcards.s, snakemake.threads, resources.mem_mb, snakemake.rule, end=" ")
        print(snakemake.config["c"], snakemake.bench_iteration)
        print(snakemake.log_fmt_shell(), snakemake.log_fmt_shell(stdout=False, append=True), flush=True)
        shell("echo {snakemake.input[0]:q}")
        raise ValueError("in the script")
        """,
    )
    client = folder.load(RULE % "s.py", config={"c": {"d": 1}})
    assert client.rule("a")["script"] == str(folder.path / "scripts" / "s.py")
    assert client.rule("a")["code"] == "scripts/s.py"
    answer, done = run(client, "a", {"s": "S"})
    assert done.stdout.splitlines() == [
        "a b c d out/S it's S (1, 2.5) [1, 'two']",
        "S 3 100 a {'d': 1} None",
        " > log file 2>&1  2>> log file",
        "a b",
    ], done.stderr
    assert done.returncode == 1 and done.stderr.count("File ") == 1 and "s.py\", line 14" in done.stderr
    assert os.path.exists(answer["payload"]) and answer["show"] == "python3 scripts/s.py"


def test_describe_writes_no_payload(folder):
    folder.write("scripts/s.py", "")
    client = folder.load(RULE % "s.py")
    answer = client.one("describe", client.job("a", {"s": "S"}))
    assert answer["show"] == "python3 scripts/s.py"
    assert "payload" not in answer
    assert not (folder.path / ".furrow").exists()


def test_bash_scripts(folder):
    folder.write(
        "scripts/s.sh",
        '#!/bin/bash\necho "${snakemake_input[0]}|${snakemake_input[x]}|${snakemake_params[p]}"'
        '"|${snakemake[rule]}|${snakemake_config[c]}"\n',
    )
    client = folder.load(RULE % "s.sh", config={"c": "x y"})
    _, done = run(client, "a", {"s": "S"})
    assert done.stdout == "a b|c d|it's S|a|x y\n", done.stderr


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_r_scripts(folder):
    folder.write("scripts/beside.R", "value <- 5\n")
    folder.write(
        "scripts/s.R",
        """
        snakemake@source("beside.R")
        params <- snakemake@params
        memory <- snakemake@resources[["mem_mb"]]
        cat(snakemake@input[[1]], snakemake@input[["x"]], params[["p"]], params[["f"]][["k"]], "\\n", sep="|")
        cat(snakemake@threads, snakemake@rule, snakemake@config[["c"]], memory, value, "\\n", sep="|")
        """,
    )
    client = folder.load(RULE % "s.R", config={"c": "q\"uote"})
    _, done = run(client, "a", {"s": "S"})
    assert done.stdout.split() == ["a", "b|c|d|it's", "S|1|2.5|", '3|a|q"uote|100|5|'], done.stderr


def test_r_values():
    from furrow_evaluator.script_text import r_value

    assert r_value([1, 2.5]) == "c(1L, 2.5)" and r_value([1, "a"]) == 'list(1L, "a")' and r_value([True]) == "c(TRUE)"
    assert r_value({"a": None}) == 'list("a" = NULL)'
    assert r_value(float("-inf")) == "-Inf"
    assert r_value('a"\\\n') == '"a\\"\\\\\\n"'


def test_a_script_path_is_relative_to_the_included_file(folder):
    folder.write("sub/scripts/s.py", "")
    folder.write("sub/b.smk", RULE % "s.py")
    client = folder.load('include: "sub/b.smk"\n')
    assert client.rule("a")["script"] == str(folder.path / "sub" / "scripts" / "s.py")


def test_the_path_of_a_script_may_hold_wildcards(folder):
    folder.write("scripts/S.py", "print('S')")
    client = folder.load(RULE % "{wildcards.s}.py")
    assert client.rule("a")["script"] is None
    assert run(client, "a", {"s": "S"})[1].stdout == "S\n"


def test_a_value_that_cannot_be_passed_to_a_script_is_named(folder):
    folder.write("s.py", "")
    client = folder.load('rule a:\n    params: good=1, bad=lambda wc: [open(os.devnull)]\n    script: "s.py"\n')
    error = job_error(client, "prepare", client.job("a"))
    assert "params.bad" in error["message"] and error["line"] == 1


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="Rscript is not installed")
def test_r_markdown(folder):
    """The document is written where the job runs, here a shadow folder."""
    if subprocess.run(["Rscript", "-e", "library(rmarkdown)"], capture_output=True).returncode:
        pytest.skip("rmarkdown is not installed")
    head = "---\ntitle: T\noutput: md_document\n---\n"
    folder.write("s.Rmd", head + "It is `r snakemake@params[[1]]` in `r basename(getwd())`.\n")
    (folder.path / "shadow").mkdir()
    client = folder.load('rule a:\n    output: "a b.md"\n    params: 5\n    script: "s.Rmd"\n')
    answer = client.one("prepare", client.job("a", cwd="shadow"))
    done = subprocess.run(answer["argv"], cwd=folder.path / "shadow", capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert (folder.path / "shadow" / "a b.md").read_text().strip() == "It is 5 in shadow."


JULIA = """struct Snakemake
    input
    output
    params
    wildcards
    threads
    log
    resources
    config
    rule
    bench_iteration
    scriptdir
end
snakemake = Snakemake(
Dict(1 => "a b", 2 => "c", 3 => "d", "x" => ["c", "d"]),
Dict(1 => "out/S", "o" => "out/S"),
Dict(1 => "it's S", 2 => Dict("k" => [1, 2.5]), 3 => [1, "two"], \
"p" => "it's S", "f" => Dict("k" => [1, 2.5]), "l" => [1, "two"]),
Dict(1 => "S", "s" => "S"),
3,
Dict(1 => "log file"),
"""


def stand_in(folder, name, text="#!/bin/sh\n"):
    """A program that is not in Debian."""
    program = folder.write("bin/" + name, text)
    program.chmod(0o755)
    return dict(os.environ, PATH=f"{program.parent}:{os.environ['PATH']}")


def prepared(folder, end, text, env):
    folder.write("scripts/s" + end, text)
    folder.write("Snakefile", RULE % ("s" + end))
    client = folder.start(env=env)
    client.load(config={"c": {"d-e": [1, None]}, "type": 1.5})
    answer = client.one("prepare", client.job("a", {"s": "S"}))
    with open(answer["payload"]) as file:
        return answer["argv"], file.read()


def test_julia_scripts(folder):
    argv, text = prepared(folder, ".jl", "println(1)\n", stand_in(folder, "julia"))
    assert os.path.basename(argv[0]) == "julia" and argv[1].endswith(".jl")
    assert text.startswith(JULIA) and text.endswith("println(1)\n")
    assert 'Dict("c" => Dict("d-e" => [1, nothing]), "type" => 1.5)' in text


RUST = """#!/usr/bin/env rust-script
//! A comment of the crate
//! ```cargo
//! [dependencies]
//! csv = "1.1"
//! ```
use std::io::Write;
fn main() -> Result<(), Box<dyn std::error::Error>> {
    assert_eq!(snakemake.input[0], "a b");
    assert_eq!(snakemake.input.x, vec!["c", "d"]);
    assert_eq!(snakemake.output.o, "out/S");
    assert_eq!(snakemake.params.p, "it's S");
    assert_eq!(snakemake.params.f.k, vec![1.0, 2.5]);
    assert_eq!(snakemake.threads + snakemake.resources.mem_mb, 103i64);
    assert_eq!(snakemake.config.type_field, 1.5);
    assert_eq!(snakemake.bench_iteration, None);
    assert_eq!((snakemake.rulename.as_str(), snakemake.wildcards.s.as_str()), ("a", "S"));
    let names: Vec<&String> = (&snakemake.log).into_iter().collect();
    {
        let _redirect = snakemake.redirect_stdout(names[0])?;
        println!("to the log");
        std::io::stdout().flush()?;
    }
    println!("done");
    Ok(())
}
"""


def test_rust_scripts(folder):
    argv, text = prepared(folder, ".rs", RUST, stand_in(folder, "rust-script"))
    assert argv[1:5] == ["-d", "anyhow=1", "-d", "serde_json=1.0"] and argv[-1].endswith(".rs")
    assert text.startswith(RUST[len("#!/usr/bin/env rust-script\n") : RUST.index("use std")] + "#[allow(dead_code)]")
    assert text.endswith(RUST[RUST.index("use std") :])


@pytest.mark.skipif(shutil.which("rustc") is None, reason="rustc is not installed")
def test_rust_compiles(folder):
    """Values without a type in Rust need a library, so this rule has none."""
    folder.write("s.rs", RUST)
    rule = (RULE % "../s.rs").replace(', l=[1, "two"]', "").replace("scripts/../", "")
    folder.write("Snakefile", rule)
    client = folder.start(env=stand_in(folder, "rust-script"))
    client.load(config={"type": 1.5})
    answer = client.one("prepare", client.job("a", {"s": "S"}))
    program = str(folder.path / "program")
    subprocess.run(["rustc", "--edition", "2021", "-A", "warnings", "-o", program, answer["payload"]], check=True)
    done = subprocess.run([program], cwd=folder.path, capture_output=True, text=True)
    assert done.stdout == "done\n", done.stderr
    assert (folder.path / "log file").read_text() == "to the log\n"


def test_scripts_in_dialects_of_python(folder):
    program = "#!/bin/sh\nshift 2\nexec %s \"$@\"\n" % sys.executable
    text = "from snakemake.script import snakemake as same\nprint(snakemake.params.p, same is snakemake)\n"
    argv, _ = prepared(folder, ".xsh", text, stand_in(folder, "xonsh", program))
    done = subprocess.run(argv, cwd=folder.path, capture_output=True, text=True)
    assert done.stdout == "it's S True\n", done.stderr
    argv, text = prepared(folder, ".hy", '(print "x")\n', stand_in(folder, "hy"))
    assert text.startswith("(pys #[[import os, sys; ") and text.endswith(']])\n(print "x")\n')


SMALL = """
    import collections
    P = collections.namedtuple("P", "a b")
    rule a:
        output: "o"
        params: p=P(1, [2, {"k": None}])%s
        script: "s.py"
"""
USES = """
import sys
from snakemake.shell import shell
from snakemake.utils import makedirs, format
from snakemake.io import expand
from snakemake.logging import logger
from snakemake.script import snakemake as same
assert same is snakemake
shell("echo {snakemake.params.p.b} {snakemake.log} 1")
print(*sys.version_info[:2], sorted(m for m in sys.modules if m.startswith("furrow_evaluator")))
"""


def older_pythons():
    found = {}
    places = "/usr/bin/python3.?", os.path.expanduser("~/.pyenv/versions/3.[678].*/bin/python3")
    for path in [path for place in places for path in glob.glob(place)]:
        version = subprocess.run([path, "-c", "import sys; print(sys.version_info[1])"], capture_output=True, text=True)
        found[int(version.stdout)] = path
    return found


def test_python_scripts_need_only_what_python_3_7_has(folder):
    """Their Python may be that of a software environment."""
    folder.write("s.py", USES)
    client = folder.load(SMALL % "")
    _, done = run(client, "a")
    assert done.returncode == 0, done.stderr
    for module in ast.literal_eval(done.stdout.split("\n")[-2].split(" ", 2)[2]):
        here = os.path.dirname(os.path.abspath(__file__))
        path = os.path.join(here, "../../python/evaluator", module.replace(".", "/"))
        if os.path.exists(path + ".py"):
            with open(path + ".py") as file:
                ast.parse(file.read(), path, feature_version=(3, 7))
    for minor, python in older_pythons().items():
        _, done = run(client, "a", program=python)
        if minor < 7:
            assert f"is Python 3.{minor}: Python scripts of rules need 3.7 or newer" in done.stderr
        else:
            assert done.returncode == 0 and f"\n3 {minor} " in done.stdout, done.stderr


def test_a_function_goes_to_a_script_of_the_same_python_only(folder):
    other = next((path for minor, path in older_pythons().items() if 7 <= minor < sys.version_info[1]), None)
    if other is None:
        pytest.skip("there is no older Python here")
    folder.write("s.py", "")
    client = folder.load("def f(x): return x\n" + SMALL.replace("\n    ", "\n") % ", q=lambda wc: {1: f}")
    _, done = run(client, "a", program=other)
    assert "f, which the Snakefile defines, can only be passed to a script under the same version" in done.stderr


def test_missing_and_unknown_scripts(folder):
    folder.write("s.xyz", "")
    client = folder.load('rule a:\n    script: "nope.py"\nrule b:\n    script: "s.xyz"\n')
    assert "nope.py" in job_error(client, "prepare", client.job("a"))["message"]
    assert job_error(client, "prepare", client.job("b"))["type"] == "NotYet"
