"""furrow.map_command, and `python3 -m furrow`: the command from Python."""
import os
import time

import furrow
import program
import pytest

FURROW = os.environ.get("FURROW")
pytestmark = pytest.mark.skipif(not FURROW, reason="FURROW does not name the furrow command")


def test_says_what_became_of_each_value_in_their_order():
    result = furrow.map_command("sleep 0.{2}; echo {1}; echo to stderr >&2", [("b c", 2), ("a", 1)], jobs=2)
    assert result.ok and [each.stdout for each in result] == ["b c\n", "a\n"] and result[0].stderr == "to stderr\n"
    assert result[0].values == ("b c", "2") and result[0].command == "sleep 0.2; echo 'b c'; echo to stderr >&2"
    assert result[0].state == "done" and result[0].seconds >= 0.2 and result[0].signal is None


def test_a_list_of_words_reaches_the_command_as_it_is(tmp_path):
    words = ["printf", "%s|", "$HOME", "a  b", "-k", "{/}"]
    (only,) = furrow.map_command(words, [tmp_path / "it's\na file"])
    assert only.stdout == "$HOME|a  b|-k|it's\na file|"


def test_a_command_that_fails_is_no_exception(tmp_path):
    result = furrow.map_command("pwd; [ {} = a ] || kill -9 $$", ["a", "b", "c"], jobs=1, directory=tmp_path,
                                options=["--halt", "now,fail=1"])
    assert not result.ok and [each.state for each in result] == ["done", "failed", "unstarted"]
    assert result[0].stdout == f"{tmp_path}\n" and result[1].signal == 9 and result[2].command is None
    assert "this job failed" in result.output and "unstarted" in repr(result)


def test_values_that_are_no_texts_of_utf8_are_the_same_in_the_result(tmp_path):
    name = b"\xff\xfe".decode("utf-8", "surrogateescape")
    (only,) = furrow.map_command("touch {}", [tmp_path / name])
    assert only.values == (str(tmp_path / name),) and os.listdir(tmp_path) == [name]


def test_no_values_are_no_commands():
    assert furrow.map_command("false", []) == []


@pytest.mark.parametrize("command, values, options, error, text", [
    ("echo", ["a"], ["--no-such-option"], furrow.MapFailed, "--no-such-option"),
    ("echo", ["a", "b"], ["-n2"], furrow.MapFailed, "which values go together"),
    ("echo", ["a\0b"], [], ValueError, "NUL"),
    ("echo", [("a", "b"), "c"], [], ValueError, "more parts"),
    ("echo", [None], [], TypeError, "not NoneType"),
    (["echo", ":::"], ["a"], [], ValueError, "word :::"),
    ([], ["a"], [], ValueError, "no words"),
])
def test_mistakes_are_named(command, values, options, error, text):
    with pytest.raises(error, match=text):
        furrow.map_command(command, values, options=options)


INTERRUPTED = """
import furrow, os, signal, threading, time
def interrupt():
    while not os.path.exists("started"):
        time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)
threading.Thread(target=interrupt).start()
try:
    furrow.map_command("touch started; sleep {}", [1000])
except KeyboardInterrupt:
    print("interrupted")
"""


def test_an_interrupt_of_python_alone_ends_the_commands(tmp_path):
    with program.Running("-c", INTERRUPTED, cwd=tmp_path, FURROW=FURROW) as running:
        assert running.read_line() == "interrupted"
        running.process.wait()
        limit = time.monotonic() + 20
        while running.members() and time.monotonic() < limit:
            time.sleep(0.05)
        assert not running.members()


def test_the_module_runs_the_command(tmp_path):
    done = program.run("-m", "furrow", "map", "-k", "echo", ":::", "a", "b/c.py", cwd=tmp_path, FURROW=FURROW)
    assert (done.code, done.out) == (0, "a\nb/c.py\n"), str(done)
    done = program.run("-m", "furrow", "--version", cwd=tmp_path, FURROW=FURROW)
    assert done.code == 0 and done.out.startswith("furrow "), str(done)


@pytest.mark.skipif(os.path.exists("/usr/bin/furrow"), reason="furrow is installed beside Python")
def test_the_module_says_that_there_is_no_command(tmp_path):
    done = program.run("-m", "furrow", "map", cwd=tmp_path, PATH=str(tmp_path))
    assert done.code == 2 and done.err.startswith("furrow: the furrow command is neither installed"), str(done)


def test_the_module_says_that_the_command_named_is_none(tmp_path):
    done = program.run("-m", "furrow", "map", cwd=tmp_path, FURROW="/no/such/furrow")
    assert done.code == 2 and "cannot run /no/such/furrow: No such file" in done.err, str(done)


def test_a_script_goes_to_mpi_and_not_to_the_command(tmp_path):
    done = program.run("-m", "furrow", "no_such.py", cwd=tmp_path, FURROW=FURROW)
    assert done.code == 2 and "cannot read the script no_such.py" in done.err, str(done)
