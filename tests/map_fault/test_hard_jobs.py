"""Difficult jobs, full disks and readers that go away."""
import os
import resource
import shutil
import signal
import subprocess
import time

import pytest

import engine
from running import marked_processes, wait_until


@pytest.fixture
def shell(tmp_path):
    def run(line, timeout=120, **environment):
        env = engine.environment(SHELL="/bin/bash", FURROW=engine.FURROW, FURROW_TEST_MARK=str(tmp_path), **environment)
        return engine.execute(["/bin/bash", "-c", line], tmp_path, env, timeout, subprocess.DEVNULL)

    run.folder = tmp_path
    yield run
    for pid in marked_processes(f"FURROW_TEST_MARK={tmp_path}"):
        os.kill(pid, signal.SIGKILL)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MB."""
    folder = tmp_path / "small"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", str(folder)], capture_output=True).returncode:
        pytest.skip("only root can mount a small file system")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def left(tmp_path):
    return marked_processes(f"FURROW_TEST_MARK={tmp_path}")


def test_a_full_disk_for_output_fails_the_job(shell, small_disk):
    done = shell(f"$FURROW map --tmpdir {small_disk} --joblog log 'head -c 5000000 /dev/zero #' ::: 1 | wc -c")
    assert "disk is full" in done.err, done
    assert "255" not in done.out
    again = shell("$FURROW map --joblog log --resume-failed 'head -c 5000000 /dev/zero #' ::: 1 | wc -c")
    assert again.out == "5000000\n", again


def test_a_full_disk_for_the_log_stops_the_run_which_can_resume(shell, small_disk):
    filler = small_disk / "filler"
    filler.write_bytes(b"x" * 900_000)
    done = shell(f"seq 30000 | $FURROW map -j4 --joblog {small_disk}/log '/bin/true'; echo code=$?")
    assert "code=255" in done.out and "No space left" in done.err, done
    filler.unlink()
    logged = (small_disk / "log").read_bytes().count(b"\n") - 1
    assert 0 < logged < 30000
    done = shell(f"seq {logged + 50} | $FURROW map -j4 --joblog {small_disk}/log --resume /bin/true; echo code=$?")
    assert "code=0" in done.out, done
    seqs = [line.split("\t")[0] for line in (small_disk / "log").read_text().splitlines()[1:]]
    assert sorted(map(int, seqs)) == list(range(1, logged + 51))


def test_closed_output_stops_the_run_soon(shell, tmp_path):
    done = shell("(seq 100000 | $FURROW map -k 'echo {}; echo {} >> ran'; echo code=$? >&2) | head -3 | tail -1;"
                 " wc -l < ran")
    assert done.out.split()[0] == "3" and "code=141" in done.err, done
    assert int(done.out.split()[1]) < 20_000
    assert not left(tmp_path)


@pytest.mark.parametrize("signals",
                         [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT], [signal.SIGKILL]])
def test_jobs_that_ignore_sigterm_end_with_grandchildren(tmp_path, signals):
    job = "trap '' TERM INT HUP; (trap '' TERM; sleep 300 & sleep 300) & touch started{}; while :; do sleep 300; done"
    env = engine.environment(SHELL="/bin/bash", FURROW_TEST_MARK=str(tmp_path))
    process = subprocess.Popen([engine.FURROW, "map", "-j2", "--joblog", "log", job, ":::", "1", "2"], cwd=tmp_path,
                               env=env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, start_new_session=True)
    wait_until(lambda: (tmp_path / "started1").exists() and (tmp_path / "started2").exists(), 20, "jobs have started")
    for number in signals:
        process.send_signal(number)
        time.sleep(0.05)
    code = process.wait(20)
    assert code in (128 + signals[0], -signals[0])
    wait_until(lambda: not left(tmp_path), 20, f"nothing is left: {left(tmp_path)}")
    assert len((tmp_path / "log").read_text().splitlines()) == 1, "none of them is done"


def test_background_processes_of_jobs_do_not_block_the_run(shell, tmp_path):
    began = time.monotonic()
    assert shell("$FURROW map 'sleep 30 & echo {}' ::: 1 2 3 4 | sort | tr -d '\\n'").out == "1234"
    assert time.monotonic() - began < 20


def test_a_gigabyte_of_output_passes(shell, tmp_path):
    (tmp_path / "tmp").mkdir()
    done = shell("$FURROW map --tmpdir tmp 'head -c 1000000000 /dev/zero #' ::: 1 | wc -c; ls -A tmp")
    assert done.out == "1000000000\n", done
    done = shell("$FURROW map --lb 'head -c 1000000000 /dev/zero | tr \"\\\\0\" \"\\\\n\" #' ::: 1 | wc -c")
    assert done.out == "1000000000\n", done
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 100_000


def test_many_thousand_jobs_that_fail(shell, tmp_path):
    jobs = 100_000 if engine.LONG_TESTS else 20_000
    done = shell(f"seq {jobs} | $FURROW map -j4 --joblog log /bin/false; echo code=$?; wc -l < log", timeout=800)
    assert done.out.split() == ["code=101", str(jobs + 1)], done.out[-500:]
    assert len(done.err.splitlines()) < 30, done.err[:2000]
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 100_000


def test_nothing_is_left_in_the_folder_for_temporary_files(shell, tmp_path):
    (tmp_path / "tmp").mkdir()
    line = "$FURROW map -k -j4 'head -c 300000 /dev/zero; exit {}' ::: 0 1 0 1 > out; ls -A tmp"
    assert shell(line, TMPDIR=str(tmp_path / "tmp")).out == ""


@pytest.mark.parametrize("how", ["--lb -k", "-k", "-k --results -.csv", "--tag -k"])
def test_output_that_waits_on_a_full_disk_is_never_lost_in_silence(shell, small_disk, how):
    done = shell(f"$FURROW map -j3 --tmpdir {small_disk} {how} --joblog log "
                 f"'test {{}} != 1 || sleep 1; head -c 4000000 /dev/zero; true' ::: 1 2 3 2>said | wc -c; "
                 "echo ${PIPESTATUS[0]}; cat said >&2")
    size, code = map(int, done.out.split())
    rows = [line.split("\t") for line in open(shell.folder / "log")][1:]
    well = sum(row[6:8] == ["0", "0"] for row in rows)
    assert size >= well * 4_000_000 and (code != 0 or well == 3) and (code == 0 or "full" in done.err), done


@pytest.fixture
def as_another(tmp_path):
    """Runs a line of bash as a user that has no process yet."""
    if os.geteuid() != 0 or not shutil.which("setpriv"):
        pytest.skip("only root can be another user")
    user = 70_000_000 + os.getpid()
    os.chown(tmp_path, user, -1)
    program = tmp_path / "furrow"
    os.symlink(engine.FURROW, program)

    def run(line, timeout=120):
        words = ["setpriv", f"--reuid={user}", "--clear-groups", "/bin/bash", "-c", line]
        env = engine.environment(FURROW=engine.FURROW, HOME=str(tmp_path), FURROW_TEST_MARK=str(tmp_path))
        return engine.execute(words, tmp_path, env, timeout, subprocess.DEVNULL)

    yield run
    for pid in marked_processes(f"FURROW_TEST_MARK={tmp_path}"):
        os.kill(pid, signal.SIGKILL)


@pytest.mark.parametrize("limit", ["ulimit -u 25", "ulimit -u 9"])
def test_all_jobs_run_under_a_limit_of_processes(as_another, limit):
    done = as_another(f"{limit}; seq 40 | $FURROW map -j50 'sleep 0.1; echo {{}}'; echo code=$?")
    assert sorted(done.out.split()) == sorted([*map(str, range(1, 41)), "code=0"]), done


def test_all_jobs_run_under_a_limit_of_descriptors(shell):
    for options in ["", "--lb", "--pipe -N1"]:
        done = shell(f"ulimit -Hn 64; seq 60 | $FURROW map {options} -j200 'sleep 0.1; echo x' | grep -c x")
        assert done.out == "60\n", done
