"""Each broken input ends with exit code 1 or 2 and a message that points to the place, never with a crash."""
import os
import re
import subprocess

import pytest

import engine
from broken import ALL

# The engine must catch these: a traceback of the evaluator, an uncaught C++ exception, a sanitizer's report.
NEVER = ["evaluator/", "terminate called", "Segmentation", "core dumped", "AddressSanitizer", "runtime error:", "std::"]


def write(folder, name, content):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def points_at(text, file, line):
    """Whether a message names the file and the line (or one in the range), as file:3 or as 'file, line 3'."""
    first, last = line if isinstance(line, tuple) else (line, line)
    places = re.findall(re.escape(file) + r"\W*(?:line )?(\d+)", text)
    return any(first <= int(place) <= last for place in places)


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name.replace(" ", "_"))
def test_broken_input_is_explained(broken, tmp_path):
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
    # The message must fit on a screen, however long the line with the mistake is.
    assert len(result.text) < 20_000
    # Capital letters do not matter.
    lowered = result.text.lower()
    for word in broken.says:
        assert word.lower() in lowered, f"{word!r} is not said:\n{shown}"
    if broken.line is not None:
        is_right = points_at(result.text, broken.file, broken.line)
        assert is_right, f"does not point at {broken.file}:{broken.line}:\n{shown}"
    for word in NEVER + ([] if broken.traceback else ["Traceback (most recent call last)"]):
        assert word not in result.text, shown
