"""The modules named `snakemake` that Snakefiles import, and the functions that they provide."""

import json
import subprocess

import pytest
from client import PYTHON


def check(folder, text, **fields):
    return folder.load(text, **fields)


def test_common_imports(folder):
    check(
        folder,
        """
        import snakemake
        from snakemake.utils import min_version, validate, Paramspace, update_config, makedirs, listfiles, format as fmt
        from snakemake.io import expand, glob_wildcards, temp, Wildcards, Namedlist, load_configfile
        from snakemake.io import strip_wildcard_constraints
        from snakemake.shell import shell as other
        from snakemake.logging import logger
        from snakemake.exceptions import WorkflowError
        from snakemake.common.configfile import load_configfile as another
        assert other is shell
        min_version("7.8.0rc1")
        min_version("9.25")
        x = 4
        assert fmt("{x}-{y}", y=5) == "4-5"
        assert strip_wildcard_constraints("a{b,x+}") == "a{b}"
        open("c.json", "w").write('{"a": 1}')
        assert load_configfile("c.json") == {"a": 1}
        c = {"a": {"b": 1}}
        update_config(c, {"a": {"c": 2}})
        assert c == {"a": {"b": 1, "c": 2}}
        assert [(p, w.n) for p, w in listfiles("{n}.json")] == [("c.json", "c")]
        """,
    )


def test_a_version_that_is_too_new_is_refused(folder):
    error = folder.error('from snakemake.utils import min_version\nmin_version("10.0")\n')
    assert error["type"] == "WorkflowError" and error["line"] == 2 and "10.0" in error["message"]


def test_missing_snakemake_modules_are_reported(folder):
    error = folder.error("import snakemake.nothing\n")
    assert error["type"] == "ModuleNotFoundError" and "Furrow provides" in error["hint"] and error["line"] == 1


@pytest.mark.parametrize(
    "text",
    [
        "from snakemake.api import SnakemakeApi\nSnakemakeApi()\n",
        "from snakemake.dag import DAG\nDAG.load\n",
        "import snakemake\nsnakemake.snakemake('x')\n",
        "from snakemake.deployment.conda import Env\nEnv('e.yaml')\n",
        "from snakemake.sourcecache import SourceCache\nSourceCache('x')\n",
        "workflow.persistence\nworkflow.persistence.lock()\n",
        "from snakemake.remote.S3 import RemoteProvider as S3\nS3().glob_wildcards('b/{x}')\n",
    ],
)
def test_what_only_snakemake_has_is_refused_where_it_is_used(folder, text):
    error = folder.error(text)
    assert (error["type"], error["line"]) == ("NotYet", 2)
    assert text.split()[-1].split("(")[0].split(".")[-1] in error["message"] or "snakemake" in error["message"]


def test_names_that_libraries_import(folder):
    client = folder.load(
        """
        from snakemake.common import Rules, async_run, get_uuid, parse_uri, smart_join
        from snakemake.dag import DAG
        from snakemake.exceptions import CreateCondaEnvironmentException, MissingInputException, RuleException
        from snakemake.io import IOFile, _IOFile, get_wildcard_constraints, load_configfile, remove
        from snakemake.logging import format_wildcards, logger
        from snakemake.rules import Rule, expand
        from snakemake.script import Snakemake
        from snakemake.settings.types import DeploymentMethod, ResourceSettings
        from snakemake.sourcecache import GithubFile, LocalSourceFile, infer_source_file
        from snakemake.sourcecache import WorkflowError as W, logger as same
        assert W is WorkflowError and same is logger
        from snakemake.utils import cmd_exe_quote, logger as same_logger
        from snakemake.workflow import Workflow, config, workflow as this
        import snakemake.workflow, snakemake.storage

        def f(dag: DAG) -> snakemake.storage.StorageProviderProxy: pass
        class Mine(DAG): pass
        assert this is workflow and isinstance(workflow, Workflow) and logger is same_logger
        assert issubclass(MissingInputException, RuleException) and not isinstance(3, DAG)
        assert DeploymentMethod.CONDA not in workflow.deployment_settings.deployment_method
        assert not workflow.use_conda and workflow.conda_prefix is None and workflow.is_main_process
        assert ResourceSettings(cores=3).cores == 3
        assert infer_source_file(workflow.snakefile).get_filename() == "Snakefile"
        assert isinstance(workflow.current_basedir, LocalSourceFile)
        there = GithubFile("me/flow", path="rules/x.smk", tag="v1")
        assert str(there.get_basedir().join("y.py")) == "https://github.com/me/flow/raw/v1/rules/y.py"
        assert get_wildcard_constraints("{a,b+}/{c}")["a"].pattern == "b+"
        assert smart_join("a", "b") == "a/b" and parse_uri("s3://b/k").uri_path == "b/k"
        late = 5
        assert snakemake.workflow.late == 5
        rule a:
            input: "i"
            output: "o"
        assert list(vars(rules)) == ["a"] and rules.has("a") and isinstance(rules.a, Rule)
        """
    )
    assert client.rule("a")["name"] == "a"


