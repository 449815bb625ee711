"""`mpirun -n N furrow map` does what `furrow map` does, or says that it does not."""
import hashlib
import os
import re

import engine
import pytest


def test_all_ranks_run_jobs_and_output_keeps_its_order(ranks):
    result = ranks(3, "map", "-k", "-j1", "echo {} $PPID; sleep 0.02", ":::", *range(60))
    rows = [line.split() for line in result.out.splitlines()]
    assert [row[0] for row in rows] == [str(i) for i in range(60)]
    assert len({row[1] for row in rows}) == 3


def test_jobs_are_spread_evenly_whatever_their_number(ranks):
    result = ranks(2, "map", "-j2", "echo $PPID; sleep 0.3", ":::", *range(4))
    pids = result.out.split()
    assert sorted(pids.count(pid) for pid in set(pids)) == [2, 2]


def test_large_output_arrives_complete(ranks):
    command = "seq {} 300000; echo end of {} >&2"
    here = ranks.alone("map", "-k", command, ":::", 1, 2, 3)
    there = ranks(3, "map", "-k", "-j1", command, ":::", 1, 2, 3)
    assert there.out == here.out
    assert [line for line in there.err.splitlines() if line.startswith("end")] == here.err.splitlines()


@pytest.mark.parametrize("grouping", ["--group", "--line-buffer", "--ungroup"])
def test_output_is_grouped_as_requested(ranks, grouping):
    result = ranks(2, "map", "-j2", grouping, "true {}; echo a; sleep 0.2; echo b", ":::", *range(4))
    assert sorted(result.out) == sorted("a\nb\n" * 4)
    assert (result.out == "a\nb\n" * 4) == (grouping == "--group")


def test_standard_input_of_jobs_is_passed_on(ranks):
    data = b"".join(hashlib.sha256(str(i).encode()).hexdigest().encode() + b"\n" for i in range(60000))
    result = ranks(3, "map", "-k", "-j1", "--pipe", "--block", "1M", "cat", stdin=data)
    assert result.out.encode() == data
    # A job that does not read it does not hold up the run.
    result = ranks(3, "map", "-k", "-j1", "--pipe", "--block", "1M", "head -n 1; sleep 0.1", stdin=data)
    assert len(result.out.splitlines()) == 4


def test_parts_of_files_are_passed_on(ranks):
    ranks.write("data", "".join(f"{i}\n" for i in range(200000)))
    result = ranks(2, "map", "-k", "-j1", "--pipe-part", "-a", "data", "--block", "300k", "cat")
    assert result.out == (ranks / "data").read_text()


def test_results_files_are_the_same_as_on_one_machine(ranks):
    command = ["echo {1}{2}; echo {1} >&2; exit {2}", ":::", "a", "b", ":::", 0, 3]
    ranks.alone("map", "--results", "here", *command, code=2)
    ranks(2, "map", "-j1", "--results", "there", *command, code=2)

    def content(folder):
        return {str(p.relative_to(ranks / folder)): p.read_text() for p in (ranks / folder).rglob("*") if p.is_file()}

    assert content("here") and content("there") == content("here")


def test_the_job_log_is_complete_and_a_later_run_resumes(ranks):
    command = ["map", "-j1", "--joblog", "log", "echo {} >> ran; exit {}", ":::", 0, 0, 7]
    ranks(3, *command, code=1)
    rows = [line.split("\t") for line in (ranks / "log").read_text().splitlines()]
    assert sorted(row[rows[0].index("Exitval")] for row in rows[1:]) == ["0", "0", "7"]
    ranks(2, command[0], "--resume", *command[1:])
    assert sorted((ranks / "ran").read_text().split()) == ["0", "0", "7"]
    ranks(2, command[0], "--resume-failed", *command[1:], code=1)
    assert sorted((ranks / "ran").read_text().split()) == ["0", "0", "7", "7"]


def test_timeout_and_retries_work(ranks):
    log = ranks / "tries"
    result = ranks(2, "map", "-j1", "--timeout", "0.4", "--retries", "2", f"echo {{}} >> {log}; sleep {{}}", ":::", 0,
                   30, 0, 30, code=2)
    assert sorted(log.read_text().split()) == ["0", "0", "30", "30", "30", "30"], str(result)


