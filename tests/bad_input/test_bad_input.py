"""Each broken input ends with exit code 1 or 2 and a message that points at the place; never with a crash."""
import os
import re
import subprocess

import pytest

import engine
from broken import ALL

# Ours to catch: a traceback of the evaluator, a C++ exception that nobody caught, a sanitizer's report.
NEVER = ["evaluator/", "terminate called", "Segmentation", "core dumped", "AddressSanitizer", "runtime error:", "std::"]


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def points_at(text, file, line):
    """Whether a message names the file and a line of it (or one of a range), as file:3 or as 'file, line 3'."""
    first, last = line if isinstance(line, tuple) else (line, line)
    places = re.findall(re.escape(file) + r"\W*(?:line )?(\d+)", text)
    return any(first <= int(place) <= last for place in places)


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name.replace(" ", "_"))
def test_broken(broken, tmp_path):
    if broken.as_user and os.geteuid() == 0:
        pytest.skip("nothing is protected from root")
    if broken.snakefile is not None:
        write(tmp_path, "Snakefile", broken.snakefile)
    for name, content in broken.files.items():
        write(tmp_path, name, content)
    subprocess.run(["bash", "-euc", broken.before], cwd=tmp_path, check=True)
    result = engine.furrow_run(*broken.args, cwd=tmp_path, timeout=30)

    shown = str(result)[:4000]
    assert result.code in (1, 2), shown
    if engine.IS_SNAKEMAKE:
        return
    # A message is read on a screen, whatever the length of the line it is about.
    assert len(result.text) < 20_000
    # Whether a word is written in capitals is nobody's concern.
    lowered = result.text.lower()
    for word in broken.says:
        assert word.lower() in lowered, f"{word!r} is not said:\n{shown}"
    if broken.line is not None:
        assert points_at(result.text, broken.file, broken.line), f"does not point at {broken.file}:{broken.line}:\n{shown}"
    for word in NEVER + ([] if broken.traceback else ["Traceback (most recent call last)"]):
        assert word not in result.text, shown