def test_a_config_file_may_be_given_open(folder):
    folder.write("c.yaml", "x: [1, 2]\nday: 2020-01-31\n")
    folder.load(
        """
        from snakemake.io import load_configfile
        with open("c.yaml") as file:
            assert load_configfile(file)["x"] == [1, 2]
        """
    )


def test_files_have_methods_in_functions(folder):
    folder.write("i", "hello")
    client = folder.load(
        """
        from snakemake.common import async_run
        rule a:
            input: x="i"
            output: "o"
            params:
                v7=lambda wc, input: (input.x.size, input.x.exists, input[0].size_mb * 2**20),
                v9=lambda wc, input: (async_run(input.x.size()), async_run(input["x"].exists())),
                given=lambda wc, input, async_run: async_run(input.x.mtime()) > 0,
                text=lambda wc, output: output[0]
        """
    )
    answer = client.one("details", client.job("a", {}), want=["params"])
    assert [param["text"] for param in answer["params"]] == ["[5, True, 5.0]", "[5, True]", "True", "o"]


SCHEMA = {
    "type": "object",
    "properties": {
        "samples": {"type": "array", "items": {"$ref": "#/definitions/sample"}, "minItems": 1},
        "mode": {"enum": ["fast", "slow"], "default": "fast"},
        "inner": {
            "type": "object",
            "properties": {"n": {"type": "integer", "minimum": 1, "default": 3}},
            "additionalProperties": False,
        },
        "other": {"$ref": "other.json"},
    },
    "definitions": {"sample": {"type": "string", "pattern": "^s"}},
    "required": ["samples"],
}


def validated(folder, config):
    folder.write("schemas/c.json", json.dumps(SCHEMA))
    folder.write("schemas/other.json", json.dumps({"type": ["number", "null"], "exclusiveMaximum": 5}))
    return 'from snakemake.utils import validate\nvalidate(config, "schemas/c.json")\n', {"config": config}


def test_validate_fills_in_defaults(folder):
    text, fields = validated(folder, {"samples": ["s1"], "inner": {}})
    assert folder.load(text, **fields).loaded["config"] == {"samples": ["s1"], "inner": {"n": 3}, "mode": "fast"}


@pytest.mark.parametrize(
    "config, part",
    [
        ({}, "samples"),
        ({"samples": []}, "samples"),
        ({"samples": ["x"]}, "samples[0]"),
        ({"samples": ["s"], "mode": "x"}, "mode"),
        ({"samples": ["s"], "inner": {"n": 0}}, "inner.n"),
        ({"samples": ["s"], "inner": {"z": 0}}, "'z'"),
        ({"samples": ["s"], "other": 7}, "other"),
        ({"samples": ["s"], "inner": {"n": True}}, "inner.n"),
    ],
)
def test_validate_says_where_the_config_does_not_fit(folder, config, part):
    text, fields = validated(folder, config)
    error = folder.error(text, **fields)
    assert part in error["message"] and error["line"] == 2


