"""Runs the same command lines with GNU parallel and with `furrow map`."""
import os
import re
import subprocess
from pathlib import Path

import pytest

import cases_inputs
import cases_pipe
import cases_running
import cases_templates

FURROW = Path(os.environ.get("FURROW", Path(__file__).parents[2] / "build/bin/furrow"))
GROUPS = {"inputs": cases_inputs, "templates": cases_templates, "running": cases_running, "pipe": cases_pipe}
ALL = [pytest.param(case, id=f"{group}-{case}") for group, module in GROUPS.items() for case in module.CASES]


def files_below(folder):
    """Contents of all files, without what furrow keeps next to a job log; of the log, only what is always the same."""
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix != ".furrow":
            name, content = str(path.relative_to(folder)), path.read_bytes()
            found[name] = plain_log(content) if name == "log" else content
    return found


def plain_log(content):
    """Sequence number, exit status, signal and command of each line, in the order of the numbers."""
    lines = [line.split(b"\t") for line in content.splitlines()]
    return sorted(line[:2] + line[6:] if len(line) > 8 else line for line in lines)


@pytest.fixture(scope="session")
def home(tmp_path_factory):
    """One for all cases: GNU parallel measures the machine when it finds an empty one, which takes long."""
    return tmp_path_factory.mktemp("home")


def run(program, case, folder, home):
    folder.mkdir()
    for name, content in case.files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    environment = {
        "PATH": os.environ["PATH"], "HOME": str(home), "PARALLEL_HOME": str(home), "PARALLEL_SHELL": "/bin/bash",
        "SHELL": "/bin/bash",
        "LC_ALL": "C.UTF-8", "FOO": "foo", "BASH_FUNC_furrow_test_function%%": "() { echo \"function of $1\"; }",
    }
    return subprocess.run([*program, *case.arguments], cwd=folder, env=environment, input=case.stdin,
                          capture_output=True, timeout=60)


def ordered(case, output):
    return sorted(output.splitlines()) if case.any_order else output


def jobs_words(stderr):
    """The output of jobs, or the printed commands; not the engine's own messages."""
    return [line for line in stderr.splitlines() if not re.match(rb"(parallel|furrow)|\s", line)]


@pytest.mark.parametrize("case", ALL)
def test_same_as_gnu_parallel(case, tmp_path, home):
    theirs = run(["/usr/bin/parallel"], case, tmp_path / "theirs", home)
    ours = run([str(FURROW), "map"], case, tmp_path / "ours", home)
    messages = (f"furrow: {ours.stderr.decode(errors='replace')}\n"
                f"parallel: {theirs.stderr.decode(errors='replace')[:2000]}")
    # If the command line is wrong, GNU parallel may print its usage.
    if theirs.returncode != 255:
        assert ordered(case, ours.stdout) == ordered(case, theirs.stdout), messages
    assert ours.returncode == theirs.returncode, messages
    if case.stderr:
        assert jobs_words(ours.stderr) == jobs_words(theirs.stderr), messages
    assert files_below(tmp_path / "ours") == files_below(tmp_path / "theirs"), messages


def test_case_names_are_unique():
    names = [parameter.id for parameter in ALL]
    assert len(names) == len(set(names))
    assert len(names) >= 100
