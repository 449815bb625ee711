"""Carries out each case with Snakemake and with Furrow, and compares (README.md says how)."""
import os
import shlex
import shutil
import stat
import subprocess
import time
import tomllib
from pathlib import Path

import pytest

import engine

CASES = Path(__file__).parent / "cases"
LONG_AGO = 1577836800  # 2020-01-01
KEPT = {".snakemake", ".furrow", ".snakemake_timestamp", "__pycache__"}
RUNS = {"snakemake": engine.SNAKEMAKE, "furrow": engine.FURROW_RUN}


def names():
    return sorted(folder.name for folder in CASES.iterdir() if (folder / "case.toml").exists())


def tree(folder):
    """Every file below a folder, but for what the engines keep for themselves."""
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
    """A case's files in a folder of their own, in which one engine works."""

    def __init__(self, case, folder, run):
        self.work, self.job_log, self.run = folder / "work", folder / "jobs.log", run
        folder.mkdir()
        shutil.copytree(CASES / case, self.work, symlinks=True, ignore=shutil.ignore_patterns("case.toml"))
        for path in [self.work, *self.work.rglob("*")]:
            os.utime(path, (LONG_AGO, LONG_AGO), follow_symlinks=False)

    def step(self, step):
        env = engine.environment(JOBLOG=str(self.job_log), **step.get("env", {}))
        self.job_log.write_text("")
        if "before" in step:
            time.sleep(0.02)  # what is changed now is newer than what the last step made
            subprocess.run(["bash", "-euc", step["before"]], cwd=self.work, env=env, check=True)
        result = engine.execute([*self.run, *arguments(step)], self.work, env)
        if "after" in step:
            subprocess.run(["bash", "-euc", step["after"]], cwd=self.work, env=env, check=True)
        jobs = self.job_log.read_text().splitlines()
        return result, jobs if step.get("ordered") else sorted(jobs), tree(self.work)


def arguments(step):
    given = shlex.split(step["run"])
    return given if step.get("cores") is False else ["--cores", str(step.get("cores", 2)), *given]


def check(step, result, jobs):
    assert result.code == step.get("code", 0), str(result)
    assert jobs == step["jobs"], str(result)
    for words in step.get("says", []):
        assert words in result.text, str(result)


@pytest.mark.parametrize("name", names())
def test_case(name, tmp_path, request):
    only = request.config.getoption("--only")
    case = tomllib.loads((CASES / name / "case.toml").read_text())
    copies = {which: Copy(name, tmp_path / which, run) for which, run in RUNS.items() if only in (None, which)}
    for step in case["step"]:
        results = {which: copy.step(step) for which, copy in copies.items()}
        for result, jobs, _ in results.values():
            check(step, result, jobs)
        if only is None:
            compare(step, results["snakemake"], results["furrow"])


def compare(step, snakemake, furrow):
    assert furrow[2] == snakemake[2], f"the files differ\n{furrow[0]}"
    if step.get("prints"):
        assert sorted(furrow[0].out.splitlines()) == sorted(snakemake[0].out.splitlines()), str(furrow[0])
