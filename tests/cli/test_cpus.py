"""Compares `furrow cpus` with the system's own tools."""
import os
import re

import engine


def figures(*before, cwd):
    result = engine.execute([*before, engine.FURROW, "cpus"], cwd=cwd)
    assert result.code == 0, str(result)
    rows = {line.split()[0]: line for line in result.out.splitlines()[1:]}
    assert list(rows) == ["machine", "cpuset", "affinity", "quota", "usable"]
    return rows


def two_numbers(row):
    return [int(number) for number in re.findall(r"\d+", row)[:2]]


def test_figures_are_those_of_this_process(tmp_path):
    rows = figures(cwd=tmp_path)
    assert two_numbers(rows["machine"])[1] >= os.cpu_count()
    cores, threads = two_numbers(rows["affinity"])
    assert threads == len(os.sched_getaffinity(0)) and 1 <= cores <= threads
    cores, threads = two_numbers(rows["usable"])
    assert 1 <= cores <= threads <= len(os.sched_getaffinity(0))
    assert "limited by" in rows["usable"]


def test_affinity_limits_the_cores(tmp_path):
    one = min(os.sched_getaffinity(0))
    rows = figures("taskset", "-c", str(one), cwd=tmp_path)
    assert two_numbers(rows["affinity"]) == [1, 1]
    assert two_numbers(rows["usable"]) == [1, 1]
    assert two_numbers(rows["machine"])[1] >= os.cpu_count()
    if os.cpu_count() > 1:
        assert rows["usable"].endswith("limited by the affinity")


def test_arguments_are_refused(tmp_path):
    result = engine.furrow("cpus", "--help", cwd=tmp_path)
    assert result.code == 0 and "quota" in result.out
    result = engine.furrow("cpus", "--all", cwd=tmp_path)
    assert result.code == 2 and "--all" in result.err
    assert "furrow cpus" in engine.furrow("--help", cwd=tmp_path).out
