"""What the Snakefile sees is what Python and Snakemake would show it."""
import json

import pytest

import engine

LENGTHS = [19, 20, 60, 309, 400, 4000]


def values_of(folder, *arguments, snakefile, env=None):
    (folder / "Snakefile").write_text(snakefile + """
rule all:
    output: "out.txt"
    run: open(output[0], "w").write(shown)
""")
    (folder / "out.txt").unlink(missing_ok=True)
    done = engine.furrow_run("-q", *arguments, cwd=folder, env=env)
    assert done.code == 0, done
    return (folder / "out.txt").read_text()


@pytest.mark.parametrize("how", ["--config", "yaml", "json", "profile"])
def test_integers_of_any_length_are_integers(tmp_path, how):
    numbers = {f"n{i}": (-1) ** i * int("73" * length) for i, length in enumerate(LENGTHS) if length < 2000}
    arguments = ["--configfile", "c." + how]
    if how == "--config":
        arguments = ["--config", *(f"{name}={value}" for name, value in numbers.items())]
    elif how == "yaml":
        (tmp_path / "c.yaml").write_text("".join(f"{name}: {value}\n" for name, value in numbers.items()))
    elif how == "json":
        (tmp_path / "c.json").write_text(json.dumps(numbers))
    else:
        (tmp_path / "p").mkdir()
        lines = "".join(f"  {name}: {value}\n" for name, value in numbers.items())
        (tmp_path / "p" / "config.yaml").write_text("config:\n" + lines)
        arguments = ["--profile", "p"]
    shown = values_of(tmp_path, *arguments, snakefile="shown = repr({n: v + 1 for n, v in config.items()})")
    assert shown == repr({name: value + 1 for name, value in numbers.items()})


def test_an_integer_longer_than_python_prints_is_one(tmp_path):
    (tmp_path / "c.json").write_text('{"n": 1' + "0" * 9000 + "}")
    shown = values_of(tmp_path, "--configfile", "c.json", snakefile='shown = str(config["n"] == 10 ** 9000)')
    assert shown == "True"


@pytest.mark.parametrize("arguments", [("-c", "1"), ("-c1", "--config", "a=x y", "b=ü"), ("-c1", "--", "all")])
def test_argv_is_what_the_user_typed(tmp_path, arguments):
    snakefile = "import sys\nshown = repr(sys.argv[1:])\n"
    typed = ["-q", *arguments]
    assert values_of(tmp_path, *arguments, snakefile=snakefile) == repr(typed)
