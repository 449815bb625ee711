"""Broken Snakefiles and command lines, with what the message for each must contain."""
from dataclasses import dataclass, field


@dataclass
class Broken:
    """The message must point to `line` of `file`; `line` is a range if several lines are acceptable."""

    name: str
    snakefile: object = None  # text, bytes, or None for no Snakefile
    says: list = field(default_factory=list)
    line: object = None
    file: str = "Snakefile"
    args: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    before: str = ""  # a shell command to run in the folder first
    traceback: bool = False  # whether the user's own program may print one
    as_user: bool = False  # root skips it, because root may write to protected files


LANGUAGE = [
    Broken("unterminated string", 'rule a:\n    output: "x"\n    shell: "touch\n', ["string"], 3),
    Broken("unterminated triple quotes", 'rule a:\n    output: "x"\n    shell: """touch\n', ["string"], (3, 4)),
    Broken("open bracket", 'rule a:\n    output: expand("x"\n    shell: "touch x"\n', [], (2, 3)),
    Broken("bracket too many", 'rule a:\n    output: "x")\n    shell: "touch x"\n', [")"], 2),
    Broken("python syntax", "x = 1\ny = = 2\n", ["syntax"], 2),
    Broken("python syntax in a run block", 'rule a:\n    output: "x"\n    run:\n        y = (1,\n        z = = 3\n', [],
           (4, 6)),
    Broken("unknown directive", 'rule a:\n    ouput: "x"\n    shell: "touch x"\n', ["ouput", "output"], 2),
    Broken("unknown word at the top", 'ruel a:\n    output: "x"\n', [], (1, 2)),
    Broken("missing colon after rule", 'rule a\n    output: "x"\n', [], (1, 2)),
    Broken("missing colon after directive", 'rule a:\n    output "x"\n    shell: "touch x"\n', ["output"], 2),
    Broken("missing comma", 'rule a:\n    input: a="1" b="2"\n    output: "x"\n', [], 2),
    Broken("indentation", 'rule a:\n    output: "x"\n      shell: "touch x"\n', [], (2, 3)),
    Broken("dedent to nowhere", 'if True:\n        x = 1\n    y = 2\n', [], 3),
    Broken("tabs and spaces mixed", 'if True:\n    x = 1\n\ty = 2\n', [], (2, 3)),
    Broken("shell and run", 'rule a:\n    output: "x"\n    shell: "touch x"\n    run:\n        pass\n', [], (1, 5)),
    Broken("not UTF-8", b'# caf\xe9\nrule a:\n    output: "x"\n', ["UTF-8"], (1, 2)),
    Broken("NUL byte", b'x = 1\ny = "\0"\n', ["nul"], (1, 2)),
    Broken("binary file", bytes(range(256)) * 40, []),
    Broken("error after a line of 10 MB", "x = '" + "a" * 10_000_000 + "'\ny = = 2\n", ["syntax"], 2),
    Broken("rule name with a dash", 'rule a-b:\n    output: "x"\n', [], 1),
    Broken("rule twice", 'rule a:\n    output: "x"\nrule a:\n    output: "y"\n', ["a"], 3),
    Broken("positional after keyword", 'rule a:\n    input: a="1", "2"\n    output: "x"\n', ["positional"], 2),
    Broken("too deep brackets", "x = " + "(" * 5000 + "\n", [], 1),
    Broken("error in an included file", 'x = 1\ninclude: "more.smk"\n', ["nam"], 2, "more.smk",
           files={"more.smk": "y = 1\nz = not_defined_anywhere\n"}),
    Broken("missing include", 'x = 1\ninclude: "gone.smk"\n', ["gone.smk"], 2),
    Broken("missing configfile", 'x = 1\nconfigfile: "gone.yaml"\n', ["gone.yaml"], 2),
    Broken("configfile that is no YAML", 'configfile: "bad.yaml"\n', ["bad.yaml"],
           files={"bad.yaml": "a: 1\nb: [1, 2\nc: }\n"}),
    Broken("configfile that is a list", 'configfile: "list.yaml"\n', ["list.yaml"], files={"list.yaml": "- 1\n- 2\n"}),
    Broken("exception at the top", 'x = 1\nraise ValueError("told you so")\n', ["told you so", "ValueError"], 2),
    Broken("missing module", "import module_that_nobody_has\n", ["module_that_nobody_has"], 1),
    Broken("unset envvars", 'x = 1\nenvvars:\n    "SURELY_NOT_SET"\n', ["SURELY_NOT_SET"], (2, 3)),
    Broken("ruleorder of an unknown rule", 'ruleorder: a > nobody\nrule a:\n    output: "x"\n    shell: "touch x"\n',
           ["nobody"]),
    Broken("rules.x of an unknown rule", "x = 1\ny = rules.nobody.output\n", ["nobody"], 2),
    Broken("expand without a value", 'x = 1\ny = expand("{a}{b}", a=1)\n', ["b"], 2),
    Broken("evaluator leaves", "import os\nos._exit(7)\n", ["7"]),
    Broken("evaluator's files closed",
           "import os\nos.closerange(3, 256)\nrule a:\n    output: 'x'\n    shell: 'touch x'\n", []),
    Broken("unending recursion", "def f(n):\n    return f(n)\nf(1)\n", ["recursion"], (2, 3)),
]

