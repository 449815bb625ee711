"""The manual page and the completions have every option that the help has."""
import re
from pathlib import Path

import engine
import pytest

ROOT = Path(__file__).resolve().parents[2]
COMPLETIONS = ["completions/furrow.bash", "completions/_furrow", "completions/furrow.fish"]


def options(command, folder):
    """The long options that the help of a command names; each a tuple of its names."""
    text = engine.furrow(command, "--help", cwd=folder).out
    if command == "map":
        # Option names in the examples belong to other programs.
        return {(name,) for name in re.findall(r"--([a-z][a-z-]+)", text.split("\nInputs:")[1])}
    return {tuple(re.findall(r"--([a-z][a-z0-9-]+)", line))
            for line in re.findall(r"^ {2}((?:-\w,)?--\S+)", text, re.MULTILINE)}


def is_in(text, name):
    return re.search(rf"(?<!\w){name}\b(?!-)", text)


@pytest.mark.parametrize("command", ["run", "map", "report", "export", "watch"])
def test_the_manual_has_every_option(command, tmp_path):
    text = re.sub(r"\\f[BIR]", " ", (ROOT / "docs/man/furrow.1").read_text()).replace("\\-", "-")
    section = text.split(".SH OPTIONS OF FURROW RUN")[1] if command == "run" else text
    found = options(command, tmp_path)
    assert len(found) > (40 if command in ("run", "map") else 1)
    assert [names for names in sorted(found) if not all(is_in(section, f"--{name}") for name in names)] == []


@pytest.mark.parametrize("file", COMPLETIONS)
@pytest.mark.parametrize("command", ["run", "map", "report", "export", "watch"])
def test_the_completions_have_every_option(command, file, tmp_path):
    text = (ROOT / file).read_text()
    found = options(command, tmp_path)
    assert [names for names in sorted(found) if not any(is_in(text, name) for name in names)] == []


def test_the_help_of_map_fits_two_screens(tmp_path):
    lines = engine.furrow("map", "--help", cwd=tmp_path).out.splitlines()
    assert len(lines) <= 48 and max(map(len, lines)) <= 80
    examples = [line for line in lines[:9] if re.search(r"^ +(find .*\| )?furrow map ", line)]
    assert len(examples) == 5
