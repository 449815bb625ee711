"""`furrow map --executor slurm`: the same packing, for programs and files."""
import signal

import engine
import pytest
from running import Running, wait_until


@pytest.fixture
def furrow_map(folder):
    def run(*arguments, code=0):
        argv = [engine.FURROW, "map", "--executor", "slurm", *map(str, arguments)]
        result = engine.execute(argv, folder.path, folder.environment(), 90)
        assert result.code == code, str(result)
        return result

    return run


def test_output_comes_back_complete_and_in_order(folder, furrow_map):
    before = folder.slurm.submissions()
    result = furrow_map("-k", "--resource", "runtime=1", "--resource", "mem_mb=50",
                        "echo {} $SLURM_JOB_ID | cut -d' ' -f1; echo err {} >&2", ":::", *range(40))
    assert result.out == "".join(f"{n}\n" for n in range(40))
    assert result.err.count("err ") == 40
    assert folder.slurm.submissions() - before == 1
    assert not (folder / ".furrow" / "map").exists() or not list((folder / ".furrow" / "map").iterdir())


def test_long_output_is_not_cut(folder, furrow_map):
    result = furrow_map("-k", "--resource", "mem_mb=50", "seq {}", ":::", 300000, 2)
    assert result.out == "".join(f"{n}\n" for n in range(1, 300001)) + "1\n2\n"


def test_exit_status_log_and_resources(folder, furrow_map):
    result = furrow_map("--joblog", "log", "--resource", "slurm_partition=short", "--resource", "cores=2", "--resource",
                        "mem_mb=77", "scontrol -o show job $SLURM_JOB_ID > show.{}; exit {}", ":::", 0, 3, code=1)
    assert "Partition=short" in folder.read("show.0") and "CPUs/Task=2" in folder.read("show.0")
    assert "MinMemoryNode=77M" in folder.read("show.0")
    assert "exit code 3" in result.text
    lines = [line.split("\t") for line in folder.read("log").splitlines()[1:]]
    assert sorted((line[0], line[6]) for line in lines) == [("1", "0"), ("2", "3")]


def test_resume_after_a_kill_adopts_the_jobs_in_flight(folder):
    arguments = ["--executor", "slurm", "--joblog", "log", "--resource", "mem_mb=50",
                 "echo begin {} >> $JOBLOG; sleep 2; echo end {} >> $JOBLOG", ":::", "1", "2", "3"]
    run = Running(arguments, folder.path, folder.environment(), folder.mark, program=[engine.FURROW, "map"])
    wait_until(lambda: len(folder.log()) >= 3, 30, "jobs run")
    run.signal(signal.SIGKILL)
    run.wait()
    refused = engine.execute([engine.FURROW, "map", *arguments], folder.path, folder.environment(), 60)
    assert refused.code == 255 and "still on the cluster" in refused.text
    result = engine.execute([engine.FURROW, "map", "--resume", *arguments], folder.path, folder.environment(), 60)
    assert result.code == 0, str(result)
    assert sorted(folder.log()) == sorted(f"{what} {n}" for n in (1, 2, 3) for what in ("begin", "end"))
    assert len(folder.read("log").splitlines()) == 4


@pytest.mark.parametrize("has_log", [True, False], ids=["joblog", "none"])
def test_a_lost_connection_leaves_jobs_that_a_log_can_find(folder, has_log):
    log = ["--joblog", "log", "--resume"] if has_log else []
    arguments = ["--executor", "slurm", *log, "--resource", "mem_mb=50",
                 "echo begin >> $JOBLOG; sleep 3; echo end {} >> $JOBLOG", ":::", "1"]
    run = Running(arguments, folder.path, folder.environment(), folder.mark, program=[engine.FURROW, "map"])
    wait_until(lambda: folder.log(), 30, "the job runs")
    run.signal(signal.SIGHUP)
    assert run.wait(30) != 0
    if not has_log:
        wait_until(lambda: not folder.slurm.queue(), 20, "nobody could find it later")
        return
    assert folder.slurm.queue()
    result = engine.execute([engine.FURROW, "map", *arguments], folder.path, folder.environment(), 60)
    assert result.code == 0 and folder.log() == ["begin", "end 1"], str(result)


@pytest.mark.parametrize("option", [["--pipe-part", "-a", "/etc/passwd"], ["--ungroup"], ["--line-buffer"],
                                    ["--load", "1"], ["--results", "folder"]], ids=" ".join)
def test_options_that_slurm_cannot_serve_are_refused(furrow_map, option):
    values = [] if "-a" in option else [":::", 1]
    assert "not with --executor slurm" in furrow_map(*option, "echo", *values, code=255).text


def test_ctrl_c_cancels_the_jobs(folder):
    run = Running(["--executor", "slurm", "--resource", "mem_mb=50", "touch begun; sleep 60; touch end", ":::", "1"],
                  folder.path, folder.environment(), folder.mark, program=[engine.FURROW, "map"])
    run.wait_for_file("begun")
    run.signal(signal.SIGINT)
    assert run.wait(60) == 130
    wait_until(lambda: not folder.slurm.queue(), 20, "nothing is left in the queue")
    assert not (folder / "end").exists()