RULES = [
    Broken("input wildcard not in output", 'x = 1\nrule a:\n    input: "{nope}.txt"\n    output: "{w}.out"\n', ["nope"],
           (2, 4), args=["x.out"]),
    Broken("outputs differ in wildcards", 'x = 1\nrule a:\n    output: "{v}.1", "{w}.2"\n    shell: "touch {output}"\n',
           ["a"], (2, 3)),
    Broken("log lacks a wildcard", 'rule a:\n    output: "{v}.1"\n    log: "x.log"\n    shell: "touch {output}"\n',
           ["log"], (1, 3)),
    Broken("output is a function", 'rule a:\n    output: lambda wildcards: "x"\n    shell: "touch {output}"\n',
           ["output"], (1, 2)),
    Broken("output is a number", 'rule a:\n    output: 7\n    shell: "touch x"\n', [], (1, 2)),
    Broken("bad regular expression", 'rule a:\n    output: "{w,[a-z}.out"\n    shell: "touch {output}"\n', ["a-z"],
           (1, 2), args=["x.out"]),
    Broken("bad constraint",
           'wildcard_constraints:\n    w="(a"\nrule a:\n    output: "{w}.out"\n    shell: "touch {output}"\n', ["(a"],
           args=["x.out"]),
    Broken("threads that are text", 'rule a:\n    output: "x"\n    threads: "many"\n    shell: "touch x"\n',
           ["threads"], (1, 3)),
    Broken("resources that are a list", 'rule a:\n    output: "x"\n    resources: mem=[1, 2]\n    shell: "touch x"\n',
           ["mem"], (1, 3)),
    Broken("priority that is text", 'rule a:\n    output: "x"\n    priority: "high"\n    shell: "touch x"\n',
           ["riority"], (1, 3)),
    Broken("cycle",
           'rule a:\n    input: "b.out"\n    output: "a.out"\nrule b:\n    input: "a.out"\n    output: "b.out"\n',
           ["ycl"]),
    Broken("rule that needs itself forever", 'rule a:\n    input: "{w}.x"\n    output: "{w}"\n', ["a"], args=["f"]),
    Broken("ambiguous",
           'rule a:\n    output: "{w}.out"\n    shell: "touch {output}"\nrule b:\n    output: "x.{e}"\n'
           '    shell: "touch {output}"\n',
           ["mbigu", "x.out"], args=["x.out"]),
    Broken("missing input", 'x = 1\nrule a:\n    input: "gone.txt"\n    output: "x"\n', ["gone.txt", "a"], (2, 4)),
    Broken("input function raises",
           'x = 1\ndef f(wildcards):\n    return {}["key"]\nrule a:\n    input: f\n    output: "{w}.out"\n', ["key"],
           (3, 5), args=["x.out"]),
    Broken("input function returns nothing",
           'rule a:\n    input: lambda wildcards: None\n    output: "{w}.out"\n    shell: "touch {output}"\n',
           [], (1, 3), args=["x.out"]),
    Broken("input function returns a number",
           'rule a:\n    input: lambda wildcards: 7\n    output: "{w}.out"\n    shell: "touch {output}"\n',
           [], (1, 3), args=["x.out"]),
    Broken("params function raises",
           'rule a:\n    output: "{w}.out"\n    params: p=lambda wildcards: 1 / 0\n    shell: "touch {output}"\n',
           ["division"], (1, 3), args=["x.out"]),
    Broken("threads function raises",
           'rule a:\n    output: "{w}.out"\n    threads: lambda wildcards: 1 / 0\n    shell: "touch {output}"\n',
           ["division"], (1, 3), args=["x.out"]),
    Broken("unknown name in shell", 'rule a:\n    output: "x"\n    shell: "touch {outptu}"\n', ["outptu"], (1, 3)),
    Broken("unknown wildcard in shell", 'rule a:\n    output: "{w}.out"\n    shell: "touch {wildcards.nope}"\n',
           ["nope"], (1, 3), args=["x.out"]),
    Broken("index too large in shell", 'rule a:\n    output: "x"\n    shell: "touch {output[3]}"\n', [], (1, 3)),
    Broken("single brace in shell", 'rule a:\n    output: "x"\n    shell: "awk \'{print}\' > {output"\n', [], (1, 3)),
    Broken("command fails", 'x = 1\nrule failing:\n    output: "x"\n    shell: "touch x; exit 42"\n',
           ["failing", "42"]),
    Broken("output not made", 'rule lazy:\n    output: "x.out"\n    shell: "true"\n', ["x.out", "lazy"],
           args=["--latency-wait", "0"]),
    Broken("command of 10 MB", 'rule a:\n    output: "x.out"\n    shell: "true ' + "a" * 10_000_000 + '"\n', ["a"]),
    Broken("missing script", 'rule a:\n    output: "x.out"\n    script: "gone.py"\n', ["gone.py"]),
    Broken("script with a mistake", 'rule a:\n    output: "x.out"\n    script: "s.py"\n', ["s.py", "not_defined"], 2,
           "s.py", files={"s.py": "x = 1\ny = not_defined\n"}, traceback=True),
    Broken("run block with a mistake", 'rule a:\n    output: "x.out"\n    run:\n        y = not_defined\n',
           ["not_defined"], 4, traceback=True),
    Broken("rule target with wildcards", 'rule a:\n    output: "{w}.out"\n    shell: "touch {output}"\n', ["wildcard"],
           args=["a"]),
]

