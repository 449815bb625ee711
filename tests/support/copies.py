"""A copy of a test case's files, in which one engine runs the steps of the case."""
import os
import shlex
import shutil
import stat
import subprocess
import time

import engine

LONG_AGO = 1577836800  # 2020-01-01
KEPT = {".snakemake", ".furrow", ".snakemake_timestamp", "__pycache__"}
RUNS = {"snakemake": engine.SNAKEMAKE, "furrow": engine.FURROW_RUN}


def tree(folder):
    """Every file below a folder, except for the engines' own files."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if KEPT.intersection(name.parts):
            continue
        if path.is_symlink():
            found[str(name)] = f"link to {os.readlink(path)}"
        elif path.is_dir():
            found[str(name)] = "folder"
        else:
            protected = "" if path.stat().st_mode & stat.S_IWUSR else "[protected] "
            found[str(name)] = protected + path.read_bytes().decode("utf-8", "backslashreplace")
    return found


class Copy:
    """A copy of the files of a case (a folder, or a dictionary of texts) for one engine."""

    def __init__(self, folder, run, files):
        self.work, self.job_log, self.run = folder / "work", folder / "jobs.log", run
        folder.mkdir()
        if isinstance(files, dict):
            self.work.mkdir()
            for name, text in files.items():
                (self.work / name).write_text(text)
        else:
            shutil.copytree(files, self.work, symlinks=True, ignore=shutil.ignore_patterns("case.toml"))
        for path in [self.work, *self.work.rglob("*")]:
            os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)

    def step(self, step):
        env = engine.environment(JOBLOG=str(self.job_log), **step.get("env", {}))
        self.job_log.write_text("")
        if "before" in step:
            time.sleep(0.02)  # so that files changed now are newer than those of the last step
            subprocess.run(["bash", "-euc", step["before"]], cwd=self.work, env=env, check=True)
        if self.run == engine.SNAKEMAKE:
            result = engine.snakemake(*arguments(step), cwd=self.work, env=env)
        else:
            result = engine.execute([*self.run, *arguments(step)], self.work, env)
        if "after" in step:
            subprocess.run(["bash", "-euc", step["after"]], cwd=self.work, env=env, check=True)
        jobs = self.job_log.read_text().splitlines()
        return result, jobs if step.get("ordered") else sorted(jobs), tree(self.work)


def arguments(step):
    given = shlex.split(step["run"])
    return given if step.get("cores") is False else ["--cores", str(step.get("cores", 2)), *given]
