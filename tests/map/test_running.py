"""How jobs run: how many at a time, in which environment, and how they end."""
import time


def test_exit_code_is_the_number_of_failed_jobs(fmap):
    assert fmap("exit {}", ":::", 0, 3, 7).code == 2
    assert fmap("-j8", "exit 1 #", ":::", *range(150)).code == 101


def test_a_million_characters_of_input_values(fmap):
    assert fmap("-k", "printf %s {} | wc -c", ":::", "x" * 120_000).out == "120000\n"


def test_values_reach_programs_unchanged(fmap):
    values = ["a b", "c'd", 'e"f', "$(g)", "-n", "h\ti", "ä", "*", ";", "\\"]
    assert fmap("-k", "printf '%s\\0'", ":::", *values).out == "\0".join(values) + "\0"


def test_programs_start_without_a_shell(fmap, tmp_path):
    # The parent of the script is the engine.
    script = tmp_path / "parents"
    script.write_text("#!/usr/bin/python3\nimport os\nprint(os.getppid() == int(os.environ['PARALLEL_PID']))\n")
    script.chmod(0o755)
    assert fmap("./parents", ":::", 1).out == "True\n"


def test_a_removed_folder_does_no_harm(shell):
    result = shell("mkdir gone && cd gone && rmdir ../gone && $FURROW map -k 'echo {}' ::: 1 2")
    assert (result.code, result.out) == (0, "1\n2\n"), str(result)


def test_builtins_and_functions_run_in_the_shell(fmap):
    assert fmap("-k", "type", ":::", "cd").out == "cd is a shell builtin\n"
    assert fmap("-k", "greet", ":::", "you", **{"BASH_FUNC_greet%%": "() { echo hello $1; }"}).out == "hello you\n"


def test_a_missing_program_fails_as_in_a_shell(fmap):
    done = fmap("--joblog", "log", "/no/such/program", ":::", 1)
    assert done.code == 1 and "No such file" in done.err, done


def test_number_and_slot_are_available(fmap):
    assert fmap("-j1", "-k", "echo $PARALLEL_SEQ {#} {%} $PARALLEL_JOBSLOT {}", ":::", "a", "b").out == \
        "1 1 1 1 a\n2 2 1 1 b\n"


def test_slots_are_reused(fmap):
    done = fmap("-j2", "echo {%}; sleep 0.1 #", ":::", *range(8))
    assert set(done.out.split()) == {"1", "2"}


def test_the_given_number_of_jobs_run_at_once(fmap):
    began = time.monotonic()
    assert fmap("-j8", "sleep", ":::", *["0.5"] * 8).code == 0
    assert time.monotonic() - began < 3  # one after the other takes 4 s


def test_retries_count_attempts(fmap, tmp_path):
    assert fmap("--retries", 3, "echo x >> tries; test $(wc -l < tries) -ge 3 #", ":::", 1).code == 0
    assert (tmp_path / "tries").read_text() == "x\n" * 3


def test_timeout_ends_the_whole_group(start, tmp_path):
    run = start("--timeout", "0.5", "sleep 300 & echo $! > pid; sleep 300 #", ":::", 1)
    assert run.wait() == 1
    run.wait_for_nothing_left(5)


def test_timeout_as_a_percentage_of_the_median(fmap):
    done = fmap("-j1", "--timeout", "300%", "sleep {}; echo {}", ":::", 0.2, 0.2, 0.2, 60, timeout=30)
    assert done.code == 1 and done.out == "0.2\n0.2\n0.2\n", done


def test_a_job_that_ignores_sigterm_is_killed(start):
    run = start("--timeout", "0.5", "trap '' TERM; while :; do sleep 1; done #", ":::", 1)
    assert run.wait() == 1
    run.wait_for_nothing_left(5)


def test_termseq_sets_the_sequence_of_signals(fmap):
    done = fmap("--termseq", "USR1,500,KILL,25", "--timeout", "0.5",
                "trap 'echo told; exit 3' USR1; while :; do sleep 0.05; done #", ":::", 1)
    assert done.out == "told\n"


def test_delay_spreads_the_starts(fmap):
    done = fmap("-j4", "-k", "--delay", "0.3", "date +%s.%N #", ":::", 1, 2, 3)
    times = [float(t) for t in done.out.split()]
    assert all(b - a > 0.25 for a, b in zip(times, times[1:])), times


def test_nice_sets_the_niceness(fmap):
    assert fmap("--nice", 7, "nice #", ":::", 1).out == "7\n"


def test_directory_is_made_and_entered(fmap, tmp_path):
    assert fmap("--wd", "in/{}", "pwd #", ":::", "x").out == f"{tmp_path}/in/x\n"


def test_jobs_wait_for_memory_but_the_run_ends(fmap):
    assert fmap("--memfree", "1k", "-k", "echo", ":::", 1, 2).out == "1\n2\n"


def test_load_delays_jobs_but_not_forever(fmap):
    assert fmap("--load", "0", "-k", "echo", ":::", 1, 2, 3).out == "1\n2\n3\n"


def test_halt_soon_lets_running_jobs_end(fmap):
    done = fmap("-j2", "-k", "--halt", "soon,fail=1", "sleep {}; echo {}; exit 5", ":::", 0.1, 0.6, 0.1, 0.1)
    assert (done.code, done.out) == (5, "0.1\n0.6\n")


def test_halt_now_ends_running_jobs(fmap):
    began = time.monotonic()
    done = fmap("-j2", "--halt", "now,fail=1", "sleep {}; echo {}; exit 5", ":::", 0.1, 50, 50)
    assert (done.code, done.out) == (5, "0.1\n")
    assert time.monotonic() - began < 20


def test_halt_after_a_success(fmap):
    assert fmap("-j1", "--halt", "now,success=1", "echo {}; exit {}", ":::", 3, 0, 4).out == "3\n0\n"


def test_slow_input_starts_jobs_at_once(shell):
    done = shell("(echo 1; sleep 1; echo 2; sleep 1; echo 3) | $FURROW map --lb 'echo {} $(date +%s)'")
    numbers = [line.split() for line in done.out.splitlines()]
    assert [n for n, _ in numbers] == ["1", "2", "3"]
    assert int(numbers[2][1]) > int(numbers[0][1])


def test_input_is_read_no_faster_than_jobs_run(shell):
    done = shell("(for i in $(seq 100000); do echo $i || break; done; echo stopped >&2) |"
                 " $FURROW map -j1 --halt now,done=3 'sleep 0.1; echo {}'; echo code=$?")
    assert "code=" in done.out and done.out.splitlines()[:3] == ["1", "2", "3"], done
