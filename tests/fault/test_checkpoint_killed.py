"""The engine is killed at random moments of a run whose graph grows. A rerun ends as if nothing had happened."""
import random
import signal
import subprocess
from collections import Counter

import pytest

import engine
from running import wait_until

KILLS = 12 if engine.LONG_TESTS else 3
SNAKEFILE = """
wildcard_constraints:
    s=r"\\d+"
rule all:
    input: expand("sum/{s}.txt", s=range(4))
checkpoint split:
    output: directory("parts/{s}")
    shell: "echo split-{wildcards.s} >> $JOBLOG; mkdir -p {output}; for i in 1 2 3; do echo $i > {output}/$i; done"
checkpoint look:
    input: "parts/{s}/{i}"
    output: "look/{s}/{i}"
    shell: "echo look-{wildcards.s}-{wildcards.i} >> $JOBLOG; sleep 0.02; cp {input} {output}"
rule odd:
    input: "look/{s}/{i}"
    output: temp("odd/{s}/{i}")
    shell: "echo odd-{wildcards.s}-{wildcards.i} >> $JOBLOG; sleep 0.02; cp {input} {output}"
rule even:
    input: "look/{s}/{i}"
    output: "even/{s}/{i}"
    shell: "echo even-{wildcards.s}-{wildcards.i} >> $JOBLOG; sleep 0.02; cp {input} {output}"
def looked(wildcards):
    for i in sorted(os.listdir(checkpoints.split.get(s=wildcards.s).output[0])):
        with checkpoints.look.get(s=wildcards.s, i=i).output[0].open() as file:
            yield f"{'odd' if int(file.read()) % 2 else 'even'}/{wildcards.s}/{i}"
rule sum:
    input: looked
    output: "sum/{s}.txt"
    shell: "echo sum-{wildcards.s} >> $JOBLOG; cat {input} > {output}"
"""


def files(folder):
    return {str(path.relative_to(folder)): path.read_text() for path in folder.glob("[a-z]*/**/*") if path.is_file()}


@pytest.mark.parametrize("seed", range(KILLS))
def test_a_killed_run_is_continued_with_what_is_known(tmp_path, seed):
    draw = random.Random(seed)
    log = tmp_path / "jobs.log"
    env = engine.environment(JOBLOG=str(log))
    work = tmp_path / "work"
    work.mkdir()
    log.touch()
    (work / "Snakefile").write_text(SNAKEFILE)
    most = draw.randint(1, 40)
    process = subprocess.Popen([*engine.FURROW_RUN, "-j3"], cwd=work, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: len(log.read_text().splitlines()) >= most or process.poll() is not None, 60, "jobs have begun")
    process.send_signal(signal.SIGKILL)
    process.wait()
    resumed = engine.furrow_run("-j3", cwd=work, env=env)
    assert resumed.code == 0, resumed
    assert engine.furrow_run("-j3", cwd=work, env=env).text.count("Nothing to do") == 1
    sums = {f"sum/{s}.txt": "1\n2\n3\n" for s in range(4)}
    found = files(work)
    assert {name: text for name, text in found.items() if name.startswith("sum/")} == sums
    assert not [name for name in found if name.startswith("odd/")], "temp files are gone"
    times = Counter(log.read_text().splitlines())
    # A temp file that was gone with its follower still to run is made again; nothing else runs more than twice.
    assert max(times.values()) <= 2 and sum(count - 1 for count in times.values()) <= 3 * 3, times


TEMPORARY = """
rule all:
    input: "used.txt", "names.txt", "quick.txt"
checkpoint fast:
    output: touch("fast.txt")
def fast(wildcards):
    checkpoints.fast.get()
    return []
rule quick:
    input: fast
    output: touch("quick.txt")
rule make:
    output: temp("temp.txt")
    shell: "echo text > {output}"
rule use:
    input: "temp.txt"
    output: "used.txt"
    shell: "cp {input} {output}"
checkpoint slow:
    input: "used.txt", "quick.txt"
    output: "slow.txt"
    shell: "touch begun; test -e go || exec sleep 100; echo a > {output}"
def named(wildcards):
    return checkpoints.slow.get().output[0]
rule names:
    input: named
    output: "names.txt"
    shell: "cp {input} {output}"
"""


@pytest.mark.parametrize("asked, stays", [("all", False), ("used.txt", True), ("--until use", True)])
def test_temp_files_that_a_killed_run_kept_for_a_function_go(tmp_path, asked, stays):
    """While a function is unanswered, no temp file goes. What the run that follows does not need to do may need it."""
    (tmp_path / "Snakefile").write_text(TEMPORARY)
    env = engine.environment()
    process = subprocess.Popen([*engine.FURROW_RUN, "-j3"], cwd=tmp_path, env=env, stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: (tmp_path / "begun").exists() or process.poll() is not None, 60, "the checkpoint has begun")
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert (tmp_path / "temp.txt").exists()
    (tmp_path / "go").touch()
    resumed = engine.furrow_run("-j3", *asked.split(), cwd=tmp_path, env=env)
    assert resumed.code == 0, resumed
    assert (tmp_path / "temp.txt").exists() == stays