def test_a_failure_can_stop_the_run(ranks):
    result = ranks(2, "map", "-j1", "--halt", "now,fail=1", "sleep {}; echo {}; exit 3", ":::", 20, 0.1, 20, 20, code=3)
    assert result.out == "0.1\n"


def test_running_jobs_have_different_slots(ranks):
    command = "mkdir slot{%} || exit 9; sleep 0.01; rmdir slot{%}; echo {%}"
    result = ranks(2, "map", "-j2", command, ":::", *range(100))
    assert set(result.out.split()) <= set("1234")


def test_a_signal_that_ends_a_job_is_logged(ranks):
    result = ranks(2, "map", "-j1", "--joblog", "log", "kill -9 $$ # {}", ":::", 1, 2, 3, code=3)
    rows = [line.split("\t") for line in (ranks / "log").read_text().splitlines()]
    assert {row[rows[0].index("Signal")] for row in rows[1:]} == {"9"}, str(result)


def test_a_missing_program_is_reported_as_on_one_machine(ranks):
    here = ranks.alone("map", "-k", "no-such-program {}", ":::", 1, 2, code=2)
    there = ranks(2, "map", "-k", "-j1", "no-such-program {}", ":::", 1, 2, code=2)
    assert here.err.splitlines()[:2] == there.err.splitlines()[:2]
    assert "no-such-program: command not found" in there.err


def test_odd_arguments_arrive_unchanged(ranks):
    values = ["a b", "'", '"', "$HOME", "\\n", "-n", "ü", "\udcff", "a\nb", "{}"]
    result = ranks(2, "map", "-j1", "-k", "printf '<%s>'", ":::", *values)
    assert result.out == "".join(f"<{value}>" for value in values)


def test_no_input_runs_no_job(ranks):
    assert ranks(2, "map", "echo", "{}").out == ""


def test_jobs_do_not_see_the_launchers_variables(ranks):
    result = ranks(2, "map", "-j1", "env #", ":::", 1, 2, 3, 4, KEPT="a b", OMPI_ALLOW_RUN_AS_ROOT="1")
    assert result.out.count("KEPT=a b\n") == 4
    assert set(re.findall(r"^(?:OMPI|PMIX|PMI|ORTE)_\w*", result.out, re.M)) <= {"OMPI_ALLOW_RUN_AS_ROOT"}


def test_a_job_may_itself_start_mpi(ranks):
    root = "--allow-run-as-root" if os.geteuid() == 0 else ""
    inner = (f"mpirun {root} --oversubscribe --bind-to none -n 2 "
             "sh -c 'echo $OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE'")
    result = ranks(2, "map", "-j1", inner, "#", ":::", 1, 2)
    assert sorted(result.out.splitlines()) == ["0 of 2", "0 of 2", "1 of 2", "1 of 2"], str(result)


@pytest.mark.parametrize("option", [["--load", "50%"], ["--memfree", "1G"], ["--executor", "slurm"]])
def test_unsupported_options_are_refused_by_name(ranks, option):
    result = ranks(2, "map", *option, "touch", "{}", ":::", "made", code=255)
    assert f"{' '.join(option) if 'slurm' in option else option[0]} cannot be used with several ranks" in result.err
    assert not (ranks / "made").exists()


def test_help_and_errors_are_printed_once(ranks):
    assert ranks(3, "map", "--help").out.count("furrow map [OPTION...]") == 1
    assert ranks(3, "map", "--no-such-option", code=255).err.count("--no-such-option") == 1


def test_a_command_without_its_plugin_refuses(ranks):
    copy = ranks / "bin" / "furrow"
    copy.parent.mkdir()
    os.link(engine.FURROW, copy) if os.stat(engine.FURROW).st_dev == os.stat(ranks.path).st_dev else \
        copy.write_bytes(open(engine.FURROW, "rb").read())
    copy.chmod(0o755)
    argv = [str(copy) if word == engine.FURROW else word for word in ranks.argv(2, "map", "touch", "{}", ":::", "made")]
    result = engine.execute(argv, ranks.path, ranks.environment())
    assert result.code == 255 and "mpirun has started this command 2 times" in result.err
    assert "libopenmpi-dev" in result.err and not (ranks / "made").exists()
