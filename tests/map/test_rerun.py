"""The line at the end that runs exactly the failed jobs again."""
import re

import pytest

import engine


@pytest.fixture
def again(fmap, tmp_path):
    """Runs a map that fails, and then its advice; returns both results. Without a line the second is None."""

    def run(*arguments, change=lambda: None, **more):
        first = fmap(*arguments, **more)
        found = re.search(r"Run just those again: (furrow map.*)\n", first.err)
        if not found:
            return first, None
        change()
        line = found.group(1).replace("furrow", engine.FURROW, 1)
        return first, engine.execute(["/bin/bash", "-c", line], tmp_path, engine.environment())

    return run


@pytest.mark.parametrize("arguments", [
    ["-q", "sh", "-c", "echo \"<$1>\"; exit 1", "sh", "{}", ":::", "a  b", "$c"],
    ["--quote", "sh", "-c", "echo \"<$0>\"; exit 1", "{}", ":::", "'"],
    ["--seed", "7", "echo {seed} {}; false", ":::", "a"],
    ["--wd", "some/{}", "basename \"$PWD\"; false", ":::", "b"],
    ["--shell", "./shell", "x; y", ":::", "c"],
    ["-N0", "echo none; false", ":::", "d"],
    ["-n0", "echo none; false", ":::", "d", "e"],
    ["-N1", "echo x{}; false #", ":::", "1", ":::", "2"],
    ["-L1", "echo x{}; false #", ":::", "1", ":::", "2"],
    ["--tagstring", "t\\t{}", "echo; false", ":::", "e"],
    ["--tag", "-k", "-j", "1", "echo {%}; false", ":::", "f", "g"],
    ["-I", ",,", "echo ,,; false", ":::", "h"],
    ["--replace=@", "echo @; false", ":::", "h"],
    ["--plus", "echo {..} {^a}; false", ":::", "a.b.c"],
    ["--header", ":", "echo {x y} {z}; false", ":::", "x y", "1", "2", ":::", "z", "3"],
    ["--colsep", ",", "echo {2} {1}; false", ":::", "1,2", "3,4"],
    ["-v", "echo", "{}", "; false", ":::", "i"],
    ["--process-slot-var", "PLACE", "-j1", "echo $PLACE {}; false", ":::", "j"],
    ["--nice", "5", "nice; false #", ":::", "k"],
    ["--retries", "2", "echo x >> tries; cat tries; rm -f tries; false #", ":::", "l"],
    [":::", "echo one; false", "echo '::: x'; false"],
    ["--", "-no-such-program 2> error || echo {}; false", ":::", "m"],
])
def test_the_line_does_the_same(again, tmp_path, arguments):
    (tmp_path / "shell").write_text("#!/bin/sh\necho \"$2\"; exit 1\n")
    (tmp_path / "shell").chmod(0o755)
    first, second = again(*arguments)
    assert second is not None, first
    assert (sorted(second.out.splitlines()), second.code) == (sorted(first.out.splitlines()), first.code), second
    assert first.out, first


def test_only_failed_jobs_are_in_the_line(again):
    first, second = again("-k", "--shuf", "--seed", 3, "echo {}; test {} != 2 -a {} != 4", ":::", 1, 2, 3, 4, 5)
    assert sorted(second.out.split()) == ["2", "4"] and second.code == 2


@pytest.mark.parametrize("arguments", [
    ["echo {#}; test {} = a", ":::", "a", "b"],
    ["echo $PARALLEL_SEQ; test {} = a", ":::", "a", "b"],
    ["--plus", "echo {##}; test {} = a", ":::", "a", "b"],
    ["--tagstring", "{#}", "test {} = a", ":::", "a", "b"],
    ["--seed", "1", "echo {seed}; test {#} = 1 #", ":::", "a", "a"],
    ["-n2", "false", ":::", "a", "b"],
    ["--arg-sep", "::", "echo", "{}; false", "::", ":::"],
    ["--results", "r.csv", "false", ":::", "a"],
    ["--output", "{#}.o", "false", ":::", "a"],
])
def test_where_no_line_can_say_it_the_log_is_recommended(again, arguments):
    first, second = again(*arguments)
    assert second is None and re.search(r"With --joblog FILE, --(retry|resume)-failed runs just those again", first.err)


