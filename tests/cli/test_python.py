"""The Python that runs a Snakefile is the user's own: Debian's, a virtualenv's, or another version."""
import glob
import os
import subprocess

import pytest

PANDAS = '''
import pandas as pd
samples = pd.DataFrame({"name": ["a", "b"], "value": [1, 2]}).set_index("name", drop=False)
rule all:
    input: expand("{s}.out", s=samples.index)
rule one:
    output: "{s}.out"
    params: v=lambda wildcards: samples.loc[wildcards.s, "value"]
    run:
        samples[samples.name == wildcards.s].to_csv(output[0], index=False)
        shell("echo {params.v} >> {output}")
'''
VERSION_SNAKEFILE = '''
import sys
rule all:
    input: "shell.out", "run.out", "script.out"
rule in_shell:
    output: "shell.out"
    params: v="%d.%d" % sys.version_info[:2]
    shell: "echo {params.v} > {output}"
rule in_run:
    output: "run.out"
    run:
        open(output[0], "w").write("%d.%d\\n" % sys.version_info[:2])
rule in_script:
    output: "script.out"
    params: d={"a": (1, 2)}
    script: "tell.py"
'''
VERSION_SCRIPT = '''import sys
assert snakemake.params.d["a"][1] == 2
open(snakemake.output[0], "w").write("%d.%d\\n" % sys.version_info[:2])
'''
OLDEST = (3, 9)


def other_pythons():
    """This machine's interpreters, one for each version from 3.9 on, without Debian's."""
    paths = sorted(glob.glob(os.path.expanduser("~/.pyenv/versions/*/bin/python3")))
    patterns = "/usr/local/bin/python3.*[0-9]", "/usr/bin/python3.*[0-9]", "/opt/*/bin/python3"
    paths += sorted(path for pattern in patterns for path in glob.glob(pattern))
    found = {}
    for path in paths:
        reported = subprocess.run([path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
                                  capture_output=True, text=True)
        if reported.returncode == 0:
            found.setdefault(reported.stdout.strip(), path)
    return found


def number(version):
    return tuple(map(int, version.split(".")))


OTHERS = other_pythons()
SUPPORTED = {v: p for v, p in OTHERS.items() if number(v) >= OLDEST}
TOO_OLD = {v: p for v, p in OTHERS.items() if number(v) < OLDEST}


def write_workflow(folder):
    folder.write("tell.py", VERSION_SCRIPT)
    folder.write("Snakefile", VERSION_SNAKEFILE)
    return folder


def reported(folder):
    return {(folder / f"{kind}.out").read_text().strip() for kind in ("shell", "run", "script")}


def test_debians_python_with_a_third_party_package(folder):
    folder.run(snakefile=PANDAS)
    assert (folder / "b.out").read_text() == "name,value\nb,2\n2\n"


def test_files_named_like_standard_modules_do_no_harm(folder):
    for name in ("copy", "json", "socket", "pickle", "tempfile", "tokenize", "string"):
        folder.write(f"{name}.py", "raise RuntimeError('the wrong module')\n")
    folder.run(snakefile='''
rule all:
    input: "a.out", "b.out"
rule a:
    output: "{w}.out"
    wildcard_constraints: w="a"
    params: p=lambda wildcards: {"k": wildcards.w}
    shell: "echo {params.p[k]} > {output}"
rule b:
    output: "b.out"
    run:
        shell("echo b > {output}")
''')
    assert (folder / "a.out").read_text() + (folder / "b.out").read_text() == "a\nb\n"


def test_virtualenv_first_on_path(folder):
    subprocess.run(["/usr/bin/python3", "-m", "venv", "--without-pip", folder / "env"], check=True)
    site = glob.glob(str(folder / "env" / "lib" / "python3.*" / "site-packages"))[0]
    folder.write(os.path.join(site, "only_in_this_env.py"), "VALUE = 'from the virtualenv'\n")
    folder.write("s.py", "import only_in_this_env as m\nopen(snakemake.output[0], 'w').write(m.VALUE)\n")
    folder.run(
        env={"PATH": f"{folder / 'env' / 'bin'}:/usr/bin:/bin"},
        snakefile='''
import only_in_this_env
rule all:
    input: "a.out", "b.out", "c.out"
rule a:
    output: "a.out"
    params: v=only_in_this_env.VALUE
    shell: "printf '%s' {params.v:q} > {output}"
rule b:
    output: "b.out"
    run:
        open(output[0], "w").write(only_in_this_env.VALUE)
rule c:
    output: "c.out"
    script: "s.py"
''')
    assert {(folder / f"{w}.out").read_text() for w in "abc"} == {"from the virtualenv"}


@pytest.mark.skipif(not SUPPORTED, reason="this machine has no second Python from 3.9 on")
@pytest.mark.parametrize("version", sorted(SUPPORTED, key=number) or ["none"])
def test_another_version_by_option(folder, version):
    write_workflow(folder).run("--python", SUPPORTED[version])
    assert reported(folder) == {version}


@pytest.mark.skipif(not SUPPORTED, reason="this machine has no second Python from 3.9 on")
def test_another_version_by_variable(folder):
    version, path = max(SUPPORTED.items(), key=lambda item: number(item[0]))
    write_workflow(folder).run(env={"FURROW_PYTHON": path})
    assert reported(folder) == {version}


@pytest.mark.skipif(not TOO_OLD, reason="this machine has no Python older than 3.9")
@pytest.mark.parametrize("version", sorted(TOO_OLD, key=number) or ["none"])
def test_a_python_that_is_too_old_is_refused_by_name(folder, version):
    result = write_workflow(folder).run("--python", TOO_OLD[version], code=1)
    assert "3.9" in result.text and TOO_OLD[version] in result.text
    assert "SyntaxError" not in result.text


def test_a_missing_python_is_named(folder):
    result = write_workflow(folder).run("--python", "/nowhere/python3", code=1)
    assert "/nowhere/python3" in result.text


def test_a_program_that_is_not_python_is_named(folder):
    result = write_workflow(folder).run("--python", "/bin/true", code=1)
    assert "/bin/true" in result.text


def test_without_any_python_the_message_says_what_to_do(folder):
    (folder / "empty").mkdir()
    result = write_workflow(folder).run(env={"PATH": str(folder / "empty")}, code=1)
    assert "python3" in result.text and "--python" in result.text
