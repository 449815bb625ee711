"""What is printed while jobs run and at the end."""
import shlex

import engine


def test_a_run_without_failures_prints_nothing(fmap):
    assert fmap("true", ":::", 1, 2).err == ""


def test_failed_inputs_are_named_with_the_command_that_reruns_them(fmap, tmp_path):
    done = fmap("-k", "echo {1}-{2}; test -e good #", ":::", "a b", "c'd", ":::+", "1", "2")
    assert "2 failed" in done.err and "failed: a b 1  (exit code 1)" in done.err, done
    (line,) = [line for line in done.err.splitlines() if "Run just those again:" in line]
    command = shlex.split(line.split(": ", 1)[1])
    again = engine.execute([engine.FURROW, *command[1:], ], tmp_path, engine.environment())
    assert sorted(again.out.split("\n")) == ["", "a b-1", "c'd-2"], again


def test_with_a_log_the_advice_is_retry_failed(fmap):
    done = fmap("--joblog", "my log", "false", ":::", 1)
    assert "furrow map --joblog 'my log' --retry-failed" in done.err


def test_many_failures_are_counted_not_listed(fmap):
    done = fmap("-j4", "false", ":::", *range(60))
    assert "60 failed" in done.err and "and 50 more" in done.err and len(done.err.splitlines()) < 20


def test_quiet_prints_nothing(fmap):
    assert fmap("--quiet", "false", ":::", 1).err == ""


def test_with_a_bar_the_slowest_jobs_are_named(fmap):
    done = fmap("-j3", "--bar", "sleep 0.{}", ":::", 5, 1, 3)
    slow = [line.split()[-1] for line in done.err.splitlines() if "slow:" in line]
    assert slow == ["5", "3", "1"] and "3 of 3 jobs done" in done.err, done


def test_on_a_terminal_a_long_run_shows_a_bar(shell):
    done = shell("script -qec \"$FURROW map -j1 sleep ::: 1 1 1\" /dev/null")
    assert "2/3" in done.out and "left" in done.out and "3 of 3 jobs done" in done.out, done
