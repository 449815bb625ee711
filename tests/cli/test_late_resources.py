"""Resources that functions read from files: while those are missing, and once they are gone."""

CHAIN = """
import os
rule all:
    input: "b.txt"
rule a:
    output: {flag}("a.txt")
    shell: "echo 12345 > {{output}}"
def size(wildcards):
    {check}
    return os.path.getsize("a.txt")
rule b:
    input: "a.txt"
    output: "b.txt"
    resources: size=size
    {more}
    shell: "echo {{resources.size}} > {{output}}"
"""


def chain(check, flag="", more=""):
    return CHAIN.format(check=check, flag=flag, more=more)


def test_a_function_that_insists_on_a_file_is_asked_again_once_it_is_there(folder):
    for check in ('assert os.path.isfile("a.txt"), "too early"', 'open("a.txt").close()',
                  'if not os.path.exists("a.txt"): raise ValueError("early")'):
        folder.run("-c1", "-n", "-F", snakefile=chain(check))
        folder.run("-c1", "-F")
        assert folder.read("b.txt") == "6\n"
        for name in ("a.txt", "b.txt"):
            (folder.path / name).unlink()


def test_a_mistake_that_no_file_can_mend_is_found_first(folder):
    snakefile = chain("pass").replace('os.path.getsize("a.txt")', '{}["sample"]')
    result = folder.run("-c1", code=1, snakefile=snakefile)
    assert "KeyError" in result.err and not folder.exists("a.txt")


def test_the_function_must_answer_when_the_job_starts(folder):
    result = folder.run("-c1", code=1, snakefile=chain('assert os.path.isfile("other"), "never"'))
    assert "never" in result.err and folder.exists("a.txt")


PARAM = 'params: x=lambda w, threads, resources: f"{threads} {resources.size} TEXT"\n    threads: THREADS'


def test_a_changed_param_is_seen_although_its_resource_cannot_be_known(folder):
    more = PARAM.replace("TEXT", "{config.get('v', 1)}")
    snakefile = chain("pass", "temp", more)
    for threads in ("1", "lambda w, input: 1 if open(input[0]).read() else 2"):
        folder.run("-c4", "-F", snakefile=snakefile.replace("THREADS", threads))
        assert not folder.exists("a.txt")
        assert "Nothing to do" in folder.run("-c4").text
        assert "Nothing to do" in folder.run("-c2").text
        result = folder.run("-c4", "-n", "--config", "v=2")
        assert "params" in result.out, str(result)
    folder.run("-c4", "-F", snakefile=snakefile.replace("THREADS", "1"))
    result = folder.run("-c4", "-n", snakefile=snakefile.replace("THREADS", "2"))
    assert "params" in result.out, str(result)
    assert "whatever the resources are" in folder.run("-c4", "--why", "b.txt").out
