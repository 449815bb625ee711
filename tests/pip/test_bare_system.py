"""A portable wheel installs and works in a Debian 12 that has Python and pip, and nothing else: no network either.

Only in the long tests, since the system is made from Debian's packages first.
"""
import shutil

import bare_system
import building
import pytest

pytestmark = bare_system.marks


@pytest.fixture(scope="module")
def bare(wheel, tmp_path_factory):
    """The bare system, with the wheel in an environment of Python at /venv."""
    system = bare_system.new_system(tmp_path_factory.mktemp("bare") / "root", "python3", "python3-pip", "python3-venv")
    shutil.copy2(wheel, system.root / "tmp")
    (system.root / "work").mkdir()
    (system.root / "work/Snakefile").write_text(building.SNAKEFILE)
    system.run(f"python3 -m venv /venv; pip install --no-index /tmp/{wheel.name}")
    yield system
    shutil.rmtree(system.root)


def test_nothing_of_furrows_libraries_is_there(bare):
    assert bare.run("ls /usr/lib/*-linux-gnu | grep -E 'hwloc|fmt|yaml|csv' || true") == ""


def test_it_maps_a_command(bare):
    assert bare.run("furrow map -k 'echo {} | rev' ::: ab cd") == "ba\ndc\n"


def test_it_runs_a_workflow(bare):
    bare.run("cd /work; furrow run -c2 again; furrow report > /dev/null; furrow run --why again")
    assert (bare.root / "work/again").read_text() == "again"
    assert bare.run("cd /work; python -c 'import furrow; print(furrow.run().ok)'") == "True\n"


def test_a_pool_works_and_says_what_a_lambda_needs(bare):
    use = "python -c 'import furrow; print(furrow.Pool(2).map({}, range(-2, 2)))'"
    assert bare.run(use.format("abs")) == "[2, 1, 0, 1]\n"
    failed = bare.execute(use.format("lambda x: x"))
    assert failed.code == 1 and failed.err.endswith("install cloudpickle (Debian: python3-cloudpickle)\n"), str(failed)


def test_the_module_is_the_command_too(bare):
    assert bare.run("PATH=/usr/bin:/bin; /venv/bin/python -m furrow map echo ::: a") == "a\n"
