"""Runs the notebook of a job: `python3 notebook_run.py FILE LOG`, or edits it: `... FILE LOG SOURCE IP:PORT`.

FILE is the notebook with the job's own cell, and LOG, which may be empty, is where the executed notebook goes. SOURCE
is the notebook of the workflow, which takes over what was changed in the editor. Python 3.7 will do.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
# Where the reports of nbconvert and papermill come to the cell that failed.
_FAILED_CELL = re.compile(r"An error occurred while executing the following cell|Exception encountered at")
_HERE = os.path.dirname(os.path.abspath(__file__))


def nbconvert():
    """The command; None if there is none."""
    program = shutil.which("jupyter-nbconvert")
    if program is not None:
        return [program]
    for python in (sys.executable, shutil.which("python3")):
        if python and subprocess.call([python, "-c", "import nbconvert"], stderr=subprocess.DEVNULL) == 0:
            return [python, "-m", "nbconvert"]
    return None


def execution_of(file, made):
    papermill = shutil.which("papermill")
    if papermill is not None:
        return [papermill, "--log-level", "ERROR", "--no-progress-bar", file, made]
    program = nbconvert()
    if program is None:
        sys.exit(
            "a notebook needs papermill or jupyter nbconvert to run, and neither is installed "
            "(Debian: apt install jupyter-nbconvert python3-ipykernel)"
        )
    settings = ["--log-level", "ERROR", "--execute", "--to", "notebook", "--ExecutePreprocessor.timeout=-1"]
    return [*program, *settings, "--output", made, file]


def execute(file, log, folder):
    made = os.path.join(folder, "executed.ipynb")
    variables = dict(os.environ, IPYTHONDIR=os.path.join(folder, "ipython"))
    done = subprocess.run(execution_of(file, made), env=variables, stderr=subprocess.PIPE)
    if log and os.path.exists(made):
        os.makedirs(os.path.dirname(os.path.abspath(log)), exist_ok=True)
        shutil.copyfile(made, log)
    if done.returncode:
        show_failure(done.stderr.decode("utf-8", "replace"))
    return done.returncode


def show_failure(text):
    """The cell and its error, without the frames of the program that ran it."""
    text = _COLOURS.sub("", text)
    found = _FAILED_CELL.search(text)
    sys.stderr.write(text[found.start() :] if found else text)
    sys.stderr.flush()


def edit(file, log, source, listen):
    program = shutil.which("jupyter")
    if program is None:
        sys.exit("--edit-notebook needs jupyter (Debian: apt install jupyter-notebook python3-ipykernel)")
    ip, _, port = listen.rpartition(":")
    command = [program, "notebook", "--no-browser", "--log-level", "ERROR", "--ip", ip, "--port", port, file]
    status = subprocess.call(command, **terminal())
    if status:
        return status
    sys.path.insert(0, os.path.dirname(_HERE))
    from furrow_evaluator.notebooks import Notebook

    with open(file, encoding="utf-8") as opened:
        text = opened.read()
    if log:
        os.makedirs(os.path.dirname(os.path.abspath(log)), exist_ok=True)
        shutil.copyfile(file, log)
    notebook = Notebook(text, source)
    notebook.remove_preamble()
    notebook.clear()
    os.makedirs(os.path.dirname(source), exist_ok=True)
    with open(source, "w", encoding="utf-8") as opened:
        opened.write(notebook.text())
    return 0


def terminal():
    """What Jupyter prints, its address above all, must be seen while it runs, and not when the job has ended."""
    try:
        return {"stdout": open("/dev/tty", "w"), "stderr": subprocess.STDOUT}
    except OSError:
        return {}


def main():
    file, log = sys.argv[1:3]
    if len(sys.argv) > 3:
        return edit(file, log, *sys.argv[3:])
    with tempfile.TemporaryDirectory() as folder:
        return execute(file, log, folder)


if __name__ == "__main__":
    sys.exit(main())
