"""The job log, and how a run resumes from it."""
import os


def test_log_has_the_format_of_gnu_parallel(fmap, tmp_path):
    fmap("-j1", "--joblog", "log", "echo {}; exit {}", ":::", 0, 3)
    lines = (tmp_path / "log").read_text().split("\n")
    assert lines[0] == "Seq\tHost\tStarttime\tJobRuntime\tSend\tReceive\tExitval\tSignal\tCommand"
    first, second = lines[1].split("\t"), lines[2].split("\t")
    assert first[:2] == ["1", ":"] and first[4:] == ["0", "2", "0", "0", "echo 0; exit 0"]
    assert second[6:] == ["3", "0", "echo 3; exit 3"]
    assert len(first[3]) == 10 and lines[3] == ""


def test_signals_and_timeouts_are_logged_differently(fmap, log_rows):
    fmap("-j1", "--joblog", "log", "--timeout", "1", ":::", "kill -9 $$", "sleep 60")
    assert [(r["Exitval"], r["Signal"]) for r in log_rows()] == [("0", "9"), ("-1", "15")]


def test_usage_is_at_the_end_of_each_line_on_request(fmap, log_rows):
    fmap("-j1", "--joblog", "log", "--joblog-usage", "head -c 100000000 /dev/zero | tail -c 90000000 | tail -c 1 #",
         ":::", 1)
    (row,) = log_rows()
    assert row["Command"].startswith("head") and int(row["MaxRssKb"]) > 80_000 and float(row["UserTime"]) >= 0


def test_resume_runs_the_jobs_that_are_not_done(fmap, log_rows):
    fmap("-j1", "--joblog", "log", "echo {}", ":::", 1, 2)
    done = fmap("-k", "--joblog", "log", "--resume", "echo {}", ":::", 1, 2, 3)
    assert done.out == "3\n" and "2 of 3 jobs done before" in done.err
    assert [r["Seq"] for r in log_rows()] == ["1", "2", "3"]


def test_an_edited_list_runs_only_new_inputs(fmap):
    fmap("--joblog", "log", "echo {#} {}", ":::", "a", "b", "c")
    done = fmap("-k", "--joblog", "log", "--resume", "echo {#} {}", ":::", "x", "c", "a", "y")
    assert done.out == "1 x\n4 y\n"


def test_equal_inputs_are_distinct_jobs(fmap):
    fmap("--joblog", "log", "echo {}", ":::", "a", "a")
    assert fmap("--joblog", "log", "--resume", "echo {}", ":::", "a", "a", "a").out == "a\n"


def test_another_command_is_another_job(fmap):
    fmap("--joblog", "log", "echo {}", ":::", "a")
    assert fmap("--joblog", "log", "--resume", "echo again {}", ":::", "a").out == "again a\n"


def test_resume_skips_failed_jobs_and_resume_failed_runs_them(fmap):
    fmap("-j1", "--joblog", "log", "echo {}; test -e good", ":::", 1)
    assert fmap("--joblog", "log", "--resume", "echo {}; test -e good", ":::", 1, 2).out == "2\n"
    done = fmap("-k", "--joblog", "log", "--resume-failed", "echo {}; touch good; test -e good", ":::", 1)
    assert done.out == "1\n"


def test_retry_failed_takes_commands_from_the_log(fmap, tmp_path):
    assert fmap("-k", "--joblog", "log", "echo {}; test -e good #", ":::", "a b", "c\nd").code == 2
    (tmp_path / "good").touch()
    done = fmap("-k", "--joblog", "log", "--retry-failed")
    assert (done.code, done.out) == (0, "a b\nc\nd\n")
    assert fmap("--joblog", "log", "--retry-failed").out == ""
    assert fmap("--joblog", "log", "--resume-failed", "echo {}; test -e good #", ":::", "a b", "c\nd").out == ""


def test_a_job_that_fails_later_counts_as_failed(fmap):
    fmap("--joblog", "log", "true", ":::", 1)
    fmap("--joblog", "+log", "false", ":::", 1)
    assert fmap("--joblog", "log", "--resume-failed", "-t", "false", ":::", 1).code == 1


def test_a_log_of_gnu_parallel_can_be_resumed(shell):
    shell("parallel -j1 --joblog log 'echo {}' ::: a b")
    assert shell("$FURROW map --joblog log --resume 'echo {}' ::: a b c").out == "c\n"


def test_gnu_parallel_can_resume_from_the_log(shell):
    shell("$FURROW map -j1 --joblog log 'echo {}' ::: a b")
    assert shell("parallel --joblog log --resume 'echo {}' ::: a b c").out == "c\n"


def test_a_torn_line_counts_as_not_done(fmap, tmp_path):
    fmap("-j1", "--joblog", "log", "echo {}", ":::", 1, 2)
    text = (tmp_path / "log").read_bytes()
    (tmp_path / "log").write_bytes(text[:-3])
    assert fmap("--joblog", "log", "--resume", "echo {}", ":::", 1, 2).out == "2\n"
    assert (tmp_path / "log").read_text().count("\n") == 3


def test_torn_keys_lose_only_themselves(fmap, tmp_path):
    fmap("-j1", "--joblog", "log", "echo {#} {}", ":::", 1, 2)
    keys = tmp_path / "log.furrow"
    keys.write_bytes(keys.read_bytes()[:-5] + b"\0" * 40)
    # The second is still known by its command, as long as it has the same number.
    assert fmap("--joblog", "log", "--resume", "echo {#} {}", ":::", 1, 2).out == ""
    assert fmap("-k", "--joblog", "log", "--resume", "echo {#} {}", ":::", 0, 1, 2).out.split("\n")[0] == "1 0"


def test_jobs_whose_lines_were_removed_run_again(fmap, tmp_path):
    fmap("-j1", "--joblog", "log", "echo {}", ":::", 1, 2, 3)
    lines = (tmp_path / "log").read_text().splitlines(True)
    (tmp_path / "log").write_text("".join(lines[:2] + lines[3:]))
    assert fmap("--joblog", "log", "--resume", "echo {}", ":::", 1, 2, 3).out == "2\n"


def test_a_log_in_use_is_refused(start, fmap):
    run = start("--joblog", "log", "touch started; sleep 20 #", ":::", 1)
    run.wait_for_file("started")
    done = fmap("--joblog", "log", "--resume", "echo", ":::", 1)
    assert done.code == 255 and f"pid {run.process.pid}" in done.err, done
    run.signal(15)
    run.wait()


def test_cancelled_jobs_are_not_done(start, fmap):
    run = start("-j1", "--joblog", "log", "touch started; sleep {}", ":::", 20)
    run.wait_for_file("started")
    run.signal(2)
    assert run.wait() == 130
    assert fmap("--joblog", "log", "--resume", "-t", "touch started; sleep {}", ":::", 0).code == 0


def test_a_file_that_is_not_a_log_is_left_alone(fmap, tmp_path):
    (tmp_path / "log").write_text("precious\n")
    assert fmap("--joblog", "log", "--resume", "echo", ":::", 1).code == 255
    assert (tmp_path / "log").read_text() == "precious\n"


def test_a_log_to_a_pipe_has_no_keys(shell, tmp_path):
    assert "Seq" in shell("$FURROW map --joblog /dev/stderr true ::: 1").err
    assert not [name for name in os.listdir(tmp_path) if name.endswith(".furrow")]


def test_a_log_that_cannot_be_written_stops_the_run(fmap, tmp_path):
    done = fmap("-j1", "--joblog", "/dev/full", "touch ran{}", ":::", 1, 2, 3)
    assert done.code == 255 and not (tmp_path / "ran2").exists(), done