@pytest.mark.parametrize(
    "schema, good, bad",
    [
        ({"allOf": [{"minimum": 1}, {"maximum": 3}]}, 2, 4),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, None, 1),
        ({"oneOf": [{"minimum": 1}, {"maximum": 3}]}, 5, 2),
        ({"not": {"const": 1}}, 2, 1),
        ({"if": {"type": "integer"}, "then": {"multipleOf": 2}, "else": {"maxLength": 1}}, 4, 3),
        ({"prefixItems": [{"type": "integer"}], "items": {"type": "string"}}, [1, "a"], [1, 2]),
        ({"uniqueItems": True}, [1, 2], [1, 1]),
        ({"contains": {"const": 1}}, [0, 1], [0]),
        (
            {"patternProperties": {"^n": {"type": "integer"}}, "additionalProperties": {"type": "string"}},
            {"n1": 1, "x": "y"},
            {"x": 1},
        ),
        ({"propertyNames": {"pattern": "^a"}}, {"a": 1}, {"b": 1}),
        ({"dependentRequired": {"a": ["b"]}}, {"a": 1, "b": 1}, {"a": 1}),
        ({"type": "integer"}, 3.0, 3.5),
        ({"enum": [1, "a"]}, 1, True),
    ],
)
def test_keywords_of_schemas(schema, good, bad):
    from furrow_evaluator.schema import Invalid, Schema

    whole = Schema(schema, "", None, False)
    whole.check(good)
    with pytest.raises(Invalid):
        whole.check(bad)


def has_pandas():
    return subprocess.run([PYTHON, "-c", "import pandas"], stderr=subprocess.DEVNULL).returncode == 0


@pytest.mark.skipif(not has_pandas(), reason="pandas is not installed")
def test_paramspace_and_tables(folder):
    client = folder.load(
        """
        import pandas as pd
        from snakemake.utils import Paramspace, validate
        table = pd.DataFrame({"a": [1, 2], "b": ["x", "y"], "c": [0.5, 1.5]})
        space = Paramspace(table, filename_params=["b", "c"])
        assert space.wildcard_pattern == "a~{a}/b~{b}_c~{c}", space.wildcard_pattern
        rule all:
            input: expand("out/{p}", p=space.instance_patterns)
        rule one:
            output: f"out/{space.wildcard_pattern}"
            params: p=space.instance
        single = Paramspace(table, single_wildcard="params")
        assert single.wildcard_pattern == "{params}"
        partial_table = pd.DataFrame({"n": [1.0, None]})
        validate(partial_table, {"properties": {"n": {"default": 7.0}, "m": {"type": "string", "default": "d"}}})
        assert partial_table["n"].tolist() == [1.0, 7.0] and partial_table["m"].tolist() == ["d", "d"]
        """
    )
    assert client.rule("all")["input"][0]["items"] == ["out/a~1/b~x_c~0.5", "out/a~2/b~y_c~1.5"]
    job = client.job("one", {"a": "2", "b": "y", "c": "1.5"})
    assert client.one("details", job, want=["params"])["params"][0]["text"] == "dict('a': 2, 'b': 'y', 'c': 1.5)"


def test_expand_writes_values_as_format_does():
    from furrow_evaluator.patterns import expand

    class Sample:
        def __str__(self):
            return "as str"

        def __format__(self, spec):
            return "as format"

    assert expand("{a}", a=[Sample()]) == ["as format"]
    assert expand("{a}/{b}", a=[Sample()], b=1) == ["as format/1"]


def test_expand():
    from furrow_evaluator.errors import WildcardError, WorkflowError
    from furrow_evaluator.patterns import expand

    assert expand("{a}{b}", a=[1, 2], b="xy") == ["1xy", "2xy"]
    assert expand(["{b}{a}", "c"], a=[1, 2], b=["x", "y"]) == ["x1", "y1", "x2", "y2", "c"]
    assert expand("{a}.{b}", zip, a=[1, 2], b=["x", "y"]) == ["1.x", "2.y"]
    assert expand("{a}{b}", a=1, allow_missing=True) == ["1{b}"]
    assert expand("{{w}}{a}%", a=["%s"]) == ["{w}%s%"]
    assert expand("{a:03d}{b[k]}{c.real}", a=7, b=[{"k": 1}], c=2) == ["00712"]
    assert expand("{a}", a=[(1, 2)]) == ["(1, 2)"] and expand("{a}{a}", a=(i for i in "xy")) == ["xx", "yy"]
    assert expand("x", a=[]) == ["x"] and expand("{a}", a=[]) == []
    assert expand("{a}%{b}", a=range(2), b=["%"]) == ["0%%", "1%%"] and expand("{a}", a={"k": 1}) == ["k"]
    with pytest.raises(WildcardError, match="wildcard b"):
        expand("{a}{b}", a=1)
    with pytest.raises(WorkflowError):
        expand()
