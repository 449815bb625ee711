"""Jobs of `wrapper:`, and what makes them due; scripts from the web."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "support"))

from web_server import WebServer  # noqa: E402

SNAKEFILE = """
rule all:
    input: "b"
rule a:
    output: "a"
    shell: "echo {output} > {output}"
rule b:
    input: "a"
    output: "b"
    params: extra="-x"
    log: "b.log"
    threads: 2
    resources: mem_mb=2000
    wrapper: "%s/bio/join"
"""
# In the manner of the wrappers of Snakemake's repository, with a module that their environments have.
WRAPPER = """
from snakemake.shell import shell
from snakemake_wrapper_utils.memory import in_gb

extra = snakemake.params.get("extra", "")
log = snakemake.log_fmt_shell(stdout=False, stderr=True)
shell("(cat {snakemake.input} && echo {extra} {snakemake.threads} %d) > {snakemake.output[0]} {log}" % in_gb(snakemake))
"""
UTILS = "def in_gb(snakemake):\n    return snakemake.resources.get('mem_mb', 0) // 1000\n"


def test_a_wrapper_runs_and_its_version_and_content_count(folder):
    folder.write("wrappers/v1.0.0/bio/join/wrapper.py", WRAPPER)
    folder.write("wrappers/v1.1.0/bio/join/wrapper.sh", 'echo 1.1 > "${snakemake_output[0]}"\n')
    folder.write("site/snakemake_wrapper_utils/memory.py", UTILS)
    run = lambda version, *more, **fields: folder.run(  # noqa: E731
        "--wrapper-prefix", "wrappers", *more, snakefile=SNAKEFILE % version,
        env={"PYTHONPATH": str(folder.path / "site")}, **fields,
    )
    run("v1.0.0")
    assert folder.read("b") == "a\n-x 2 2\n" and folder.read("b.log") == ""
    assert "b" not in run("v1.0.0", "-n").out.split()
    folder.write("wrappers/v1.0.0/bio/join/wrapper.py", WRAPPER.replace("(cat", "(echo new; cat"))
    assert "b: code has changed" in run("v1.0.0", "-n").out
    run("v1.0.0")
    assert folder.read("b").startswith("new\n")
    assert "b: code has changed" in run("v1.1.0", "-n").out
    run("v1.1.0")
    assert folder.read("b") == "1.1\n"
    # One that is not there stops the run before it begins.
    result = run("v9.0.0", "-R", "a", code=1)
    assert "wrappers/v9.0.0/bio/join has none of" in result.text and "Snakefile:7" in result.text, str(result)
    assert folder.read("a") == "a\n"


@pytest.fixture
def web():
    server = WebServer()
    yield server
    server.stop()


def test_a_script_from_the_web_runs_and_counts(folder, web):
    env = {"XDG_CACHE_HOME": str(folder.path / "cache"), "no_proxy": "*"}
    web.files["/s.sh"] = 'echo 1 > "${snakemake_output[0]}"\n'
    snakefile = f'rule a:\n    output: "a"\n    script: "{web.url}/s.sh"\n'
    folder.run(snakefile=snakefile, env=env)
    assert folder.read("a") == "1\n"
    assert "othing to do" in folder.run("-n", env=env).text
    web.files["/s.sh"] = 'echo 2 > "${snakemake_output[0]}"\n'
    folder.run(env=env)
    assert folder.read("a") == "2\n"
    # A workflow and its settings by their addresses.
    web.files["/flow/Snakefile"] = 'rule a:\n    output: config["o"]\n    shell: "echo 3 > {output}"\n'
    web.files["/flow/config.yaml"] = "o: c\n"
    by_address = ["-s", f"{web.url}/flow/Snakefile", "--configfile", f"{web.url}/flow/config.yaml"]
    folder.run(*by_address, env=env)
    assert folder.read("c") == "3\n"
    web.files.pop("/flow/config.yaml")
    result = folder.run(*by_address, code=1, env=env)
    assert "the server answers 404" in result.text, str(result)


def test_a_profile_by_its_address(folder, web):
    env = {"XDG_CACHE_HOME": str(folder.path / "cache"), "no_proxy": "*"}
    web.files["/profiles/one/config.yaml"] = "config: [o=d]\n"
    snakefile = 'rule a:\n    output: config["o"]\n    shell: "echo > {output}"\n'
    folder.run("--profile", web.url + "/profiles/one", snakefile=snakefile, env=env)
    assert folder.exists("d")
    web.files["/profiles/one/config.yaml"] = "config: [o=e]\nnothing: 1\n"
    result = folder.run("--profile", web.url + "/profiles/one/config.yaml", code=1, env=env)
    assert "there is no option nothing" in result.text and "config.yaml:2" in result.text, str(result)
    result = folder.run("--profile", web.url + "/profiles/two", code=1, env=env)
    assert f"there is no profile {web.url}/profiles/two: there is none of profile.v9+.yaml" in result.text, str(result)
    web.faults["/profiles/two/profile.yaml"] = 500
    result = folder.run("--profile", web.url + "/profiles/two", code=1, env=env)
    assert "profile.yaml cannot be fetched: the server answers 500" in result.text, str(result)
