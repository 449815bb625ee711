"""--containerize: the recipe of an image with a workflow's conda environments."""
import hashlib
import os

import pytest

CHANNEL = "channels: [forge]\ndependencies: [tool]\n"


def rule(name, conda):
    return f'rule {name}:\n    output: "{name}"\n    conda: {conda}\n    shell: "touch {{output}}"\n'


def hash_of(*contents):
    return hashlib.md5("".join(contents).encode()).hexdigest()


@pytest.fixture
def recipe(folder):
    folder.write("Snakefile", rule("a", '"envs/a.yaml"'))
    folder.write("envs/a.yaml", CHANNEL)

    def lines(*arguments, code=0):
        done = folder.run("--containerize", *arguments, code=code)
        return done.err if code else done.out.splitlines()

    lines.folder = folder
    return lines


def test_an_image_gets_each_environment_where_containerized_looks_for_it(recipe):
    lines = recipe()
    place = hash_of(CHANNEL)
    assert lines[:2] == ["FROM condaforge/miniforge3:latest", 'LABEL io.github.snakemake.containerized="true"']
    assert f'COPY ["envs/a.yaml", "/conda-envs/sources/{place}/environment.yaml"]' in lines
    assert lines[-1] == (f"RUN conda env create --yes --file /conda-envs/sources/{place}/environment.yaml"
                         f" --prefix /conda-envs/{place} && conda clean --all --yes")
    assert not recipe.folder.exists(".snakemake/conda"), "nothing is made here"


def test_files_of_the_same_content_make_one_environment(recipe):
    recipe.folder.write("Snakefile", rule("all", '"envs/a.yaml"').replace('output: "all"', 'input: "b"')
                        + rule("b", '"envs/b.yaml"'))
    recipe.folder.write("envs/b.yaml", CHANNEL)
    assert len([line for line in recipe() if line.startswith("RUN")]) == 1


def test_pins_scripts_and_files_for_pip_come_along(recipe):
    recipe.folder.write("envs/a.yaml", "channels: [forge]\ndependencies:\n  - tool\n  - pip:\n      - -r more.txt\n")
    recipe.folder.write("envs/more.txt", "library\n")
    recipe.folder.write("envs/a.linux-64.pin.txt", "@EXPLICIT\n")
    recipe.folder.write("envs/a.post-deploy.sh", "#!/usr/bin/env bash\ntrue\n")
    text = "\n".join(recipe())
    assert 'COPY ["envs/more.txt", "/conda-envs/sources/' in text and '/more.txt"]' in text
    assert "RUN conda create --yes --file /conda-envs/sources/" in text and "/pins.txt --prefix" in text
    assert "/usr/bin/env bash /conda-envs/sources/" in text


def test_a_file_from_elsewhere_is_written_into_the_recipe(recipe, tmp_path_factory):
    """An image is built from the files of one folder."""
    other = tmp_path_factory.mktemp("other") / "x.yaml"
    content = "channels: [forge]\ndependencies: [it's]\n"
    other.write_text(content)
    recipe.folder.write("Snakefile", rule("a", repr(str(other))))
    text = "\n".join(recipe())
    assert "COPY" not in text
    begin = text.index("printf")
    written = text[begin:text.index(" > ", begin)]
    assert os.popen(written).read() == content


@pytest.mark.parametrize("conda, words", [
    ('"an_environment"', "was made by somebody else"),
    ("None", "no job of the workflow has a conda environment"),
    ("lambda wildcards: 1 / 0", "what rule a needs is not known yet: ZeroDivisionError"),
])
def test_what_has_no_recipe(recipe, conda, words):
    recipe.folder.write("Snakefile", rule("a", conda))
    assert words in recipe(code=1)
