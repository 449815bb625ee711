"""A job counts as done when its output is out, and not before."""
import signal

import pytest


def columns(rows, *names):
    return [tuple(row[name] for name in names) for row in rows]


def test_output_that_waits_for_its_turn_is_not_lost_with_the_engine(start, fmap, tmp_path, log_rows):
    job = "sleep {}; echo output {}; touch end{}"
    run = start("-k", "-j3", "--joblog", "log", job, ":::", "50", "0", "0.1")
    run.wait_for_file("end0.1")
    run.wait_for_file("end0")
    run.signal(signal.SIGKILL)
    run.wait()
    assert log_rows() == []
    done = fmap("-k", "-j3", "--joblog", "log", "--resume", job, ":::", "0.2", "0", "0.1")
    assert done.out == "output 0.2\noutput 0\noutput 0.1\n", done
    assert columns(log_rows(), "Seq", "Exitval") == [("1", "0"), ("2", "0"), ("3", "0")]


def test_a_run_that_is_stopped_prints_and_logs_what_waited(start, fmap, log_rows):
    run = start("-k", "-j2", "--joblog", "log", "test {} = 2 || { touch up{}; sleep 50; }; echo {}", ":::", 1, 2, 3)
    run.wait_for_file("up1")
    run.wait_for_file("up3")  # the second has ended
    run.signal(signal.SIGINT)
    assert run.wait() == 130
    assert columns(log_rows(), "Seq", "Exitval") == [("2", "0")]


@pytest.mark.parametrize("options", ["", "-k", "--lb", "--lb -k", "--tag", "-v", "--results -.csv"])
def test_output_that_cannot_be_written_leaves_the_job_undone(shell, options):
    done = shell(f"$FURROW map -j1 {options} --joblog log 'echo {{}} here' ::: 1 2 3 >/dev/full; echo code=$?")
    assert "code=255" in done.out and "cannot write the output" in done.err, done
    again = shell(f"$FURROW map -j1 -k {options} --joblog log --resume 'echo {{}} here' ::: 1 2 3"
                  " | grep -o '[123] here'")
    assert set(again.out.splitlines()) == {"1 here", "2 here", "3 here"}, again


def test_errors_that_cannot_be_written_mean_the_job_is_undone(shell):
    done = shell("$FURROW map -j1 --joblog log 'echo {} >&2' ::: 1 2 2>/dev/full; echo code=$?")
    assert "code=255" in done.out, done
    assert shell("$FURROW map -j1 --joblog log --resume 'echo {} >&2' ::: 1 2").err.splitlines()[:2] == ["1", "2"]


def test_a_reader_that_goes_away_means_the_job_is_undone(shell):
    shell("$FURROW map -j1 --joblog log 'sleep 0.5; echo' ::: 1 2 3 | true")
    assert shell("$FURROW map -k --joblog log --resume 'sleep 0.5; echo' ::: 1 2 3").out.split() == ["1", "2", "3"]


def test_a_job_without_output_is_done_whatever_happens_to_the_output_of_others(shell, log_rows):
    shell("$FURROW map -j1 --joblog log 'test {} = 1 || echo {}' ::: 1 2 >/dev/full")
    assert columns(log_rows(), "Seq", "Exitval") == [("1", "0")]
