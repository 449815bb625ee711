"""`furrow watch`: what a run does, seen from another terminal."""

import os
import signal
import subprocess

import engine
import pytest
from pseudo_terminal import PseudoTerminal
from running import Running, wait_until

SNAKEFILE = """
rule all:
    input: expand("out/{name}", name=["a", "b", "c"]), "broken"
rule make:
    output: "out/{name}"
    log: "logs/{name}.log"
    shell: "echo step 1 of {wildcards.name} > {log}; touch begun.{wildcards.name}; "
           "while [ ! -e go ]; do sleep 0.05; done; touch {output}"
rule broken:
    output: "broken"
    priority: 1
    shell: "exit 3"
"""
ENTERED, LEFT = "\x1b[?1049h", "\x1b[?1049l"


@pytest.fixture
def run(folder, tmp_path):
    """A run on two cores: one job has failed, two go on, one waits."""
    folder.write("Snakefile", SNAKEFILE)
    run = Running(["-c2", "-k"], folder.path, engine.environment(), f"WATCHED={tmp_path.name}")
    wait_until(lambda: sum(folder.exists(f"begun.{name}") for name in "abc") == 2, 30, "two jobs go on")
    wait_until(lambda: "2 running" in once(folder), 30, "the journal says so")
    yield run
    folder.write("go", "")
    run.wait()
    run.wait_for_nothing_left(30)


def once(folder, *arguments, env=None):
    result = engine.furrow("watch", "--once", *arguments, cwd=folder.path, env=env)
    assert result.code == 0, str(result)
    return result.out


def watch(folder, *arguments, env=None, **size):
    environment = {**engine.environment(), **(env or {})}
    return PseudoTerminal([engine.FURROW, "watch", "--interval", "0.2", *arguments], folder.path, environment, **size)


def test_a_picture_has_counts_jobs_and_failures(folder, run):
    text = once(folder)
    assert "\x1b" not in text
    assert f"running  {os.uname().nodename} pid {run.process.pid}" in text and "2 cores" in text
    assert "0/5 done  2 running  1 waiting  1 failed  1 skipped" in text
    jobs = [line.split() for line in text.splitlines() if line.strip().startswith("make")]
    assert len(jobs) == 2
    assert all(name.startswith("name=") and node == os.uname().nodename for _, name, node, *_ in jobs)
    assert "broken (broken): exit code 3" in text


def test_memory_is_that_of_all_processes_of_a_job(folder, run):
    jobs = [line.split() for line in once(folder).splitlines() if line.strip().startswith("make")]
    assert all(unit == "MB" and float(number) > 0.5 for *_, number, unit in jobs), jobs


def test_a_run_is_seen_from_another_folder_without_python(folder, run):
    result = engine.furrow("watch", "--once", folder.path, cwd="/", env={"PATH": "/nowhere"})
    assert result.code == 0 and "2 running" in result.out


def test_lines_are_printed_where_there_is_no_terminal(folder, run):
    with open(folder / "lines", "w") as lines:
        watching = subprocess.Popen([engine.FURROW, "watch", "--interval", "0.1"], cwd=folder.path, stdout=lines,
                                    stdin=subprocess.DEVNULL, env=engine.environment())
    wait_until(lambda: "2 running" in folder.read("lines"), 30, "a first line")
    folder.write("go", "")
    assert watching.wait(60) == 0
    text = folder.read("lines")
    assert text.splitlines()[0] == "failed: broken (broken): exit code 3"
    assert text.splitlines()[-1].startswith("failed  3/5 done  1 failed  1 skipped")
    assert "\x1b" not in text


def test_on_a_terminal_keys_choose_a_job_and_show_its_log(folder, run):
    with watch(folder) as terminal:
        terminal.wait_for(lambda lines: any("make" in line for line in lines), "the jobs are shown")
        assert ENTERED in terminal.read() and "q quit" in terminal.picture()[-1]
        terminal.type("j")
        terminal.wait_for(lambda lines: any(line.startswith("> make") for line in lines), "the first is chosen")
        terminal.type("l")
        chosen = terminal.wait_for(lambda lines: [line for line in lines if "LOG of make" in line], "a log is shown")
        name = chosen[0].split("name=")[1]
        terminal.wait_for(lambda lines: any(f"step 1 of {name}" in line for line in lines), "its end is shown")
        terminal.type("f")
        terminal.wait_for(lambda lines: "FAILED" not in lines, "failures are hidden")
        assert terminal.settings() != terminal.before
        terminal.type("q")
        assert terminal.wait() == 0
        assert terminal.read().endswith(LEFT) and terminal.settings() == terminal.before


@pytest.mark.parametrize("how, code", [("\x03", 128 + signal.SIGINT), (signal.SIGTERM, 128 + signal.SIGTERM)])
def test_the_terminal_is_restored_after_a_signal(folder, run, how, code):
    with watch(folder) as terminal:
        terminal.wait_for(lambda lines: any("make" in line for line in lines), "the jobs are shown")
        if isinstance(how, str):
            terminal.type(how)
        else:
            terminal.process.send_signal(how)
        assert terminal.wait() == code
        assert terminal.read().endswith(LEFT) and terminal.settings() == terminal.before
    assert run.process.poll() is None


def test_lines_fit_a_narrow_terminal_also_after_a_resize(folder, run):
    with watch(folder, columns=100) as terminal:
        terminal.wait_for(lambda lines: any("make" in line for line in lines), "the jobs are shown")
        for columns, height in ((30, 12), (12, 6), (140, 40)):
            terminal.resize(columns, height)
            terminal.process.send_signal(signal.SIGWINCH)
            terminal.wait_for(lambda lines: len(lines) == height and max(map(len, lines)) <= columns,
                              f"lines fit {columns} columns")
        terminal.type("q")
        assert terminal.wait() == 0


def test_colours_are_left_out_on_request(folder, run):
    for environment, has_colours in (({}, True), ({"NO_COLOR": "1"}, False)):
        with watch(folder, env=environment) as terminal:
            terminal.wait_for(lambda lines: any("make" in line for line in lines), "the jobs are shown")
            assert ("\x1b[31m" in terminal.read()) == has_colours
            terminal.type("q")
            assert terminal.wait() == 0


def test_a_run_that_has_ended_or_was_killed_is_named(folder, run):
    run.signal(signal.SIGKILL)
    run.wait()
    run.wait_for_nothing_left(30)
    assert "killed  " in once(folder) and "2 unfinished" in once(folder)
    folder.write("go", "")
    folder.run("-k", code=1)
    assert "failed  " in once(folder) and "3/5 done" in once(folder)


def test_names_cannot_command_the_terminal(folder):
    folder.run("-k", code=1, snakefile="""
rule a:
    output: "\\x1b]0;x\\x07.{name}"
    shell: "printf 'end\\\\033[2J' >&2; exit 3"
rule all:
    default_target: True
    input: "\\x1b]0;x\\x07.one"
""")
    text = once(folder)
    assert "\x1b" not in text and "\x07" not in text and "exit code 3" in text


def test_a_folder_without_a_store_and_mistakes_are_refused(folder):
    refused = engine.furrow("watch", cwd=folder.path)
    assert refused.code == 1 and "no workflow has run in" in refused.err
    assert engine.furrow("watch", "nowhere", cwd=folder.path).code == 1
    for arguments in (["--nonsense"], ["--interval", "0"], ["a", "b"]):
        refused = engine.furrow("watch", *arguments, cwd=folder.path)
        assert refused.code == 2 and "furrow watch --help" in refused.err
    assert "usage: furrow watch" in engine.furrow("watch", "--help", cwd=folder.path).out
