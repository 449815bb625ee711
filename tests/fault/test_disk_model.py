"""After each state that a disk may legally hold when the power was cut, the next run makes what is not whole."""
import os
import random
import shutil
import subprocess

import pytest

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
