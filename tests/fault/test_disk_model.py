"""After each state that a disk may legally hold when the power was cut, the next run makes what is not whole."""
import os
import random
import shutil
import subprocess

import pytest

import conda
import disk_model
import engine
from test_power_cut import NAMES, Work

STATES = 100 if engine.LONG_TESTS else 8


def can_trace():
    return os.geteuid() == 0 and subprocess.run(["strace", "-qq", "true"], capture_output=True).returncode == 0


@pytest.mark.skipif(not shutil.which("strace") or not can_trace(), reason="needs root and strace")
@pytest.mark.parametrize("kind", ["run", "forced", "log", "output"])
def test_each_state_of_the_disk_leads_to_whole_files(tmp_path, kind):
    work = Work(tmp_path, kind)
    place = tmp_path / "work"
    place.mkdir()
    work.prepare(place)
    before = disk_model.snapshot(place)
    trace_file = tmp_path / "trace"
    result = engine.execute(disk_model.command(trace_file, work.argv), place)
    assert result.code == 0, result
    trace = disk_model.Trace(place, before, trace_file)
    after = disk_model.snapshot(place)
    assert trace.at_end() == after, "the model does not know all that the run did"
    times = {path: (os.stat(place / path).st_size, os.stat(place / path).st_mtime_ns)
             for path, content in after.items() if content is not None}
    work.delay.write_text("0")
    seed = random.randrange(1 << 30)
    draw = random.Random(seed)
    kept = tmp_path / "kept"
    place.rename(kept)  # each state stands where the run was: paths are absolute in logs
    for number in range(STATES):
        moment = draw.randrange(trace.calls)
        state = trace.at_cut(moment, draw)
        place.mkdir()
        disk_model.lay_out(state, place, times)
        result = work.in_another_boot(place)
        if "mount:" in result.err:
            pytest.skip("no mount namespaces")
        what = f"seed {seed}, state {number}, after call {moment} of {trace.calls}: {result}"
        assert result.code == 0, what
        for name in NAMES:
            assert work.text(place, name) == "first\nlast\n", f"{name}: {work.text(place, name)!r}, {what}"
        shutil.rmtree(place)


FETCH = """
import sys
sys.path.insert(0, sys.argv[1])
from furrow_evaluator.source_cache import make_file, make_folder

def fill(folder):
    for name in "ab":
        with open(folder + "/" + name, "w") as file:
            file.write(name * 1000)

make_file("cache/file", b"x" * 1000)
make_folder("cache/folder", fill)
"""


@pytest.mark.skipif(not shutil.which("strace") or not can_trace(), reason="needs root and strace")
def test_a_fetched_source_is_whole_or_not_there(tmp_path):
    place = tmp_path / "work"
    place.mkdir()
    program = ["/usr/bin/python3", "-c", FETCH, engine.ROOT / "python" / "evaluator"]
    result = engine.execute(disk_model.command(tmp_path / "trace", program), place)
    assert result.code == 0, result
    trace = disk_model.Trace(place, {}, tmp_path / "trace")
    assert trace.at_end() == disk_model.snapshot(place)
    found = set()
    for seed in range(2000):
        draw = random.Random(seed)
        state = trace.at_cut(draw.randrange(trace.calls), draw)
        found |= {name for name in ("cache/file", "cache/folder") if name in state}
        if "cache/file" in state:
            assert state["cache/file"] == b"x" * 1000, seed
        if "cache/folder" in state:
            assert (state.get("cache/folder/a"), state.get("cache/folder/b")) == (b"a" * 1000, b"b" * 1000), seed
    assert len(found) == 2


ONE_ENVIRONMENT = """
rule all:
    output: "made"
    conda: "one.yaml"
    shell: "tool1 > {output}"
"""


@pytest.mark.skipif(not shutil.which("strace") or not can_trace(), reason="needs root and strace")
def test_a_software_environment_is_on_the_disk_before_it_counts(tmp_path):
    (tmp_path / "conda").mkdir()
    made = conda.Conda(tmp_path / "conda")
    made.tool("tool1")
    place = tmp_path / "work"
    place.mkdir()
    (place / "Snakefile").write_text(ONE_ENVIRONMENT)
    (place / "one.yaml").write_text(made.yaml("tool1"))
    command = disk_model.command(tmp_path / "trace", [engine.FURROW, "run", "-c1", "--use-conda"])
    result = engine.execute(command, place, engine.environment(PATH=f"{made.path()}:/usr/bin:/bin"))
    assert result.code == 0, result
    lines = (tmp_path / "trace").read_text().splitlines()
    mark = "".join(f"\\x{byte:02x}" for byte in b"env_setup_done")
    marked = next(number for number, line in enumerate(lines) if mark in line and "O_CREAT" in line)
    tool = "".join(f"\\x{byte:02x}" for byte in b"bin/tool1")
    written = max(number for number, line in enumerate(lines[:marked]) if tool in line and "O_CREAT" in line)
    assert any("syncfs(" in line for line in lines[written:marked])
