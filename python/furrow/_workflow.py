"""Runs a Snakefile with the furrow command, and says what happened to each of its jobs."""

import json
import os
import tempfile

from furrow import _command


class WorkflowFailed(RuntimeError):
    """The workflow could not be planned: the message is what `furrow run` says."""


class JobResult:
    """What happened to one job.

    `state` is "done", "failed", "interrupted", "skipped" (a job that it needs has failed), "unstarted", "unneeded" (it
    is up to date), or "would-run" in a dry run. `reason` says why it must run, and is None if it need not. `seconds`,
    `attempt`, `status`, `signal` and `error` are None where they have no meaning.
    """

    __slots__ = ("rule", "wildcards", "output", "log", "state", "reason", "attempt", "started_at", "seconds", "status",
                 "signal", "error")

    def __init__(self, fields):
        for name in self.__slots__:
            setattr(self, name, fields.get(name))

    def __repr__(self):
        wildcards = ", ".join(f"{name}={value}" for name, value in self.wildcards.items())
        return f"<{self.rule}{wildcards and f' ({wildcards})'}: {self.state}>"


class RunResult(_command.Results):
    """The JobResults of a run, each after those that it needs. `ok`: the run succeeded. `output`: what it printed."""


def run(snakefile=None, targets=(), *, cores=None, config=None, dry_run=False, directory=None, options=(), quiet=True,
        program=None):
    """Runs a Snakefile, as `furrow run` does, and returns a RunResult: a list that says what happened to each job.

    snakefile: its path (default: Snakefile or workflow/Snakefile). targets: names of files and rules. config: a dict of
    values. directory: where to work. options: more options of `furrow run`, as on the command line. quiet: keep what
    the run prints for `output` of the result, instead of showing it. program: the furrow command.

    A job that fails is no exception: its state says so, and `ok` of the result is False. WorkflowFailed is raised if
    there is no plan, for example since the Snakefile has a mistake.
    """
    command = [_command.find(program), "run"]
    if snakefile is not None:
        command += ["--snakefile", os.fspath(snakefile)]
    if directory is not None:
        command += ["--directory", os.fspath(directory)]
    if cores is not None:
        command += ["--cores", str(cores)]
    if dry_run:
        command.append("--dry-run")
    command += map(os.fspath, options)
    if isinstance(targets, (str, os.PathLike)):
        targets = [targets]
    with tempfile.TemporaryDirectory(prefix="furrow-") as folder:
        if config:
            command += ["--configfile", _written(config, os.path.join(folder, "config.json"))]
        results = os.path.join(folder, "jobs")
        command += ["--job-results", results, "--", *map(os.fspath, targets)]
        status, output = _command.execute(command, quiet)
        if not os.path.exists(results):
            raise WorkflowFailed(output.strip() or f"furrow run ended with status {status}")
        with open(results, encoding="utf-8", errors="surrogateescape") as file:
            return RunResult([JobResult(json.loads(line)) for line in file], status, output)


def _written(config, path):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(config, file)
    return path
