"""Runs each case with Snakemake and with Furrow and compares the results (see README.md)."""
import shutil
import tomllib
import zlib
from pathlib import Path

import pytest

import engine
from copies import Copy, RUNS

CASES = Path(__file__).parent / "cases"


def names():
    return sorted(folder.name for folder in CASES.iterdir() if (folder / "case.toml").exists())


def is_compared(name):
    """Snakemake takes most of the time. Of each case the jobs are written down; a third is compared whole each time."""
    return engine.LONG_TESTS or zlib.crc32(name.encode()) % 3 == 0


def check(step, result, jobs):
    assert result.code == step.get("code", 0), str(result)
    assert jobs == step["jobs"], str(result)
    for words in step.get("says", []):
        assert words in result.text, str(result)


@pytest.mark.parametrize("name", names())
def test_case(name, tmp_path, request):
    only = request.config.getoption("--only") or (None if is_compared(name) else "furrow")
    case = tomllib.loads((CASES / name / "case.toml").read_text())
    if "needs" in case and shutil.which(case["needs"]) is None:
        pytest.skip(f"{case['needs']} is not installed")
    copies = {which: Copy(tmp_path / which, run, CASES / name) for which, run in RUNS.items() if only in (None, which)}
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
