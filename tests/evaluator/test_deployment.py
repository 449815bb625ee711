"""Software environments: which rules have one that an option has turned on."""

import pytest

RULES = """
    container: "docker://base"
    rule c:
        output: "c"
        conda: "envs/c.yaml"
        shell: "true"
    rule d:
        output: "d"
        container: "docker://own"
        envmodules: "bio/x", "y"
        script: "d.py"
    rule r:
        output: "r"
        run: pass
    rule none:
        output: "none"
        container: False
        shell: "true"
    rule all:
        input: "c"
"""


def environments(folder, *methods):
    client = folder.load(RULES, deployment=list(methods))
    rules = {name: client.rule(name) for name in ("c", "d", "r", "none", "all")}
    for rule in rules.values():
        assert (rule.get("not_yet") is None) == (rule.get("environment") is None)
    return {name: rule["environment"] for name, rule in rules.items() if rule.get("environment")}


@pytest.mark.parametrize(
    "methods, found",
    [
        ([], {}),
        (["conda"], {"c": "conda envs/c.yaml"}),
        (["apptainer"], {"c": "container docker://base", "d": "container docker://own"}),
        (["env-modules"], {"d": "envmodules bio/x y"}),
        (["conda", "env-modules"], {"c": "conda envs/c.yaml", "d": "envmodules bio/x y"}),
    ],
)
def test_an_environment_matters_if_its_option_is_on(folder, methods, found):
    assert environments(folder, *methods) == found


def test_the_reason_says_what_to_do(folder):
    client = folder.load(RULES, deployment=["conda"])
    assert client.rule("c")["not_yet"].startswith("conda envs/c.yaml: ")
    assert "without --use-conda" in client.rule("c")["not_yet"]


def test_a_snakefile_can_read_and_set_the_option(folder):
    client = folder.load(
        """
        assert not workflow.use_conda and workflow.use_singularity
        assert {str(method) for method in workflow.deployment_settings.deployment_method} == {"apptainer"}
        workflow.use_conda = True
        workflow.use_singularity = False
        rule c:
            output: "c"
            conda: "c.yaml"
            container: "docker://x"
            shell: "true"
        """,
        deployment=["apptainer"],
    )
    assert client.rule("c")["environment"] == "conda c.yaml"


def test_a_containerized_workflow_names_its_image_for_all_rules_below(folder):
    client = folder.load(
        """
        rule before:
            output: "b"
            shell: "true"
        containerized: "docker://all"
        rule after:
            output: "a"
            conda: "x.yaml"
            shell: "true"
        """,
        deployment=["apptainer", "conda"],
    )
    assert client.rule("before").get("environment") is None
    assert client.rule("after")["environment"] == "containerized docker://all"
