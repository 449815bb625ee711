"""Only one workflow runs in a folder at a time."""
import shlex
import subprocess
import time

import engine

SLOW = 'rule slow:\n    output: "slow.out"\n    shell: "touch started; sleep 20; touch {output}"\n'


def begin(folder):
    folder.write("Snakefile", SLOW)
    process = subprocess.Popen([*engine.FURROW_RUN, "--cores", "1"], cwd=folder.path, env=engine.environment(),
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 10
    while not (folder / "started").exists():
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    return process


def test_second_run_is_refused_naming_the_first_pid(folder):
    first = begin(folder)
    try:
        result = folder.run(code=1)
        assert "another" in result.text.lower() or "lock" in result.text.lower()
        assert str(first.pid) in result.text
    finally:
        first.terminate()
        first.wait()


def test_dry_run_is_allowed_during_a_run(folder):
    first = begin(folder)
    try:
        folder.run("-n")
    finally:
        first.terminate()
        first.wait()


def test_workflows_in_two_folders_run_at_once(folder):
    first = begin(folder)
    try:
        folder.write("other.smk", 'rule quick:\n    output: "quick.out"\n    shell: "touch {output}"\n')
        folder.run("-s", folder / "other.smk", "-d", folder / "elsewhere")
    finally:
        first.terminate()
        first.wait()


def test_a_job_may_run_a_workflow_of_its_own(folder):
    folder.write("inner/Snakefile", 'rule inner:\n    output: "inner.out"\n    shell: "touch {output}"\n')
    command = shlex.join(engine.FURROW_RUN)
    folder.run(snakefile=f'rule outer:\n    output: "outer.out"\n'
                         f'    shell: """{command} -c 1 -d inner -s inner/Snakefile && touch {{output}}"""\n')
    assert (folder / "inner" / "inner.out").exists() and (folder / "outer.out").exists()
