"""The MPI example, and the first mistakes that users of MPI make."""
import os
import pathlib
import shutil
import subprocess

import pytest

BUILD = pathlib.Path(os.environ["FURROW"]).parent.parent
CLIMATE = BUILD / "examples" / "climate"
OPTIONS = ["--allow-run-as-root", "--oversubscribe", "--bind-to", "none", "--mca", "btl", "self,vader"]

pytestmark = pytest.mark.skipif(not shutil.which("mpirun") or not CLIMATE.exists(),
                                reason="needs libopenmpi-dev and openmpi-bin")


def mpirun(*argv):
    return subprocess.run(["mpirun", *map(str, argv)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=100)


def test_any_number_of_ranks_gives_the_same_bits():
    alone = subprocess.run([CLIMATE, "700"], capture_output=True, text=True, timeout=100, check=True).stdout
    assert alone.startswith("700 stations: mean 10.")
    for ranks in 1, 2, 4:
        done = mpirun("-n", ranks, *OPTIONS, CLIMATE, "700")
        assert (done.returncode, done.stdout) == (0, alone), done.stderr


def test_names_ranks_that_run_another_build(tmp_path):
    other = tmp_path / "climate"
    contents = CLIMATE.read_bytes()
    notes = subprocess.run(["readelf", "-n", CLIMATE], capture_output=True, text=True, check=True).stdout
    build_id = next(line.split()[-1] for line in notes.splitlines() if "Build ID" in line)
    other.write_bytes(contents.replace(bytes.fromhex(build_id), bytes.fromhex(build_id[::-1])))
    other.chmod(0o755)
    done = mpirun(*OPTIONS, "-n", 1, CLIMATE, "10", ":", "-n", 2, other, "10")
    assert done.returncode != 0
    assert "ranks 1, 2 run another build of this program than rank 0" in done.stderr
    assert "stations" not in done.stdout
