"""How the jobs' output is printed: grouped, in order, by line, tagged, or directly."""
import os
import resource
import stat

import pytest

measures_memory = pytest.mark.skipif(bool(os.environ.get("FURROW_SANITIZE")),
                                     reason="a sanitizer takes memory of its own")


def test_output_of_a_job_stays_together(fmap):
    done = fmap("-j3", "echo a{}; sleep 0.2; echo b{}", ":::", 1, 2, 3)
    lines = done.out.splitlines()
    assert sorted(lines) == ["a1", "a2", "a3", "b1", "b2", "b3"]
    assert all(lines[i][1:] == lines[i + 1][1:] for i in (0, 2, 4)), done


def test_keep_order_prints_in_the_order_of_the_input(fmap):
    assert fmap("-j3", "-k", "sleep 0.{}; echo {}", ":::", 5, 3, 1).out == "5\n3\n1\n"


def test_by_default_output_comes_in_the_order_of_ending(fmap):
    assert fmap("-j3", "sleep {}; echo {}", ":::", 1.2, 0.6, 0.1).out == "0.1\n0.6\n1.2\n"


def test_errors_go_to_standard_error(fmap):
    done = fmap("-k", "echo out{}; echo err{} >&2", ":::", 1, 2)
    assert (done.out, done.err) == ("out1\nout2\n", "err1\nerr2\n")


def test_line_buffer_prints_whole_lines_at_once(fmap):
    done = fmap("-j2", "--line-buffer", "sleep 0.{}; printf a; sleep 0.4; echo {}; sleep 0.4; echo b{}", ":::", 0, 2)
    assert done.out == "a0\na2\nb0\nb2\n"


def test_line_buffer_with_keep_order(fmap):
    done = fmap("-j2", "--lb", "-k", "echo a{}; sleep 0.{}; echo b{}", ":::", 5, 1)
    assert done.out == "a5\nb5\na1\nb1\n"


def test_tag_goes_before_each_line(fmap):
    assert fmap("-k", "--tag", r"printf 'x\n\ny'", ":::", "A").out == "A\tx\nA\t\nA\ty"
    assert fmap("-k", "--tagstring", "{#}:{}", "echo 1; echo 2 #", ":::", "A").out == "1:A\t1\n1:A\t2\n"


def test_ungrouped_jobs_write_directly(shell):
    assert shell("$FURROW map -j1 -u 'readlink /proc/self/fd/1' ::: a > out; cat out").out.endswith("/out\n")


def test_verbose_shows_commands(fmap):
    assert fmap("-v", "-k", "echo {}", ":::", "a", "b c").out == "echo a\na\necho 'b c'\nb c\n"
    done = fmap("-t", "echo {}", ":::", "a")
    assert done.out == "a\n" and done.err.splitlines()[1:] == ["echo a"], done


def test_output_of_a_retried_job_is_printed_once(fmap):
    assert fmap("--retries", 3, "echo {}; exit 1", ":::", "x").out == "x\n"


@measures_memory
def test_long_output_stays_out_of_memory_and_leaves_no_file(shell, tmp_path):
    (tmp_path / "tmp").mkdir()
    done = shell("TMPDIR=$PWD/tmp; export TMPDIR; /usr/bin/env time -f %M -o peak"
                 " $FURROW map -k -j2 'sleep 0.{}; head -c 200000000 /dev/zero' ::: 3 0 | wc -c; ls -A tmp"
                 if os.path.exists("/usr/bin/time") else
                 "TMPDIR=$PWD/tmp; export TMPDIR; $FURROW map -k -j2 'sleep 0.{}; head -c 200000000 /dev/zero' ::: 3 0"
                 " | wc -c; ls -A tmp")
    assert done.out == "400000000\n", done
    # No child of this process, the engine included, has ever been large.
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 100_000


@measures_memory
def test_many_waiting_outputs_stay_out_of_memory(shell):
    done = shell("seq 400 | $FURROW map -k -j8 'if [ {} = 1 ]; then sleep 3; fi; head -c 1000000 /dev/zero' | wc -c")
    assert done.out == "400000000\n", done
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss < 100_000


def test_outputs_that_wait_in_the_file_keep_their_order(shell):
    shell("seq 300 | $FURROW map -k -j4 'if [ {} = 1 ]; then sleep 2; fi; yes {} | head -c 100000' > ours")
    shell("for i in $(seq 300); do yes $i | head -c 100000; done > expected")
    assert shell("cmp ours expected").code == 0


def test_when_the_reader_closes_the_run_ends_quietly(shell):
    done = shell("(seq 100000 | $FURROW map -j2 'echo {}; echo {} >> ran'; echo code=$? >&2) | head -1; wc -l < ran")
    assert "code=141" in done.err, done
    assert len(done.err.splitlines()) == 1, done
    assert int(done.out.splitlines()[1]) < 50_000


def test_when_the_reader_closes_endless_jobs_end(shell):
    for mode in ("--lb", "-u"):
        done = shell(f"$FURROW map -j2 {mode} yes ::: a b c | head -1")
        assert done.code == 0 and done.out.splitlines()[0] in "abc", done


def test_a_full_disk_is_an_error(shell):
    done = shell("$FURROW map -j1 'echo {}' ::: a b c > /dev/full")
    assert done.code == 255 and "No space left" in done.err, done


def test_jobs_do_not_read_the_input_of_the_engine(fmap):
    assert fmap("-k", "cat; echo {}", ":::", "a", "b", stdin="not for jobs\n").out == "a\nb\n"


def test_jobs_inherit_no_descriptors(fmap):
    done = fmap("-j1", "--joblog", "log", "ls /proc/self/fd | wc -l #", ":::", 1)
    assert int(done.out) <= 4, done  # the three standard descriptors, and the one that ls opens


def test_the_key_file_is_a_regular_file(fmap, tmp_path):
    fmap("--joblog", "log", "true", ":::", 1)
    assert stat.S_ISREG((tmp_path / "log.furrow").stat().st_mode)
