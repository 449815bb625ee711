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
    assert all(rule.get("not_yet") is None for rule in rules.values())
    return {name: rule["environment"]["shown"] for name, rule in rules.items() if rule.get("environment")}


@pytest.mark.parametrize(
    "methods, found",
    [
        ([], {}),
        (["conda"], {"c": "conda envs/c.yaml"}),
        (["apptainer"], {"c": "container docker://base", "d": "container docker://own"}),
        (["env-modules"], {"d": "envmodules bio/x y"}),
        (["conda", "apptainer"],
         {"c": "container docker://base with conda envs/c.yaml", "d": "container docker://own"}),
        (["conda", "env-modules"], {"c": "conda envs/c.yaml", "d": "envmodules bio/x y"}),
    ],
)
def test_an_environment_matters_if_its_option_is_on(folder, methods, found):
    assert environments(folder, *methods) == found


def test_the_engine_gets_what_it_needs_to_set_it_up(folder):
    (folder.path / "made").mkdir()
    client = folder.load(
        """
        rule m:
            output: "m"
            envmodules: "bio/x z", "y"
            shell: "true"
        rule file:
            output: "f"
            conda: "envs/c.yml"
            shell: "true"
        rule name:
            output: "n"
            conda: "mine"
            shell: "true"
        rule folder:
            output: "o"
            conda: "made"
            shell: "true"
        rule function:
            output: "{x}.fn"
            params: end="yaml"
            conda: lambda wildcards, params: f"envs/{wildcards.x}.{params.end}"
            shell: "true"
        rule wildcard:
            output: "{x}.w"
            conda: "envs/{x}.yaml"
            script: "x.sh"
        """,
        deployment=["conda", "env-modules"],
    )
    here = str(folder.path)
    found = {name: client.rule(name)["environment"] for name in ("m", "file", "name", "folder", "function", "wildcard")}
    assert found["m"] == {"shown": "envmodules bio/x z y", "modules": ["bio/x", "z", "y"]}
    assert found["file"] == {"shown": "conda envs/c.yml", "file": here + "/envs/c.yml"}
    assert found["name"] == {"shown": "conda mine", "name": "mine"}
    assert found["folder"] == {"shown": "conda made", "folder": here + "/made"}
    assert found["function"] == {"shown": "conda (by a function)", "fn": True}
    assert found["wildcard"] == {"shown": "conda envs/{x}.yaml", "fn": True}


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
    assert client.rule("c")["environment"]["shown"] == "conda c.yaml"


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
    assert client.rule("after")["environment"] == {
        "shown": "containerized docker://all with conda x.yaml",
        "image": "docker://all",
        "containerized": True,
        "file": str(folder.path / "x.yaml"),
    }


def test_images_are_addresses_or_absolute_paths(folder):
    client = folder.load(
        """
        rule address:
            output: "a"
            container: "shub://x/y"
            shell: "true"
        rule path:
            output: "p"
            container: "images/x.sif"
            shell: "true"
        rule url:
            output: "u"
            container: "file:///images/x.sif"
            shell: "true"
        rule wildcard:
            output: "{x}.w"
            container: "docker://{x}"
            shell: "true"
        rule blank:
            output: "b"
            container: "docker://x y"
            shell: "true"
        container: "docker://all"
        rule none:
            output: "n"
            container: None
            shell: "true"
        """,
        deployment=["apptainer"],
    )
    found = {name: client.rule(name).get("environment") for name in ("address", "path", "url", "wildcard", "none")}
    assert found["address"] == {"shown": "container shub://x/y", "image": "shub://x/y"}
    assert found["path"]["image"] == f"{folder.path}/images/x.sif" and found["url"]["image"] == "/images/x.sif"
    assert found["wildcard"] == {"shown": "container docker://{x}", "fn": True} and found["none"] is None
    assert client.rule("blank")["environment"]["fn"], "an error of its jobs alone"