M = 'module o:\n    snakefile: "o.smk"\n'
RULE = 'rule a:\n    output: "x"\n    shell: "y"\n'

MODULES = [
    Broken("unknown module", "x = 1\nuse rule * from other\n", ["other", "module other:"], 2),
    Broken("module without a file", M + "use rule * from o\n", ["o.smk"], (1, 3)),
    Broken("module without a snakefile", 'x = 1\nmodule other:\n    prefix: "p"\n', ["snakefile"], 2),
    Broken("unknown rule of a module", M + "use rule aa from o\n", ["aa", "did you mean a"], 3, files={"o.smk": RULE}),
    Broken("rule names of modules collide",
           M + M.replace("o:", "p:").replace("o.smk", "p.smk") + "use rule * from o\nuse rule * from p\n",
           ["a is taken", "o.smk", "as"], 6, files={"o.smk": RULE, "p.smk": RULE}),
    Broken("mistake in a module", M + "use rule * from o\n", ["nothing"], 2, "o.smk",
           files={"o.smk": "x = 1\nnothing\n"}),
    Broken("shell in a block of use rule", RULE + 'use rule a as b with:\n    shell: "z"\n', ["shell cannot be"], 5),
    Broken("use rule of itself", RULE + 'use rule a as a with:\n    output: "y"\n', ["like itself"], 4),
    Broken("unknown rule to inherit", RULE + 'use rule b as c with:\n    output: "y"\n', ["named b"], 4),
]

NOT_YET = [
    Broken("conda file", 'rule a:\n    output: "x"\n    conda: "e.yaml"\n    shell: "touch x"\n',
           ["e.yaml of a conda environment cannot be read"], args=["--use-conda"]),
]

GOOD = 'rule a:\n    output: "x.out"\n    shell: "touch {output}"\n'
COMMAND_LINE = [
    Broken("no Snakefile", None, ["Snakefile", "-s"]),
    Broken("Snakefile named that is not there", None, ["gone.smk"], args=["-s", "gone.smk"]),
    Broken("folder as Snakefile", None, ["folder"], args=["-s", "folder"], before="mkdir folder"),
    Broken("unreadable configfile option", GOOD, ["gone.yaml"], args=["--configfile", "gone.yaml"]),
    Broken("mistyped option", GOOD, ["--dry-runn", "--dry-run"], args=["--dry-runn"]),
    Broken("unknown target", GOOD, ["nobody.out"], args=["nobody.out"]),
    Broken("mistyped target", GOOD, ["x.otu", "x.out"], args=["x.otu"]),
    Broken("config without a value", GOOD, ["nonsense"], args=["--config", "nonsense"]),
    Broken("cores that are no number", GOOD, ["many"], args=["--cores", "many"]),
    Broken("no cores", GOOD, ["0"], args=["--cores", "0"]),
    Broken("unknown rerun trigger", GOOD, ["moon"], args=["--rerun-triggers", "moon"]),
    Broken("set-threads of no rule", GOOD, ["nonsense"], args=["--set-threads", "nonsense"]),
    Broken("resources without a value", GOOD, ["mem"], args=["--resources", "mem"]),
    Broken("missing profile", GOOD, ["no_profile"], args=["--profile", "no_profile"]),
    Broken("profile with an unknown option", GOOD, ["not-an-option"], args=["--profile", "p"],
           files={"p/config.yaml": "not-an-option: 1\n"}),
    Broken("profile that is no YAML", GOOD, ["config.yaml"], args=["--profile", "p"],
           files={"p/config.yaml": "a: [1\nb: }\n"}),
    Broken("directory is a file", GOOD, ["plain"], args=["-d", "plain"], before="touch plain"),
    Broken("protected output in the way", GOOD.replace('"x.out"', 'protected("x.out")'), ["x.out", "rotected"],
           args=["-F"], before="touch x.out; chmod a-w x.out", as_user=True),
]

ALL = LANGUAGE + RULES + MODULES + NOT_YET + COMMAND_LINE