@pytest.mark.parametrize("arguments", [
    ["-k", "echo {#} {seed} {%} {}; test -e good -o {} = b #", ":::", "a", "b", "c"],
    ["-k", "--plus", "-q", "sh", "-c", "echo \"$0\"; test -e good", "{##} {0#} {}", ":::", "a", "b"],
    ["-k", "-n2", "--wd", "here", "--shell", "/bin/dash", "pwd; echo {}; test -e ../good #", ":::", "a", "b", "c"],
])
def test_with_a_log_the_commands_are_those_of_the_log(again, fmap, tmp_path, arguments):
    first, second = again("-j1", "--joblog", "log", *arguments, change=(tmp_path / "good").touch)
    wanted = [line for line in first.out.splitlines() if not line.endswith(" b") or "-n2" in arguments]
    if "-q" in arguments:
        wanted = first.out.splitlines()
    assert (second.code, second.out.splitlines()) == (0, wanted), (first, second)
    assert "--retry-failed" in first.err and fmap("--joblog", "log", "--retry-failed").out == ""


@pytest.mark.parametrize("options", [["--results", "res"], ["--output", "{}.o"], ["--tag"], ["--results", "t.csv"]])
def test_options_with_values_go_on_by_the_values(again, fmap, tmp_path, options):
    job = "echo {} | tee {}.o; test {} = a -o -e good"
    first, second = again("-k", "--joblog", "log", *options, job, ":::", "a", "b", "c",
                          change=(tmp_path / "good").touch)
    assert "--resume-failed" in first.err and second.code == 0, (first, second)
    assert fmap("--joblog", "log", "--resume-failed", job, ":::", "a", "b", "c").out == ""
    if options[0] == "--results" and options[1] == "res":
        assert (tmp_path / "res/1/b/stdout").read_text() == "b\n"
    if options[0] == "--output":
        assert all((tmp_path / f"{name}.o").exists() for name in "abc")
    if options[-1] == "t.csv":
        lines = (tmp_path / "t.csv").read_text().splitlines()
        assert sum(line.startswith("Seq,") for line in lines) == 1 and any(",a," in line for line in lines), lines


def test_a_log_with_failures_of_other_runs_is_not_tried_again_as_a_whole(again, fmap):
    fmap("--joblog", "log", "echo old; false #", ":::", 1)
    first, second = again("--joblog", "+log", "echo new {}; false", ":::", 2)
    assert "old" not in second.out and "new 2" in second.out, (first, second)


def test_blocks_are_read_again(fmap):
    job = ["--pipe", "-N1", "-k", "cat; false"]
    assert "With --joblog FILE, --resume-failed on the same input" in fmap(*job, stdin="1\n").err
    assert "--resume-failed, on the same input" in fmap("--joblog", "log", *job, stdin="1\n2\n").err
    done = fmap("--joblog", "log", "--retry-failed")
    assert done.code == 255 and "read a block of the input" in done.err, done
    assert fmap("--joblog", "log", "--resume-failed", *job, stdin="1\n2\n").out == "1\n2\n"


@pytest.mark.parametrize("options", [["--output", "{}.o"], ["--results", "r"], ["--wd", "{}"], ["--tagstring", "{}"],
                                     ["--retries", "{}"]])
def test_retry_failed_refuses_options_that_need_values(fmap, options):
    fmap("--joblog", "log", "false", ":::", 1)
    done = fmap("--joblog", "log", "--retry-failed", *options)
    assert done.code == 255 and f"{options[0]} cannot be combined with --retry-failed" in done.err, done


@pytest.mark.parametrize("options", [[], ["--dry-run"]])
def test_retry_failed_without_a_log_is_an_error(fmap, tmp_path, options):
    done = fmap("--joblog", "lgo", "--retry-failed", *options)
    assert done.code == 255 and "no job log lgo" in done.err and not list(tmp_path.glob("lgo*")), done
