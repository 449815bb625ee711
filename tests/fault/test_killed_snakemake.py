"""What a killed Snakemake has left half-written does not count as made."""
import os
import signal
import subprocess

import engine
from running import wait_until

SNAKEFILE = """
rule all:
    input: "done.txt", "a-file-with-ä-long-name-%(long)s.txt"
rule quick:
    output: "done.txt"
    shell: "echo made >> {output}"
rule slow:
    input: "done.txt"
    output: "a-file-with-ä-long-name-%(long)s.txt"
    shell: "echo half > {output}; sleep $SECONDS_TO_SLEEP; echo whole >> {output}"
""" % {"long": "x" * 220}


def test_a_half_output_of_a_killed_snakemake_is_made_again(tmp_path):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    process = subprocess.Popen(
        [*engine.SNAKEMAKE, "-c1", "-q"], cwd=tmp_path, env=engine.environment(SECONDS_TO_SLEEP="60"),
        start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )
    try:
        (half,) = wait_until(lambda: list(tmp_path.glob("a-file*")), 60, "Snakemake has begun the slow job")
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    env = engine.environment(SECONDS_TO_SLEEP="0")
    first, again = (engine.furrow_run(cwd=tmp_path, env=env) for _ in range(2))
    assert first.code == 0 and half.read_text() == "half\nwhole\n", first
    assert (tmp_path / "done.txt").read_text() == "made\n", "what Snakemake finished stays as it is"
    assert "up to date" in again.err, again
