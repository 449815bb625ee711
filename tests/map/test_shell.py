"""Which shell runs the jobs, and what it is given."""
import os
import shutil

import pytest

import engine


@pytest.fixture
def script(tmp_path):
    """Runs a script in SHELL, with the variable SHELL set to SAID (None: unset); $FURROW is the command."""

    def run(shell, text, said=None, **more):
        (tmp_path / "script").write_text(text)
        env = engine.environment(**{"FURROW": engine.FURROW, "PARALLEL_SHELL": "", **more})
        env.pop("SHELL", None)
        if said is not None:
            env["SHELL"] = said
        return engine.execute([shell, "script"], tmp_path, env)

    return run


def needed(name):
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path


@pytest.mark.parametrize("said", [None, "/bin/sh", "/usr/bin/fish", "/no/such/shell"])
def test_a_bash_script_may_use_all_of_bash(script, said):
    done = script("bash", """
        twice() { local word=${1^}; [[ $word == X* ]] && echo "$word$word"; }
        export -f twice
        $FURROW map -k twice ::: x1 x2
        $FURROW map -k 'sleep 0.2; echo {} &> both.{}; exit 4' ::: 1 2; echo "status $?"; cat both.1 both.2
        """, said)
    assert done.out == "X1X1\nX2X2\nstatus 2\n1\n2\n", done


@pytest.mark.parametrize("between", ["env", "nice", "/usr/bin/time -o times", "timeout 60", "make -f rule"])
def test_programs_between_the_shell_and_the_command_do_not_count(script, tmp_path, between):
    if between.startswith("/usr/bin/time") and not os.path.exists("/usr/bin/time"):
        pytest.skip("time is not installed")
    (tmp_path / "rule").write_text(f"%:\n\t@{engine.FURROW} map --dry-run echo ::: 1\n")
    command = "job" if between.startswith("make") else "$FURROW map --dry-run echo ::: 1"
    done = script("bash", f"{between} {command}; true", "/bin/sh")
    assert "bash (it called furrow map)" in done.err, done


def test_the_shell_is_named(script):
    done = script("bash", "$FURROW map --dry-run 'echo {}' ::: 1; $FURROW map --verbose 'echo {}' ::: 1; true")
    assert done.out == "echo 1\n1\n" and done.err.count("it called furrow map") == 2, done
    assert script("bash", "$FURROW map --dry-run --quiet echo ::: 1; true").err == ""


def test_the_user_has_the_last_word(script):
    line = "$FURROW map {} --dry-run echo ::: 1; true"
    assert "shell /bin/dash (PARALLEL_SHELL)" in script("bash", line.format(""), PARALLEL_SHELL="/bin/dash").err
    done = script("bash", line.format("--shell /bin/sh"), PARALLEL_SHELL="/bin/dash")
    assert "shell /bin/sh (--shell)" in done.err, done


@pytest.mark.parametrize("line", [
    "$FURROW map 'sleep 5; echo {} &> log' ::: 1",
    "$FURROW map --dry-run 'echo {} &>> log' ::: 1",
    "echo 'touch ran &> log' | $FURROW map",
    "$FURROW map '{} &> log' ::: 'touch ran'",
    "$FURROW map -N0 'echo \"$(touch ran &>log)\"' ::: 1",
    "$FURROW map --shell /bin/dash 'touch ran &> log' ::: 1",
])
def test_no_job_slips_into_the_background(script, tmp_path, line):
    done = script("dash", line + "; echo status $?", "/bin/sh")
    assert "status 0" not in done.out and "&>" in done.err, done
    assert not (tmp_path / "ran").exists() and not (tmp_path / "log").exists()


def test_the_two_characters_are_free_in_quotes_and_comments(script):
    done = script("dash", """
        $FURROW map -k "echo '&> x' {} && true # &> y" ::: '&> z'
        $FURROW map -k "true &&>file; echo \\"&>\\" {}" ::: 1; true""", "/bin/sh")
    assert done.out == "&> x &> z\n&> 1\n", done


@pytest.mark.parametrize("shell", ["fish", "tcsh", "zsh", "ksh", "mksh", "dash"])
def test_any_value_reaches_a_program_through_any_shell(script, tmp_path, shell):
    path = needed(shell)
    values = ["plain", "", "a b", "it's", "!x!", "\\", "\\'", "\\\\n", "$HOME", "`id`",
              "two\nlines", "*", "~", "-n", "\\!"]
    (tmp_path / "values").write_text("".join(v + "\0" for v in values))
    done = script("bash", "$FURROW map -j1 -0 $OPTIONS printf '%s\\\\0' {} '| cat' < values; true", PARALLEL_SHELL=path,
                  OPTIONS="-k")
    assert done.out == "\0".join(values) + "\0", done
