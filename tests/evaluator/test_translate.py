"""The translation keeps every line in its place and changes no plain Python."""

import pytest
from furrow_evaluator.errors import SnakefileSyntaxError
from furrow_evaluator.translate import translate

WHOLE = '''\
"""plain docstring"""
rule all:
    """says what"""
    input:
        # comment
        "a",
        b="c"   # behind
    output: "x", temp("z"),
            y="zz" # behind
    shell: "cat {input} "
           "> {output}"
for i in range(3):
    rule:
        output: f"o{i}"
        run:
            x = f"a{i!r:>{i}}"  # comment
            shell("touch {output}")
    # comment
localrules: all, b
ruleorder: a > b
onstart:
    print("x")
include: "b.smk"
if True:
    rule empty:
rule last:
    input: "end"'''


def test_every_line_keeps_its_number():
    text = translate(WHOLE, "S").text
    before, after = WHOLE.split("\n"), text.split("\n")
    assert len(before) == len(after)
    for word in ('"a"', '"> {output}"', "touch", "print", '"end"', "# comment"):
        assert [at for at, line in enumerate(before) if word in line] == [
            at for at, line in enumerate(after) if word in line
        ]
    compile(text, "S", "exec")


def test_the_parenthesis_closes_before_the_comment():
    text = translate('rule a:\n    input: "x" # why (\n', "S").text
    assert text.split("\n")[1] == '    __r.input( "x") # why ('


def test_plain_python_stays_as_it_is():
    plain = (
        "rule = 3\nreport = {'rule': rule}\nclass A:\n    input: int = 3\n"
        "x = [rule for rule in (1, 2)]\nmatch = f'{rule}'\n"
    )
    assert translate(plain, "S").text == plain


def test_code_of_a_run_block_ignores_comments_and_layout_but_no_change():
    def code(body):
        (text,) = translate("rule a:\n    run:\n" + body, "S").runs.values()
        return text

    plain = code("        x = 1\n        f(x)\n")
    assert code("        x  =  1 # one\n\n        # more\n        f( x )\n") == plain
    assert code("        x = 2\n        f(x)\n") != plain
    assert code("        a\n        -b\n") != code("        a - b\n")
    assert code("        if x:\n            a\n        b\n") != code("        if x:\n            a\n            b\n")


def test_f_strings_count_as_one_token():
    (text,) = translate('rule a:\n    run:\n        x = f"a{b!r:>{c}}"\n', "S").runs.values()
    assert text == '; { x = f"a{b!r:>{c}}" ; }'


@pytest.mark.parametrize(
    "source, line, part",
    [
        ('rule a:\n    input: expand("x", a=[1]\n    output: "y"\n', 2, "'(' was never closed"),
        ('rule a:\n    input: "abc\n    output: "y"\n', 2, "unterminated string"),
        ('x = 1\nrule a:\n    shell: """abc\n', 3, "unterminated triple-quoted"),
        ('rule a:\n    inptu: "x"\n', 2, "unknown directive inptu"),
        ('rule a\n    input: "x"\n', 1, "expected ':'"),
        ('rule a:\n    input = "x"\n', 2, "expected ':'"),
        ('rule 1a:\n    input: "x"\n', 1, "name of a rule"),
        ('rule a:\n    input: "x"\n      output: "x"\n', 3, "unexpected indent"),
        ('rule a:\n        input: "x"\n    output: "x"\n', 3, "unindent"),
        ('rule a:\n    input: "x")\n', 2, "unmatched ')'"),
        ('rule a:\n    input: ("x"]\n', 2, "does not match"),
        ('rule a:\n    if True:\n        input: "x"\n', 2, "expected a directive"),
        ("ruleorder: a < b\n", 1, "names of rules"),
        ('rule a:\n    shell: "x"\n    run:\n        pass\n', 3, "more than one of"),
        ('rule a:\n    shell: "x"\n    params: 3\n', 3, "comes after shell"),
    ],
)
def test_mistakes_are_reported_with_their_line(source, line, part):
    with pytest.raises(SnakefileSyntaxError) as failed:
        translate(source, "S")
    assert failed.value.line == line
    assert part in str(failed.value)


def test_similar_words_are_suggested():
    with pytest.raises(SnakefileSyntaxError) as failed:
        translate('rule a:\n    ouput: "x"\n', "S")
    assert "output" in failed.value.hint
