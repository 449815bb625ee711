"""File names that are difficult for a shell, for a line-based protocol or for an encoding."""
import os

import pytest

NAMES = ["with space", "it's", 'double"quote', "dollar$HOME", "star*", "semi;colon", "tab\there", "back\\slash",
         "-dash", "#hash", "(round)", "~tilde", "été", "日本"]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: ascii(name))
def test_name_survives_shell_run_and_log(folder, name):
    folder.write(f"in/{name}.txt", "text\n")
    folder.write("Snakefile", '''
names = glob_wildcards("in/{n}.txt").n
rule all:
    input: expand("{kind}/{n}.out", kind=["shell", "run", "script"], n=names)
rule by_shell:
    input: "in/{n}.txt"
    output: "shell/{n}.out"
    log: "logs/{n}.log"
    shell: "cat {input:q} > {output:q} 2> {log:q}"
rule by_run:
    input: "in/{n}.txt"
    output: "run/{n}.out"
    run:
        open(output[0], "w").write(open(input[0]).read())
rule by_script:
    input: "in/{n}.txt"
    output: "script/{n}.out"
    script: "copier.py"
''')
    folder.write("copier.py", "open(snakemake.output[0], 'w').write(open(snakemake.input[0]).read())\n")
    folder.run()
    for kind in ("shell", "run", "script"):
        assert (folder / f"{kind}/{name}.out").read_text() == "text\n"
    assert "othing to " in folder.run().text


def test_name_with_a_newline(folder):
    folder.write("Snakefile", '''
rule all:
    input: "b.out"
rule a:
    output: "new\\nline.txt"
    shell: "echo a > {output:q}"
rule b:
    input: "new\\nline.txt"
    output: "b.out"
    shell: "cat {input:q} > {output}"
''')
    folder.run()
    assert (folder / "new\nline.txt").exists() and (folder / "b.out").read_text() == "a\n"
    assert "othing to " in folder.run().text


def test_name_that_is_not_utf8(folder):
    os.mkdir(os.fsencode(folder.path) + b"/in")
    with open(os.fsencode(folder.path) + b"/in/caf\xe9.txt", "w") as text:
        text.write("text\n")
    folder.write("Snakefile", '''
rule all:
    input: expand("out/{n}", n=glob_wildcards("in/{n}.txt").n)
rule one:
    input: "in/{n}.txt"
    output: "out/{n}"
    shell: "cat {input:q} > {output:q}"
''')
    folder.run()
    assert os.path.exists(os.fsencode(folder.path) + b"/out/caf\xe9")


def test_checkout_and_folder_with_spaces(folder):
    folder.write("my flow/Snakefile", 'include: "more rules/a.smk"\nrule all:\n    input: "a.out"\n')
    folder.write("my flow/more rules/a.smk", 'rule a:\n    output: "a.out"\n    script: "a b.py"\n')
    folder.write("my flow/more rules/a b.py", "open(snakemake.output[0], 'w').write('x')\n")
    folder.run("-s", "my flow/Snakefile", "-d", "work here")
    assert (folder / "work here" / "a.out").exists()


def test_three_thousand_files_in_one_command(folder):
    folder.write("Snakefile", '''
rule all:
    input: "all.out"
rule make:
    output: expand("parts/{n}.txt", n=range(3000))
    shell: "for n in $(seq 0 2999); do echo $n > parts/$n.txt; done"
rule gather:
    input: expand("parts/{n}.txt", n=range(3000))
    output: "all.out"
    shell: "cat {input} | wc -l > {output}"
''')
    folder.run()
    assert (folder / "all.out").read_text().strip() == "3000"
